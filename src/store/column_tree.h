/*
 * column_tree.h: the numbers of a column cut into intervals, so that each number is the interval
 * that it is in, told by statistics, and its place there, in plain bits. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/column_bits.h"

#define LEAVES_MAX 256

/* [base, base + 2^bits), aligned to its size. */
struct leaf {
    uint64_t base;
    uint8_t bits;
    uint32_t count; /* numbers in it; only known while encoding */
};

/* Leaves by growing base; they never overlap. */
struct tree {
    unsigned width; /* all numbers are below 2^width */
    size_t count;
    struct leaf leaf[LEAVES_MAX];
};

/* What the numbers are and how often: [distinct] of each, growing. `before` has one more: how many
 * numbers come before those, and all together. */
struct census {
    size_t distinct;
    uint64_t *value;
    uint32_t *before;
};

/* The tree that takes the fewest bits for numbers that are independent of each other. `leaves` is
 * room for as many as there are distinct numbers. Returns about how many bits that is. */
double tree_choose(const struct census *census, struct leaf *leaves, struct tree *ret);

size_t tree_find(const struct tree *tree, uint64_t value); /* the leaf that has it */

#define TREE_BYTES_MAX (LEAVES_MAX * 12)
void tree_put(const struct tree *tree, struct bit_writer *w);
bool tree_get(struct bit_reader *r, struct tree *ret); /* false: no tree */
