/*
 * column_pack.c: columns and times as the bodies of packed envelopes.
 *
 * A column's body is its states (column_forms.c), a gauge's form, and the values that are there as
 * one list of numbers (column_words.c). The envelope's flags are bit 0 gauge, bits 1-2 how the
 * states are written, and bit 3: beside another series of the same span. Then its id comes first
 * (varint), and the numbers are what this series has more than that one at the same tick: 0 where
 * that one has none, or no whole number.
 *
 * A body of times is three lists: the ticks' numbers, each less the one before, less one; the wall
 * times, each less the one before, less the interval; and how far the sum of all elapsed times has
 * got ahead of as many intervals, because a tick that comes late makes the next one short. The
 * first number and the first time are as they are.
 */
#include "store/column_pack.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "store/column_forms.h"

#define FLAG_GAUGE 1
#define STATES_SHIFT 1
#define STATES_MASK 3
#define FLAG_BESIDE 8

enum { LIST_STATES, LIST_VALUES };

/* What a series has at a tick, as a number that another one's is less. */
static uint64_t number_of(const struct column *column, size_t i)
{
    if (column->state[i] == SAMPLE_ABSENT)
        return 0;
    if (column->kind == METRIC_COUNTER)
        return column->value[i].increment;
    double value = column->value[i].gauge;
    return codec_is_whole(value) ? (uint64_t)(int64_t)value : 0;
}

/* The numbers of another one, at the ticks where this column has a sample. */
static void subtract(const struct column *column, const struct column *other, size_t ticks,
                     uint64_t *words)
{
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] != SAMPLE_ABSENT)
            *words++ -= number_of(other, i);
    }
}

bool column_pack_beside(struct codec *codec, const struct column *column, size_t ticks,
                        uint32_t other_id, const struct column *other, struct buf *out)
{
    struct words_room *room = codec_words(codec);
    uint8_t *body = codec_scratch(codec, VARINT_MAX + states_bound(ticks) + 2 + words_bound(ticks));
    enum states_way states;
    uint8_t *at = other ? varint_put(body, other_id) : body;
    at = states_put(room, column->state, ticks, SAMPLE_OK, at, &states);

    uint64_t *words = words_list(room, LIST_VALUES, ticks);
    size_t count = 0;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] != SAMPLE_ABSENT)
            words[count++] = column->value[i].increment;
    }
    bool is_signed = other != NULL;
    if (column->kind == METRIC_GAUGE) {
        struct form form = form_find(words, count);
        if (other && form.kind != FORM_WHOLE)
            return false;
        form_apply(form, words, count);
        is_signed = form_is_signed(form);
        at = form_put(form, 0, at);
    }
    if (other)
        subtract(column, other, ticks, words);
    at = words_put(room, words, count, is_signed, at);
    uint8_t flags = (uint8_t)((unsigned)states << STATES_SHIFT);
    flags |= column->kind == METRIC_GAUGE ? FLAG_GAUGE : 0;
    flags |= other ? FLAG_BESIDE : 0;
    codec_wrap_packed(flags, body, (size_t)(at - body), ticks, out);
    return true;
}

void column_pack(struct codec *codec, const struct column *column, size_t ticks, struct buf *out)
{
    column_pack_beside(codec, column, ticks, 0, NULL, out);
}

uint32_t column_beside(const uint8_t *data, size_t len)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len;
    if (!codec_peek_packed(data, len, &flags, &body, &body_len) || !(flags & FLAG_BESIDE))
        return 0;
    struct cursor c = cursor_over(body, body_len);
    uint64_t id = cursor_varint(&c);
    return id <= UINT32_MAX ? (uint32_t)id : 0;
}

/* The first `count` values to where there is a sample, from the end on, so in place. */
static void spread(const uint8_t *state, uint64_t *words, size_t ticks, size_t count)
{
    for (size_t i = ticks; i-- > 0 && count < i + 1;) {
        if (state[i] != SAMPLE_ABSENT)
            words[i] = words[--count];
    }
}

