/*
 * owners.c: whose a socket is, by looking through the descriptors of all processes in /proc.
 *
 * That is all that Linux tells without privileges, and it has to be looked for from the wrong end.
 * So it is done only while there are sockets without an owner, a round reads PARTS parts of the
 * walk at most and goes on where the one before stopped, and a socket that two ends of walks have
 * not found is not looked for any more: its owner is somebody whose descriptors are hidden from us,
 * or nobody (the kernel's own, one not accepted yet).
 *
 * The walk is done by the finder, a process outside of the sandbox that hides others' descriptors
 * from this one (keeper/finder.h); where there is none, or it is gone, by ourselves. In how many
 * processes nothing could be seen is counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/census/internal.h"
#include "keeper/descriptors.h"
#include "keeper/finder.h"

#define PARTS 8
#define SOUGHT_MAX 2

struct owners {
    struct finder *finder; /* borrowed; NULL: look ourselves */
    struct descriptors *descriptors;
    uint64_t seed;
    uint32_t hidden; /* of the last walk */
    uint32_t pid,
        person; /* found last in this part: a process has many sockets, one after another */
    struct descriptor *part;
};

struct owners *owners_new(const struct census_settings *settings)
{
    struct owners *o = mem_alloc(sizeof(*o));
    o->finder = settings->finder;
    o->descriptors = descriptors_new(settings->proc_root);
    o->seed = lookup_seed();
    return o;
}

void owners_free(struct owners *o)
{
    if (!o)
        return;
    descriptors_free(o->descriptors);
    free(o->part);
    free(o);
}

uint64_t owners_unreadable(const struct owners *o)
{
    return o->hidden;
}

/* False: no part this time. */
static bool owners_read(struct owners *o, size_t *ret_count, bool *ret_end)
{
    uint32_t hidden;
    if (!o->part)
        o->part = mem_array(DESCRIPTORS_PART, sizeof(*o->part));
    int err = o->finder ? finder_read(o->finder, o->part, ret_count, ret_end, &hidden) : 0;
    if (err && err != -ETIMEDOUT) {
        log_error("collect", "the finder of sockets' owners: %s", strerror(-err));
        o->finder = NULL;
    }
    if (err)
        return false;
    if (!o->finder)
        *ret_count = descriptors_read(o->descriptors, o->part, ret_end, &hidden);
    if (*ret_end)
        o->hidden = hidden;
    return true;
}

static bool is_wanted(struct census *c, const struct entry *e)
{
    if (!(e->flags & ENTRY_SHOWN) || e->flags & ENTRY_GONE || !e->inode || e->netns ||
        e->state == SOCKET_TIME_WAIT || e->sought >= SOUGHT_MAX)
        return false;
    /* Who ended may have left it to a child. */
    uint32_t owner = entry_owner(c, e);
    return owner == NOBODY || people_at(c->people, owner)->ended_ms;
}

static uint32_t inode_hash(const struct owners *o, uint32_t inode)
{
    return lookup_hash(lookup_mix(o->seed, inode));
}

static void owners_found(struct owners *o, struct census *c, const struct lookup *wanted,
                         const struct descriptor *found)
{
    struct lookup_walk walk = lookup_walk(wanted, inode_hash(o, found->inode));
    for (uint32_t n; lookup_next(&walk, &n);) {
        struct entry *e = book_at(c->book, n);
        if (!e || e->inode != found->inode || !is_wanted(c, e))
            continue;
        const struct process_seen owner = {.pid = found->pid, .uid = UINT32_MAX};
        if (o->pid != found->pid)
            o->person = people_get(c->people, &owner, c->now_ms, &c->next_id);
        o->pid = found->pid;
        if (o->person != NOBODY && !people_at(c->people, o->person)->ended_ms)
            entry_own(c, e, o->person);
    }
}

/* All that are looked for, by inode. */
static size_t find_wanted(struct owners *o, struct census *c, struct lookup *wanted)
{
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        const struct entry *e = book_at(c->book, i);
        if (e && is_wanted(c, e))
            (void)lookup_add(wanted, inode_hash(o, e->inode), i);
    }
    return wanted->count;
}

static void owners_end(struct census *c)
{
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        struct entry *e = book_at(c->book, i);
        if (e && is_wanted(c, e))
            e->sought++;
    }
}

void owners_round(struct owners *o, struct census *c)
{
    struct lookup wanted = LOOKUP_INIT;
    bool end = !find_wanted(o, c, &wanted);
    for (size_t parts = 0, count; parts < PARTS && !end && owners_read(o, &count, &end); parts++) {
        o->pid = 0;
        for (size_t i = 0; i < count; i++)
            owners_found(o, c, &wanted, &o->part[i]);
        if (end)
            owners_end(c);
    }
    lookup_fini(&wanted);
}
