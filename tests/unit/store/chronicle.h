/*
 * chronicle.h: a history of which every number is known, for tests of what a disk may do to it:
 * counters, gauges and events, tick by tick, beside what the store said of each. After whatever
 * happened chronicle_check asks the database, by questions as anybody asks them, and finds out
 * which ticks it has; what it has must be right, and must be there once.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/series.h"
#include "model/tick.h"
#include "store/store.h"

#define CHRONICLE_COUNTERS 6

struct entry {
    uint64_t seq;
    int64_t t_ms;
    unsigned boot, run;
    uint64_t absolute[CHRONICLE_COUNTERS], increment[CHRONICLE_COUNTERS];
    double gauge;
    uint64_t event;    /* its number; 0: it brought none */
    bool acknowledged; /* store_write said that it is written */
    bool present;      /* by the last chronicle_check */
};

struct chronicle {
    char dir[64], boot_id[24];
    uint64_t random;
    struct store_settings settings;
    struct store *store; /* NULL: closed */
    struct registry *registry;
    struct draft *draft;
    uint64_t seq, event_seq; /* next ones */
    int64_t t_ms, interval_ms;
    unsigned boot, run;
    bool first_of_run;
    uint64_t absolute[CHRONICLE_COUNTERS];
    struct entry *entries;
    size_t count, capacity;
    size_t run_from;                  /* the first one of this run */
    size_t present;                   /* by the last chronicle_check */
    uint64_t sealed, folded, expired; /* spans, in runs that are closed */
};

uint64_t chronicle_random(struct chronicle *c, uint64_t below);

void chronicle_init(struct chronicle *c, uint64_t seed);
void chronicle_fini(struct chronicle *c); /* closes, removes the directory */

/* 0 or what store_open said. Asserts that no number is given out twice. */
int chronicle_open(struct chronicle *c, struct store_error *err);
void chronicle_close(struct chronicle *c, bool exact);
/* Closed: the next run is after a boot; all counters begin anew. */
void chronicle_reboot(struct chronicle *c);

/* One tick more. Whether it was acknowledged. */
bool chronicle_write(struct chronicle *c);
/* Housekeeping, until nothing is left to do or so many pieces are done. */
void chronicle_work(struct chronicle *c, int pieces);

/*
 * Closed or open: integrity_check, and every tick that the database has: its values, its increments
 * (with those of lost ticks before it), its event once; and all of it as one sum. `expected` may be
 * NULL; it says of each entry that is to be there.
 */
void chronicle_check(struct chronicle *c, bool (*expected)(const struct entry *e));

/* The same where old samples are let go: of the newest ticks each one that was acknowledged is
 * there; and what is left of the others is not more than it was. All of one boot. */
void chronicle_check_some(struct chronicle *c, size_t newest);

/* How many notes have `part` in their text; takes all of them. */
size_t chronicle_count_notes(struct chronicle *c, const char *part);
/* Databases that were set aside. */
size_t chronicle_count_aside(const struct chronicle *c);
