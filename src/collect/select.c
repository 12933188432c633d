/*
 * select.c: which engine gives what, and what happens when one fails.
 *
 * Every capability belongs to at most one engine at a time: the one that is preferred for it, else
 * the one with the largest preference, among those that have it and have not lost it. Losing is
 * reported by collect; the bit then goes to the next engine in the same tick, as an error event and
 * in the log, and is kept in `lost`. Once a minute the engines are probed again: what came up (such
 * as a module that was loaded) or came back is given to its best engine again. A loss that repeats
 * costs a few ticks each time it is tried, so an engine waits twice as long after each one, up to
 * about an hour. The series do not notice, because series belong to names and labels, not to
 * engines.
 *
 * All engines known are made and probed, so that the status can say what one would give that was
 * not chosen; only those chosen are opened, collect and are probed again.
 *
 * What collecting costs is measured here, as a histogram; a tick's own time is in the same tick.
 *
 * The census, where engines tell of sockets and processes, belongs to the collector: its rounds are
 * the surveys, as long as an engine is in use that has something to tell. Its results come back to
 * the core thread as those of no engine.
 *
 * Threads: everything on the core thread, except the survey itself. The survey thread owns the
 * census and the wire and reads what each engine has been assigned: once, when a round begins, and
 * of one division, which `divisions` shows (odd while it changes). Would engines ask one by one, a
 * change in the middle of a round would let two of them count the same bytes, or none. Engines are
 * neither added nor removed after open.
 */
#include "collect/select_internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/catalogue.h"
#include "collect/census.h"
#include "collect/sampler.h"
#include "collect/wire.h"

#define PROBE_EVERY_NS (60 * NS_PER_S)
#define PATIENCE_MAX 64 /* probes */

#define SOCKETS_MAX 65536
#define PROCESSES_MAX 8192
#define PROCESS_SERIES_MAX 500
#define INTERFACES_MAX 4096
#define ENDED_KEEP_MS 60000

/* Whoever provides one of these tells the census. */
#define CENSUS_CAPABILITIES                                                                        \
    (CAPABILITY_BIT(CAPABILITY_CONNECTIONS) | CAPABILITY_BIT(CAPABILITY_CONNECTION_QUALITY) |      \
     CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS) | CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC) |   \
     CAPABILITY_BIT(CAPABILITY_RETRANSMITS) | CAPABILITY_BIT(CAPABILITY_DNS))

static const struct engine_class *const classes_known[] = {&engine_ebpf, &engine_netlink,
                                                           &engine_procfs, &engine_packet};

/* Upper bounds of the buckets; the last one has none. */
static const struct {
    int64_t ns;
    const char *le;
} buckets[] = {
    {50000, "5e-05"},    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},
    {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},
    {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},  {INT64_MAX, "+Inf"},
};

struct collector {
    struct engine_settings settings;              /* owns its texts */
    struct member members[COLLECTOR_ENGINES_MAX]; /* by falling preference */
    size_t count;
    atomic_uint divisions; /* of capabilities so far, times two; odd: one is being made */
    struct census_series *census_series;
    struct {                   /* survey thread */
        struct census *census; /* NULL: there was no round yet */
        struct wire *wire;
    } survey;
    struct uv_loop_s *loop;
    int64_t probed_ns;

    size_t detaching;
    void (*detached)(void *user);
    void *detached_user;

    struct sampler sampler;
    bool asked;
    struct series *bucket[ARRAY_LEN(buckets)], *sum, *ticks;
    uint64_t bucket_count[ARRAY_LEN(buckets)], sum_ns;

    struct collector_status *status; /* NULL: has to be made again */
    uint64_t generation;
};

/* ---- making -------------------------------------------------------------------------------- */

const char *collector_engine_name(size_t index)
{
    return index < ARRAY_LEN(classes_known) ? classes_known[index]->name : NULL;
}

