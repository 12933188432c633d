/*
 * engine.c: the engine that looks at packets: conversations, DNS, applications. It costs more than
 * all the others together, so it only runs when it is named, or when devices or a file are.
 *
 *   probe     is libpcap there, may this process capture?
 *   open      sources and nDPI, while there are privileges and files
 *   attach    the capture thread, when there are none any more
 *   collect   numbers that the meter published, and the newest tables: never waits for the thread
 *
 * A device that goes away stays away, because opening it again would need the privileges that were
 * given up: that is told, and the others go on. When all are gone the capabilities are lost.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/catalogue.h"
#include "collect/census.h"
#include "collect/dns_series.h"
#include "collect/engine.h"
#include "collect/packet/capture.h"
#include "collect/sampler.h"

#define CAPABILITIES_HERE (CAPABILITY_BIT(CAPABILITY_FLOWS) | CAPABILITY_BIT(CAPABILITY_DNS))
#define LOSS_EVERY_NS (10 * NS_PER_S)

/* A cause of loss: told as an event when it has grown, at most every LOSS_EVERY_NS. */
struct loss {
    uint64_t told;
    int64_t told_ns;
};

struct packet_engine {
    struct engine engine; /* first: engine_class hands it back */
    const struct engine_settings *settings;
    struct sampler sampler;
    struct recognizer *detector;
    struct capture *capture;
    bool running;
    char failure[256];    /* why it, or one of its devices, could not be opened, "" */
    char undetected[256]; /* why there are no applications, "" */
    size_t lost_told;     /* sources */
    uint64_t names_next;  /* survey thread: number of the next name that it has not taken */
    struct loss drops, evictions;

    bool asked;
    struct series *count[PACKET_COUNTERS], *drop[PACKET_DROPS], *undecoded[PACKET_UNDECODED],
        *incomplete[PACKET_INCOMPLETE], *flows;
    struct series *application[DETECT_APPLICATIONS_MAX];
    struct dns_series dns;
};

static struct engine *packet_make(const struct engine_settings *settings)
{
    struct packet_engine *p = mem_alloc(sizeof(*p));
    p->engine.class = &engine_packet;
    p->settings = settings;
    p->sampler.method = engine_packet.name;
    return &p->engine;
}

/* ---- may it work?
 * -------------------------------------------------------------------------------- */

static bool may_capture(void)
{
    int fd =
        socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* of no protocol: nothing is captured */
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool packet_wanted(const struct engine_settings *settings)
{
    return settings->packet.devices_count || settings->packet.file;
}

static void packet_probe(struct engine *e, struct engine_probe *ret)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    char why[256];
    *ret = (struct engine_probe){0};
    if (p->capture) {
        ret->capabilities = CAPABILITIES_HERE;
        if (*p->failure)
            probe_missing(ret, CAPABILITIES_HERE,
                          "Correct packet.devices, or bring the device up, and start again.", "%s",
                          p->failure);
        if (*p->undetected)
            probe_missing(ret, CAPABILITY_BIT(CAPABILITY_FLOWS), "sudo apt install libndpi4.2",
                          "%s", p->undetected);
    } else if (p->failure[0]) {
        probe_missing(ret, CAPABILITIES_HERE, "", "%s", p->failure);
    } else if (!tap_possible(why, sizeof(why))) {
        probe_missing(ret, CAPABILITIES_HERE, "sudo apt install libpcap0.8", "%s", why);
    } else if (!p->settings->packet.file && !may_capture()) {
        int err = errno;
        probe_unprivileged(ret, CAPABILITIES_HERE, UINT64_C(1) << CAP_NET_RAW,
                           "The kernel refuses a packet socket: %s.", strerror(err));
    } else {
        ret->capabilities = CAPABILITIES_HERE;
    }
}

/* ---- life
 * ---------------------------------------------------------------------------------------- */

static int open_file(struct packet_engine *p)
{
    struct tap *source = NULL;
    int err = tap_open_file(p->settings->packet.file, p->settings->packet.filter, &source,
                            p->failure, sizeof(p->failure));
    if (!err)
        capture_add(p->capture, source);
    return err;
}

static int open_devices(struct packet_engine *p)
{
    static const char *const every[] = {"any"};
    const struct engine_packet_settings *s = &p->settings->packet;
    const char *const *devices = s->devices_count ? s->devices : every;
    size_t count = s->devices_count ? s->devices_count : 1, opened = 0;
    int err = 0;
    for (size_t i = 0; i < count; i++) {
        struct tap *source = NULL;
        if (opened == CAPTURE_SOURCES_MAX) {
            snprintf(p->failure, sizeof(p->failure), "%.60s: there are more devices than %d.",
                     devices[i], CAPTURE_SOURCES_MAX);
            log_warning("packet", "%s", p->failure);
            break;
        }
        int one = tap_open_device(devices[i], s->filter, s->snaplen, &source, p->failure,
                                  sizeof(p->failure));
        if (one) {
            log_warning("packet", "%s", p->failure);
            err = one;
            continue;
        }
        capture_add(p->capture, source);
        opened++;
    }
    return opened ? 0 : err;
}

