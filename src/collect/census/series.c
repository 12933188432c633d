/*
 * series.c: the newest result of the census as tables, events and series of the ticks.
 *
 * Tables and events go into the first tick after they came, once; of two results between two ticks
 * the newer tables count, and the events of both. The series are sampled in every tick with the
 * numbers of the newest result, so that a tick without a result is an increment of 0 and not a gap.
 *
 * A process that is new has moved its first bytes before its series existed. So that these count,
 * a series begins with a sample of 0 in the tick of its first one: the sum is exact, and the first
 * point is drawn as a gap, because nobody knows how long it took. In the same way a series that the
 * registry had turned away or forgotten goes on from the number that was sampled last. Core thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/catalogue.h"
#include "collect/census/result.h"
#include "collect/sampler.h"

#define EVENTS_MAX 1024 /* waiting for a tick; the newest of more are dropped and counted */

struct counter {
    struct series *series;
    uint64_t last; /* sampled last, in this run */
};

struct pair {
    struct counter rx, tx;
    bool asked;
};

struct group_counters {
    struct pair bytes;
    struct counter resent; /* from its first segment on: most names never have one */
    bool asked_resent;
};

struct duration_counters {
    struct counter buckets[DURATION_BUCKETS], sum, count;
};

struct census_series {
    struct sampler sampler;
    struct census_result *last; /* its numbers; tables and events are taken out of it below */
    struct table *tables[TABLE_KINDS];
    struct event **events;
    size_t events_count, events_dropped;
    struct group_counters *groups;
    size_t groups_count;
    struct pair unattributed;
    struct series *tcp[SOCKET_STATES], *unreadable, *names;
    struct counter retransmits, lost, names_evicted;
    struct duration_counters rtt, connect;
    bool asked, asked_tcp, asked_quality, asked_connect;
};

struct census_series *census_series_new(void)
{
    struct census_series *s = mem_alloc(sizeof(*s));
    s->sampler.method = "census";
    return s;
}

static void counter_forget(struct counter *c)
{
    c->series = series_unref(c->series);
}

static void durations_forget(struct duration_counters *s)
{
    for (size_t i = 0; i < DURATION_BUCKETS; i++)
        counter_forget(&s->buckets[i]);
    counter_forget(&s->sum);
    counter_forget(&s->count);
}

static void pair_forget(struct pair *p)
{
    counter_forget(&p->rx);
    counter_forget(&p->tx);
    p->asked = false;
}

static void group_forget(struct group_counters *g)
{
    pair_forget(&g->bytes);
    counter_forget(&g->resent);
    g->asked_resent = false;
}

static void series_forget(struct census_series *s)
{
    for (size_t i = 0; i < s->groups_count; i++)
        group_forget(&s->groups[i]);
    pair_forget(&s->unattributed);
    for (size_t i = 0; i < SOCKET_STATES; i++)
        s->tcp[i] = series_unref(s->tcp[i]);
    counter_forget(&s->retransmits);
    counter_forget(&s->lost);
    counter_forget(&s->names_evicted);
    s->unreadable = series_unref(s->unreadable);
    s->names = series_unref(s->names);
    durations_forget(&s->rtt);
    durations_forget(&s->connect);
    s->asked = s->asked_tcp = s->asked_quality = s->asked_connect = false;
}

void census_series_free(struct census_series *s)
{
    if (!s)
        return;
    series_forget(s);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        table_unref(s->tables[i]);
    for (size_t i = 0; i < s->events_count; i++)
        event_unref(s->events[i]);
    free(s->events);
    free(s->groups);
    message_unref(s->last ? &s->last->msg : NULL);
    free(s);
}

void census_series_take(struct census_series *s, struct message *result)
{
    struct census_result *r = CONTAINER_OF(result, struct census_result, msg);
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (!r->tables[i])
            continue;
        table_unref(s->tables[i]);
        s->tables[i] = table_ref(r->tables[i]);
    }
    size_t room = EVENTS_MAX - MIN(s->events_count, (size_t)EVENTS_MAX);
    size_t taken = MIN(room, r->events_count);
    if (taken)
        s->events = mem_resize(s->events, s->events_count + taken, sizeof(struct event *));
    for (size_t i = 0; i < taken; i++)
        s->events[s->events_count++] = event_ref(r->events[i]);
    s->events_dropped += r->events_count - taken;
    message_unref(s->last ? &s->last->msg : NULL);
    s->last = r;
}

void census_series_pause(struct census_series *s)
{
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        table_unref(s->tables[i]);
        s->tables[i] = NULL;
    }
    message_unref(s->last ? &s->last->msg : NULL);
    s->last = NULL;
}

/* ---- a tick -------------------------------------------------------------------------------- */

/* Looks up the series and lets it begin where this run has left it. */
static void begin(struct census_series *s, const struct engine_sink *sink, struct counter *c,
                  const struct metric *metric, const struct label *labels, size_t count)
{
    series_unref(c->series);
    c->series = sampler_series(&s->sampler, sink, metric, labels, count);
    draft_counter(sink->draft, c->series, c->last, s->last->born);
}

static void sample(struct census_series *s, const struct engine_sink *sink, struct counter *c,
                   uint64_t value)
{
    draft_counter(sink->draft, c->series, value, s->last->born);
    if (c->series)
        c->last = value;
}

