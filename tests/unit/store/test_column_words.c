/*
 * test_column_words.c: lists of numbers come back bit for bit, whatever their statistics; each
 * means of making them small does make them small; damaged bytes do no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/column_tree.h"
#include "store/column_words.h"

#define NUMBERS 7200

static uint64_t random_state = 99;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below ? (random_state >> 9) % below : random_state;
}

static size_t check_words(struct words_room *room, const uint64_t *words, size_t count,
                          bool is_signed)
{
    uint8_t *bytes = mem_array(words_bound(count), 1);
    uint64_t *back = mem_array(count + 1, sizeof(*back));
    size_t len = (size_t)(words_put(room, words, count, is_signed, bytes) - bytes);
    assert_true(len <= words_bound(count));
    /* In memory of exactly that size, so that reading past the end is seen. */
    uint8_t *exact = mem_array(len + 1, 1);
    memcpy(exact, bytes, len);
    back[count] = 0x5a5a;
    struct cursor c = cursor_over(exact, len);
    assert_true(words_get(room, &c, back, count, is_signed));
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(back[count], 0x5a5a);
    for (size_t i = 0; i < count; i++)
        assert_true(back[i] == words[i]);
    free(exact);
    free(back);
    free(bytes);
    return len;
}

/* Kinds of lists, each from a different corner. */
#define STYLES 15

static uint64_t word_of(unsigned style, size_t i, uint64_t before)
{
    switch (style) {
    case 0:
        return next_random(0); /* any bits */
    case 1:
        return next_random(2) ? UINT64_MAX : 0;
    case 2:
        return UINT64_C(1) << next_random(64);
    case 3:
        return before + next_random(100); /* a counter's absolute values */
    case 4:
        return before - next_random(0) % 7; /* falls below zero */
    case 5:
        return 4096 * next_random(1000) + 17; /* pages and a rest */
    case 6:
        return next_random(100) ? 0 : next_random(1 << 20); /* now and then something */
    case 7:
        return i % 10 == 3 ? 700 + next_random(3) : 0; /* every ten seconds */
    case 8:
        return i / 50 % 2 ? 1000 + next_random(500) : 0; /* on and off */
    case 9:
        return next_random(300); /* more symbols than there are, when each has its own */
    case 10:
        return next_random(300) * UINT64_C(0x0123456789abcd); /* the same, far apart */
    case 11:
        return i * 1000; /* the same step, always */
    case 13:
        return before + next_random(100000); /* steps up, never down */
    case 12:
        return 2000000 + next_random(3000) + next_random(3000) + next_random(3000);
    default:
        return i % 2 ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct words_room *room = words_room_new();
    uint64_t *words = mem_array(NUMBERS, sizeof(*words));
    static const size_t lengths[] = {0, 1, 2, 3, 5, 17, 60, 64, 300, 1024, 3600, NUMBERS};
    for (unsigned style = 0; style < STYLES; style++) {
        for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
            for (size_t i = 0; i < lengths[l]; i++)
                words[i] = word_of(style, i, i ? words[i - 1] : 1000);
            check_words(room, words, lengths[l], false);
            check_words(room, words, lengths[l], true);
        }
    }
    /* Mixtures: all ways of cutting and counting meet. */
    for (unsigned round = 0; round < 300; round++) {
        size_t count = 1 + next_random(500);
        unsigned a = (unsigned)next_random(STYLES), b = (unsigned)next_random(STYLES);
        uint64_t share = 1 + next_random(50);
        for (size_t i = 0; i < count; i++)
            words[i] = word_of(next_random(share) ? a : b, i, i ? words[i - 1] : 0);
        check_words(room, words, count, round & 1);
    }
    free(words);
    words_room_free(room);
}

static size_t size_of(struct words_room *room, unsigned style, size_t count)
{
    uint64_t *words = mem_array(count, sizeof(*words));
    for (size_t i = 0; i < count; i++)
        words[i] = word_of(style, i, i ? words[i - 1] : 1000);
    size_t len = check_words(room, words, count, false);
    free(words);
    return len;
}

/* What each means is for. The bounds are what the numbers' own entropy comes to, plus a tenth and
 * what the tables take. */
static void test_small(void **state)
{
    (void)state;
    struct words_room *room = words_room_new();
    assert_in_range(size_of(room, 0, 3600), 8 * 3600, 8 * 3600 + 40); /* nothing to gain */
    assert_in_range(size_of(room, 3, 3600), 2900, 3300);              /* 6.64 bits each */
    assert_in_range(size_of(room, 5, 3600), 4480, 4900);              /* 9.97 bits, divided */
    assert_in_range(size_of(room, 6, 3600), 100, 140);                /* 36 places, 36 values */
    assert_in_range(size_of(room, 7, 3600), 60, 130);                 /* by what was ten before */
    assert_in_range(size_of(room, 8, 3600), 1900, 2300); /* half of them, 8.97 bits each */
    assert_in_range(size_of(room, 9, 3600), 3700, 4100); /* 8.23 bits */
    assert_in_range(size_of(room, 10, 3600), 3700, 4300 + 300 * 7);
    assert_in_range(size_of(room, 11, 3600), 2, 25); /* one step */
    /* 16.6 bits: a step down would take as many codes as one up. */
    assert_in_range(size_of(room, 13, 3600), 7450, 7650);
    words_room_free(room);
}

