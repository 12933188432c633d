/*
 * throttle.h: how often somebody may try and fail: per key with a growing delay, and all together.
 * Bounded memory, a lock of its own: any thread. Times are monotonic milliseconds of the caller.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define THROTTLE_KEY_LEN 16

struct throttle_settings {
    unsigned free_failures;   /* of a key, before it has to wait */
    int64_t first_delay_ms;   /* then this, doubled with each failure */
    int64_t longest_delay_ms; /* up to this */
    int64_t forget_ms;        /* after so long without a failure a key is as good as new */
    size_t keys;              /* that are remembered; the one that failed longest ago leaves */
    int64_t burst;            /* failures of all keys together, and of those without one */
    int64_t refill_ms;        /* one more every so often */
};
#define THROTTLE_LOGIN                                                                             \
    ((struct throttle_settings){.free_failures = 5,                                                \
                                .first_delay_ms = 1000,                                            \
                                .longest_delay_ms = 300000,                                        \
                                .forget_ms = 900000,                                               \
                                .keys = 4096,                                                      \
                                .burst = 100,                                                      \
                                .refill_ms = 500})

struct throttle;

struct throttle *throttle_new(const struct throttle_settings *settings);
void throttle_free(struct throttle *t); /* NULL allowed */

/* May somebody try now? 0: yes, and it counts as a failure until throttle_forgive says otherwise,
 * so that trying on many threads at once gains nothing. Else for how many milliseconds not; that
 * asking again too early does not make longer. key NULL: only the limit of all together. */
int64_t throttle_take(struct throttle *t, const uint8_t *key, int64_t now_ms);

/* It was no failure: the key is as good as new. */
void throttle_forgive(struct throttle *t, const uint8_t *key);

size_t throttle_keys(struct throttle *t); /* remembered now */