static int packet_open(struct engine *e, uint32_t capabilities)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    e->assigned = capabilities & CAPABILITIES_HERE;
    if (p->capture)
        return 0;
    struct meter_settings settings = METER_SETTINGS_DEFAULT;
    p->detector = recognizer_new(p->undetected, sizeof(p->undetected));
    if (!p->detector)
        log_info("packet", "%s", p->undetected);
    settings.detector = p->detector;
    settings.keep = p->settings->packet.file != NULL;
    p->failure[0] = '\0';
    p->capture = capture_new(&settings);
    int err = p->settings->packet.file ? open_file(p) : open_devices(p);
    if (!err)
        return 0;
    capture_free(TAKE(p->capture));
    recognizer_free(TAKE(p->detector));
    return err;
}

static int packet_attach(struct engine *e, struct uv_loop_s *loop)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    (void)loop;
    int err = p->running ? 0 : capture_start(p->capture);
    p->running = !err;
    return err;
}

static void packet_detach(struct engine *e, void (*done)(void *user), void *user)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    capture_stop(p->capture);
    p->running = false;
    done(user);
}

static void packet_forget(struct packet_engine *p)
{
    struct series **all[] = {p->count, p->drop, p->undecoded, p->incomplete, p->application};
    const size_t counts[] = {PACKET_COUNTERS, PACKET_DROPS, PACKET_UNDECODED, PACKET_INCOMPLETE,
                             DETECT_APPLICATIONS_MAX};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (size_t j = 0; j < counts[i]; j++)
            all[i][j] = series_unref(all[i][j]);
    }
    p->flows = series_unref(p->flows);
    dns_series_forget(&p->dns);
    p->asked = false;
}

static void packet_assign(struct engine *e, uint32_t capabilities)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    e->assigned = capabilities & CAPABILITIES_HERE;
    packet_forget(p);
}

static void packet_free(struct engine *e)
{
    if (!e)
        return;
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    if (p->capture)
        capture_stop(p->capture);
    packet_forget(p);
    capture_free(p->capture);
    recognizer_free(p->detector);
    free(p);
}

/* ---- a tick
 * -------------------------------------------------------------------------------------- */

static void packet_ask(struct packet_engine *p, const struct engine_sink *sink)
{
    for (size_t i = 0; i < PACKET_COUNTERS; i++)
        p->count[i] = sampler_series(&p->sampler, sink, &catalogue_packet[i], NULL, 0);
    p->flows = sampler_series(&p->sampler, sink, &catalogue_packet_flows, NULL, 0);
    const struct {
        struct series **into;
        size_t count;
        const struct metric *metric;
        const char *const *reasons;
    } parts[] = {
        {p->drop, PACKET_DROPS, &catalogue_capture_drops, catalogue_packet_drop_reasons},
        {p->undecoded, PACKET_UNDECODED, &catalogue_packet_undecoded,
         catalogue_packet_undecoded_reasons},
        {p->incomplete, PACKET_INCOMPLETE, &catalogue_packet_incomplete,
         catalogue_packet_incomplete_reasons},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t j = 0; j < parts[i].count; j++) {
            struct label reason = {"reason", parts[i].reasons[j]};
            parts[i].into[j] = sampler_series(&p->sampler, sink, parts[i].metric, &reason, 1);
        }
    }
    p->asked = true;
}

static void packet_sample_own(struct packet_engine *p, const struct engine_sink *sink)
{
    static const enum meter_count counters[PACKET_COUNTERS] = {
        [PACKET_RECEIVED] = METER_PACKETS,
        [PACKET_RECEIVED_BYTES] = METER_BYTES,
        [PACKET_FLOWS_BEGUN] = METER_FLOWS_BEGUN,
        [PACKET_FLOWS_EVICTED] = METER_FLOWS_EVICTED,
        [PACKET_AGAIN] = METER_AGAIN,
        [PACKET_DISORDER] = METER_DISORDER,
    };
    static const enum meter_count undecoded[PACKET_UNDECODED] = {METER_CUT, METER_BROKEN,
                                                                 METER_DEEP, METER_FOREIGN};
    static const enum meter_count incomplete[PACKET_INCOMPLETE] = {
        METER_FRAGMENTS_LOST, METER_DNS_BAD, METER_DNS_GAPS, METER_DNS_EVICTED, METER_UNWATCHED};
    const struct meter *m = capture_meter(p->capture);
    for (size_t i = 0; i < PACKET_COUNTERS; i++)
        draft_counter(sink->draft, p->count[i], meter_counter(m, counters[i]), 0);
    for (size_t i = 0; i < PACKET_UNDECODED; i++)
        draft_counter(sink->draft, p->undecoded[i], meter_counter(m, undecoded[i]), 0);
    for (size_t i = 0; i < PACKET_INCOMPLETE; i++)
        draft_counter(sink->draft, p->incomplete[i], meter_counter(m, incomplete[i]), 0);
    for (size_t i = 0; i < PACKET_DROPS; i++)
        draft_counter(sink->draft, p->drop[i],
                      capture_drops(p->capture, i == PACKET_DROP_INTERFACE), 0);
    draft_gauge(sink->draft, p->flows, (double)meter_counter(m, METER_FLOWS));
}