/* A tree is what the numbers are, however they lie. */
static void test_tree(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        uint64_t value[400];
        uint32_t before[401] = {0};
        size_t distinct = 0, numbers = 1 + next_random(400);
        uint64_t at = next_random(2) ? next_random(1000) : 0;
        for (size_t i = 0; i < numbers; i++) {
            value[distinct] = at;
            before[distinct + 1] = before[distinct] + 1 + (uint32_t)next_random(50);
            distinct++;
            uint64_t step =
                1 + (next_random(3) ? next_random(4) : next_random(0) >> next_random(60));
            if (step > UINT64_MAX - at)
                break;
            at += step;
        }
        const struct census census = {distinct, value, before};
        struct leaf *leaves = mem_array(distinct, sizeof(*leaves));
        struct tree tree, back;
        tree_choose(&census, leaves, &tree);
        uint32_t covered = 0;
        for (size_t i = 0; i < tree.count; i++)
            covered += tree.leaf[i].count;
        assert_int_equal(covered, before[distinct]);
        for (size_t i = 0; i < distinct; i++) {
            const struct leaf *leaf = &tree.leaf[tree_find(&tree, value[i])];
            assert_true((value[i] ^ leaf->base) <= bits_low(UINT64_MAX, leaf->bits));
        }
        uint8_t bytes[TREE_BYTES_MAX + 16];
        struct bit_writer w = {.at = bytes};
        tree_put(&tree, &w);
        size_t len = (size_t)(bits_flush(&w) - bytes);
        assert_true(len <= TREE_BYTES_MAX);
        struct bit_reader r = bits_over(bytes, len);
        assert_true(tree_get(&r, &back));
        assert_int_equal(bits_bytes(&r), len);
        assert_int_equal(back.count, tree.count);
        for (size_t i = 0; i < tree.count; i++)
            assert_true(back.leaf[i].base == tree.leaf[i].base &&
                        back.leaf[i].bits == tree.leaf[i].bits);
        free(leaves);
    }
}

static void test_bits(void **state)
{
    (void)state;
    uint8_t bytes[4000];
    uint64_t value[200];
    unsigned width[200];
    struct bit_writer w = {.at = bytes};
    for (size_t i = 0; i < ARRAY_LEN(value); i++) {
        width[i] = (unsigned)next_random(65);
        value[i] = bits_low(next_random(0), width[i]);
        bits_put(&w, value[i], width[i]);
        gamma_put(&w, value[i] | 1);
    }
    size_t len = (size_t)(bits_flush(&w) - bytes);
    uint8_t *exact = mem_array(len, 1);
    memcpy(exact, bytes, len);
    struct bit_reader r = bits_over(exact, len);
    for (size_t i = 0; i < ARRAY_LEN(value); i++) {
        assert_true(bits_get(&r, width[i]) == value[i]);
        assert_true(gamma_get(&r) == (value[i] | 1));
    }
    assert_false(r.bad);
    assert_int_equal(bits_bytes(&r), len);
    assert_int_equal(bits_get(&r, 8), 0);
    assert_true(r.bad);
    free(exact);
}

/* All nodes down to `depth` halves: 2^depth leaves. */
// NOLINTNEXTLINE(misc-no-recursion): `depth` levels
static void put_full(struct bit_writer *w, unsigned depth, unsigned width)
{
    if (depth == 0) {
        if (width)
            bits_put(w, 0, 1);
        return;
    }
    bits_put(w, 1, 2);
    put_full(w, depth - 1, width - 1);
    put_full(w, depth - 1, width - 1);
}

/* A list of two numbers with a full tree of that depth and contexts of that shape. */
static bool try_shape(struct words_room *room, unsigned depth, unsigned class_bits, unsigned order)
{
    uint8_t bytes[4096] = {1, 0};
    uint64_t back[2];
    struct bit_writer w = {.at = bytes + 2};
    bits_put(&w, depth, 7);
    put_full(&w, depth, depth);
    bits_put(&w, class_bits > 0, 1);
    if (class_bits) {
        bits_put(&w, class_bits - 1, 2);
        bits_put(&w, order, 3);
        bits_put(&w, 0, 7);
        for (unsigned i = 1; i < 1U << class_bits && depth > class_bits; i++)
            bits_put(&w, 0, 8);
    }
    bits_put(&w, 0, 3); /* weights of no bits: all alike */
    for (unsigned i = 0; i < 1U << class_bits * order && i < 4096; i++) /* no context occurs */
        bits_put(&w, 0, class_bits > 0);
    uint8_t *at = bits_flush(&w);
    at[2] = 1; /* the state that ends with 2^16 when nothing is told */
    struct cursor c = cursor_over(bytes, (size_t)(at - bytes) + 4);
    return words_get(room, &c, back, 2, false);
}

