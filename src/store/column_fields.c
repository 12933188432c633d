/*
 * column_fields.c: rows with several fields each, as the body of a packed envelope: what a
 * rolled-up tier stores of a series.
 *
 * The body is which rows are there (column_forms.c), the number of fields, and field by field its
 * form and the values of the rows that are there as one list of numbers (column_words.c). The
 * envelope's flags are the caller's tag (bits 0-2) and how the rows are written (bits 3-4).
 *
 * Fields of a row have much to do with each other: where nothing moves within a minute least,
 * greatest and last value are the same, and a sum is a multiple of them. So a field may be written
 * as what it is more than an earlier one; the form's byte says which (0: none, else its index + 1).
 * The one to compare with is the one that leaves the smallest numbers.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "store/column.h"
#include "store/column_forms.h"

#define TAG_BITS 3
#define TAG_MAX ((1 << TAG_BITS) - 1)

/* Room for one field and for the one it is compared with. */
enum { LIST_OTHER, LIST_FIELD };

static size_t body_bound(size_t fields, size_t rows)
{
    return states_bound(rows) + 1 + fields * (2 + words_bound(rows));
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

void field_column_encode(struct codec *codec, const struct field_column *column, size_t rows,
                         struct buf *out)
{
    CHECK(column->fields <= FIELDS_MAX && column->tag <= TAG_MAX);
    struct words_room *room = codec_words(codec);
    uint8_t *body = codec_scratch(codec, body_bound(column->fields, rows));
    enum states_way states;
    uint8_t *at = states_put(room, (const uint8_t *)column->there, rows, true, body, &states);
    *at++ = (uint8_t)column->fields;
    for (size_t field = 0; field < column->fields; field++)
        at = put_field(room, column, field, rows, at);
    codec_wrap_packed((uint8_t)(column->tag | (unsigned)states << TAG_BITS), body,
                      (size_t)(at - body), rows, out);
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
    for (size_t i = rows; i-- > 0 && count < i + 1;) { /* to their rows, in place */
        if (column->there[i])
            words[i] = words[--count];
    }
    return true;
}

int field_column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t rows,
                        struct field_column *column)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len, count = 0;
    int err = codec_unwrap_packed(data, len, rows, &flags, &body, &body_len);
    if (err)
        return err;
    struct words_room *room = codec_words(codec);
    struct cursor c = cursor_over(body, body_len);
    if (!states_get(room, &c, (enum states_way)(flags >> TAG_BITS), (uint8_t *)column->there, rows,
                    true, true + 1) ||
        cursor_byte(&c) != column->fields)
        return -EBADMSG;
    for (size_t i = 0; i < rows; i++)
        count += column->there[i];
    for (size_t field = 0; field < column->fields; field++) {
        if (!get_field(room, &c, column, field, rows, count))
            return -EBADMSG;
    }
    column->tag = flags & TAG_MAX;
    return cursor_left(&c) == 0 ? 0 : -EBADMSG;
}
