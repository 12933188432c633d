/* machine.c: see machine.h. */
#include "alert/machine.h"

#include "base/defs.h"

static enum machine_change end(struct machine *m)
{
    enum machine_change change = m->stage == STAGE_FIRING ? MACHINE_RESOLVES : MACHINE_DROPS;
    m->stage = STAGE_INACTIVE;
    m->lower = false;
    return change;
}

static enum machine_change fire(struct machine *m, int level, int64_t now_ns)
{
    machine_restore(m, (enum alert_severity)(level - 1), now_ns);
    return MACHINE_FIRES;
}

void machine_restore(struct machine *m, enum alert_severity severity, int64_t now_ns)
{
    m->stage = STAGE_FIRING;
    m->severity = m->worst = severity;
    m->known_ns = now_ns;
    m->lower = false;
}

/* A window that begins anew, after a restart, knows nothing for half its span. */
static enum machine_change unknown(struct machine *m, const struct rule *r, int64_t now_ns)
{
    int64_t stale_ns = MAX(MACHINE_STALE_MS, r->window_ms) * NS_PER_MS;
    if (m->stage == STAGE_INACTIVE || now_ns - m->known_ns < stale_ns)
        return MACHINE_STAYS;
    return end(m);
}

/* Less severe than what was told, or over: only once that has been so for `keep`, and then as
 * severe as the worst of that time. */
static enum machine_change sink(struct machine *m, const struct rule *r, int level, int64_t now_ns)
{
    if (!m->lower) {
        m->lower = true;
        m->lower_ns = now_ns;
        m->highest = level;
    }
    m->highest = MAX(m->highest, level);
    if (now_ns - m->lower_ns < r->keep_ms * NS_PER_MS)
        return MACHINE_STAYS;
    m->lower = false;
    if (m->highest == LEVEL_CALM)
        return end(m);
    m->severity = (enum alert_severity)(m->highest - 1);
    if (level < m->highest) {
        m->lower = true;
        m->lower_ns = now_ns;
        m->highest = level;
    }
    return MACHINE_MOVES;
}

static enum machine_change burn(struct machine *m, const struct rule *r, int level, int64_t now_ns)
{
    int told = 1 + (int)m->severity;
    if (level < told)
        return sink(m, r, level, now_ns);
    m->lower = false;
    if (level == told)
        return MACHINE_STAYS;
    m->severity = (enum alert_severity)(level - 1);
    m->worst = MAX(m->worst, m->severity);
    return MACHINE_MOVES;
}

enum machine_change machine_step(struct machine *m, const struct rule *r, const struct judgement *j,
                                 int64_t now_ns)
{
    if (!j->known)
        return unknown(m, r, now_ns);
    m->known_ns = now_ns;
    switch (m->stage) {
    case STAGE_INACTIVE:
        if (j->level == LEVEL_CALM)
            return MACHINE_STAYS;
        if (!r->for_ms)
            return fire(m, j->level, now_ns);
        m->stage = STAGE_PENDING;
        m->since_ns = now_ns;
        return MACHINE_PENDS;
    case STAGE_PENDING:
        if (j->level == LEVEL_CALM)
            return end(m);
        if (now_ns - m->since_ns < r->for_ms * NS_PER_MS)
            return MACHINE_STAYS;
        return fire(m, j->level, now_ns);
    case STAGE_FIRING:
        return burn(m, r, j->level, now_ns);
    }
    return MACHINE_STAYS;
}
