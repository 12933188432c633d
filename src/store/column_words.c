/*
 * column_words.c: numbers into bits.
 *
 * Numbers are first made small: less the least of them, and divided by what divides all of these
 * (pages of 4,096 bytes, clocks that tick in 10 µs). Then they are taken as they are, or as
 * differences from one to the next, either folded around zero or less the least difference; a tree
 * (column_tree.c) cuts them into intervals, these are symbols (column_symbols.c), and what is left
 * are plain bits. All of it is tried and the shortest kept: a column is packed once and read often.
 *
 * On disk: one byte, the way and bit 2: divided; the least number (varint, zigzag when signed);
 * nothing else when all are the same; else the divisor, if any; the least difference (zigzag) with
 * LEAST; the tree and the symbols, when there is more than one leaf; from the next byte on the
 * plain bits of every number. Differences begin with the first number less the least, as it is.
 */
#include "store/column_words.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/column_tree.h"

enum way {
    WAY_SAME,    /* one number, for all */
    WAY_NUMBERS, /* as they are */
    WAY_FOLDED,  /* zigzag differences */
    WAY_LEAST,   /* differences, less the least of them */
    WAYS
};

#define FLAG_DIVIDED 4

struct words_room {
    size_t capacity; /* of the arrays but `list` */
    uint64_t *small; /* less the least, divided */
    uint64_t *tried; /* the way that is being looked at */
    uint64_t *sorted, *other;
    uint32_t *before; /* capacity + 1 */
    struct leaf *leaf;
    uint8_t *symbol;
    struct symbols_room symbols;
    uint64_t *list[WORDS_LISTS];
    size_t list_capacity[WORDS_LISTS];
};

/* A way with all that was chosen for it. */
struct plan {
    enum way way;
    uint64_t least; /* difference */
    struct tree tree;
    struct shape shape;
    double bits;
};

struct words_room *words_room_new(void)
{
    return mem_alloc(sizeof(struct words_room));
}

void words_room_free(struct words_room *room)
{
    if (!room)
        return;
    free(room->small);
    free(room->tried);
    free(room->sorted);
    free(room->other);
    free(room->before);
    free(room->leaf);
    free(room->symbol);
    symbols_room_fini(&room->symbols);
    for (unsigned i = 0; i < WORDS_LISTS; i++)
        free(room->list[i]);
    free(room);
}

uint64_t *words_list(struct words_room *room, unsigned which, size_t count)
{
    if (count > room->list_capacity[which] || !room->list[which]) {
        room->list[which] = mem_resize(room->list[which], count + 1, sizeof(uint64_t));
        room->list_capacity[which] = count;
    }
    return room->list[which];
}

static void room_grow(struct words_room *room, size_t count)
{
    if (count <= room->capacity)
        return;
    room->small = mem_resize(room->small, count, sizeof(uint64_t));
    room->tried = mem_resize(room->tried, count, sizeof(uint64_t));
    room->sorted = mem_resize(room->sorted, count, sizeof(uint64_t));
    room->other = mem_resize(room->other, count, sizeof(uint64_t));
    room->before = mem_resize(room->before, count + 1, sizeof(uint32_t));
    room->leaf = mem_resize(room->leaf, count, sizeof(struct leaf));
    room->symbol = mem_resize(room->symbol, count, sizeof(uint8_t));
    room->capacity = count;
}

size_t words_bound(size_t count)
{
    return 1 + 3 * VARINT_MAX + TREE_BYTES_MAX + symbols_bound(count) + 8 * count + 8;
}

/* ---- choosing ------------------------------------------------------------------------------- */

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Numbers less the least, divided, into room->small. Signed ones keep their order: what is
 * subtracted is the least of them as signed numbers, modulo 2^64. */
static void make_small(struct words_room *room, const uint64_t *words, size_t count, bool is_signed,
                       uint64_t *ret_least, uint64_t *ret_divisor)
{
    const uint64_t bias = is_signed ? UINT64_C(1) << 63 : 0;
    uint64_t least = words[0], divisor = 0;
    for (size_t i = 1; i < count; i++)
        least = (words[i] ^ bias) < (least ^ bias) ? words[i] : least;
    for (size_t i = 0; i < count; i++) {
        room->small[i] = words[i] - least;
        if (divisor != 1)
            divisor = greatest_divisor(room->small[i], divisor);
    }
    for (size_t i = 0; i < count && divisor > 1; i++)
        room->small[i] /= divisor;
    *ret_least = least;
    *ret_divisor = divisor;
}

