/*
 * group.c: see group.h.
 *
 *   byte 0    CODEC_GROUP
 *   varint    how many there are
 *   varint    the first series
 *   directory of each: varint length << 1 | skips, and with `skips` how far its number is from the
 *             one before, less two (varint); without, it is the next number. Length 0: the body is
 *             that of the one before, as of counters that stand still
 *   bodies    of each a byte, the flags and CODEC_BARE, and what is in its envelope
 *   4 bytes   checksum, which is of the number of rows, too
 */
#include "store/group.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "store/codec.h"
#include "store/varint.h"

#define AROUND_MOST                                                                                \
    (4 + 1 + 2 * 5 + CODEC_CHECKSUM_BYTES) /* SQLite's header, and what is below                   \
                                            */

/*
 * SQLite keeps up to PAGE_MOST bytes of a row in a page with others. Of a longer one it fills whole
 * pages of PAGE_WHOLE, but for a first part, which it puts beside others: PAGE_LEAST or what is
 * left over. A first part that is small finds its place there, a large one leaves a gap.
 */
#define PAGE_MOST 4061
#define PAGE_LEAST 489
#define PAGE_WHOLE 4092
#define PART_SMALL 1300
#define ROW_LARGE 20000 /* whatever is left over */

void group_fini(struct group *group)
{
    buf_fini(&group->directory);
    buf_fini(&group->bodies);
}

bool group_is_full(const struct group *group)
{
    size_t size = AROUND_MOST + group->directory.len + group->bodies.len;
    if (size <= PAGE_MOST)
        return false;
    return (size - PAGE_LEAST) % PAGE_WHOLE <= PART_SMALL - PAGE_LEAST || size > ROW_LARGE;
}

static void append_varint(struct buf *b, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    buf_append(b, bytes, (size_t)(varint_put(bytes, value) - bytes));
}

void group_add(struct group *group, uint32_t series, const uint8_t *data, size_t len)
{
    CHECK(codec_is_packed(data, len) && len >= 2 + CODEC_CHECKSUM_BYTES);
    CHECK(series > group->last || group->count == 0);
    uint8_t flags = data[1] | CODEC_BARE;
    size_t body_len = len - 1 - CODEC_CHECKSUM_BYTES;
    bool same = group->count && group->before_len == body_len;
    if (same) {
        const char *before = group->bodies.data + group->before;
        same = (uint8_t)before[0] == flags && memcmp(before + 1, data + 2, body_len - 1) == 0;
    }
    if (!same) {
        group->before = group->bodies.len;
        group->before_len = body_len;
        buf_append(&group->bodies, &flags, 1);
        buf_append(&group->bodies, data + 2, body_len - 1);
        CHECK(buf_ok(&group->bodies));
    }
    uint32_t step = group->count ? series - group->last : 1;
    append_varint(&group->directory, (uint64_t)(same ? 0 : body_len) << 1 | (step > 1));
    if (step > 1)
        append_varint(&group->directory, step - 2U);
    if (group->count++ == 0)
        group->first = series;
    group->last = series;
}

void group_take(struct group *group, size_t rows, struct buf *out)
{
    size_t start = out->len;
    const uint8_t codec = CODEC_GROUP;
    buf_append(out, &codec, 1);
    append_varint(out, group->count);
    append_varint(out, group->first);
    buf_append(out, group->directory.data, group->directory.len);
    buf_append(out, group->bodies.data, group->bodies.len);
    CHECK(buf_ok(out));
    uint8_t sum[CODEC_CHECKSUM_BYTES];
    codec_checksum_put(sum,
                       codec_checksum_packed((uint8_t *)out->data + start, out->len - start, rows));
    buf_append(out, sum, sizeof(sum));
    CHECK(buf_ok(out) && buf_ok(&group->directory));
    buf_clear(&group->directory);
    buf_clear(&group->bodies);
    group->count = group->before = group->before_len = 0;
}

int group_check(const uint8_t *data, size_t len, size_t rows)
{
    if (len < 1 + CODEC_CHECKSUM_BYTES || data[0] != CODEC_GROUP)
        return -EBADMSG;
    size_t covered = len - CODEC_CHECKSUM_BYTES;
    uint32_t sum = codec_checksum_packed(data, covered, rows);
    return sum == codec_checksum_get(data + covered) ? 0 : -EBADMSG;
}

/* One entry of the directory. */
static uint32_t next_entry(struct cursor *c, uint32_t series, bool first, size_t *ret_len)
{
    uint64_t head = cursor_varint(c);
    uint64_t step = head & 1 ? cursor_varint(c) + 2 : !first;
    if (step > UINT32_MAX - series || head >> 1 > UINT32_MAX)
        cursor_fail(c);
    *ret_len = (size_t)(head >> 1);
    return series + (uint32_t)step;
}

static void rewind_to_start(struct group_reader *reader)
{
    reader->directory = reader->start;
    reader->bodies = reader->start_bodies;
    reader->read = 0;
    reader->before = 0;
    reader->series = reader->first;
    reader->body = NULL;
}

int group_open(struct group_reader *reader, const uint8_t *data, size_t len)
{
    if (len < 1 + CODEC_CHECKSUM_BYTES || data[0] != CODEC_GROUP)
        return -EBADMSG;
    struct cursor c = cursor_over(data + 1, len - 1 - CODEC_CHECKSUM_BYTES);
    reader->count = cursor_varint(&c);
    uint64_t first = cursor_varint(&c);
    if (c.bad || reader->count == 0 || first == 0 || first > UINT32_MAX)
        return -EBADMSG;
    reader->start = c;
    reader->first = (uint32_t)first;
    uint32_t id = reader->first;
    for (uint64_t i = 0; i < reader->count && !c.bad; i++) {
        size_t body_len;
        id = next_entry(&c, id, i == 0, &body_len);
    }
    if (c.bad)
        return -EBADMSG;
    reader->start_bodies = c;
    rewind_to_start(reader);
    return 0;
}

uint32_t group_find(struct group_reader *reader, uint32_t series, const uint8_t **ret_data,
                    size_t *ret_len)
{
    if (reader->read && series <= reader->before)
        rewind_to_start(reader);
    while (reader->read == 0 || reader->series < series) {
        if (reader->read == reader->count)
            return 0;
        size_t body_len;
        reader->before = reader->read ? reader->series : 0;
        reader->series =
            next_entry(&reader->directory, reader->series, reader->read++ == 0, &body_len);
        if (body_len) {
            reader->body = cursor_bytes(&reader->bodies, body_len);
            reader->body_len = body_len;
        }
        if (!reader->body)
            return 0;
    }
    *ret_data = reader->body;
    *ret_len = reader->body_len;
    return reader->series;
}
