/*
 * run_build.c: the daemon's step 4 (cmd_run.c): who hands what to whom.
 *
 *   core ──ticks──► alerting ──► hub         engines ──what works──► servers (info)
 *     ├────────────► hub ──► servers          servers ──changes of alerting──► core
 *     ├────────────► comparing ──► hub
 *     └────────────► recorder ──► store      servers ──tokens changed──► main, by SIGUSR1
 *
 * The functions above run_build are called back by the threads of those parts: peer, tokens and
 * history by those of the servers, all others by core's.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "alert/board.h"
#include "base/clock.h"
#include "base/complaints.h"
#include "base/mem.h"
#include "collect/select.h"
#include "daemon/alerting.h"
#include "daemon/comparing.h"
#include "daemon/core.h"
#include "daemon/describe.h"
#include "daemon/recorder.h"
#include "daemon/run.h"
#include "daemon/self.h"
#include "daemon/surveyor.h"
#include "daemon/timings.h"
#include "http/keyring.h"
#include "hub/hub.h"
#include "hub/performance.h"
#include "net/admission.h"
#include "net/listener.h"
#include "net/net.h"
#include "net/peer.h"
#include "store/alerts.h"
#include "store/store.h"
#include "version.h"

/* Ticks that stay in memory: what `since` can replay, and what queries add to the disk. */
#define RING_TICKS 120
#define RING_BYTES (1536 * 1024)

static int run_peer_uid(void *user, const struct net_address *remote,
                        const struct net_address *local, uid_t *ret)
{
    return peer_uid(user, remote, local, ret);
}

static void run_make_access(struct run *r)
{
    const struct config *c = r->config;
    const struct listeners *l = r->lanes[0].listeners;
    const char *hosts[64];
    size_t count = 0;
    for (size_t i = 0; i < listeners_count(l) && count < ARRAY_LEN(hosts) - 1; i++)
        hosts[count++] = listeners_name(l, i);
    hosts[count++] = r->host;
    struct access_config access = {
        .hosts = hosts,
        .host_count = count,
        .allowed_hosts = (const char *const *)c->serve.allowed_hosts.items,
        .allowed_host_count = c->serve.allowed_hosts.count,
        .allowed_origins = (const char *const *)c->serve.allowed_origins.items,
        .allowed_origin_count = c->serve.allowed_origins.count,
        .mode = (enum access_mode)c->auth.mode, /* the same words in the same order */
        .trusted_proxies = (const char *const *)c->serve.trusted_proxies.items,
        .trusted_proxy_count = c->serve.trusted_proxies.count,
        .behind_proxy = strcmp(c->serve.base_path, "/") != 0,
        .own_uid = geteuid(),
    };
    for (size_t i = 0; i < r->lanes_count; i++) {
        access.peer_uid = r->own[i].peer ? run_peer_uid : NULL;
        access.peer_user = r->own[i].peer;
        r->lanes[i].access = r->own[i].access = access_new(&access);
    }
    /* Two daemons that a browser reaches by one name, by tunnels say, are told apart by this. */
    char *name CLEANUP(mem_freep) = mem_printf("%s %s", r->host, c->data_dir);
    r->keyring = keyring_new(name, TAKE(r->tokens));
}

/* The loop's thread. Only the main thread reads the file, so an old set never follows a new one. */
static void run_tokens_changed(void *user)
{
    struct run *r = user;
    pthread_kill(r->main_thread, SIGUSR1);
}

static void run_engines_changed(void *user, const struct collector_status *status)
{
    struct run *r = user;
    servers_post_info(r->servers, API_INFO_ENGINES, describe_engines(status));
    servers_post_info(r->servers, API_INFO_TABLES, describe_tables(status));
}

static void run_hub_push(struct sink *sink, struct tick *tick)
{
    hub_publish(CONTAINER_OF(sink, struct run, hub_sink)->hub, tick);
}

static void run_process(void *user, uint64_t *ret_cpu_ns, double *ret_rss_bytes)
{
    const struct run *r = user;
    self_process(r->self, ret_cpu_ns, ret_rss_bytes);
}

/* netsonde's own numbers of this tick. */
static void run_sample(void *user, struct registry *registry, struct draft *draft, bool counts_only)
{
    struct run *r = user;
    self_sample(r->self, registry, draft, counts_only);
    recorder_take_timing(r->recorder, &hub_performance(r->hub)->stages[STAGE_STORE]);
    timings_sample(r->timings, registry, draft);
    alerting_sample(r->alerting, registry, draft);
}

static void run_core_ended(void *user)
{
    struct run *r = user;
    alerting_detach(r->alerting);
    comparing_close(r->comparing);
    hub_close(r->hub);
}

static void run_history_damaged(void *user, struct store_reader *reader, int error)
{
    struct run *r = user;
    if (error)
        store_suspect(r->store, reader);
    else
        store_report(r->store, reader);
}

