/*
 * readers.h: questions to the history, answered on libuv's pool. At most READERS_AT_ONCE run, the
 * next READERS_WAITING wait; more are refused, so a crowd of viewers cannot pile up work. The
 * loop's thread, but for `work`.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "model/tick.h"
#include "store/store.h"

#define READERS_AT_ONCE 3 /* of the four threads of the pool: answers are compressed there, too */
#define READERS_WAITING 256

struct readers;

/* What a job may use while it works. */
struct reading {
    struct store_reader *reader;          /* NULL: there is no history on disk */
    const struct store_error *unreadable; /* not NULL: there may be one, but it cannot be opened */
    struct recent recent;
};

struct job {
    /* On a pool thread. 0 or a negative errno: how the history answered. */
    int (*work)(struct job *job, const struct reading *reading);
    /* On the loop's thread, always called; frees the job. */
    void (*done)(struct job *job);
    struct job *next; /* the queue's */
};

/* damaged (may be NULL): on the loop's thread, when a reader met a damaged database (-EBADMSG), or
 * damaged chunks in one that it can read (0). */
struct readers *readers_new(uv_loop_t *uv, const char *data_dir,
                            void (*damaged)(void *user, struct store_reader *reader, int error),
                            void *damaged_user);

/* Runs the job with the ticks of `ring` at hand. False: too many wait; the job was not taken.
 * `begun`: part of its answer is on its way already, so it waits however many do (exports are few).
 */
bool readers_submit(struct readers *r, struct job *job, const struct tick_ring *ring, bool begun);

/* Nobody waits for the job any more: one that has not begun never does and is done at once, one
 * that runs is told to end. `done` is called as ever: do not touch the job afterwards. */
void readers_forget(struct readers *r, struct job *job);

/* Nothing starts any more, what runs is told to end; done is still called for every job. */
void readers_close(struct readers *r);
void readers_free(struct readers *r); /* after the loop has ended; NULL allowed */
