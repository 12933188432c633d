/*
 * throttle.c: one record per key that failed lately, in an array under a lock, and one bucket of
 * tokens for all.
 *
 * The array is searched from end to end (4096 records of 32 bytes: some ten microseconds, for a
 * login and nothing else) and never grows past `keys`: whoever has more addresses than that runs
 * into the bucket first.
 */
#include "base/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/check.h"
#include "base/mem.h"

struct record {
    uint8_t key[THROTTLE_KEY_LEN];
    int64_t failed_ms; /* the last time */
    unsigned failures;
};

struct throttle {
    pthread_mutex_t lock; /* guards all below */
    struct throttle_settings settings;
    struct record *records; /* settings.keys of them, allocated as needed */
    size_t count, room;
    int64_t tokens, filled_ms;
};

struct throttle *throttle_new(const struct throttle_settings *settings)
{
    CHECK(settings->keys > 0 && settings->burst > 0 && settings->refill_ms > 0);
    struct throttle *t = mem_alloc(sizeof(*t));
    CHECK(pthread_mutex_init(&t->lock, NULL) == 0);
    t->settings = *settings;
    t->tokens = settings->burst;
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t->records);
    free(t);
}

static struct record *find(struct throttle *t, const uint8_t *key)
{
    for (size_t i = 0; key && i < t->count; i++) {
        if (memcmp(t->records[i].key, key, THROTTLE_KEY_LEN) == 0)
            return &t->records[i];
    }
    return NULL;
}

static void drop(struct throttle *t, struct record *r)
{
    *r = t->records[--t->count];
}

static void forget_old(struct throttle *t, int64_t now_ms)
{
    for (size_t i = t->count; i-- > 0;) {
        if (now_ms - t->records[i].failed_ms >= t->settings.forget_ms)
            drop(t, &t->records[i]);
    }
}

static struct record *oldest(struct throttle *t)
{
    struct record *r = &t->records[0];
    for (size_t i = 1; i < t->count; i++) {
        if (t->records[i].failed_ms < r->failed_ms)
            r = &t->records[i];
    }
    return r;
}

static struct record *add(struct throttle *t, const uint8_t *key)
{
    if (t->count == t->settings.keys)
        drop(t, oldest(t));
    if (t->count == t->room) {
        t->room = MIN(MAX(t->room * 2, (size_t)16), t->settings.keys);
        t->records = mem_resize(t->records, t->room, sizeof(*t->records));
    }
    struct record *r = &t->records[t->count++];
    *r = (struct record){0};
    memcpy(r->key, key, THROTTLE_KEY_LEN);
    return r;
}

/* What a key has to let pass after its last failure. */
static int64_t delay_of(const struct throttle *t, const struct record *r)
{
    if (!r || r->failures < t->settings.free_failures)
        return 0;
    unsigned doublings = MIN(r->failures - t->settings.free_failures, 30U);
    return MIN(t->settings.first_delay_ms << doublings, t->settings.longest_delay_ms);
}

static void refill(struct throttle *t, int64_t now_ms)
{
    int64_t more = (now_ms - t->filled_ms) / t->settings.refill_ms;
    if (t->tokens + more >= t->settings.burst) {
        t->tokens = t->settings.burst;
        t->filled_ms = now_ms;
    } else if (more > 0) {
        t->tokens += more;
        t->filled_ms += more * t->settings.refill_ms;
    }
}

/* 0, or how long the key or everybody has to wait. */
static int64_t wait_of(struct throttle *t, const struct record *r, int64_t now_ms)
{
    int64_t wait_ms = r ? r->failed_ms + delay_of(t, r) - now_ms : 0;
    if (wait_ms > 0)
        return wait_ms;
    if (t->tokens > 0)
        return 0;
    return MAX(t->filled_ms + t->settings.refill_ms - now_ms, 1);
}

int64_t throttle_take(struct throttle *t, const uint8_t *key, int64_t now_ms)
{
    CHECK(pthread_mutex_lock(&t->lock) == 0);
    forget_old(t, now_ms);
    refill(t, now_ms);
    struct record *r = find(t, key);
    int64_t wait_ms = wait_of(t, r, now_ms);
    if (wait_ms == 0) {
        t->tokens--;
        if (key && !r)
            r = add(t, key);
        if (r) {
            r->failures++;
            r->failed_ms = now_ms;
        }
    }
    CHECK(pthread_mutex_unlock(&t->lock) == 0);
    return wait_ms;
}

void throttle_forgive(struct throttle *t, const uint8_t *key)
{
    CHECK(pthread_mutex_lock(&t->lock) == 0);
    struct record *r = find(t, key);
    if (r)
        drop(t, r);
    t->tokens = MIN(t->tokens + 1, t->settings.burst);
    CHECK(pthread_mutex_unlock(&t->lock) == 0);
}

size_t throttle_keys(struct throttle *t)
{
    CHECK(pthread_mutex_lock(&t->lock) == 0);
    size_t count = t->count;
    CHECK(pthread_mutex_unlock(&t->lock) == 0);
    return count;
}
