/*
 * column_words.h: a list of 64-bit numbers as small as it gets. Room belongs to one thread at a
 * time, and so do these calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/column_symbols.h"
#include "store/varint.h"

struct words_room; /* about 100 KiB and 60 bytes a number */

struct words_room *words_room_new(void);
void words_room_free(struct words_room *room); /* NULL allowed */

/* Memory for `count` numbers, for the caller; kept apart by `which`, valid until the next call
 * with the same. */
#define WORDS_LISTS 2
uint64_t *words_list(struct words_room *room, unsigned which, size_t count);

size_t words_bound(size_t count); /* bytes that words_put may need */

/* `is_signed`: the numbers are int64_t. Returns the end. */
uint8_t *words_put(struct words_room *room, const uint64_t *words, size_t count, bool is_signed,
                   uint8_t *at);

/* False: damaged; `words` then holds anything. */
bool words_get(struct words_room *room, struct cursor *c, uint64_t *words, size_t count,
               bool is_signed);
