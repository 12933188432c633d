/*
 * column_fields.c: rows with several fields each, as the body of a packed envelope: what a
 * rolled-up tier stores of a series.
 *
 * The envelope's flags are the caller's tag (bits 0-2), how the rows are written (bits 3-4), and
 * that it is brief (bit 5). The body is which rows are there (column_forms.c) and, when brief, two
 * bits a field and a 1 behind them, lowest of each byte first:
 *
 *   ZEROS   in all rows
 *   SAME    bit for bit what the field before is
 *   ALONE   its form and the values of the rows that are there as one list of numbers
 *           (column_words.c)
 *   JOINED  whole numbers, in one list with all others that are joined, field after field
 *
 * and then the fields in their order, the joined ones in place of the first of them. What was
 * written before there were brief ones has the number of fields instead of these bits, and all
 * stand alone. A brief envelope with a checksum of its own has the number of fields in that.
 *
 * Fields of a row have much to do with each other: where nothing moves within a minute least,
 * greatest and last value are the same, and a sum is a multiple of them. So a field that stands
 * alone may be written as what it is more than an earlier one; the form's byte says which (0: none,
 * else its index + 1). The one to compare with is the one that leaves the smallest numbers. Of an
 * hour's 60 rows a list's frequencies take more than its numbers: joined fields share them, and
 * what one does 60 numbers after the other is found as any other period is.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "store/column.h"
#include "store/column_forms.h"

#define TAG_BITS 3
#define TAG_MAX ((1 << TAG_BITS) - 1)
#define STATES_MASK 3
#define FLAG_BRIEF 32
#define SHAPE_SHIFT 24  /* rows are fewer than that many bits can count */
#define JOINED_MAX 1024 /* numbers; with more of them, lists of their own are worth it */
#define WAYS_BYTES ((2 * FIELDS_MAX + 8) / 8)

enum field_way { WAY_ZEROS, WAY_SAME, WAY_ALONE, WAY_JOINED };

/* Room for one field and for the one it is compared with. */
enum { LIST_OTHER, LIST_FIELD };

static size_t body_bound(size_t fields, size_t rows)
{
    size_t alone = fields * (2 + words_bound(rows)),
           joined = words_bound(MIN(fields * rows, (size_t)JOINED_MAX));
    return states_bound(rows) + WAYS_BYTES + 2 * alone + 2 * joined;
}

/* The words of the rows that are there. */
static size_t gather(const struct field_column *column, size_t field, size_t rows, uint64_t *to)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        if (column->there[i])
            to[count++] = column->words[field][i];
    }
    return count;
}

/* Field `other` as numbers of that form, when it has such. Integers are whole as they are. */
static bool other_numbers(const struct field_column *column, size_t other, size_t rows,
                          struct form form, uint64_t *to)
{
    size_t count = gather(column, other, rows, to);
    if (column->types[other] != FIELD_REAL)
        return form.kind == FORM_WHOLE;
    if (!form_fits(form, to, count))
        return false;
    form_apply(form, to, count);
    return true;
}

/* How many bits the numbers have, roughly: less the least of them, or from one to the next. */
static uint64_t roughly(const uint64_t *words, const uint64_t *less, size_t count)
{
    uint64_t beside = 0, steps = 0, first = count ? words[0] - (less ? less[0] : 0) : 0;
    uint64_t before = first;
    for (size_t i = 1; i < count; i++) {
        uint64_t word = words[i] - (less ? less[i] : 0);
        beside += bits_length(zigzag(word - first));
        steps += bits_length(zigzag(word - before));
        before = word;
    }
    return MIN(beside, steps) + bits_length(zigzag(first)) / 2;
}

/* The field's numbers less those of an earlier one, when that makes them smaller. Returns its
 * index + 1, or 0. */
static uint8_t compare(struct words_room *room, const struct field_column *column, size_t field,
                       size_t rows, struct form form, uint64_t *words, size_t count)
{
    uint64_t *other = words_list(room, LIST_OTHER, rows);
    uint64_t least = roughly(words, NULL, count);
    uint8_t best = 0;
    for (size_t i = 0; i < field; i++) {
        if (!other_numbers(column, i, rows, form, other))
            continue;
        uint64_t bits = roughly(words, other, count);
        if (bits < least) {
            least = bits;
            best = (uint8_t)(i + 1);
        }
    }
    if (best && other_numbers(column, best - 1U, rows, form, other)) {
        for (size_t i = 0; i < count; i++)
            words[i] -= other[i];
    }
    return best;
}

static uint8_t *put_field(struct words_room *room, const struct field_column *column, size_t field,
                          size_t rows, uint8_t *at)
{
    uint64_t *words = words_list(room, LIST_FIELD, rows);
    size_t count = gather(column, field, rows, words);
    enum field_type type = column->types[field];
    struct form form = {FORM_WHOLE, 0};
    bool is_signed = type == FIELD_SIGNED;
    if (type == FIELD_REAL) {
        form = form_find(words, count);
        form_apply(form, words, count);
        is_signed = form_is_signed(form);
    }
    uint8_t other = compare(room, column, field, rows, form, words, count);
    at = form_put(form, other, at);
    return words_put(room, words, count, other || is_signed, at);
}

