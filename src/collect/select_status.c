/*
 * select_status.c: what a collector tells of its engines: a line for each capability and engine,
 * with the reason why it does not work and the command that would change that.
 *
 * setcap(8) replaces what a file had before, so the command that a line shows asks for everything
 * that any line of an engine in use misses, and running it once is enough for all of them.
 *
 * A status is frozen when it is made. Core thread, but for reading it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/select_internal.h"

const char *engine_state_name(enum engine_state state)
{
    static const char *const names[ENGINE_STATES] = {
        [ENGINE_IN_USE] = "in use",           [ENGINE_SPARE] = "spare", [ENGINE_LOST] = "lost",
        [ENGINE_UNAVAILABLE] = "unavailable", [ENGINE_OFF] = "off",
    };
    CHECK(state < ENGINE_STATES);
    return names[state];
}

const char *offer_state_name(enum offer_state state)
{
    static const char *const names[OFFER_STATES] = {
        [OFFER_IN_USE] = "in use", [OFFER_LIMITED] = "limited", [OFFER_AVAILABLE] = "available",
        [OFFER_OFF] = "off",       [OFFER_MISSING] = "missing", [OFFER_UNSUPPORTED] = "unsupported",
    };
    CHECK(state < OFFER_STATES);
    return names[state];
}

const struct member *members_provider(const struct member *members, size_t count,
                                      enum capability capability)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i].open && (members[i].engine->assigned & CAPABILITY_BIT(capability)))
            return &members[i];
    }
    return NULL;
}

static enum engine_state member_state(const struct member *m)
{
    if (!m->chosen)
        return ENGINE_OFF;
    if (m->open && m->engine->assigned)
        return ENGINE_IN_USE;
    if (m->lost)
        return ENGINE_LOST;
    return m->engine->probe.capabilities ? ENGINE_SPARE : ENGINE_UNAVAILABLE;
}

/* ---- reasons and remedies ------------------------------------------------------------------ */

struct context {
    const struct engine_settings *settings;
    const struct member *members;
    size_t count;
    uint64_t privileges; /* that engines in use miss */
    struct collector_status *status;
};

static bool can_be_helped(const struct shortfall *s)
{
    return !s->off && (s->privileges || *s->remedy);
}

static void put_remedy(const struct context *x, const struct shortfall *s, bool chosen, char *ret,
                       size_t size)
{
    if (s->privileges)
        probe_privileges_remedy(x->settings, s->privileges | (chosen ? x->privileges : 0), ret,
                                size);
    else
        snprintf(ret, size, "%s", s->remedy);
}

/* What would make an engine collect that is not among those chosen. */
static void put_choice(const struct context *x, const struct member *wanted, char *ret, size_t size)
{
    size_t len = (size_t)snprintf(ret, size, "netsonde --engine ");
    const char *comma = "";
    for (size_t i = 0; i < x->count && len < size; i++) {
        const struct member *m = &x->members[i];
        if (!m->chosen && m != wanted)
            continue;
        len += (size_t)snprintf(ret + len, size - len, "%s%s", comma, m->engine->class->name);
        comma = ",";
    }
}

/* An engine's reasons one after the other, each once; the remedy of the first that has one. */
static void put_engine_reasons(const struct context *x, size_t at)
{
    const struct member *m = &x->members[at];
    const struct engine_probe *probe = &m->engine->probe;
    char *reason = x->status->engines[at].reason, *remedy = x->status->engines[at].remedy;
    size_t size = sizeof(x->status->engines[at].reason), len = 0;
    if (m->failure[0])
        len = (size_t)snprintf(reason, size, "%s", m->failure);
    for (size_t i = 0; i < probe->count; i++) {
        const struct shortfall *s = &probe->shortfalls[i];
        if (!m->failure[0] && len < size)
            len += (size_t)snprintf(reason + len, size - len, "%s%s", len ? " " : "", s->reason);
        if (!*remedy)
            put_remedy(x, s, m->chosen, remedy, sizeof(x->status->engines[at].remedy));
    }
}

/* ---- offers -------------------------------------------------------------------------------- */

static void offer_from_shortfall(const struct context *x, struct collector_offer *o,
                                 const struct member *m, const struct shortfall *s)
{
    snprintf(o->reason, sizeof(o->reason), "%s", s->reason);
    put_remedy(x, s, m->chosen, o->remedy, sizeof(o->remedy));
}

static void offer_off(const struct context *x, struct collector_offer *o, const struct member *m,
                      const struct shortfall *s)
{
    char choice[128];
    o->state = OFFER_OFF;
    put_choice(x, m, choice, sizeof(choice));
    if (!s) {
        snprintf(o->reason, sizeof(o->reason), "Not among the engines chosen.");
        snprintf(o->remedy, sizeof(o->remedy), "%s", choice);
        return;
    }
    offer_from_shortfall(x, o, m, s);
    if (*o->remedy && !s->off) {
        size_t len = strlen(o->remedy);
        snprintf(o->remedy + len, sizeof(o->remedy) - len, "; %s", choice);
    } else if (!*o->remedy) {
        snprintf(o->remedy, sizeof(o->remedy), "%s", choice);
    }
}