static void settings_copy(struct engine_settings *to, const struct engine_settings *from)
{
    *to = *from;
    to->proc_root = mem_string(from->proc_root);
    to->sys_root = mem_string(from->sys_root);
    to->program = from->program ? mem_string(from->program) : NULL;
    const char **globs = mem_array(MAX(from->exclude_devices_count, (size_t)1), sizeof(*globs));
    for (size_t i = 0; i < from->exclude_devices_count; i++)
        globs[i] = mem_string(from->exclude_devices[i]);
    to->exclude_devices = globs;
    const char **devices = mem_array(MAX(from->packet.devices_count, (size_t)1), sizeof(*devices));
    for (size_t i = 0; i < from->packet.devices_count; i++)
        devices[i] = mem_string(from->packet.devices[i]);
    to->packet.devices = devices;
    to->packet.filter = from->packet.filter ? mem_string(from->packet.filter) : NULL;
    to->packet.file = from->packet.file ? mem_string(from->packet.file) : NULL;
}

static void settings_fini(struct engine_settings *s)
{
    for (size_t i = 0; i < s->exclude_devices_count; i++)
        free((char *)s->exclude_devices[i]);
    free((void *)s->exclude_devices);
    for (size_t i = 0; i < s->packet.devices_count; i++)
        free((char *)s->packet.devices[i]);
    free((void *)s->packet.devices);
    free((char *)s->packet.filter);
    free((char *)s->packet.file);
    free((char *)s->proc_root);
    free((char *)s->sys_root);
    free((char *)s->program);
}

static struct collector *collector_make(const struct engine_settings *settings)
{
    struct collector *c = mem_alloc(sizeof(*c));
    settings_copy(&c->settings, settings);
    c->sampler.method = "self";
    c->census_series = census_series_new();
    return c;
}

static void collector_add(struct collector *c, const struct engine_class *class, bool chosen,
                          bool named)
{
    CHECK(c->count < COLLECTOR_ENGINES_MAX);
    size_t at = c->count++;
    while (at > 0 && c->members[at - 1].engine->class->preference < class->preference) {
        c->members[at] = c->members[at - 1];
        at--;
    }
    c->members[at] = (struct member){
        .engine = class->make(&c->settings),
        .chosen = chosen,
        .named = named,
    };
}

struct collector *collector_new_with(const struct engine_settings *settings,
                                     const struct engine_class *const *classes, size_t count)
{
    struct collector *c = collector_make(settings);
    for (size_t i = 0; i < count; i++)
        collector_add(c, classes[i], true, false);
    return c;
}

int collector_new(struct collector **ret, const struct engine_settings *settings,
                  const char *const *names, size_t names_count, const char **ret_bad)
{
    bool named[ARRAY_LEN(classes_known)] = {false};
    for (size_t n = 0; n < names_count; n++) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(classes_known); i++) {
            if (strcmp(names[n], classes_known[i]->name) == 0)
                known = named[i] = true;
        }
        if (!known) {
            *ret_bad = names[n];
            return -EINVAL;
        }
    }
    struct collector *c = collector_make(settings);
    for (size_t i = 0; i < ARRAY_LEN(classes_known); i++) {
        const struct engine_class *class = classes_known[i];
        bool automatic = class->wanted ? class->wanted(&c->settings) : !names_count;
        collector_add(c, class, automatic || named[i], named[i]);
    }
    *ret = c;
    return 0;
}

void collector_free(struct collector *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        c->members[i].engine->class->free(c->members[i].engine);
    for (size_t i = 0; i < ARRAY_LEN(buckets); i++)
        series_unref(c->bucket[i]);
    series_unref(c->sum);
    series_unref(c->ticks);
    message_unref(c->status ? &c->status->msg : NULL);
    census_series_free(c->census_series);
    census_free(c->survey.census);
    wire_free(c->survey.wire);
    settings_fini(&c->settings);
    free(c);
}

/* ---- who gives what ------------------------------------------------------------------------ */

static void collector_changed(struct collector *c)
{
    message_unref(c->status ? &c->status->msg : NULL);
    c->status = NULL;
    c->generation++;
    atomic_fetch_add(&c->divisions, 1);
    for (size_t i = 0; i < c->count; i++) {
        struct engine *e = c->members[i].engine;
        atomic_store(&e->surveying, c->members[i].open ? e->assigned : 0);
    }
    atomic_fetch_add(&c->divisions, 1);
}

/* Survey thread: who has what in this round. */
static void collector_begin_round(struct collector *c)
{
    unsigned before, after;
    do {
        before = atomic_load(&c->divisions);
        for (size_t i = 0; i < c->count; i++)
            c->members[i].engine->round = atomic_load(&c->members[i].engine->surveying);
        after = atomic_load(&c->divisions);
    } while (before != after || before % 2); /* some stores, made once a minute at most */
}