/* Into room->tried. */
static void apply_way(struct words_room *room, size_t count, enum way way, uint64_t least)
{
    const uint64_t *small = room->small;
    uint64_t *tried = room->tried;
    tried[0] = small[0];
    for (size_t i = 1; i < count; i++)
        tried[i] = way == WAY_NUMBERS  ? small[i]
                   : way == WAY_FOLDED ? zigzag(small[i] - small[i - 1])
                                       : small[i] - small[i - 1] - least;
}

static uint64_t least_difference(const uint64_t *small, size_t count)
{
    int64_t least = INT64_MAX;
    for (size_t i = 1; i < count; i++) {
        int64_t difference = (int64_t)(small[i] - small[i - 1]);
        least = difference < least ? difference : least;
    }
    return (uint64_t)least;
}

/* room->tried into order: by one byte after the other, from the lowest to the highest there is. */
static void sort_tried(struct words_room *room, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all |= room->tried[i];
    const uint64_t *from = room->tried;
    for (unsigned shift = 0; shift < 64 && all >> shift; shift += 8) {
        size_t place[257] = {0};
        uint64_t *to = from == room->sorted ? room->other : room->sorted;
        for (size_t i = 0; i < count; i++)
            place[(from[i] >> shift & 0xff) + 1]++;
        for (size_t i = 1; i < 257; i++)
            place[i] += place[i - 1];
        for (size_t i = 0; i < count; i++)
            to[place[from[i] >> shift & 0xff]++] = from[i];
        from = to;
    }
    if (from != room->sorted)
        memcpy(room->sorted, from, count * sizeof(*from));
}

/* Of sorted numbers, in place. */
static void take_census(struct words_room *room, size_t count, struct census *ret)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (i && room->sorted[i] == room->sorted[distinct - 1])
            continue;
        room->before[distinct] = (uint32_t)i;
        room->sorted[distinct++] = room->sorted[i];
    }
    room->before[distinct] = (uint32_t)count;
    *ret = (struct census){distinct, room->sorted, room->before};
}

static void plan_tree(struct words_room *room, size_t count, struct plan *plan)
{
    struct census census;
    apply_way(room, count, plan->way, plan->least);
    sort_tried(room, count);
    take_census(room, count, &census);
    plan->bits = tree_choose(&census, room->leaf, &plan->tree);
    if (plan->way == WAY_LEAST)
        plan->bits += 8 * (double)varint_size(zigzag(plan->least));
}

static void find_symbols(struct words_room *room, size_t count, const struct plan *plan)
{
    apply_way(room, count, plan->way, plan->least);
    for (size_t i = 0; i < count; i++)
        room->symbol[i] = (uint8_t)tree_find(&plan->tree, room->tried[i]);
}

/* With the symbols in their contexts. */
static void plan_symbols(struct words_room *room, size_t count, struct plan *plan)
{
    find_symbols(room, count, plan);
    double bits = symbols_plan(&room->symbols, room->symbol, count, plan->tree.count, &plan->shape);
    for (size_t i = 0; i < plan->tree.count; i++)
        bits += (double)plan->tree.leaf[i].bits * plan->tree.leaf[i].count + 3;
    if (plan->way == WAY_LEAST)
        bits += 8 * (double)varint_size(zigzag(plan->least));
    plan->bits = bits;
}

/* Numbers that come in contexts may win although they lose as lone ones, but not by far. */
#define WORTH_A_TRY 1.4

static void choose_plan(struct words_room *room, size_t count, struct plan *ret)
{
    struct plan plans[] = {
        {.way = WAY_NUMBERS},
        {.way = WAY_FOLDED},
        {.way = WAY_LEAST, .least = least_difference(room->small, count)},
    };
    double alone = HUGE_VAL;
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        plan_tree(room, count, &plans[i]);
        alone = MIN(alone, plans[i].bits);
    }
    size_t best = 0;
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        if (plans[i].bits > alone * WORTH_A_TRY)
            plans[i].bits = HUGE_VAL;
        else
            plan_symbols(room, count, &plans[i]);
        best = plans[i].bits < plans[best].bits ? i : best;
    }
    *ret = plans[best];
}

/* ---- writing -------------------------------------------------------------------------------- */

