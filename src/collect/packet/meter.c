/*
 * meter.c: see meter.h. The innermost layer of a packet is its flow; the layers around it are
 * flows of their own ("carriers"), so that a tunnel is seen with all that goes through it, but only
 * the innermost one counts for an application: no byte counts twice there.
 *
 * Bytes of a flow wait in `uncredited_bytes` until it is known what they are: when nDPI has
 * decided, when the flow falls silent, when it leaves. So the counter of an application only grows.
 */
#include "collect/packet/meter.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/packet/meter_internal.h"

#define DNS_PORT 53
#define ANSWER_NS (10 * NS_PER_S)  /* resolvers ask again or give up sooner */
#define SILENT_NS (300 * NS_PER_S) /* a flow without a packet for so long is over */
#define CLOSED_NS (30 * NS_PER_S)  /* the same of a TCP connection that was closed */
#define QUIET_NS (5 * NS_PER_S)    /* what it is will not become clearer */
#define TIDY_NS NS_PER_S
#define HOST_MAX 255
#define ALPN_MAX 255

/* ---- applications ---------------------------------------------------------------------------- */

static void credit(struct meter *m, struct flow *f)
{
    m->application[f->application] += f->uncredited_bytes;
    f->uncredited_bytes = 0;
}

static void take_result(struct meter *m, struct flow *f, const struct detection_result *result)
{
    f->application = result->application;
    if (!f->host && result->host)
        f->host = mem_string_n(result->host, strnlen(result->host, HOST_MAX));
    if (result->alpn && (!f->alpn || strncmp(f->alpn, result->alpn, ALPN_MAX) != 0)) {
        free(f->alpn); /* it may become complete with a later packet */
        f->alpn = mem_string_n(result->alpn, strnlen(result->alpn, ALPN_MAX));
    }
    if (!result->decided)
        return;
    f->decided = true;
    detection_free(m->settings.detector, TAKE(f->detection));
    m->detections--;
}

static void decide(struct meter *m, struct flow *f)
{
    if (f->detection) {
        struct detection_result result;
        detection_give_up(m->settings.detector, f->detection, &result);
        take_result(m, f, &result);
    }
    f->decided = true;
    credit(m, f);
}

static void detect(struct meter *m, struct flow *f, const struct packet_layer *layer, bool made,
                   int64_t t_ns)
{
    if (f->decided)
        return;
    if (made) {
        bool room = m->settings.detector && m->detections < m->settings.detections_max;
        f->detection = room ? detection_new(m->settings.detector) : NULL;
        m->detections += f->detection != NULL;
        m->count[METER_UNWATCHED] += m->settings.detector && !f->detection;
        f->decided = !f->detection;
    }
    if (!f->detection || !layer->first)
        return;
    struct detection_result result;
    detection_packet(m->settings.detector, f->detection, layer, f->packets[0] + f->packets[1], t_ns,
                     &result);
    take_result(m, f, &result);
}

static void flow_ended(void *user, struct flow *f)
{
    struct meter *m = user;
    decide(m, f);
    meter_dns_end(m, f);
    free(TAKE(f->host));
    free(TAKE(f->alpn));
}

/* ---- packets -----------------------------------------------------------------------------------
 */

static void follow_tcp(struct meter *m, struct flow *f, uint8_t sender, const struct packet *p,
                       const struct tcp_segment *segment)
{
    bool syn = p->tcp_flags & PACKET_SYN;
    if (syn)
        f->client = p->tcp_flags & PACKET_ACK ? !sender : sender;
    enum tcp_verdict verdict = tcp_follow(&f->tcp, segment);
    f->again[sender] += verdict == TCP_AGAIN;
    f->disorder[sender] += verdict == TCP_DISORDER;
    m->count[METER_AGAIN] += verdict == TCP_AGAIN;
    m->count[METER_DISORDER] += verdict == TCP_DISORDER;
}

/* The ports of the layer, or those of its first fragment. */
static void ports_of(struct meter *m, const struct packet_layer *layer, int64_t t_ns,
                     uint16_t ret_ports[2])
{
    ret_ports[0] = ret_ports[1] = 0;
    if (layer->has_ports) {
        ret_ports[0] = layer->ports[0];
        ret_ports[1] = layer->ports[1];
        if (layer->fragment)
            fragments_put(m->fragments, layer, t_ns);
    } else if (!layer->first) {
        m->count[METER_FRAGMENTS_LOST] += !fragments_get(m->fragments, layer, t_ns, ret_ports);
    }
}

