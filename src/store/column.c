/*
 * column.c: columns of samples and of times, as the bodies of envelopes (codec.c): those that are
 * written quickly, CODEC_PLAIN. The packed ones are column_pack.c's. Times are written packed now,
 * and read as they were before, too.
 *
 * A column's body is its states in runs (varint length << 2 | state) and then the values of the
 * samples that are there, in the way that takes the fewest bytes:
 *
 *   SAME    one value, for all: idle counters, configured speeds
 *   PLAIN   a varint each: counts that jump about
 *   DELTA   the first, then zigzag differences: counts and whole-numbered gauges that drift
 *   REAL    gauges that are not whole: each XOR the one before, most significant bytes of all
 *           first, so that what does not change becomes runs of zeros for zstd
 *
 * Differences are modulo 2^64: every value round-trips, bit for bit, NaNs too. The envelope's flags
 * are kind and way.
 */
#include "store/column.h"

#include <errno.h>
#include <string.h>

#include "store/column_pack.h"
#include "store/varint.h"

enum way { WAY_SAME, WAY_PLAIN, WAY_DELTA, WAY_REAL, WAYS };

#define FLAG_GAUGE 1
#define FLAG_WHOLE 2 /* gauges stored as whole numbers */
#define WAY_SHIFT 2

/* The largest body: a run and a value for every tick. */
static size_t body_bound(size_t ticks)
{
    return (ticks + 1) * (VARINT_MAX + VARINT_MAX);
}

/* The bits that the chosen way works on. */
static uint64_t word_of(union sample value, bool whole)
{
    return whole ? (uint64_t)(int64_t)value.gauge : value.increment;
}

static union sample sample_of(uint64_t word, bool whole)
{
    if (whole)
        return (union sample){.gauge = (double)(int64_t)word};
    return (union sample){.increment = word};
}

static bool column_is_whole(const struct column *column, size_t ticks)
{
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] != SAMPLE_ABSENT && !codec_is_whole(column->value[i].gauge))
            return false;
    }
    return true;
}

/* Zigzag for the way that a lone word is written: gauges may be negative, counts never are. */
static uint64_t fold(uint64_t word, bool whole)
{
    return whole ? zigzag(word) : word;
}

static uint64_t unfold(uint64_t word, bool whole)
{
    return whole ? unzigzag(word) : word;
}

static enum way choose_way(const struct column *column, size_t ticks, bool whole)
{
    size_t count = 0, plain = 0, delta = 0;
    uint64_t before = 0;
    bool same = true;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] == SAMPLE_ABSENT)
            continue;
        uint64_t word = word_of(column->value[i], whole);
        if (count++) {
            same = same && word == before;
            delta += varint_size(zigzag(word - before));
        }
        plain += varint_size(fold(word, whole));
        before = word;
    }
    if (same)
        return WAY_SAME;
    if (column->kind == METRIC_GAUGE && !whole)
        return WAY_REAL;
    return delta < plain ? WAY_DELTA : WAY_PLAIN;
}

static uint8_t *put_states(const struct column *column, size_t ticks, uint8_t *at)
{
    for (size_t i = 0; i < ticks;) {
        size_t first = i;
        while (i < ticks && column->state[i] == column->state[first])
            i++;
        at = varint_put(at, (uint64_t)(i - first) << 2 | column->state[first]);
    }
    return at;
}

static uint8_t *put_real(const struct column *column, size_t ticks, uint8_t *at)
{
    size_t count = 0;
    for (size_t i = 0; i < ticks; i++)
        count += column->state[i] != SAMPLE_ABSENT;
    uint64_t before = 0;
    size_t k = 0;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] == SAMPLE_ABSENT)
            continue;
        uint64_t changed = column->value[i].increment ^ before;
        before = column->value[i].increment;
        for (size_t plane = 0; plane < 8; plane++)
            at[plane * count + k] = (uint8_t)(changed >> (56 - 8 * plane));
        k++;
    }
    return at + 8 * count;
}

static uint8_t *put_words(const struct column *column, size_t ticks, enum way way, bool whole,
                          uint8_t *at)
{
    uint64_t before = 0;
    bool first = true;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] == SAMPLE_ABSENT)
            continue;
        uint64_t word = word_of(column->value[i], whole);
        if (first || way == WAY_PLAIN)
            at = varint_put(at, fold(word, whole));
        else if (way == WAY_DELTA)
            at = varint_put(at, zigzag(word - before));
        before = word;
        first = false;
    }
    return at;
}