/* A field as a list; what need not be one has another way. */
static enum field_way find_way(struct words_room *room, const struct field_column *column,
                               size_t field, size_t rows)
{
    const uint64_t *words = column->words[field];
    bool zeros = true, same = field > 0, whole = true;
    for (size_t i = 0; i < rows; i++) {
        if (!column->there[i])
            continue;
        zeros = zeros && words[i] == 0;
        same = same && words[i] == column->words[field - 1][i];
    }
    if (zeros || same)
        return zeros ? WAY_ZEROS : WAY_SAME;
    uint64_t *list = words_list(room, LIST_FIELD, rows);
    size_t count = gather(column, field, rows, list);
    if (column->types[field] == FIELD_REAL)
        whole = form_fits((struct form){FORM_WHOLE, 0}, list, count);
    return whole ? WAY_JOINED : WAY_ALONE;
}

static uint8_t *put_joined(struct words_room *room, const struct field_column *column,
                           const enum field_way *ways, size_t rows, uint8_t *at)
{
    uint64_t *words = words_list(room, LIST_OTHER, column->fields * rows);
    size_t count = 0;
    for (size_t field = 0; field < column->fields; field++) {
        if (ways[field] != WAY_JOINED)
            continue;
        size_t more = gather(column, field, rows, words + count);
        if (column->types[field] == FIELD_REAL)
            form_apply((struct form){FORM_WHOLE, 0}, words + count, more);
        count += more;
    }
    return words_put(room, words, count, true, at);
}

static uint8_t *put_fields(struct words_room *room, const struct field_column *column,
                           const enum field_way *ways, size_t rows, uint8_t *at)
{
    bool joined = false;
    uint8_t *bits = at;
    memset(bits, 0, WAYS_BYTES);
    at += (2 * column->fields + 8) / 8;
    for (size_t field = 0; field <= column->fields; field++)
        bits[field / 4] |=
            (uint8_t)((field < column->fields ? (unsigned)ways[field] : 1U) << 2 * (field % 4));
    for (size_t field = 0; field < column->fields; field++) {
        if (ways[field] == WAY_ALONE)
            at = put_field(room, column, field, rows, at);
        else if (ways[field] == WAY_JOINED && !joined)
            at = put_joined(room, column, ways, rows, at);
        joined = joined || ways[field] == WAY_JOINED;
    }
    return at;
}

/* From the one given on, all that may be joined stand alone; how many they were. */
static size_t part(const struct field_column *column, const enum field_way *ways, size_t most,
                   enum field_way *ret)
{
    size_t joined = 0;
    for (size_t field = column->fields; field-- > 0;) {
        bool join = ways[field] == WAY_JOINED && joined < most;
        ret[field] = ways[field] == WAY_JOINED && !join ? WAY_ALONE : ways[field];
        joined += join;
    }
    return joined;
}

/* All that can be joined, all but the first, or none: whichever is shortest. */
static uint8_t *put_shortest(struct words_room *room, const struct field_column *column,
                             size_t rows, uint8_t *at)
{
    enum field_way ways[FIELDS_MAX] = {0}, tried[FIELDS_MAX];
    for (size_t field = 0; field < column->fields; field++)
        ways[field] = find_way(room, column, field, rows);
    part(column, ways, 0, tried);
    uint8_t *end = put_fields(room, column, tried, rows, at);
    for (size_t most = FIELDS_MAX; most >= 2;) {
        size_t joined = part(column, ways, most, tried);
        if (joined < 2 || joined * rows > JOINED_MAX)
            break;
        uint8_t *other_end = put_fields(room, column, tried, rows, end);
        if (other_end - end < end - at) {
            memmove(at, end, (size_t)(other_end - end));
            end = at + (other_end - end);
        }
        most = most == FIELDS_MAX ? joined - 1 : 0;
    }
    return end;
}

/* What the checksum of a brief envelope is of beside its bytes. */
static size_t shape_of(size_t rows, size_t fields)
{
    return rows | fields << SHAPE_SHIFT;
}

void field_column_encode(struct codec *codec, const struct field_column *column, size_t rows,
                         struct buf *out)
{
    CHECK(column->fields <= FIELDS_MAX && column->tag <= TAG_MAX);
    struct words_room *room = codec_words(codec);
    uint8_t *body = codec_scratch(codec, body_bound(column->fields, rows));
    enum states_way states;
    uint8_t *at = states_put(room, (const uint8_t *)column->there, rows, true, body, &states);
    at = put_shortest(room, column, rows, at);
    codec_wrap_packed((uint8_t)(column->tag | (unsigned)states << TAG_BITS | FLAG_BRIEF), body,
                      (size_t)(at - body), shape_of(rows, column->fields), out);
}

