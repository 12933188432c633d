/*
 * silences.h: the silences in force and those that ended within a day. Core thread; times are wall
 * times, as people mean them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/silence.h"

/* Ended ones are shown for so long. */
#define SILENCES_KEPT_MS INT64_C(86400000)

struct silences;

struct silences *silences_new(uint64_t next_id);
uint64_t silences_next_id(const struct silences *s);
void silences_free(struct silences *s); /* NULL allowed */

/* One that has its id already. Beyond SILENCES_MAX the one that ended first makes room; -ENOSPC:
 * none has ended. */
int silences_restore(struct silences *s, const struct silence *one);
/* 0 and the id that it got; -ENOSPC. */
int silences_add(struct silences *s, const struct silence *one, int64_t now_ms, uint64_t *ret_id);
/* -ENOENT, -EALREADY (has ended). *ret: as it is now, borrowed. */
int silences_end(struct silences *s, uint64_t id, int64_t now_ms, const struct silence **ret);

/* NULL: there is none (any more). Borrowed. */
const struct silence *silences_find(const struct silences *s, uint64_t id);

/* Time goes on: whether other silences are in force than at the last call. */
bool silences_step(struct silences *s, int64_t now_ms);

/* The id of one that is in force and names this alert, as of the last step; 0: none. */
uint64_t silences_match(const struct silences *s, const char *rule, const char *series);

/* All of them, for the board; one reference. */
struct silence_set *silences_set(const struct silences *s);