/* The capabilities that each member should have: *wanted[i]. */
static void collector_divide(const struct collector *c, uint32_t wanted[COLLECTOR_ENGINES_MAX])
{
    uint32_t works[COLLECTOR_ENGINES_MAX], taken = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        works[i] = m->chosen ? m->engine->probe.capabilities & ~m->lost : 0;
        wanted[i] = works[i] & m->engine->class->preferred_for & ~taken;
        taken |= wanted[i];
    }
    for (size_t i = 0; i < c->count; i++) {
        uint32_t rest = works[i] & ~taken;
        wanted[i] |= rest;
        taken |= rest;
    }
}

static void collector_tell(const struct engine_sink *sink, const char *engine,
                           enum capability capability, const char *reason, const char *now)
{
    log_warning("collect", "engine %s: %s: %s; %s%s from now on", engine,
                capability_name(capability), reason, now ? "read by " : "not read", now ? now : "");
    if (!sink)
        return;
    struct event *e = event_new(EVENT_ERROR, sink->now_ms);
    event_text(e, "engine", engine);
    event_text(e, "capability", capability_name(capability));
    event_text(e, "reason", reason);
    event_text(e, "now", now ? now : "none");
    draft_event(sink->draft, e);
}

static const char *collector_provider(const struct collector *c, unsigned capability)
{
    const struct member *m = members_provider(c->members, c->count, (enum capability)capability);
    return m ? m->engine->class->name : NULL;
}

static int member_open(struct collector *c, struct member *m, uint32_t capabilities)
{
    int err = m->engine->class->open(m->engine, capabilities);
    if (!err && c->loop && m->engine->class->attach)
        err = m->engine->class->attach(m->engine, c->loop);
    m->open = !err;
    if (!err)
        m->lost |= capabilities & ~m->engine->assigned; /* it found out that it cannot */
    if (err) {
        m->lost |= capabilities;
        m->engine->assigned = 0;
        /* An engine that knows more about it says so when it is asked. */
        m->engine->class->probe(m->engine, &m->engine->probe);
        const struct shortfall *s = probe_shortfall(&m->engine->probe, capabilities);
        if (s)
            snprintf(m->failure, sizeof(m->failure), "%s", s->reason);
        else
            snprintf(m->failure, sizeof(m->failure), "Could not be opened: %s.", strerror(-err));
        log_warning("collect", "engine %s: %s", m->engine->class->name, strerror(-err));
    }
    return err;
}

/* Capabilities that it had, or was to have, and that it waits for after a number of probes. */
static void member_lose(struct member *m, uint32_t lost)
{
    m->lost |= lost;
    m->patience = MIN(MAX(m->patience * 2, 1U), PATIENCE_MAX);
    m->waited = 0;
}

/* False: it did not take all, and what it left is another one's. */
static bool member_assign(struct member *m, uint32_t capabilities)
{
    m->engine->class->assign(m->engine, capabilities);
    uint32_t left = capabilities & ~m->engine->assigned;
    if (!left)
        return true;
    member_lose(m, left);
    snprintf(m->failure, sizeof(m->failure), "Could not be taken while it ran.");
    return false;
}

/* Gives every capability to its best engine. Engines that fail to open lose what they were to
 * have, and it is divided again. Before privileges are dropped everything may be opened; later
 * only an engine without a need for them is opened for the first time (procfs). */
static void collector_assign(struct collector *c)
{
    uint32_t wanted[COLLECTOR_ENGINES_MAX];
    for (bool again = true; again;) {
        again = false;
        collector_divide(c, wanted);
        for (size_t i = 0; i < c->count && !again; i++) {
            struct member *m = &c->members[i];
            if (!m->open && wanted[i])
                again = member_open(c, m, wanted[i]) != 0 || m->engine->assigned != wanted[i];
            else if (m->open && m->engine->assigned != wanted[i])
                again = !member_assign(m, wanted[i]);
        }
    }
    collector_changed(c);
}

int collector_open(struct collector *c)
{
    for (size_t i = 0; i < c->count; i++)
        c->members[i].engine->class->probe(c->members[i].engine, &c->members[i].engine->probe);
    collector_assign(c);
    for (size_t i = 0; i < c->count; i++) { /* opening may have told more than looking */
        if (c->members[i].open)
            c->members[i].engine->class->probe(c->members[i].engine, &c->members[i].engine->probe);
    }
    if (collector_refused(c))
        return -ENODEV;
    for (unsigned i = 0; i < CAPABILITIES; i++) {
        if (collector_provider(c, i))
            return 0;
    }
    return -ENODEV;
}