/* A packet on its way: what can be known before its flow is. */
struct prepared {
    struct packet p;
    bool simple; /* one layer, whole: key, hash and sender are there */
    uint8_t sender;
    struct flow_key key;
    uint64_t hash;
};

static void prepare(uint32_t link, const struct packet_frame *f, struct prepared *ret)
{
    struct packet *p = &ret->p;
    packet_decode(link, f->frame, f->captured, f->wire, p);
    ret->simple = p->layers_count == 1 && !p->layer[0].fragment;
    if (!ret->simple)
        return;
    static const uint16_t none[2];
    flow_key_make(p, 0, p->layer[0].has_ports ? p->layer[0].ports : none, &ret->key, &ret->sender);
}

static struct flow *find_flow(struct meter *m, struct prepared *ready, size_t i, int64_t t_ns,
                              bool *ret_made)
{
    if (!ready->simple) {
        uint16_t ports[2];
        ports_of(m, &ready->p.layer[i], t_ns, ports);
        flow_key_make(&ready->p, i, ports, &ready->key, &ready->sender);
        ready->hash = flows_hash(m->flows, &ready->key);
    }
    return flows_get_hashed(m->flows, &ready->key, ready->hash, t_ns, ret_made);
}

static struct flow *count_layer(struct meter *m, struct prepared *ready, size_t i, uint32_t wire,
                                int64_t t_ns, bool *ret_made)
{
    const struct packet *p = &ready->p;
    struct flow *f = find_flow(m, ready, i, t_ns, ret_made);
    uint8_t sender = ready->sender;
    bool tcp = i + 1 == p->layers_count && p->has_tcp;
    struct tcp_segment segment;
    if (tcp) {
        segment = (struct tcp_segment){.side = sender,
                                       .flags = p->tcp_flags,
                                       .seq = p->tcp_seq,
                                       .ack = p->tcp_ack,
                                       .payload_bytes = p->payload_bytes,
                                       .t_ns = t_ns};
        if (!*ret_made && tcp_begins_anew(&f->tcp, &segment)) {
            f = flows_renew(m->flows, f, t_ns);
            *ret_made = true;
        }
    }
    if (*ret_made)
        f->client = flow_guess_client(&ready->key, sender);
    if (tcp)
        follow_tcp(m, f, sender, p, &segment);
    m->count[METER_FLOWS_BEGUN] += *ret_made;
    f->packets[sender]++;
    f->bytes[sender] += wire;
    return f;
}

static bool is_dns(const struct flow *f)
{
    return f->key.port[0] == DNS_PORT || f->key.port[1] == DNS_PORT;
}

static void meter_prepared(struct meter *m, struct prepared *ready, uint32_t wire, int64_t t_ns)
{
    const struct packet *p = &ready->p;
    m->count[METER_PACKETS]++;
    m->count[METER_BYTES] += wire;
    if (p->flaw)
        m->count[METER_CUT + p->flaw - PACKET_CUT]++;
    m->newest_ns = MAX(m->newest_ns, t_ns);
    if (t_ns - m->tidied_ns >= TIDY_NS)
        meter_tidy(m, t_ns);
    for (size_t i = 0; i < p->layers_count; i++) {
        bool made;
        struct flow *f = count_layer(m, ready, i, wire, t_ns, &made);
        if (i + 1 < p->layers_count)
            continue;
        f->uncredited_bytes += wire;
        detect(m, f, &p->layer[i], made, t_ns);
        if (f->decided)
            credit(m, f);
        if (!p->payload || !p->payload_bytes || !is_dns(f))
            continue;
        if (p->has_tcp && !p->layer[i].fragment)
            meter_dns_segment(m, f, ready->sender, p, t_ns);
        else if (p->layer[i].protocol == IPPROTO_UDP)
            meter_dns_datagram(m, f, ready->sender, p, t_ns);
    }
}

void meter_packets(struct meter *m, uint32_t link, const struct packet_frame *frames, size_t count)
{
    struct prepared ready[METER_BATCH];
    CHECK(count <= METER_BATCH);
    for (size_t i = 0; i < count; i++)
        prepare(link, &frames[i], &ready[i]);
    /* Not at once: a key that was just written in small pieces is slow to read as words. */
    for (size_t i = 0; i < count; i++) {
        if (!ready[i].simple)
            continue;
        ready[i].hash = flows_hash(m->flows, &ready[i].key);
        flows_fetch_index(m->flows, ready[i].hash);
    }
    for (size_t i = 0; count > 1 && i < count; i++) {
        if (ready[i].simple)
            flows_fetch_flow(m->flows, ready[i].hash);
    }
    for (size_t i = 0; i < count; i++)
        meter_prepared(m, &ready[i], frames[i].wire, frames[i].t_ns);
}

