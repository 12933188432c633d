/*
 * tally.h: how many of each name there are, counted by several threads; e.g. the connections of
 * each address over all loops. A lock is held for a look into a hash table. What is at zero takes
 * no memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *t); /* NULL allowed */

/* One more of this name, if there are fewer than `most`. */
bool tally_add(struct tally *t, const char *name, uint32_t most);
void tally_remove(struct tally *t, const char *name); /* one that tally_add has added */
