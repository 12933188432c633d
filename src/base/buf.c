/* buf.c: growth is by half again, so building n bytes copies at most 3n. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (b->failed)
        return NULL;
    if (b->cap - b->len >= len)
        return b->data + b->len;
    if (len > SIZE_MAX / 2 - b->len) {
        b->failed = true;
        return NULL;
    }
    size_t cap = MAX(MAX(b->len + len, b->cap + b->cap / 2), (size_t)64);
    char *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->cap = cap;
    return b->data + b->len;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    char *room = buf_reserve(b, len);
    if (!room)
        return;
    memcpy(room, data, len);
    b->len += len;
}

void buf_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    if (b->len < b->cap && !b->failed)
        b->data[b->len++] = c;
    else
        buf_append(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    size_t room = b->failed ? 0 : b->cap - b->len;
    int len = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
    CHECK(len >= 0);
    if ((size_t)len >= room) {
        char *more = buf_reserve(b, (size_t)len + 1);
        if (more)
            vsnprintf(more, (size_t)len + 1, format, again);
    }
    if (!b->failed)
        b->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void buf_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(b, digits + at, sizeof(digits) - at);
}

void buf_i64(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_char(b, '-');
    buf_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_consume(struct buf *b, size_t len)
{
    CHECK(len <= b->len);
    b->len -= len;
    if (b->len)
        memmove(b->data, b->data + len, b->len);
}

const char *buf_string(struct buf *b)
{
    char *end = buf_reserve(b, 1);
    if (!end)
        return "";
    *end = '\0';
    return b->data;
}
