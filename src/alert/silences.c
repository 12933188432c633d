/*
 * silences.c: see silences.h. A sorted array, by id; there are few, and changes of what is in force
 * are found by a look at all of them once a tick.
 */
#include "alert/silences.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct entry {
    struct silence silence;
    bool in_force;
};

struct silences {
    uint64_t next_id;
    size_t count;
    bool changed; /* since the last step */
    int64_t now_ms;
    struct entry entries[SILENCES_MAX];
};

struct silences *silences_new(uint64_t next_id)
{
    struct silences *s = mem_alloc(sizeof(*s));
    s->next_id = next_id ? next_id : 1;
    return s;
}

uint64_t silences_next_id(const struct silences *s)
{
    return s->next_id;
}

void silences_free(struct silences *s)
{
    free(s);
}

static void remove_at(struct silences *s, size_t at)
{
    s->changed |= s->entries[at].in_force;
    s->count--;
    memmove(&s->entries[at], &s->entries[at + 1], (s->count - at) * sizeof(s->entries[0]));
}

/* The one that ended first leaves. */
static int make_room(struct silences *s, int64_t now_ms)
{
    size_t oldest = s->count;
    if (s->count < SILENCES_MAX)
        return 0;
    for (size_t i = 0; i < s->count; i++) {
        int64_t to_ms = s->entries[i].silence.to_ms;
        if (to_ms <= now_ms && (oldest == s->count || to_ms < s->entries[oldest].silence.to_ms))
            oldest = i;
    }
    if (oldest == s->count)
        return -ENOSPC;
    remove_at(s, oldest);
    return 0;
}

static void insert(struct silences *s, const struct silence *one)
{
    size_t at = s->count;
    while (at > 0 && s->entries[at - 1].silence.id > one->id)
        at--;
    memmove(&s->entries[at + 1], &s->entries[at], (s->count - at) * sizeof(s->entries[0]));
    s->entries[at] = (struct entry){.silence = *one};
    s->count++;
}

int silences_restore(struct silences *s, const struct silence *one)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].silence.id == one->id) {
            s->entries[i].silence = *one;
            return 0;
        }
    }
    int err = make_room(s, one->from_ms);
    if (err)
        return err;
    insert(s, one);
    if (one->id >= s->next_id)
        s->next_id = one->id + 1;
    return 0;
}

int silences_add(struct silences *s, const struct silence *one, int64_t now_ms, uint64_t *ret_id)
{
    int err = make_room(s, now_ms);
    if (err)
        return err;
    struct silence numbered = *one;
    numbered.id = s->next_id++;
    insert(s, &numbered);
    *ret_id = numbered.id;
    return 0;
}

int silences_end(struct silences *s, uint64_t id, int64_t now_ms, const struct silence **ret)
{
    for (size_t i = 0; i < s->count; i++) {
        struct silence *one = &s->entries[i].silence;
        if (one->id != id)
            continue;
        if (one->to_ms <= now_ms)
            return -EALREADY;
        one->to_ms = now_ms;
        if (one->from_ms > now_ms)
            one->from_ms = now_ms;
        *ret = one;
        return 0;
    }
    return -ENOENT;
}

const struct silence *silences_find(const struct silences *s, uint64_t id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].silence.id == id)
            return &s->entries[i].silence;
    }
    return NULL;
}

bool silences_step(struct silences *s, int64_t now_ms)
{
    bool changed = s->changed;
    s->changed = false;
    s->now_ms = now_ms;
    for (size_t i = s->count; i-- > 0;) {
        const struct silence *one = &s->entries[i].silence;
        bool in_force = one->from_ms <= now_ms && now_ms < one->to_ms;
        changed |= in_force != s->entries[i].in_force;
        s->entries[i].in_force = in_force;
        if (one->to_ms < now_ms - SILENCES_KEPT_MS)
            remove_at(s, i);
    }
    return changed;
}

uint64_t silences_match(const struct silences *s, const char *rule, const char *series)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct entry *e = &s->entries[i];
        if (e->in_force && text_glob(e->silence.rule, rule) && text_glob(e->silence.series, series))
            return e->silence.id;
    }
    return 0;
}

struct silence_set *silences_set(const struct silences *s)
{
    struct silence_set *set = silence_set_new(s->count);
    for (size_t i = 0; i < s->count; i++)
        set->silences[i] = s->entries[i].silence;
    return set;
}
