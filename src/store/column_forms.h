/*
 * column_forms.h: what packed columns are made of beside numbers: doubles in the form that packs
 * best, and which ticks have a sample. Room belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/column_words.h"

/* How a list of doubles is made into numbers, each of them bit for bit. */
enum form_kind {
    FORM_WHOLE,   /* signed whole numbers */
    FORM_DECIMAL, /* signed whole numbers that a power of ten divides */
    FORM_ORDERED, /* unsigned, in the order of the doubles: any bits at all */
    FORM_KINDS
};

struct form {
    enum form_kind kind;
    uint8_t exponent; /* of a decimal: 1 ... FORM_EXPONENT_MAX */
};

#define FORM_EXPONENT_MAX 9

struct form form_find(const uint64_t *bits, size_t count);
static inline bool form_is_signed(struct form form)
{
    return form.kind != FORM_ORDERED;
}

/* In place: the doubles' bits to numbers, and back. */
void form_apply(struct form form, uint64_t *words, size_t count);
void form_undo(struct form form, uint64_t *words, size_t count);

/* All of them can be written in this form. */
bool form_fits(struct form form, const uint64_t *bits, size_t count);

/* One byte, and one more of a decimal. `more` (four bits) are the caller's. */
uint8_t *form_put(struct form form, uint8_t more, uint8_t *at);
bool form_get(struct cursor *c, struct form *ret, uint8_t *ret_more);

/* What there is at each tick: states below STATES_MAX. */
#define STATES_MAX 4
enum states_way {
    STATES_ONE,  /* the caller's usual one, for all */
    STATES_RUNS, /* varint length << 2 | state */
    STATES_EACH, /* a number each, packed */
    STATES_WAYS
};

size_t states_bound(size_t count);
uint8_t *states_put(struct words_room *room, const uint8_t *state, size_t count, uint8_t usual,
                    uint8_t *at, enum states_way *ret);

/* False: damaged, or a state that is not below `limit`. Uses list 0 of the room. */
bool states_get(struct words_room *room, struct cursor *c, enum states_way way, uint8_t *state,
                size_t count, uint8_t usual, uint8_t limit);
