/*
 * column_symbols.h: a sequence of symbols in about as many bits as their statistics allow, given
 * what came before each. Room belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/column_bits.h"

#define SYMBOLS_ALPHABET_MAX 256
#define SYMBOLS_CONTEXTS_MAX 64
#define SYMBOLS_CELLS_MAX 4096 /* contexts times alphabet */
#define SYMBOLS_SLOTS_MAX 16384

/* What the context of a symbol is made of: the classes of the `order` symbols before it, and of
 * the one `lag` before it (0: not). Classes are ranges of neighbouring symbols. */
struct shape {
    uint8_t class_bits; /* 0: no contexts at all */
    uint8_t order;
    uint8_t lag;
    uint8_t class_of[SYMBOLS_ALPHABET_MAX];
};

struct symbols_room {
    uint32_t slot[SYMBOLS_SLOTS_MAX]; /* decoding: what a state stands for */
    uint32_t cell[SYMBOLS_CELLS_MAX]; /* frequency and place of each; encoding: counts first */
    size_t capacity;                  /* of these two: */
    uint8_t *context;                 /* encoding: of each symbol */
    uint16_t *word;                   /* encoding: the stream, from the end */
};

void symbols_room_fini(struct symbols_room *room);

/* The best shape for these symbols (each below `alphabet`), and about how many bits they take. */
double symbols_plan(struct symbols_room *room, const uint8_t *symbols, size_t count,
                    size_t alphabet, struct shape *ret);

/* At most this many bytes. */
size_t symbols_bound(size_t count);

/* Shape, frequencies and symbols. `at` of the writer is where the next byte goes. */
void symbols_put(struct symbols_room *room, const uint8_t *symbols, size_t count, size_t alphabet,
                 const struct shape *shape, struct bit_writer *w);

/* The same back; the reader then stands at the next byte. False: damaged. */
bool symbols_get(struct symbols_room *room, struct bit_reader *r, uint8_t *symbols, size_t count,
                 size_t alphabet);