void meter_packet(struct meter *m, uint32_t link, const uint8_t *frame, uint32_t captured,
                  uint32_t wire, int64_t t_ns)
{
    const struct packet_frame one = {frame, captured, wire, t_ns};
    meter_packets(m, link, &one, 1);
}

/* ---- now and then ------------------------------------------------------------------------------
 */

/* Flows that fell silent since the last time: from the newest on, up to those seen to then. */
static void decide_quiet(struct meter *m, int64_t before_ns)
{
    for (struct flow *f = flows_newest(m->flows); f && f->listed_ns >= m->quiet_ns - FLOW_LAG_NS;
         f = flows_older(m->flows, f)) {
        if (f->seen_ns < before_ns)
            decide(m, f);
    }
    m->quiet_ns = before_ns;
}

void meter_tidy(struct meter *m, int64_t now_ns)
{
    m->tidied_ns = now_ns;
    lookups_expire(m->lookups, now_ns - ANSWER_NS);
    if (m->settings.keep)
        return; /* a file is read faster than its time passes: nobody waits */
    decide_quiet(m, now_ns - QUIET_NS);
    flows_expire(m->flows, now_ns - SILENT_NS, now_ns - CLOSED_NS);
}

bool meter_tidy_due(struct meter *m, int64_t now_ns)
{
    int64_t since_ns = now_ns - m->tidied_ns;
    if (since_ns >= 0 && since_ns < TIDY_NS) /* less: the clock was set back */
        return false;
    meter_tidy(m, now_ns);
    return true;
}

void meter_finish(struct meter *m)
{
    lookups_expire(m->lookups, INT64_MAX);
    for (struct flow *f = flows_newest(m->flows); f; f = flows_older(m->flows, f))
        decide(m, f);
}

/* ---- for others
 * ---------------------------------------------------------------------------------- */

void meter_publish(struct meter *m)
{
    const struct lookup_counts *lookups = lookups_counts(m->lookups);
    m->count[METER_FLOWS] = flows_count(m->flows);
    m->count[METER_FLOWS_EVICTED] = flows_evicted(m->flows);
    m->count[METER_DNS_EVICTED] = lookups->evicted;
    for (size_t i = 0; i < METER_COUNTS; i++)
        atomic_store_explicit(&m->told[i], m->count[i], memory_order_relaxed);
    for (size_t i = 0; i < DETECT_APPLICATIONS_MAX; i++)
        atomic_store_explicit(&m->told_application[i], m->application[i], memory_order_relaxed);
    uint64_t words[ARRAY_LEN(m->told_lookups)] = {0};
    memcpy(words, lookups, sizeof(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        atomic_store_explicit(&m->told_lookups[i], words[i], memory_order_relaxed);
}

uint64_t meter_counter(const struct meter *m, enum meter_count which)
{
    CHECK(which < METER_COUNTS);
    return atomic_load_explicit(&m->told[which], memory_order_relaxed);
}

uint64_t meter_application_bytes(const struct meter *m, uint16_t application)
{
    CHECK(application < DETECT_APPLICATIONS_MAX);
    return atomic_load_explicit(&m->told_application[application], memory_order_relaxed);
}

void meter_lookup_counts(const struct meter *m, struct lookup_counts *ret)
{
    uint64_t words[ARRAY_LEN(m->told_lookups)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = atomic_load_explicit(&m->told_lookups[i], memory_order_relaxed);
    memcpy(ret, words, sizeof(*ret));
}

struct meter *meter_new(const struct meter_settings *settings)
{
    struct meter *m = mem_alloc(sizeof(*m));
    m->settings = *settings;
    /* Nobody is decided for being quiet in a file, so each flow may wait for what it is. */
    if (settings->keep)
        m->settings.detections_max = MAX(settings->detections_max, settings->flows_max);
    m->flows = flows_new(settings->flows_max, flow_ended, m);
    m->fragments = fragments_new();
    m->lookups = lookups_new(settings->lookups_max, settings->lookups_shown);
    m->heard = heard_new();
    return m;
}

void meter_free(struct meter *m)
{
    if (!m)
        return;
    flows_free(m->flows);
    fragments_free(m->fragments);
    lookups_free(m->lookups);
    heard_free(m->heard);
    free(m);
}
