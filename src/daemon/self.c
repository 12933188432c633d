/*
 * self.c: see self.h. One table says what exists; reading fills an array of the same order, so a
 * number has its name, unit and sentence in one place.
 */
#include "daemon/self.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/recorder.h"
#include "daemon/servers.h"
#include "daemon/surveyor.h"
#include "hub/hub.h"
#include "keeper/keeper.h"
#include "store/store.h"

enum own {
    OWN_CPU,
    OWN_RESIDENT,
    OWN_CLIENTS,
    OWN_VIEWERS,
    OWN_CONNECTIONS,
    OWN_REFUSED,
    OWN_REQUESTS,
    OWN_MALFORMED,
    OWN_TLS_ERRORS,
    OWN_WRONG_TOKENS,
    OWN_FORBIDDEN,
    OWN_TIMED_OUT,
    OWN_CUT,
    OWN_ENCODED,
    OWN_COMPRESSED,
    OWN_MESSAGES,
    OWN_MESSAGE_BYTES,
    OWN_SENT_BYTES,
    OWN_RECEIVED,
    OWN_LIMITED,
    OWN_FEEDS,
    OWN_BUSY,
    OWN_QUEUED,
    OWN_CONFLATED,
    OWN_DROPPED,
    OWN_CLOSED_SLOW,
    OWN_CLOSED_IDLE,
    OWN_PROTOCOL_ERRORS,
    OWN_DELIVERIES_LOST,
    OWN_STORE_WRITTEN,
    OWN_STORE_LOST,
    OWN_STORE_DROPPED,
    OWN_STORE_TABLES,
    OWN_STORE_TABLES_LOST,
    OWN_STORE_DAMAGED,
    OWN_STORE_BYTES,
    OWN_STORE_WRITE,
    OWN_STORE_WORK,
    OWN_SURVEYS,
    OWN_SURVEY_SECONDS,
    OWN_SURVEY_INTERVAL,
    OWN_KEEPER_RESTARTS,
    OWN_METRICS
};

#define COUNTER METRIC_COUNTER, 1
#define NANOSECONDS METRIC_COUNTER, 1e-9
#define GAUGE METRIC_GAUGE, 1