/* How the values are written comes first. */
static bool get_head(struct words_room *room, struct cursor *c, uint8_t flags, size_t ticks,
                     struct column *column, struct form *ret)
{
    enum states_way states = (enum states_way)(flags >> STATES_SHIFT & STATES_MASK);
    bool gauge = flags & FLAG_GAUGE, beside = flags & FLAG_BESIDE;
    uint8_t more;
    if (beside && cursor_varint(c) == 0)
        return false;
    if (!states_get(room, c, states, column->state, ticks, SAMPLE_OK, SAMPLE_GAP + 1))
        return false;
    *ret = (struct form){FORM_ORDERED, 0};
    column->kind = gauge ? METRIC_GAUGE : METRIC_COUNTER;
    if (gauge && (!form_get(c, ret, &more) || more))
        return false;
    return !(gauge && beside && ret->kind != FORM_WHOLE);
}

int column_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  const struct column *other, struct column *column)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len, count = 0;
    int err = codec_unwrap_packed(data, len, ticks, &flags, &body, &body_len);
    if (err)
        return err;
    struct words_room *room = codec_words(codec);
    struct cursor c = cursor_over(body, body_len);
    struct form form;
    bool beside = flags & FLAG_BESIDE;
    if (flags >= 2 * FLAG_BESIDE || !get_head(room, &c, flags, ticks, column, &form))
        return -EBADMSG;
    if (beside && !other)
        return -ENOLINK;
    for (size_t i = 0; i < ticks; i++)
        count += column->state[i] != SAMPLE_ABSENT;

    uint64_t *words = &column->value[0].increment;
    if (!words_get(room, &c, words, count, beside || form_is_signed(form)) || cursor_left(&c))
        return -EBADMSG;
    size_t k = 0;
    for (size_t i = 0; i < ticks && beside; i++) {
        if (column->state[i] != SAMPLE_ABSENT)
            words[k++] += number_of(other, i); // cppcheck-suppress objectIndex ; all are one array
    }
    if (column->kind == METRIC_GAUGE)
        form_undo(form, words, count);
    spread(column->state, words, ticks, count);
    return 0;
}

/* ---- times ---------------------------------------------------------------------------------- */

void timeline_encode(struct codec *codec, const struct timeline *times, size_t ticks,
                     int64_t interval_ms, struct buf *out)
{
    struct words_room *room = codec_words(codec);
    uint8_t *body = codec_scratch(codec, 3 * words_bound(ticks));
    uint64_t *words = words_list(room, LIST_VALUES, ticks);
    for (size_t i = 0; i < ticks; i++)
        words[i] = i ? times->seq[i] - times->seq[i - 1] - 1 : times->seq[i];
    uint8_t *at = words_put(room, words, ticks, false, body);
    for (size_t i = 0; i < ticks; i++)
        words[i] = (uint64_t)times->t_ms[i] -
                   (i ? (uint64_t)times->t_ms[i - 1] + (uint64_t)interval_ms : 0);
    at = words_put(room, words, ticks, true, at);
    uint64_t interval_ns = (uint64_t)interval_ms * (uint64_t)NS_PER_MS, ahead = 0;
    for (size_t i = 0; i < ticks; i++)
        words[i] = ahead += (uint64_t)times->elapsed_ns[i] - interval_ns;
    at = words_put(room, words, ticks, true, at);
    codec_wrap_packed(0, body, (size_t)(at - body), ticks, out);
}

int timeline_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                    int64_t interval_ms, struct timeline *times)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len;
    int err = codec_unwrap_packed(data, len, ticks, &flags, &body, &body_len);
    if (err)
        return err;
    struct words_room *room = codec_words(codec);
    struct cursor c = cursor_over(body, body_len);
    uint64_t *t = (uint64_t *)times->t_ms, *elapsed = (uint64_t *)times->elapsed_ns;
    if (flags || !words_get(room, &c, times->seq, ticks, false) ||
        !words_get(room, &c, t, ticks, true) || !words_get(room, &c, elapsed, ticks, true) ||
        cursor_left(&c))
        return -EBADMSG;
    for (size_t i = 1; i < ticks; i++) {
        times->seq[i] += times->seq[i - 1] + 1;
        t[i] += t[i - 1] + (uint64_t)interval_ms;
    }
    uint64_t interval_ns = (uint64_t)interval_ms * (uint64_t)NS_PER_MS, before = 0;
    for (size_t i = 0; i < ticks; i++) {
        uint64_t ahead = elapsed[i];
        elapsed[i] = ahead - before + interval_ns;
        before = ahead;
    }
    return 0;
}
