/*
 * column_pack.c: columns and times as the bodies of packed envelopes.
 *
 * A column's body is its states (column_forms.c), a gauge's form, and the values that are there as
 * one list of numbers (column_words.c). The envelope's flags are bit 0 gauge and bits 1-2 how the
 * states are written.
 *
 * A body of times is three lists: the ticks' numbers, each less the one before, less one; the wall
 * times, each less the one before, less the interval; and how far the sum of all elapsed times has
 * got ahead of as many intervals, because a tick that comes late makes the next one short. The
 * first number and the first time are as they are.
 */
#include "store/column_pack.h"

#include <errno.h>
#include <string.h>

#include "store/column_forms.h"

#define FLAG_GAUGE 1
#define STATES_SHIFT 1

enum { LIST_STATES, LIST_VALUES };

void column_pack(struct codec *codec, const struct column *column, size_t ticks, struct buf *out)
{
    struct words_room *room = codec_words(codec);
    uint8_t *body = codec_scratch(codec, states_bound(ticks) + 2 + words_bound(ticks));
    enum states_way states;
    uint8_t *at = states_put(room, column->state, ticks, SAMPLE_OK, body, &states);

    uint64_t *words = words_list(room, LIST_VALUES, ticks);
    size_t count = 0;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] != SAMPLE_ABSENT)
            words[count++] = column->value[i].increment;
    }
    bool is_signed = false;
    if (column->kind == METRIC_GAUGE) {
        struct form form = form_find(words, count);
        form_apply(form, words, count);
        is_signed = form_is_signed(form);
        at = form_put(form, 0, at);
    }
    at = words_put(room, words, count, is_signed, at);
    uint8_t flags = (uint8_t)((unsigned)states << STATES_SHIFT);
    if (column->kind == METRIC_GAUGE)
        flags |= FLAG_GAUGE;
    codec_wrap_packed(flags, body, (size_t)(at - body), ticks, out);
}

/* The first `count` values to where there is a sample, from the end on, so in place. */
static void spread(const uint8_t *state, uint64_t *words, size_t ticks, size_t count)
{
    for (size_t i = ticks; i-- > 0 && count < i + 1;) {
        if (state[i] != SAMPLE_ABSENT)
            words[i] = words[--count];
    }
}

int column_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  struct column *column)
{
    uint8_t flags, more = 0;
    const uint8_t *body;
    size_t body_len, count = 0;
    int err = codec_unwrap_packed(data, len, ticks, &flags, &body, &body_len);
    if (err)
        return err;
    struct words_room *room = codec_words(codec);
    struct cursor c = cursor_over(body, body_len);
    enum states_way states = (enum states_way)(flags >> STATES_SHIFT);
    if (states >= STATES_WAYS ||
        !states_get(room, &c, states, column->state, ticks, SAMPLE_OK, SAMPLE_GAP + 1))
        return -EBADMSG;
    for (size_t i = 0; i < ticks; i++)
        count += column->state[i] != SAMPLE_ABSENT;

    bool gauge = flags & FLAG_GAUGE;
    struct form form = {FORM_ORDERED, 0};
    if (gauge && (!form_get(&c, &form, &more) || more))
        return -EBADMSG;
    uint64_t *words = &column->value[0].increment;
    if (!words_get(room, &c, words, count, form_is_signed(form)) || cursor_left(&c))
        return -EBADMSG;
    if (gauge)
        form_undo(form, words, count);
    spread(column->state, words, ticks, count);
    column->kind = gauge ? METRIC_GAUGE : METRIC_COUNTER;
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