static const struct metric own_metrics[OWN_METRICS] = {
    [OWN_CPU] = {"netsonde_self_cpu_seconds_total", "seconds",
                 "Processor time that netsonde itself has used.", NANOSECONDS},
    [OWN_RESIDENT] = {"netsonde_self_resident_bytes", "bytes",
                      "Memory of netsonde's main process that is in RAM.", GAUGE},
    [OWN_CLIENTS] = {"netsonde_server_clients", "connections", "Connections open now.", GAUGE},
    [OWN_VIEWERS] = {"netsonde_server_viewers", "connections", "WebSocket connections open now.",
                     GAUGE},
    [OWN_CONNECTIONS] = {"netsonde_server_connections_total", "connections",
                         "Connections accepted.", COUNTER},
    [OWN_REFUSED] = {"netsonde_server_refused_total", "connections",
                     "Connections turned away because of a limit or for lack of descriptors.",
                     COUNTER},
    [OWN_REQUESTS] = {"netsonde_server_requests_total", "requests", "HTTP requests.", COUNTER},
    [OWN_MALFORMED] = {"netsonde_server_malformed_total", "requests",
                       "HTTP requests that were not well-formed or broke a limit.", COUNTER},
    [OWN_TLS_ERRORS] = {"netsonde_server_tls_errors_total", "connections",
                        "Connections that spoke no TLS, or none that is understood, where it is "
                        "spoken.",
                        COUNTER},
    [OWN_WRONG_TOKENS] = {"netsonde_server_wrong_tokens_total", "requests",
                          "Logins and requests with a token that is not good, or that were not "
                          "looked at because there were too many of these.",
                          COUNTER},
    [OWN_FORBIDDEN] = {"netsonde_server_forbidden_total", "requests",
                       "HTTP requests turned away because of their Host, Origin, content type or "
                       "role.",
                       COUNTER},
    [OWN_TIMED_OUT] = {"netsonde_server_timed_out_total", "connections",
                       "Connections closed because a request did not become complete, no byte of "
                       "an answer could leave, or a close frame was not answered.",
                       COUNTER},
    [OWN_CUT] = {"netsonde_server_answers_cut_total", "requests",
                 "Answers, exports above all, that could not be brought to their end.", COUNTER},
    [OWN_ENCODED] = {"netsonde_server_encoded_total", "messages",
                     "Stream messages encoded; each may go to many viewers.", COUNTER},
    [OWN_COMPRESSED] = {"netsonde_server_compressed_total", "messages",
                        "Stream messages compressed; each may go to many viewers.", COUNTER},
    [OWN_MESSAGES] = {"netsonde_server_messages_total", "messages",
                      "Stream messages handed to connections.", COUNTER},
    [OWN_MESSAGE_BYTES] = {"netsonde_server_message_bytes_total", "bytes",
                           "Bytes of the stream messages handed to connections.", COUNTER},
    [OWN_SENT_BYTES] = {"netsonde_server_sent_bytes_total", "bytes",
                        "Bytes sent on all connections.", COUNTER},
    [OWN_RECEIVED] = {"netsonde_server_received_total", "messages",
                      "Stream messages received from viewers.", COUNTER},
    [OWN_LIMITED] = {"netsonde_server_rate_limited_total", "messages",
                     "Stream messages from viewers that were not read because there were too many.",
                     COUNTER},
    [OWN_FEEDS] = {"netsonde_server_feeds", "subscriptions",
                   "Different subscriptions that are served now.", GAUGE},
    [OWN_BUSY] = {"netsonde_server_busy_total", "subscriptions",
                  "Subscriptions turned away because there were too many different ones.", COUNTER},
    [OWN_QUEUED] = {"netsonde_server_queued_bytes", "bytes",
                    "Bytes that wait for clients now, of all connections.", GAUGE},
    [OWN_CONFLATED] = {"netsonde_server_conflated_total", "messages",
                       "Messages that a slow viewer never got because a newer one replaced them.",
                       COUNTER},
    [OWN_DROPPED] = {"netsonde_server_dropped_total", "messages",
                     "Messages that found a viewer's queue full, which closes the viewer.",
                     COUNTER},
    [OWN_CLOSED_SLOW] = {"netsonde_server_closed_slow_total", "connections",
                         "Viewers closed because messages that must arrive piled up.", COUNTER},
    [OWN_CLOSED_IDLE] = {"netsonde_server_closed_idle_total", "connections",
                         "Viewers closed because they did not answer a ping.", COUNTER},
    [OWN_PROTOCOL_ERRORS] = {"netsonde_server_protocol_errors_total", "connections",
                             "Viewers closed because they broke the WebSocket protocol.", COUNTER},
    [OWN_DELIVERIES_LOST] = {"netsonde_server_deliveries_lost_total", "messages",
                             "Deliveries that found a server loop's queue full.", COUNTER},
    [OWN_STORE_WRITTEN] = {"netsonde_store_ticks_written_total", "ticks",
                           "Ticks written to the history.", COUNTER},
    [OWN_STORE_LOST] = {"netsonde_store_ticks_lost_total", "ticks", "Ticks that the disk refused.",
                        COUNTER},
    [OWN_STORE_DROPPED] = {"netsonde_store_ticks_dropped_total", "ticks",
                           "Ticks dropped because the disk was too slow.", COUNTER},
    [OWN_STORE_TABLES] = {"netsonde_store_tables_written_total", "tables",
                          "Tables of connections and processes written to the history.", COUNTER},
    [OWN_STORE_TABLES_LOST] = {"netsonde_store_tables_lost_total", "tables",
                               "Tables that the disk refused.", COUNTER},
    [OWN_STORE_DAMAGED] = {"netsonde_store_chunks_damaged_total", "chunks",
                           "Damaged chunks of the history that were set aside.", COUNTER},
    [OWN_STORE_BYTES] = {"netsonde_store_bytes", "bytes", "Size of the history on disk.", GAUGE},
    [OWN_STORE_WRITE] = {"netsonde_store_write_seconds_total", "seconds",
                         "Time spent writing ticks.", NANOSECONDS},
    [OWN_STORE_WORK] = {"netsonde_store_work_seconds_total", "seconds",
                        "Time spent sealing, folding, expiring and giving space back.",
                        NANOSECONDS},
    [OWN_SURVEYS] = {"netsonde_surveys_total", "surveys",
                     "Surveys of what is slow to read: sockets, processes, queues, network cards.",
                     COUNTER},
    [OWN_SURVEY_SECONDS] = {"netsonde_survey_seconds_total", "seconds",
                            "Processor time that surveys took.", NANOSECONDS},
    [OWN_SURVEY_INTERVAL] = {"netsonde_survey_interval_seconds", "seconds",
                             "Time between two surveys: collect.tables_interval, or longer when "
                             "they would take more than 5 % of a core.",
                             GAUGE},
    [OWN_KEEPER_RESTARTS] = {"netsonde_keeper_restarts_total", "starts",
                             "Times that the privileged helper was started again because it was "
                             "killed.",
                             COUNTER},
};