static uint8_t *put_plan(struct words_room *room, const struct plan *plan, size_t count,
                         uint8_t *at)
{
    find_symbols(room, count, plan);
    if (plan->way == WAY_LEAST)
        at = varint_put(at, zigzag(plan->least));
    struct bit_writer w = {.at = at};
    tree_put(&plan->tree, &w);
    if (plan->tree.count > 1)
        symbols_put(&room->symbols, room->symbol, count, plan->tree.count, &plan->shape, &w);
    else
        bits_flush(&w);
    for (size_t i = 0; i < count; i++)
        bits_put(&w, room->tried[i], plan->tree.leaf[room->symbol[i]].bits);
    return bits_flush(&w);
}

uint8_t *words_put(struct words_room *room, const uint64_t *words, size_t count, bool is_signed,
                   uint8_t *at)
{
    if (count == 0)
        return at;
    uint64_t least, divisor;
    room_grow(room, count);
    make_small(room, words, count, is_signed, &least, &divisor);
    uint8_t *head = at++;
    at = varint_put(at, is_signed ? zigzag(least) : least);
    if (divisor == 0) {
        *head = WAY_SAME;
        return at;
    }
    struct plan best;
    choose_plan(room, count, &best);
    *head = (uint8_t)(best.way | (divisor > 1 ? FLAG_DIVIDED : 0));
    if (divisor > 1)
        at = varint_put(at, divisor);
    return put_plan(room, &best, count, at);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* What apply_way and make_small did, undone in place. */
static void restore(uint64_t *words, size_t count, enum way way, uint64_t least_step,
                    uint64_t divisor, uint64_t least)
{
    uint64_t number = 0;
    switch (way) {
    case WAY_FOLDED:
        for (size_t i = 0; i < count; i++) {
            number += i ? unzigzag(words[i]) : words[i];
            words[i] = number * divisor + least;
        }
        break;
    case WAY_LEAST:
        for (size_t i = 0; i < count; i++) {
            number += words[i] + (i ? least_step : 0);
            words[i] = number * divisor + least;
        }
        break;
    default:
        for (size_t i = 0; i < count; i++)
            words[i] = words[i] * divisor + least;
        break;
    }
}

static bool get_plain(struct bit_reader *r, const struct tree *tree, const uint8_t *symbol,
                      uint64_t *words, size_t count)
{
    uint64_t base[LEAVES_MAX];
    uint8_t bits[LEAVES_MAX], most = 0;
    for (size_t i = 0; i < tree->count; i++) {
        base[i] = tree->leaf[i].base;
        bits[i] = tree->leaf[i].bits;
        most = MAX(most, bits[i]);
    }
    if (most == 0) {
        for (size_t i = 0; i < count; i++)
            words[i] = base[symbol[i]]; // cppcheck-suppress uninitvar ; a symbol is one of the tree
        return true;
    }
    for (size_t i = 0; i < count; i++)
        words[i] = base[symbol[i]] + bits_get(r, bits[symbol[i]]);
    return !r->bad;
}

bool words_get(struct words_room *room, struct cursor *c, uint64_t *words, size_t count,
               bool is_signed)
{
    if (count == 0)
        return !c->bad;
    uint8_t head = cursor_byte(c);
    enum way way = (enum way)(head & 3);
    uint64_t least = cursor_varint(c), divisor = 1, least_step = 0;
    least = is_signed ? unzigzag(least) : least;
    if (way == WAY_SAME) {
        for (size_t i = 0; i < count; i++)
            words[i] = least;
        return head == WAY_SAME && !c->bad;
    }
    if (head & FLAG_DIVIDED)
        divisor = cursor_varint(c);
    if (way == WAY_LEAST)
        least_step = unzigzag(cursor_varint(c));
    if (c->bad || head >= 2 * FLAG_DIVIDED)
        return false;

    struct tree tree;
    struct bit_reader r = bits_over(c->at, cursor_left(c));
    room_grow(room, count);
    if (!tree_get(&r, &tree))
        return false;
    if (tree.count == 1) {
        memset(room->symbol, 0, count);
        r.at = 8 * (uint64_t)bits_bytes(&r);
    } else if (!symbols_get(&room->symbols, &r, room->symbol, count, tree.count)) {
        return false;
    }
    if (!get_plain(&r, &tree, room->symbol, words, count))
        return false;
    c->at += bits_bytes(&r);
    restore(words, count, way, least_step, divisor, least);
    return true;
}