static void sample_groups(struct census_series *s, const struct engine_sink *sink)
{
    const struct census_result *r = s->last;
    if (r->groups_count > s->groups_count) {
        s->groups = mem_resize(s->groups, r->groups_count, sizeof(*s->groups));
        memset(s->groups + s->groups_count, 0,
               (r->groups_count - s->groups_count) * sizeof(*s->groups));
        s->groups_count = r->groups_count;
    }
    for (size_t i = 0; i < r->groups_count; i++) {
        const struct group_total *group = &r->groups[i];
        const struct label labels[] = {{"process", group->process}, {"unit", group->unit}};
        struct group_counters *counters = &s->groups[i];
        struct pair *pair = &counters->bytes;
        if (!pair->asked) {
            begin(s, sink, &pair->rx, &catalogue_process_rx, labels, 2);
            begin(s, sink, &pair->tx, &catalogue_process_tx, labels, 2);
            pair->asked = true;
        }
        sample(s, sink, &pair->rx, group->rx);
        sample(s, sink, &pair->tx, group->tx);
        if (!group->resent)
            continue;
        if (!counters->asked_resent)
            begin(s, sink, &counters->resent, &catalogue_process_retransmits, labels, 2);
        counters->asked_resent = true;
        sample(s, sink, &counters->resent, group->resent);
    }
}

static void sample_wire(struct census_series *s, const struct engine_sink *sink)
{
    if (!s->last->has_wire)
        return;
    if (!s->unattributed.asked) {
        const struct label in = {"direction", "receive"}, out = {"direction", "transmit"};
        begin(s, sink, &s->unattributed.rx, &catalogue_unattributed, &in, 1);
        begin(s, sink, &s->unattributed.tx, &catalogue_unattributed, &out, 1);
        s->unattributed.asked = true;
    }
    sample(s, sink, &s->unattributed.rx, s->last->unattributed_rx);
    sample(s, sink, &s->unattributed.tx, s->last->unattributed_tx);
}

static void sample_tcp(struct census_series *s, const struct engine_sink *sink)
{
    if (!s->last->has_tcp)
        return;
    for (int i = SOCKET_ESTABLISHED; i < SOCKET_STATES; i++) {
        if (!s->asked_tcp) {
            const struct label state = {"state", socket_state_name((uint8_t)i)};
            s->tcp[i] = sampler_series(&s->sampler, sink, &catalogue_tcp_connections, &state, 1);
        }
        draft_gauge(sink->draft, s->tcp[i], s->last->tcp[i]);
    }
    s->asked_tcp = true;
}

static void sample_durations(struct census_series *s, const struct engine_sink *sink,
                             struct duration_counters *counters, const struct durations *durations,
                             const struct metric metrics[3], bool ask)
{
    uint64_t below = 0;
    for (size_t i = 0; i < DURATION_BUCKETS; i++) {
        if (ask) {
            const struct label le = {"le", durations_bounds[i]};
            begin(s, sink, &counters->buckets[i], &metrics[0], &le, 1);
        }
        below += durations->buckets[i];
        sample(s, sink, &counters->buckets[i], below);
    }
    if (ask) {
        begin(s, sink, &counters->sum, &metrics[1], NULL, 0);
        begin(s, sink, &counters->count, &metrics[2], NULL, 0);
    }
    sample(s, sink, &counters->sum, durations->sum_ns);
    sample(s, sink, &counters->count, durations->count);
}

static void sample_quality(struct census_series *s, const struct engine_sink *sink)
{
    const struct census_result *r = s->last;
    if (r->has_quality) {
        sample_durations(s, sink, &s->rtt, &r->rtt, catalogue_tcp_rtt, !s->asked_quality);
        if (!s->asked_quality)
            begin(s, sink, &s->retransmits, &catalogue_tcp_retransmits, NULL, 0);
        sample(s, sink, &s->retransmits, r->retransmits);
        s->asked_quality = true;
    }
    if (r->connect.count) {
        sample_durations(s, sink, &s->connect, &r->connect, catalogue_tcp_connect,
                         !s->asked_connect);
        s->asked_connect = true;
    }
}

static void sample_own(struct census_series *s, const struct engine_sink *sink)
{
    if (!s->asked) {
        begin(s, sink, &s->lost, &catalogue_census_lost, NULL, 0);
        begin(s, sink, &s->names_evicted, &catalogue_peer_names_evicted, NULL, 0);
        s->unreadable = sampler_series(&s->sampler, sink, &catalogue_census_unreadable, NULL, 0);
        s->names = sampler_series(&s->sampler, sink, &catalogue_peer_names, NULL, 0);
        s->asked = true;
    }
    sample(s, sink, &s->lost, s->last->lost);
    sample(s, sink, &s->names_evicted, s->last->peer_names_evicted);
    draft_gauge(sink->draft, s->unreadable, (double)s->last->unreadable);
    draft_gauge(sink->draft, s->names, (double)s->last->peer_names);
}

void census_series_sample(struct census_series *s, const struct engine_sink *sink)
{
    if (!s->last)
        return;
    if (sampler_retry(&s->sampler))
        series_forget(s);
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (s->tables[i])
            draft_table(sink->draft, TAKE(s->tables[i]));
    }
    for (size_t i = 0; i < s->events_count; i++)
        draft_event(sink->draft, s->events[i]);
    if (s->events_dropped) {
        struct event *e = event_new(EVENT_LOSS, sink->now_ms);
        event_text(e, "what", "connection events");
        event_number(e, "count", (double)s->events_dropped);
        draft_event(sink->draft, e);
    }
    s->events_count = s->events_dropped = 0;
    free(TAKE(s->events));
    sample_groups(s, sink);
    sample_wire(s, sink);
    sample_tcp(s, sink);
    sample_quality(s, sink);
    sample_own(s, sink);
}