static const struct metric build_info = {"netsonde_build_info", "",
                                         "Always 1; the label tells "
                                         "the version.",
                                         METRIC_GAUGE, 1};

struct self {
    struct self_sources sources;
    int statm_fd; /* -1: /proc does not tell */
    long page_bytes;
    double resident_bytes; /* as read last */
    struct series *series[OWN_METRICS];
    struct series *build;
};

const struct metric *self_metric_at(size_t index)
{
    if (index == OWN_METRICS)
        return &build_info;
    return index < OWN_METRICS ? &own_metrics[index] : NULL;
}

struct self *self_new(const struct self_sources *sources)
{
    struct self *s = mem_alloc(sizeof(*s));
    s->sources = *sources;
    s->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    s->page_bytes = sysconf(_SC_PAGESIZE);
    return s;
}

static double self_resident_bytes(const struct self *s)
{
    char text[128];
    ssize_t len = s->statm_fd < 0 ? -1 : pread(s->statm_fd, text, sizeof(text) - 1, 0);
    if (len <= 0)
        return NAN;
    text[len] = '\0';
    char *second, *end; /* the first number is the size of the address space */
    strtoull(text, &second, 10);
    unsigned long long resident = strtoull(second, &end, 10);
    return end == second ? NAN : (double)resident * (double)s->page_bytes;
}

