/*
 * ledger.h: what the writer knows of every series on disk: above all its last absolute value. An
 * entry keeps its index until it is removed; then a new one may take its place. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_NONE UINT32_MAX

struct ledger_entry {
    uint32_t id;  /* 0: nobody's, its place is free */
    bool on_disk; /* its row in `series` is committed */
    bool known;   /* absolute and source are those of the last committed sample */
    uint64_t seq; /* tick of the last committed sample; 0: none */
    uint64_t absolute, source;
    uint64_t lost;      /* counted in ticks since that could not be committed */
    const char *method; /* as in its row; NULL: not compared in this run yet */
    uint32_t column;    /* scratch of a sealing slice; LEDGER_NONE: none */
};

struct ledger {
    struct ledger_entry *entries;
    uint32_t count, capacity; /* entries [0, count), free ones among them */
    uint32_t used;
    uint32_t free_first; /* index + 1 of a free entry, whose `absolute` has the next; 0: none */
    uint32_t *table;     /* id -> index, open addressing; LEDGER_NONE: free */
    uint32_t table_size; /* 0 or a power of two, more than twice count */
};

void ledger_fini(struct ledger *l);
uint32_t ledger_find(const struct ledger *l, uint32_t id); /* LEDGER_NONE: not there */
uint32_t ledger_add(struct ledger *l, uint32_t id);        /* finds it or makes an empty one */
void ledger_remove(struct ledger *l, uint32_t id);         /* nothing when it is not there */