const char *collector_refused(const struct collector *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        if (m->named && !(m->engine->probe.capabilities & ~m->lost))
            return m->engine->class->name;
    }
    return NULL;
}

/* After a loss: the next engine takes over, and the tick tells. */
static void collector_lose(struct collector *c, struct member *m, uint32_t lost, int err,
                           const struct engine_sink *sink)
{
    member_lose(m, lost);
    snprintf(m->failure, sizeof(m->failure), "Failed while it ran: %s.", strerror(-err));
    collector_assign(c);
    for (unsigned i = 0; i < CAPABILITIES; i++) {
        if (lost & CAPABILITY_BIT(i))
            collector_tell(sink, m->engine->class->name, (enum capability)i, strerror(-err),
                           collector_provider(c, i));
    }
}

/* Why a probe has taken a capability from one member to another; NULL: nobody had it before. */
static const char *why_moved(const struct member *before, uint32_t bit)
{
    if (!before || (before->engine->probe.capabilities & ~before->lost & bit))
        return "it works now";
    const struct shortfall *s = probe_shortfall(&before->engine->probe, bit);
    return s ? s->reason : "it does not work any more";
}

/* Now and then: what is lost may be back, what was missing may have come, what there was may have
 * gone. */
static void collector_probe(struct collector *c, const struct engine_sink *sink)
{
    const struct member *before[CAPABILITIES];
    for (unsigned i = 0; i < CAPABILITIES; i++)
        before[i] = members_provider(c->members, c->count, (enum capability)i);
    bool changed = false;
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if (!m->chosen)
            continue;
        uint32_t had = m->engine->probe.capabilities & ~m->lost;
        m->engine->class->probe(m->engine, &m->engine->probe);
        if (++m->waited >= m->patience) {
            m->lost = 0;
            m->failure[0] = '\0';
        }
        changed |= had != (m->engine->probe.capabilities & ~m->lost);
    }
    if (!changed)
        return;
    collector_assign(c);
    for (unsigned i = 0; i < CAPABILITIES; i++) {
        const struct member *now = members_provider(c->members, c->count, (enum capability)i);
        if (now != before[i])
            collector_tell(sink, (before[i] ? before[i] : now)->engine->class->name,
                           (enum capability)i, why_moved(before[i], CAPABILITY_BIT(i)),
                           now ? now->engine->class->name : NULL);
    }
}

/* ---- a tick -------------------------------------------------------------------------------- */

static void collector_sample_own(struct collector *c, const struct engine_sink *sink,
                                 int64_t elapsed_ns)
{
    if (sampler_retry(&c->sampler))
        c->asked = false;
    if (!c->asked) {
        for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
            struct label le = {"le", buckets[i].le};
            series_unref(c->bucket[i]);
            c->bucket[i] = sampler_series(&c->sampler, sink, &catalogue_collect_bucket, &le, 1);
        }
        series_unref(c->sum);
        series_unref(c->ticks);
        c->sum = sampler_series(&c->sampler, sink, &catalogue_collect_sum, NULL, 0);
        c->ticks = sampler_series(&c->sampler, sink, &catalogue_collect_count, NULL, 0);
        c->asked = true;
    }
    c->sum_ns += (uint64_t)elapsed_ns;
    for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
        c->bucket_count[i] += elapsed_ns <= buckets[i].ns;
        draft_counter(sink->draft, c->bucket[i], c->bucket_count[i], 0);
    }
    draft_counter(sink->draft, c->sum, c->sum_ns, 0);
    draft_counter(sink->draft, c->ticks, c->bucket_count[ARRAY_LEN(buckets) - 1], 0);
}

/* Does anybody tell the census? Either thread: by what is assigned now, or was in this round. */
static bool collector_has_census(const struct collector *c, bool in_round)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct engine *e = c->members[i].engine;
        uint32_t has = in_round ? e->round : atomic_load(&e->surveying);
        if (has & CENSUS_CAPABILITIES)
            return true;
    }
    return false;
}

