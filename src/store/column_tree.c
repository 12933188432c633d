/*
 * column_tree.c: intervals that fit a column's numbers.
 *
 * All numbers below 2^width are the root of a binary tree, each node halves its parent's interval,
 * and any set of nodes that has every number of the column below exactly one of them will do as
 * leaves. A value that comes often gets a leaf of its own (of 0 bits), which is what a dictionary
 * would do; a crowded range gets many small leaves, a sparse one a single large leaf, whose plain
 * bits cost what they must. Which nodes are best is found from below: a node's own cost as a leaf,
 * or the sum of what its halves cost, whichever is less. Costs are the entropy of choosing among
 * the leaves, the plain bits, and what telling the reader of the leaf takes.
 *
 * On disk, from the root down: 0 a leaf; 10 both halves follow; 11 so many steps (gamma) to one
 * half only, these halves (a bit each, highest first), and then 0 a leaf or 1 both halves. A node
 * of one number is a leaf without saying so.
 */
#include "store/column_tree.h"

#include <math.h>

#define WIDTH_BITS 7
#define LEAF_COST 5.5 /* bits: its frequency, at the usual precision */

struct grower {
    const struct census *census;
    double all; /* log2 of how many numbers there are */
    double leaf_cost;
    struct leaf *leaves;
    size_t count;
};

static double choice_cost(const struct grower *g, uint32_t count)
{
    return count * (g->all - log2(count));
}

/* The first of [low, high) that has the bit; they are equal above it, and some have it. */
static size_t upper_half(const struct census *census, size_t low, size_t high, unsigned bit)
{
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (census->value[mid] >> bit & 1)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static double grow(struct grower *g, size_t low, size_t high, unsigned width);

/* As a leaf of `width` bits instead of what was found below. */
static double prefer_leaf(struct grower *g, size_t mark, size_t low, size_t high, unsigned width,
                          double below)
{
    const struct census *census = g->census;
    uint32_t count = census->before[high] - census->before[low];
    double cost = choice_cost(g, count) + (double)count * width + g->leaf_cost + (width > 0);
    if (cost > below)
        return below;
    g->count = mark;
    g->leaves[g->count++] = (struct leaf){
        .base = census->value[low] & ~bits_low(UINT64_MAX, width),
        .bits = (uint8_t)width,
        .count = count,
    };
    return cost;
}

// NOLINTNEXTLINE(misc-no-recursion): each level has a bit less, of 64
static double grow(struct grower *g, size_t low, size_t high, unsigned width)
{
    const struct census *census = g->census;
    size_t mark = g->count;
    unsigned inner = bits_length(census->value[low] ^ census->value[high - 1]);
    unsigned steps = width - inner;
    double cost = HUGE_VAL;
    if (inner) {
        size_t mid = upper_half(census, low, high, inner - 1);
        cost = 2 + grow(g, low, mid, inner - 1);
        cost += grow(g, mid, high, inner - 1);
    }
    cost = prefer_leaf(g, mark, low, high, inner, cost);
    if (steps == 0)
        return cost;
    return prefer_leaf(g, mark, low, high, width, cost + 1 + gamma_size(steps) + steps);
}

double tree_choose(const struct census *census, struct leaf *leaves, struct tree *ret)
{
    struct grower g = {
        .census = census,
        .all = log2(census->before[census->distinct]),
        .leaf_cost = LEAF_COST,
        .leaves = leaves,
    };
    ret->width = bits_length(census->value[census->distinct - 1]);
    double cost = grow(&g, 0, census->distinct, ret->width);
    while (g.count > LEAVES_MAX) {
        g.leaf_cost *= 1.5;
        g.count = 0;
        cost = grow(&g, 0, census->distinct, ret->width);
    }
    ret->count = g.count;
    memcpy(ret->leaf, leaves, g.count * sizeof(*leaves));
    return cost + WIDTH_BITS;
}

size_t tree_find(const struct tree *tree, uint64_t value)
{
    size_t low = 0, high = tree->count; /* the last one that begins at or below it */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (tree->leaf[mid].base <= value)
            low = mid;
        else
            high = mid;
    }
    return low;
}

// NOLINTNEXTLINE(misc-no-recursion): as above
static void put_node(const struct tree *tree, size_t low, size_t high, unsigned width,
                     struct bit_writer *w)
{
    const struct leaf *first = &tree->leaf[low];
    bool lone = high - low == 1;
    unsigned inner = lone ? first->bits : bits_length(first->base ^ tree->leaf[high - 1].base);
    if (width > inner) {
        bits_put(w, 3, 2);
        gamma_put(w, width - inner);
        for (unsigned bit = width; bit > inner; bit--)
            bits_put(w, first->base >> (bit - 1) & 1, 1);
        if (inner)
            bits_put(w, !lone, 1);
    } else if (width) {
        bits_put(w, !lone, lone ? 1 : 2);
    }
    if (lone)
        return;
    size_t mid = low;
    while (!(tree->leaf[mid].base >> (inner - 1) & 1))
        mid++;
    put_node(tree, low, mid, inner - 1, w);
    put_node(tree, mid, high, inner - 1, w);
}

void tree_put(const struct tree *tree, struct bit_writer *w)
{
    bits_put(w, tree->width, WIDTH_BITS);
    put_node(tree, 0, tree->count, tree->width, w);
}

/* `base` has the bits above `width`. */
// NOLINTNEXTLINE(misc-no-recursion): as above
static bool get_node(struct bit_reader *r, uint64_t base, unsigned width, struct tree *tree)
{
    bool leaf = width == 0;
    if (!leaf && !bits_get(r, 1)) {
        leaf = true;
    } else if (!leaf && bits_get(r, 1)) {
        uint64_t steps = gamma_get(r);
        if (steps > width)
            return false;
        while (steps--)
            base |= bits_get(r, 1) << --width;
        leaf = width == 0 || !bits_get(r, 1);
    }
    if (r->bad || (leaf && tree->count == LEAVES_MAX))
        return false;
    if (leaf) {
        tree->leaf[tree->count++] = (struct leaf){.base = base, .bits = (uint8_t)width};
        return true;
    }
    return get_node(r, base, width - 1, tree) &&
           get_node(r, base | UINT64_C(1) << (width - 1), width - 1, tree);
}

bool tree_get(struct bit_reader *r, struct tree *ret)
{
    ret->width = (unsigned)bits_get(r, WIDTH_BITS);
    ret->count = 0;
    return ret->width <= 64 && get_node(r, 0, ret->width, ret) && !r->bad;
}