static int run_make_alerting(struct run *r)
{
    struct stored_alerts past;
    int err = store_restore_alerts(r->store, &past);
    if (err)
        return err;
    r->board = board_new();
    r->alerting = alerting_new(&(struct alerting_sources){.config = r->config,
                                                          .courier = r->courier,
                                                          .board = r->board,
                                                          .next = store_next_alert(r->store),
                                                          .past = &past});
    stored_alerts_fini(&past);
    return alerting_attach(r->alerting, core_uv(r->core));
}

int run_build(struct run *r)
{
    const struct config *c = r->config;
    r->complaints = complaints_new();
    struct store_numbers next = store_next(r->store);
    struct core_settings core = {
        .collector = r->collector,
        .interval_ms = c->collect.interval_ms,
        .next_seq = next.tick_seq,
        .next_event_seq = next.event_seq,
        .page_limit = c->export.metrics_series_limit,
    };
    core.registry = TAKE(r->registry);
    r->core = core_new(&core);
    if (!r->core) {
        registry_free(core.registry);
        return -errno;
    }
    struct hub_settings hub = {
        .version = NETSONDE_VERSION,
        .host = r->host,
        .interval_ms = c->collect.interval_ms,
        .next_tick_seq = next.tick_seq,
        .next_event_seq = next.event_seq,
        .next_alert_seq = store_next_alert(r->store).seq,
        .client_queue_bytes = c->serve.client_queue_bytes,
        .heartbeat_ms = c->serve.heartbeat_ms,
        .ring_ticks = RING_TICKS,
        .ring_bytes = RING_BYTES,
        .limits = HUB_LIMITS_DEFAULT,
        .performance_interval_ms = c->serve.performance_interval_ms,
        .process = run_process,
        .process_user = r,
        .complaints = r->complaints,
    };
    int err = run_make_alerting(r);
    if (err)
        return err;
    hub.verdicts = alerting_verdicts(r->alerting);
    struct comparing_settings comparing = COMPARING_SETTINGS_DEFAULT;
    comparing.data_dir = c->data_dir;
    comparing.version = NETSONDE_VERSION;
    r->comparing = comparing_new(core_uv(r->core), &comparing);
    r->hub = hub_new(&hub, core_uv(r->core));
    if (!r->hub)
        return -ENOMEM;
    r->publications = (struct publications){r->core, r->hub};
    struct performance *performance = hub_performance(r->hub);
    core_time_stages(r->core, &performance->stages[STAGE_COLLECT],
                     &performance->stages[STAGE_SEAL]);
    r->timings = timings_new(performance);
    run_make_access(r);
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.max_clients = r->clients;
    limits.max_clients_per_address = (unsigned)c->serve.max_clients_per_address;
    limits.keepalive_ms = limits.idle_ms = (uint32_t)c->serve.idle_timeout_ms;
    r->admission = admission_new(limits.max_clients, limits.max_clients_per_address);
    struct server_settings server = {
        .hub = r->hub,
        .admission = r->admission,
        .tls = r->tls,
        .keyring = r->keyring,
        .limits = limits,
        .base_path = c->serve.base_path,
        .complaints = r->complaints,
        .compress = c->serve.compression,
        .api = {.version = NETSONDE_VERSION,
                .host = r->host,
                .data_dir = c->data_dir,
                .interval_ms = c->collect.interval_ms,
                .started_ms = clock_wall_ms(),
                .metrics_series_limit = c->export.metrics_series_limit,
                .tokens_changed = run_tokens_changed,
                .history_damaged = run_history_damaged,
                .user = r,
                .board = r->board,
                .command = alerting_post_command,
                .command_user = r->alerting,
                .publish = publications_post,
                .publish_user = &r->publications,
                .detect = alerting_detection(c)},
    };
    r->servers = servers_new(&server, r->lanes, r->lanes_count);
    r->recorder = recorder_new(r->store, r->core, &stage_bounds);
    r->surveyor = surveyor_new(r->collector, r->core, c->collect.tables_interval_ms);
    if (!r->servers || !r->recorder || !r->surveyor)
        return -ENOMEM;
    r->self = self_new(&(struct self_sources){.version = NETSONDE_VERSION,
                                              .hub = r->hub,
                                              .servers = r->servers,
                                              .store = r->store,
                                              .recorder = r->recorder,
                                              .surveyor = r->surveyor,
                                              .keeper = &r->keeper});
    alerting_connect(r->alerting, r->core, r->hub, r->recorder, &performance->stages[STAGE_DETECT]);
    core_on_sample(r->core, run_sample, r);
    core_on_engines(r->core, run_engines_changed, r);
    core_on_end(r->core, run_core_ended, r);
    /* Alerts first, they are on their way before the tick is encoded for everybody; then the hub:
     * viewers see a tick before the disk has it. */
    core_add_sink(r->core, alerting_sink(r->alerting));
    r->hub_sink = (struct sink){.name = "hub", .push = run_hub_push};
    core_add_sink(r->core, &r->hub_sink);
    core_add_sink(r->core, recorder_sink(r->recorder));
    comparing_connect(r->comparing, r->core, r->hub);
    core_add_sink(r->core, comparing_sink(r->comparing));
    return 0;
}
