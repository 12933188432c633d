/*
 * world.h: a small world for tests of the store: a directory of its own, a store with registry and
 * draft as the daemon wires them, a fixed pool of series that come and go, and beside it the naive
 * record of everything that was ever sampled, to compare answers with.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/series.h"
#include "model/tick.h"
#include "store/store.h"

#define WORLD_SERIES 14
#define WORLD_BUCKETS 4 /* the last of them: buckets of one histogram */

struct world_sample {
    enum sample_state state;
    union sample value;
    uint64_t absolute, source;
};

struct world_tick {
    uint64_t seq;
    int64_t t_ms, elapsed_ns, interval_ms;
    bool stored, refused; /* neither: it never came to the store */
    struct world_sample samples[WORLD_SERIES];
};

struct world {
    char dir[64];
    uint64_t random;
    struct store_settings settings;
    struct store *store;
    struct registry *registry;
    struct draft *draft;
    uint64_t seq, event_seq; /* next ones */
    int64_t t_ms, interval_ms;
    bool first_of_run;
    uint64_t spans_sealed; /* by stores closed since */
    uint64_t absolute[WORLD_SERIES];
    uint64_t source[WORLD_SERIES];
    bool present[WORLD_SERIES];

    struct world_tick *ticks;
    size_t ticks_count, ticks_capacity;
    size_t run_from; /* the first tick of this run */
};

uint64_t world_random(struct world *w, uint64_t below);
const struct metric *world_metric(size_t series);
size_t world_labels(size_t series, struct label labels[2]);
/* Which of the pool an answer's or tick's series is; asserts that it is one. */
size_t world_index(const char *key);
void world_key(size_t series, char *out, size_t size);

/* Where databases of tests are: in memory if they may. What a disk loses is test_power's matter,
 * and to wait for a real one took two thirds of the time. */
const char *world_scratch(void);

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w); /* closes, removes the directory */
/* Asserts success, and that what the store restores is what was stored last. */
void world_open(struct world *w);
void world_close(struct world *w, bool exact);

/* Makes a tick with random samples; a reference. Not written. */
struct tick *world_tick(struct world *w);
/* Makes one, writes it (asserts success), forgets it. Returns its number. */
uint64_t world_write(struct world *w);
void world_forget(struct world *w); /* the record: the database is another one now */
void world_record(struct world *w, const struct tick *t, bool stored);
void world_record_refused(struct world *w, const struct tick *t); /* by store_write */
/* Opens with short spans, writes and seals so many ticks. */
void world_fill(struct world *w, int ticks);
void world_work(struct world *w); /* until nothing is left to do */

struct store_reader *world_reader(const struct world *w);  /* to be closed */
char *world_path(const struct world *w, const char *name); /* to be freed */
void world_remove(const char *dir);

/* The database file, past the store. */
void world_read_database(const struct world *w, struct buf *ret); /* appends all of it */
void world_write_database(const struct world *w, const void *data, size_t len);
void world_copy_database(const struct world *w, const char *path); /* from there */
int64_t world_ask_number(const struct world *w, const char *sql);
size_t world_count_aside(const struct world *w); /* databases that were set aside */
/* Takes all notes; how many of them have `part` in their text. */
size_t world_count_notes(struct world *w, const char *part);