int field_column_tag(const uint8_t *data, size_t len, uint8_t *ret)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len;
    if (!codec_peek_packed(data, len, &flags, &body, &body_len))
        return len && !codec_is_packed(data, len) ? -ENOTSUP : -EBADMSG;
    *ret = flags & TAG_MAX;
    return 0;
}

/* The first `count` words to the rows that are there, in place. */
static void spread(const struct field_column *column, size_t field, size_t rows, size_t count)
{
    uint64_t *words = column->words[field];
    for (size_t i = rows; i-- > 0 && count < i + 1;) {
        if (column->there[i])
            words[i] = words[--count];
    }
}

static bool get_field(struct words_room *room, struct cursor *c, struct field_column *column,
                      size_t field, size_t rows, size_t count)
{
    struct form form;
    uint8_t other;
    uint64_t *words = column->words[field];
    bool real = column->types[field] == FIELD_REAL;
    if (!form_get(c, &form, &other) || other > field || (!real && form.kind != FORM_WHOLE))
        return false;
    bool is_signed = other || (real ? form_is_signed(form) : column->types[field] == FIELD_SIGNED);
    if (!words_get(room, c, words, count, is_signed))
        return false;
    if (other) {
        uint64_t *less = words_list(room, LIST_OTHER, rows);
        if (!other_numbers(column, other - 1U, rows, form, less))
            return false;
        for (size_t i = 0; i < count; i++)
            words[i] += less[i];
    }
    if (real)
        form_undo(form, words, count);
    spread(column, field, rows, count);
    return true;
}

static bool get_joined(struct words_room *room, struct cursor *c, struct field_column *column,
                       const enum field_way *ways, size_t wanted, size_t rows, size_t count)
{
    size_t all = 0;
    for (size_t field = 0; field < column->fields; field++)
        all += ways[field] == WAY_JOINED ? count : 0;
    uint64_t *words = words_list(room, LIST_OTHER, all);
    if (!words_get(room, c, words, all, true))
        return false;
    for (size_t field = 0; field < wanted; field++) {
        if (ways[field] != WAY_JOINED)
            continue;
        if (count)
            memcpy(column->words[field], words, count * sizeof(*words));
        words += count;
        if (column->types[field] == FIELD_REAL)
            form_undo((struct form){FORM_WHOLE, 0}, column->words[field], count);
        spread(column, field, rows, count);
    }
    return true;
}

static bool get_ways(struct cursor *c, const struct field_column *column, bool brief,
                     enum field_way *ways)
{
    if (!brief && cursor_byte(c) != column->fields)
        return false;
    uint8_t bits = 0;
    for (size_t field = 0; field < column->fields + brief; field++) {
        if (brief && field % 4 == 0)
            bits = cursor_byte(c);
        if (field == column->fields)
            break;
        ways[field] = brief ? (enum field_way)(bits & 3) : WAY_ALONE;
        bits >>= 2;
    }
    return bits == brief && !c->bad && !(column->fields && ways[0] == WAY_SAME);
}

int field_column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t rows,
                        size_t wanted, struct field_column *column)
{
    CHECK(wanted <= column->fields);
    uint8_t flags;
    const uint8_t *body;
    enum field_way ways[FIELDS_MAX] = {0};
    size_t body_len, count = 0;
    bool brief = codec_peek_packed(data, len, &flags, &body, &body_len) && flags & FLAG_BRIEF;
    int err = codec_unwrap_packed(data, len, brief ? shape_of(rows, column->fields) : rows, &flags,
                                  &body, &body_len);
    if (err)
        return err;
    struct words_room *room = codec_words(codec);
    struct cursor c = cursor_over(body, body_len);
    if (!states_get(room, &c, (enum states_way)(flags >> TAG_BITS & STATES_MASK),
                    (uint8_t *)column->there, rows, true, true + 1) ||
        !get_ways(&c, column, brief, ways))
        return -EBADMSG;
    for (size_t i = 0; i < rows; i++)
        count += column->there[i];
    bool joined = false, good = true;
    for (size_t field = 0; field < wanted && good; field++) {
        if (ways[field] == WAY_ZEROS)
            memset(column->words[field], 0, rows * sizeof(uint64_t));
        else if (ways[field] == WAY_SAME)
            memcpy(column->words[field], column->words[field - 1], rows * sizeof(uint64_t));
        else if (ways[field] == WAY_ALONE)
            good = get_field(room, &c, column, field, rows, count);
        else if (!joined)
            good = get_joined(room, &c, column, ways, wanted, rows, count);
        joined = joined || ways[field] == WAY_JOINED;
    }
    if (!good)
        return -EBADMSG;
    column->tag = flags & TAG_MAX;
    return cursor_left(&c) == 0 || wanted < column->fields ? 0 : -EBADMSG;
}