static uint64_t self_cpu_ns(void)
{
    struct timespec used = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

static void self_read(const struct self *s, uint64_t counts[OWN_METRICS],
                      double gauges[OWN_METRICS])
{
    struct server_stats server;
    struct hub_stats hub;
    servers_stats(s->sources.servers, &server);
    hub_stats(s->sources.hub, &hub);
    struct store_stats store = store_stats(s->sources.store);
    struct surveyor_stats surveys;
    surveyor_stats(s->sources.surveyor, &surveys);

    counts[OWN_CPU] = self_cpu_ns();
    gauges[OWN_RESIDENT] = s->resident_bytes;
    gauges[OWN_CLIENTS] = server.net.open;
    gauges[OWN_VIEWERS] = (double)server.station.viewers;
    counts[OWN_CONNECTIONS] = server.net.accepted;
    counts[OWN_REFUSED] =
        server.net.refused_clients + server.net.refused_address + server.net.refused_descriptors;
    counts[OWN_REQUESTS] = server.http.requests;
    counts[OWN_MALFORMED] = server.http.malformed;
    counts[OWN_TLS_ERRORS] = server.net.tls_errors;
    counts[OWN_WRONG_TOKENS] = server.http.wrong_token + server.http.limited_token;
    counts[OWN_FORBIDDEN] = server.http.refused_host + server.http.refused_origin +
                            server.http.refused_type + server.http.refused_role;
    counts[OWN_TIMED_OUT] = server.net.expired_handshake + server.net.expired_stall;
    counts[OWN_CUT] = server.http.cut;
    counts[OWN_ENCODED] = hub.messages;
    counts[OWN_COMPRESSED] = hub.packed;
    counts[OWN_MESSAGES] = server.station.messages;
    counts[OWN_MESSAGE_BYTES] = server.station.bytes;
    gauges[OWN_QUEUED] = (double)server.net.queued_bytes;
    counts[OWN_DROPPED] = server.station.dropped;
    counts[OWN_SENT_BYTES] = server.net.bytes_out;
    counts[OWN_RECEIVED] = server.station.received;
    counts[OWN_LIMITED] = server.station.limited;
    gauges[OWN_FEEDS] = (double)hub.feeds;
    counts[OWN_BUSY] = hub.busy;
    counts[OWN_CONFLATED] = server.station.conflated;
    counts[OWN_CLOSED_SLOW] = server.station.closed_slow;
    counts[OWN_CLOSED_IDLE] = server.station.closed_idle;
    counts[OWN_PROTOCOL_ERRORS] = server.station.protocol_errors;
    counts[OWN_DELIVERIES_LOST] = hub.lost;
    counts[OWN_STORE_WRITTEN] = store.ticks_written;
    counts[OWN_STORE_LOST] = store.ticks_lost;
    counts[OWN_STORE_DROPPED] = recorder_dropped(s->sources.recorder);
    counts[OWN_STORE_TABLES] = store.tables_written;
    counts[OWN_STORE_TABLES_LOST] = store.tables_lost;
    counts[OWN_STORE_DAMAGED] = store.chunks_aside;
    gauges[OWN_STORE_BYTES] = (double)(store.database_bytes + store.wal_bytes);
    counts[OWN_STORE_WRITE] = (uint64_t)store.write_ns_total;
    counts[OWN_STORE_WORK] = (uint64_t)store.work_ns_total;
    counts[OWN_SURVEYS] = surveys.rounds;
    counts[OWN_KEEPER_RESTARTS] = s->sources.keeper ? keeper_restarts(*s->sources.keeper) : 0;
    counts[OWN_SURVEY_SECONDS] = surveys.cpu_ns;
    gauges[OWN_SURVEY_INTERVAL] = (double)surveys.interval_ms / (double)MS_PER_S;
}

void self_process(void *self, uint64_t *ret_cpu_ns, double *ret_rss_bytes)
{
    *ret_cpu_ns = self_cpu_ns();
    *ret_rss_bytes = self ? self_resident_bytes(self) : NAN;
}

/* Kept for as long as netsonde runs; NULL when the registry is full, to be asked for again. */
static struct series *self_series(struct registry *registry, const struct metric *metric,
                                  const struct label *labels, size_t labels_count)
{
    struct series *series = registry_get(registry, metric, labels, labels_count, "self");
    return series ? series_ref(series) : NULL;
}

void self_sample(void *self, struct registry *registry, struct draft *draft, bool counts_only)
{
    struct self *s = self;
    uint64_t counts[OWN_METRICS] = {0};
    double gauges[OWN_METRICS] = {0};
    /* Counts of one run: the process is what counts them. */
    uint64_t source = (uint64_t)getpid();
    if (!counts_only)
        s->resident_bytes = self_resident_bytes(s);
    self_read(s, counts, gauges);
    for (size_t i = 0; i < OWN_METRICS; i++) {
        if (!s->series[i])
            s->series[i] = self_series(registry, &own_metrics[i], NULL, 0);
        if (own_metrics[i].kind == METRIC_COUNTER)
            draft_counter(draft, s->series[i], counts[i], source);
        else
            draft_gauge(draft, s->series[i], gauges[i]);
    }
    if (!s->build) {
        struct label version = {"version", s->sources.version};
        s->build = self_series(registry, &build_info, &version, 1);
    }
    draft_gauge(draft, s->build, 1);
}

void self_free(struct self *s)
{
    if (!s)
        return;
    if (s->statm_fd >= 0)
        close(s->statm_fd);
    for (size_t i = 0; i < OWN_METRICS; i++)
        series_unref(s->series[i]);
    series_unref(s->build);
    free(s);
}