void column_encode(struct codec *codec, const struct column *column, size_t ticks, struct buf *out)
{
    bool whole = column->kind == METRIC_GAUGE && column_is_whole(column, ticks);
    enum way way = choose_way(column, ticks, whole);
    uint8_t *body = codec_scratch(codec, body_bound(ticks));
    uint8_t *at = put_states(column, ticks, body);
    at = way == WAY_REAL ? put_real(column, ticks, at) : put_words(column, ticks, way, whole, at);
    uint8_t flags = (uint8_t)((unsigned)way << WAY_SHIFT);
    if (column->kind == METRIC_GAUGE)
        flags |= FLAG_GAUGE;
    if (whole)
        flags |= FLAG_WHOLE;
    codec_wrap(codec, flags, body, (size_t)(at - body), out);
}

/* Fills all states; false when the runs do not add up to `ticks`. Counts the samples. */
static bool get_states(struct cursor *c, uint8_t *state, size_t ticks, size_t *ret_count)
{
    size_t done = 0, count = 0;
    while (done < ticks) {
        uint64_t head = cursor_varint(c);
        uint64_t len = head >> 2;
        uint8_t what = head & 3;
        if (c->bad || len == 0 || len > ticks - done || what > SAMPLE_GAP)
            return false;
        memset(state + done, what, (size_t)len);
        done += (size_t)len;
        if (what != SAMPLE_ABSENT)
            count += (size_t)len;
    }
    *ret_count = count;
    return true;
}

static bool get_real(struct cursor *c, struct column *column, size_t ticks, size_t count)
{
    const uint8_t *planes = cursor_bytes(c, 8 * (uint64_t)count);
    if (!planes)
        return false;
    uint64_t word = 0;
    size_t k = 0;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] == SAMPLE_ABSENT)
            continue;
        uint64_t changed = 0;
        for (size_t plane = 0; plane < 8; plane++)
            changed = changed << 8 | planes[plane * count + k];
        word ^= changed;
        column->value[i].increment = word;
        k++;
    }
    return true;
}

static bool get_words(struct cursor *c, struct column *column, size_t ticks, enum way way,
                      bool whole)
{
    uint64_t word = 0;
    bool first = true;
    for (size_t i = 0; i < ticks; i++) {
        if (column->state[i] == SAMPLE_ABSENT)
            continue;
        if (first || way == WAY_PLAIN)
            word = unfold(cursor_varint(c), whole);
        else if (way == WAY_DELTA)
            word += unzigzag(cursor_varint(c));
        column->value[i] = sample_of(word, whole);
        first = false;
    }
    return !c->bad;
}

int column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  struct column *column)
{
    if (codec_is_packed(data, len))
        return column_unpack(codec, data, len, ticks, NULL, column);
    uint8_t flags;
    const uint8_t *body;
    size_t body_len, count;
    int err = codec_unwrap(codec, data, len, body_bound(ticks), &flags, &body, &body_len);
    if (err)
        return err;
    bool gauge = flags & FLAG_GAUGE, whole = flags & FLAG_WHOLE;
    enum way way = (enum way)(flags >> WAY_SHIFT);
    struct cursor c = cursor_over(body, body_len);
    if (way >= WAYS || (whole && !gauge) || (way == WAY_REAL && (whole || !gauge)))
        return -EBADMSG;
    if (!get_states(&c, column->state, ticks, &count))
        return -EBADMSG;
    column->kind = gauge ? METRIC_GAUGE : METRIC_COUNTER;
    bool good = way == WAY_REAL ? get_real(&c, column, ticks, count)
                                : get_words(&c, column, ticks, way, whole);
    return good && cursor_left(&c) == 0 ? 0 : -EBADMSG;
}

int timeline_decode(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                    int64_t interval_ms, struct timeline *times)
{
    if (len && data[0] >= CODEC_BARE)
        return -EBADMSG; /* without a checksum, as in a group: never here */
    if (codec_is_packed(data, len))
        return timeline_unpack(codec, data, len, ticks, interval_ms, times);
    uint8_t flags;
    const uint8_t *body;
    size_t body_len;
    int err =
        codec_unwrap(codec, data, len, (ticks + 1) * 3 * VARINT_MAX, &flags, &body, &body_len);
    if (err)
        return err;
    struct cursor c = cursor_over(body, body_len);
    for (size_t i = 0; i < ticks; i++)
        times->seq[i] = i ? times->seq[i - 1] + 1 + cursor_varint(&c) : cursor_varint(&c);
    for (size_t i = 0; i < ticks; i++) {
        uint64_t expected = i ? (uint64_t)times->t_ms[i - 1] + (uint64_t)interval_ms : 0;
        times->t_ms[i] = (int64_t)(expected + unzigzag(cursor_varint(&c)));
    }
    uint64_t interval_ns = (uint64_t)interval_ms * (uint64_t)NS_PER_MS;
    for (size_t i = 0; i < ticks; i++)
        times->elapsed_ns[i] = (int64_t)(interval_ns + unzigzag(cursor_varint(&c)));
    return flags == 0 && !c.bad && cursor_left(&c) == 0 ? 0 : -EBADMSG;
}
