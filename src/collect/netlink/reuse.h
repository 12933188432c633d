/*
 * reuse.h: which numbers of network namespaces were given up, and when: a number that has been
 * given up is the first to be given to the next namespace, and what was found out about it before
 * is about another one. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REUSE_KEPT 64

struct reuse { /* zeroed to begin with */
    struct {
        int32_t nsid;
        int64_t mono_ns; /* 0: unused */
    } kept[REUSE_KEPT];
    size_t next;
    int64_t any_ns; /* at this time any may have been */
};

/* A notice says so. */
static inline void reuse_note(struct reuse *r, int32_t nsid, int64_t now_ns)
{
    size_t at = r->next++ % REUSE_KEPT;
    if (r->kept[at].mono_ns > r->any_ns)
        r->any_ns = r->kept[at].mono_ns;
    r->kept[at].nsid = nsid;
    r->kept[at].mono_ns = now_ns;
}

/* Notices were lost. */
static inline void reuse_note_any(struct reuse *r, int64_t now_ns)
{
    r->any_ns = now_ns;
}

/* Whether what was found out about the number from `since_ns` on still holds. */
static inline bool reuse_holds(const struct reuse *r, int32_t nsid, int64_t since_ns)
{
    if (r->any_ns >= since_ns)
        return false;
    for (size_t i = 0; i < REUSE_KEPT; i++) {
        if (r->kept[i].nsid == nsid && r->kept[i].mono_ns >= since_ns)
            return false;
    }
    return true;
}