/* What an engine says of a capability: rather what can be helped than what cannot. */
static const struct shortfall *member_shortfall(const struct member *m, uint32_t bit)
{
    const struct engine_probe *probe = &m->engine->probe;
    for (size_t i = 0; i < probe->count; i++) {
        if ((probe->shortfalls[i].capabilities & bit) && can_be_helped(&probe->shortfalls[i]))
            return &probe->shortfalls[i];
    }
    return probe_shortfall(probe, bit);
}

/* How a capability fares with a member that could give it; false: nobody needs to know. */
static bool offer_make(const struct context *x, enum capability c, const struct member *m,
                       struct collector_offer *o)
{
    uint32_t bit = CAPABILITY_BIT(c);
    const struct shortfall *s = member_shortfall(m, bit);
    const struct member *provider = members_provider(x->members, x->count, c);
    *o = (struct collector_offer){.capability = c, .engine = m->engine->class->name};
    bool works = (m->engine->probe.capabilities & ~m->lost & bit) != 0;
    if (!m->chosen) {
        offer_off(x, o, m, works && s && !can_be_helped(s) ? NULL : s);
        return true;
    }
    if (m == provider) {
        o->state = s && can_be_helped(s) ? OFFER_LIMITED : OFFER_IN_USE;
        if (s)
            offer_from_shortfall(x, o, m, s);
        return true;
    }
    if (works) {
        o->state = OFFER_AVAILABLE;
        if (provider)
            snprintf(o->reason, sizeof(o->reason), "%s gives it.", provider->engine->class->name);
        return true;
    }
    /* Members come by falling preference. */
    if (provider && provider < m)
        return false;
    o->state = s && s->off ? OFFER_OFF : OFFER_MISSING;
    if (m->lost & bit)
        snprintf(o->reason, sizeof(o->reason), "%s", m->failure);
    else if (s)
        offer_from_shortfall(x, o, m, s);
    return true;
}

static void offers_make(struct context *x)
{
    struct collector_status *status = x->status;
    status->offers = mem_array(CAPABILITIES * x->count, sizeof(*status->offers));
    for (unsigned c = 0; c < CAPABILITIES; c++) {
        for (size_t i = 0; i < x->count; i++) {
            const struct member *m = &x->members[i];
            bool offers = ((m->engine->class->offers | m->engine->probe.capabilities) &
                           CAPABILITY_BIT(c)) != 0;
            struct collector_offer *o = &status->offers[status->offers_count];
            status->offers_count += offers && offer_make(x, (enum capability)c, m, o);
        }
    }
    if (status->offers_count)
        status->offers = mem_resize(status->offers, status->offers_count, sizeof(*status->offers));
}

enum offer_state collector_status_of(const struct collector_status *status, enum capability c,
                                     const struct collector_offer **ret_offer)
{
    /* Who gives it; else what is missing rather than what is off: that is what one has to know. */
    static const int weight[OFFER_STATES] = {
        [OFFER_IN_USE] = 5,    [OFFER_LIMITED] = 5, [OFFER_MISSING] = 3,
        [OFFER_AVAILABLE] = 2, [OFFER_OFF] = 1,
    };
    const struct collector_offer *best = NULL;
    for (size_t i = 0; i < status->offers_count; i++) {
        const struct collector_offer *o = &status->offers[i];
        if (o->capability == c && (!best || weight[o->state] > weight[best->state]))
            best = o;
    }
    *ret_offer = best;
    return best ? best->state : OFFER_UNSUPPORTED;
}

/* ---- all ----------------------------------------------------------------------------------- */

static void status_destroy(struct message *msg)
{
    struct collector_status *status = CONTAINER_OF(msg, struct collector_status, msg);
    free(status->offers);
    free(status);
}

struct collector_status *collector_status_make(const struct engine_settings *settings,
                                               const struct member *members, size_t count)
{
    struct collector_status *status = mem_alloc(sizeof(*status));
    struct context x = {.settings = settings, .members = members, .count = count, .status = status};
    message_init(&status->msg, status_destroy);
    status->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct engine_probe *probe = &members[i].engine->probe;
        for (size_t j = 0; j < probe->count && members[i].chosen; j++)
            x.privileges |= probe->shortfalls[j].off ? 0 : probe->shortfalls[j].privileges;
    }
    for (size_t i = 0; i < count; i++) {
        const struct member *m = &members[i];
        status->engines[i].name = m->engine->class->name;
        status->engines[i].state = member_state(m);
        status->engines[i].capabilities = m->engine->probe.capabilities;
        status->engines[i].assigned = m->open ? m->engine->assigned : 0;
        put_engine_reasons(&x, i);
    }
    for (unsigned c = 0; c < CAPABILITIES; c++) {
        const struct member *m = members_provider(members, count, (enum capability)c);
        status->providers[c] = m ? m->engine->class->name : NULL;
    }
    offers_make(&x);
    return status;
}
