/*
 * silence.h: somebody does not want to be told of these alerts until then. Alerts are not changed
 * by it but in what is told; ended silences are kept for a while so that people see what was.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/message.h"

#define SILENCES_MAX 1000
#define SILENCE_GLOB_MAX 257 /* with the NUL */

struct silence {
    uint64_t id;
    char rule[65];                 /* glob on the rule's name; "*": every rule */
    char series[SILENCE_GLOB_MAX]; /* glob on the canonical series; "*": all of them */
    char comment[257], by[65];
    int64_t from_ms, to_ms; /* wall time; to_ms in the past: ended */
};

struct silence_set {
    struct message msg;
    size_t count;
    struct silence silences[]; /* by id */
};

struct silence_set *silence_set_new(size_t count); /* zeroed; one reference */
struct silence_set *silence_set_ref(struct silence_set *set);
void silence_set_unref(struct silence_set *set); /* NULL allowed */
