/*
 * readers.c: see readers.h.
 *
 * Each place has one store_reader, opened when it is first needed and again when it failed, used by
 * one pool thread at a time: the hand-over through libuv's queue orders the accesses. The ticks
 * that a job may need beside the disk are held by reference from the moment it starts.
 */
#include "api/readers.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct place {
    uv_work_t work;
    struct readers *owner;
    struct job *job;                       /* NULL: free */
    _Atomic(struct store_reader *) reader; /* the pool opens, the loop may cancel meanwhile */
    atomic_bool cancelled;                 /* written by the loop, read by the pool */
    struct tick **ticks;
    size_t ticks_count;
    int failed; /* of the last job: 0 or a negative errno */
};

struct waiting {
    struct job *first, **last;
    size_t count;
};

struct readers {
    uv_loop_t *uv;
    char *data_dir;
    struct waiting waiting;
    bool closing;
    struct place places[READERS_AT_ONCE];
    const struct tick_ring *ring;
    void (*damaged)(void *user, struct store_reader *reader, int error);
    void *damaged_user;
};

static void place_work(uv_work_t *work)
{
    struct place *p = work->data;
    struct store_reader *reader = p->reader;
    struct store_error err;
    int failed = reader ? 0 : store_reader_open(p->owner->data_dir, &reader, &err);
    p->reader = reader;
    /* From here on place_cancel reaches the reader; what was cancelled before could not. */
    if (p->cancelled) {
        p->failed = -ECANCELED;
        return;
    }
    struct reading reading = {
        .reader = reader,
        .unreadable = failed && failed != -ENOENT ? &err : NULL,
        .recent = {.ticks = p->ticks, .count = p->ticks_count},
    };
    p->failed = p->job->work(p->job, &reading);
}

static void place_start(struct place *p, struct job *job);

static void place_done(uv_work_t *work, int status)
{
    struct place *p = work->data;
    struct readers *r = p->owner;
    (void)status;
    for (size_t i = 0; i < p->ticks_count; i++)
        tick_unref(p->ticks[i]);
    free(TAKE(p->ticks));
    p->ticks_count = 0;
    struct store_reader *reader = p->reader;
    if (reader && r->damaged && store_reader_has_damaged(reader))
        r->damaged(r->damaged_user, reader, 0);
    if (p->failed || p->cancelled) {
        /* A fresh look next time: the database may have been set aside and begun anew. And who was
         * told to end does not forget it. */
        if (p->failed == -EBADMSG && r->damaged && reader)
            r->damaged(r->damaged_user, reader, -EBADMSG);
        store_reader_close(reader);
        p->reader = NULL;
    }
    struct job *job = TAKE(p->job);
    struct job *next = r->waiting.first;
    if (next) {
        r->waiting.first = next->next;
        if (!r->waiting.first)
            r->waiting.last = &r->waiting.first;
        r->waiting.count--;
        place_start(p, next);
    }
    job->done(job); /* last: it may submit the next question */
}

static void place_start(struct place *p, struct job *job)
{
    const struct tick_ring *ring = p->owner->ring;
    p->job = job;
    p->cancelled = false;
    p->ticks_count = tick_ring_count(ring);
    p->ticks = mem_array(p->ticks_count, sizeof(struct tick *));
    for (size_t i = 0; i < p->ticks_count; i++)
        p->ticks[i] = tick_ref(tick_ring_at(ring, i));
    int err = uv_queue_work(p->owner->uv, &p->work, place_work, place_done);
    CHECK(err == 0);
}

struct readers *readers_new(uv_loop_t *uv, const char *data_dir,
                            void (*damaged)(void *user, struct store_reader *reader, int error),
                            void *damaged_user)
{
    struct readers *r = mem_alloc(sizeof(*r));
    r->uv = uv;
    r->data_dir = mem_string(data_dir);
    r->damaged = damaged;
    r->damaged_user = damaged_user;
    r->waiting.last = &r->waiting.first;
    for (size_t i = 0; i < READERS_AT_ONCE; i++) {
        r->places[i].owner = r;
        r->places[i].work.data = &r->places[i];
    }
    return r;
}

bool readers_submit(struct readers *r, struct job *job, const struct tick_ring *ring, bool begun)
{
    if (r->closing)
        return false;
    r->ring = ring;
    for (size_t i = 0; i < READERS_AT_ONCE; i++) {
        if (!r->places[i].job) {
            place_start(&r->places[i], job);
            return true;
        }
    }
    if (r->waiting.count >= READERS_WAITING && !begun)
        return false;
    job->next = NULL;
    *r->waiting.last = job;
    r->waiting.last = &job->next;
    r->waiting.count++;
    return true;
}

static void place_cancel(struct place *p)
{
    p->cancelled = true;
    struct store_reader *reader = p->reader;
    if (reader)
        store_reader_cancel(reader);
}

void readers_forget(struct readers *r, struct job *job)
{
    for (size_t i = 0; i < READERS_AT_ONCE; i++) {
        if (r->places[i].job == job)
            place_cancel(&r->places[i]);
    }
    for (struct job **at = &r->waiting.first; *at; at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        if (!job->next)
            r->waiting.last = at;
        r->waiting.count--;
        job->done(job);
        return;
    }
}

void readers_close(struct readers *r)
{
    r->closing = true;
    for (size_t i = 0; i < READERS_AT_ONCE; i++) {
        if (r->places[i].job)
            place_cancel(&r->places[i]);
    }
    while (r->waiting.first) {
        struct job *job = r->waiting.first;
        r->waiting.first = job->next;
        job->done(job);
    }
    r->waiting.last = &r->waiting.first;
    r->waiting.count = 0;
}

void readers_free(struct readers *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < READERS_AT_ONCE; i++)
        store_reader_close(r->places[i].reader);
    free(r->data_dir);
    free(r);
}
