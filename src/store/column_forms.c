/*
 * column_forms.c: doubles as numbers, states as runs.
 *
 * Most gauges are whole, many others are decimals with a few digits (ratios, seconds in
 * milliseconds): n / 10^e with a small n, which as a binary fraction looks like noise in every bit.
 * n is stored then, when the division gives the very same bits back. The rest are taken by their
 * bits, negative ones turned over, so that the numbers have the order of the doubles; NaNs and
 * -0.0 are bits like others.
 *
 * States usually are all the same, or change a few times (a process that ends, a start): runs.
 * Those that come and go all the time are numbers, packed like values.
 */
#include "store/column_forms.h"

#include <math.h>

#include "store/codec.h"

static const double powers[FORM_EXPONENT_MAX + 1] = {1,   1e1, 1e2, 1e3, 1e4,
                                                     1e5, 1e6, 1e7, 1e8, 1e9};

union real {
    double value;
    uint64_t bits;
};

/* The whole number that the exponent makes of it; false when the way back gives something else. */
static bool scale_up(uint64_t bits, unsigned exponent, uint64_t *ret)
{
    const union real given = {.bits = bits};
    double scaled = rint(given.value * powers[exponent]);
    if (!codec_is_whole(scaled))
        return false;
    const union real back = {.value = scaled / powers[exponent]};
    *ret = (uint64_t)(int64_t)scaled;
    return back.bits == bits;
}

bool form_fits(struct form form, const uint64_t *bits, size_t count)
{
    uint64_t word;
    for (size_t i = 0; i < count && form.kind != FORM_ORDERED; i++) {
        if (!scale_up(bits[i], form.exponent, &word))
            return false;
    }
    return true;
}

struct form form_find(const uint64_t *bits, size_t count)
{
    unsigned exponent = 0;
    uint64_t word;
    for (size_t i = 0; i < count && exponent <= FORM_EXPONENT_MAX; i++) {
        while (exponent <= FORM_EXPONENT_MAX && !scale_up(bits[i], exponent, &word))
            exponent++;
    }
    struct form form = {exponent ? FORM_DECIMAL : FORM_WHOLE, (uint8_t)exponent};
    if (exponent > FORM_EXPONENT_MAX || !form_fits(form, bits, count))
        form = (struct form){FORM_ORDERED, 0};
    return form;
}

static uint64_t turn(uint64_t bits)
{
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t turn_back(uint64_t word)
{
    return word >> 63 ? word & ~(UINT64_C(1) << 63) : ~word;
}

void form_apply(struct form form, uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t word = 0;
        if (form.kind == FORM_ORDERED)
            word = turn(words[i]);
        else
            scale_up(words[i], form.exponent, &word);
        words[i] = word;
    }
}

void form_undo(struct form form, uint64_t *words, size_t count)
{
    if (form.kind == FORM_ORDERED) {
        for (size_t i = 0; i < count; i++)
            words[i] = turn_back(words[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const union real real = {.value = (double)(int64_t)words[i] / powers[form.exponent]};
        words[i] = real.bits;
    }
}

uint8_t *form_put(struct form form, uint8_t more, uint8_t *at)
{
    *at++ = (uint8_t)((unsigned)form.kind | (unsigned)more << 4);
    if (form.kind == FORM_DECIMAL)
        *at++ = form.exponent;
    return at;
}

bool form_get(struct cursor *c, struct form *ret, uint8_t *ret_more)
{
    uint8_t head = cursor_byte(c);
    *ret_more = head >> 4;
    if (c->bad || (head & 15) >= FORM_KINDS)
        return false;
    *ret = (struct form){(enum form_kind)(head & 15), 0};
    if (ret->kind != FORM_DECIMAL)
        return true;
    ret->exponent = cursor_byte(c);
    return !c->bad && ret->exponent >= 1 && ret->exponent <= FORM_EXPONENT_MAX;
}

/* ---- states --------------------------------------------------------------------------------- */

size_t states_bound(size_t count)
{
    return words_bound(count) + VARINT_MAX * count;
}

static size_t count_runs(const uint8_t *state, size_t count)
{
    size_t runs = count > 0;
    for (size_t i = 1; i < count; i++)
        runs += state[i] != state[i - 1];
    return runs;
}

static uint8_t *put_runs(const uint8_t *state, size_t count, uint8_t *at)
{
    for (size_t i = 0; i < count;) {
        size_t first = i;
        while (i < count && state[i] == state[first])
            i++;
        at = varint_put(at, (uint64_t)(i - first) << 2 | state[first]);
    }
    return at;
}

#define RUNS_FEW 8 /* so many are never worth more than a varint each */

uint8_t *states_put(struct words_room *room, const uint8_t *state, size_t count, uint8_t usual,
                    uint8_t *at, enum states_way *ret)
{
    size_t runs = count_runs(state, count);
    if (runs == 0 || (runs == 1 && state[0] == usual)) {
        *ret = STATES_ONE;
        return at;
    }
    *ret = STATES_RUNS;
    if (runs <= RUNS_FEW)
        return put_runs(state, count, at);
    uint64_t *words = words_list(room, 0, count);
    for (size_t i = 0; i < count; i++)
        words[i] = state[i];
    uint8_t *end_each = words_put(room, words, count, false, at);
    uint8_t *end_runs = put_runs(state, count, end_each); /* behind it, to compare */
    if (end_runs - end_each < end_each - at)
        return put_runs(state, count, at);
    *ret = STATES_EACH;
    return end_each;
}

bool states_get(struct words_room *room, struct cursor *c, enum states_way way, uint8_t *state,
                size_t count, uint8_t usual, uint8_t limit)
{
    if (way == STATES_ONE) {
        memset(state, usual, count);
        return true;
    }
    if (way == STATES_RUNS) {
        for (size_t done = 0; done < count;) {
            uint64_t head = cursor_varint(c), len = head >> 2;
            if (c->bad || len == 0 || len > count - done || (head & 3) >= limit)
                return false;
            memset(state + done, (int)(head & 3), (size_t)len);
            done += (size_t)len;
        }
        return true;
    }
    uint64_t *words = words_list(room, 0, count);
    if (way != STATES_EACH || !words_get(room, c, words, count, false))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (words[i] >= limit)
            return false;
        state[i] = (uint8_t)words[i];
    }
    return true;
}