void collector_collect(struct collector *c, const struct engine_sink *given)
{
    int64_t start_ns = clock_mono_ns();
    struct engine_sink sink = *given;
    if (!sink.mono_ns)
        sink.mono_ns = start_ns;
    if (!c->probed_ns)
        c->probed_ns = sink.mono_ns;
    if (sink.mono_ns - c->probed_ns >= PROBE_EVERY_NS) {
        c->probed_ns = sink.mono_ns;
        collector_probe(c, &sink);
    }
    /* By falling preference, so what is lost by one is read by the next in the same tick. */
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if (!m->open || !m->engine->assigned)
            continue;
        uint32_t lost = 0;
        int err = m->engine->class->collect(m->engine, &sink, &lost);
        if (lost)
            collector_lose(c, m, lost, err ? err : -EIO, &sink);
    }
    if (collector_has_census(c, false))
        census_series_sample(c->census_series, &sink);
    else
        census_series_pause(c->census_series);
    collector_sample_own(c, &sink, clock_mono_ns() - start_ns);
}

/* ---- loops and surveys --------------------------------------------------------------------- */

int collector_attach(struct collector *c, struct uv_loop_s *loop)
{
    c->loop = loop;
    /* It answers the main thread alone. What is opened again later does without. */
    c->settings.keeper = NULL;
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        int err =
            m->open && m->engine->class->attach ? m->engine->class->attach(m->engine, loop) : 0;
        if (err)
            return err;
    }
    return 0;
}

static void collector_one_detached(void *user)
{
    struct collector *c = user;
    if (--c->detaching == 0)
        c->detached(c->detached_user);
}

void collector_detach(struct collector *c, void (*done)(void *user), void *user)
{
    c->detached = done;
    c->detached_user = user;
    c->detaching = 1; /* this call itself: `done` must not run before the loop is through */
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if (!c->loop || !m->open || !m->engine->class->detach)
            continue;
        c->detaching++;
        m->engine->class->detach(m->engine, collector_one_detached, c);
    }
    c->loop = NULL;
    collector_one_detached(c);
}

/* The first round makes it: what nobody tells of costs nothing. */
static struct census *collector_census(struct collector *c)
{
    if (!c->survey.census) {
        const struct engine_settings *s = &c->settings;
        const struct census_settings settings = {
            .proc_root = s->proc_root,
            .sockets_max = s->sockets_max ? s->sockets_max : SOCKETS_MAX,
            .processes_max = s->processes_max ? s->processes_max : PROCESSES_MAX,
            .process_series_max =
                s->process_series_limit ? s->process_series_limit : PROCESS_SERIES_MAX,
            .ended_keep_ms = ENDED_KEEP_MS,
            .finder = s->finder,
            .nameless = s->nameless,
        };
        c->survey.census = census_new(&settings);
        c->survey.wire = wire_new(s->sys_root, INTERFACES_MAX);
    }
    return c->survey.census;
}

void collector_survey(struct collector *c,
                      void (*deliver)(void *user, struct engine *e, struct message *result),
                      void *user)
{
    collector_begin_round(c);
    struct census *census = collector_has_census(c, true) ? collector_census(c) : NULL;
    if (census)
        census_begin(census, clock_wall_ms(), clock_mono_ns());
    for (size_t i = 0; i < c->count; i++) {
        struct engine *e = c->members[i].engine;
        bool wanted = e->round & e->class->surveyed;
        struct message *result = wanted ? e->class->survey(e, census) : NULL;
        if (result)
            deliver(user, e, result);
    }
    if (!census)
        return;
    uint64_t rx, tx;
    if (wire_read(c->survey.wire, &rx, &tx)) {
        census_wire(census, rx, tx);
        if (wire_left_out(c->survey.wire))
            census_lost(census, wire_left_out(c->survey.wire), "interfaces");
    }
    deliver(user, NULL, census_end(census));
}

void collector_take_survey(struct collector *c, struct engine *e, struct message *result)
{
    if (e)
        e->class->take_survey(e, result);
    else
        census_series_take(c->census_series, result);
}

/* ---- status -------------------------------------------------------------------------------- */

struct collector_status *collector_status(struct collector *c)
{
    if (!c->status)
        c->status = collector_status_make(&c->settings, c->members, c->count);
    return c->status;
}

uint64_t collector_status_generation(const struct collector *c)
{
    return c->generation;
}