static void packet_sample_applications(struct packet_engine *p, const struct engine_sink *sink)
{
    const struct meter *m = capture_meter(p->capture);
    for (uint16_t i = 0; i < DETECT_APPLICATIONS_MAX; i++) {
        uint64_t bytes = meter_application_bytes(m, i);
        if (!bytes)
            continue;
        if (!p->application[i]) {
            const char *name = p->detector ? recognizer_name(p->detector, i) : NULL;
            struct label application = {"application", name ? name : "unknown"};
            p->application[i] =
                sampler_series(&p->sampler, sink, &catalogue_flow_bytes, &application, 1);
        }
        draft_counter(sink->draft, p->application[i], bytes, 0);
    }
}

static void tell_loss(struct loss *loss, const struct engine_sink *sink, uint64_t now,
                      const char *what, const char *reason)
{
    if (now == loss->told || (loss->told_ns && sink->mono_ns - loss->told_ns < LOSS_EVERY_NS))
        return;
    struct event *e = event_new(EVENT_LOSS, sink->now_ms);
    event_text(e, "what", what);
    event_number(e, "count", (double)(now - loss->told));
    event_text(e, "reason", reason);
    draft_event(sink->draft, e);
    loss->told = now;
    loss->told_ns = sink->mono_ns;
}

static void tell_sources(struct packet_engine *p, const struct engine_sink *sink,
                         const struct capture_state *state)
{
    if (state->lost == p->lost_told)
        return;
    p->lost_told = state->lost;
    struct event *e = event_new(EVENT_ERROR, sink->now_ms);
    event_text(e, "engine", engine_packet.name);
    event_text(e, "reason", state->why);
    draft_event(sink->draft, e);
}

static int packet_collect(struct engine *e, const struct engine_sink *sink, uint32_t *ret_lost)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    if (sampler_retry(&p->sampler))
        packet_forget(p);
    if (!p->asked)
        packet_ask(p, sink);
    packet_sample_own(p, sink);
    if (e->assigned & CAPABILITY_BIT(CAPABILITY_FLOWS)) {
        packet_sample_applications(p, sink);
        struct table *flows = capture_flows(p->capture);
        if (flows)
            draft_table(sink->draft, flows);
    }
    if (e->assigned & CAPABILITY_BIT(CAPABILITY_DNS)) {
        struct lookup_counts counts;
        meter_lookup_counts(capture_meter(p->capture), &counts);
        dns_series_sample(&p->dns, &counts, &p->sampler, sink);
        struct table *lookups = capture_lookups(p->capture);
        if (lookups)
            draft_table(sink->draft, lookups);
    }
    struct capture_state state;
    capture_get_state(p->capture, &state);
    tell_loss(&p->drops, sink, capture_drops(p->capture, false), "packets",
              "the kernel had no room for more: the capture thread did not keep up");
    tell_loss(&p->evictions, sink, meter_counter(capture_meter(p->capture), METER_FLOWS_EVICTED),
              "flows", "the table of flows was full: those silent longest made room");
    tell_sources(p, sink, &state);
    /* What was read of a broken file stays to be seen. */
    if (p->settings->packet.file || state.lost < state.sources)
        return 0;
    *ret_lost = e->assigned;
    return -ENODEV;
}

/* ---- a survey
 * ----------------------------------------------------------------------------- */

/* Those of a file are of another time: addresses may have other names by now. */
static struct message *packet_survey(struct engine *e, struct census *census)
{
    struct packet_engine *p = CONTAINER_OF(e, struct packet_engine, engine);
    if (p->settings->packet.file || !census)
        return NULL;
    struct heard_names *names = capture_names(p->capture);
    if (!names)
        return NULL;
    uint64_t end = names->first + names->count;
    if (names->first > p->names_next)
        census_lost(census, names->first - p->names_next, "names of addresses");
    for (uint64_t i = MAX(names->first, p->names_next); i < end; i++) {
        const struct heard_name *one = &names->names[i - names->first];
        struct endpoint address = {.family = one->family == 4 ? AF_INET : AF_INET6};
        memcpy(address.address, one->address, sizeof(address.address));
        census_peer_name(census, &address, one->name, one->ttl_s);
    }
    p->names_next = MAX(p->names_next, end);
    capture_names_taken(p->capture, p->names_next);
    message_unref(&names->msg);
    return NULL;
}

const struct engine_class engine_packet = {
    .name = "packet",
    .preference = 5,
    .preferred_for = CAPABILITY_BIT(CAPABILITY_DNS), /* also over TCP, also what passes through */
    .offers = CAPABILITIES_HERE,
    .wanted = packet_wanted,
    .make = packet_make,
    .probe = packet_probe,
    .open = packet_open,
    .attach = packet_attach,
    .collect = packet_collect,
    .assign = packet_assign,
    .survey = packet_survey,
    .surveyed = CAPABILITIES_HERE,
    .detach = packet_detach,
    .free = packet_free,
};