/* What does not fit into the tables is refused before it gets there. */
static void test_limits(void **state)
{
    (void)state;
    struct words_room *room = words_room_new();
    uint8_t bytes[TREE_BYTES_MAX];
    struct tree *tree = mem_array(2, sizeof(*tree));
    for (unsigned depth = 8; depth <= 9; depth++) { /* 256 leaves, 512 */
        struct bit_writer w = {.at = bytes};
        bits_put(&w, depth, 7);
        put_full(&w, depth, depth);
        struct bit_reader r = bits_over(bytes, (size_t)(bits_flush(&w) - bytes));
        assert_int_equal(tree_get(&r, tree), depth == 8);
        assert_int_equal(tree->count, 256);
    }
    free(tree);
    assert_true(try_shape(room, 1, 3, 2));  /* 64 contexts of 2 symbols */
    assert_true(try_shape(room, 6, 3, 2));  /* of 64 symbols: 4,096 cells */
    assert_false(try_shape(room, 7, 3, 2)); /* 8,192 */
    assert_false(try_shape(room, 1, 3, 3)); /* 512 contexts */
    assert_false(try_shape(room, 1, 3, 7));
    assert_false(try_shape(room, 1, 4, 1)); /* more classes than there may be */
    words_room_free(room);
}

/* Bits that mean nothing, a list that ends early, a stream that does not end where it began. */
static void test_strict(void **state)
{
    (void)state;
    struct words_room *room = words_room_new();
    uint64_t words[300], back[300];
    for (size_t i = 0; i < 300; i++)
        words[i] = next_random(8) == 0; /* two leaves of no bits: the stream comes last */
    uint8_t *bytes = mem_array(words_bound(300), 1);
    size_t len = (size_t)(words_put(room, words, 300, false, bytes) - bytes);
    for (unsigned bit = 3; bit < 8; bit++) {
        bytes[0] ^= (uint8_t)(1 << bit);
        struct cursor c = cursor_over(bytes, len);
        assert_false(words_get(room, &c, back, 300, false));
        bytes[0] ^= (uint8_t)(1 << bit);
    }
    for (unsigned bit = 0; bit < 16; bit++) { /* of the last word of the stream */
        bytes[len - 2 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct cursor c = cursor_over(bytes, len);
        assert_false(words_get(room, &c, back, 300, false));
        bytes[len - 2 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    static const uint8_t same_divided[] = {4, 0}, same_cut[] = {0, 0x80};
    struct cursor c = cursor_over(same_divided, 2);
    assert_false(words_get(room, &c, back, 300, false));
    c = cursor_over(same_cut, 2);
    assert_false(words_get(room, &c, back, 300, false));
    c = cursor_over(same_cut, 0);
    assert_false(words_get(room, &c, back, 300, false));
    free(bytes);
    words_room_free(room);
}

/* Flipped, cut and prolonged bytes: refused or wrong, but within bounds. Memory is exact, for the
 * sanitizers. */
static void test_hostile(void **state)
{
    (void)state;
    struct words_room *room = words_room_new();
    uint64_t words[400] = {0}, back[400];
    uint8_t *bytes = mem_array(words_bound(400), 1);
    size_t refused = 0;
    for (unsigned round = 0; round < 20000; round++) {
        size_t count = 1 + next_random(400);
        unsigned style = round % STYLES;
        if (round % 50 < STYLES) {
            for (size_t i = 0; i < count; i++)
                words[i] = word_of(style, i, i ? words[i - 1] : 0);
        } else {
            count = 200;
        }
        size_t len = (size_t)(words_put(room, words, count, false, bytes) - bytes);
        for (size_t flips = 1 + next_random(3); flips > 0; flips--)
            bytes[next_random(MIN(len, next_random(2) ? 12 : len))] ^=
                (uint8_t)(1 << next_random(8));
        size_t cut = next_random(4) ? len : next_random(len + 1);
        uint8_t *exact = mem_array(cut + 1, 1);
        memcpy(exact, bytes, cut);
        struct cursor c = cursor_over(exact, cut);
        refused += !words_get(room, &c, back, 1 + next_random(400), false);
        assert_true(c.at <= c.end);
        free(exact);
    }
    assert_in_range(refused, 5000, 20000);
    free(bytes);
    words_room_free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),    cmocka_unit_test(test_tree),
        cmocka_unit_test(test_small),   cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_strict),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
