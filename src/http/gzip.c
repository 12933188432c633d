/*
 * gzip.c: zlib in one call each way. Level 1: answers are JSON full of repetition, where it gives
 * most of what level 6 gives in a third of the time.
 */
#include "http/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

#define GZIP_WINDOW (15 + 16) /* the largest window, gzip's header */
#define GZIP_LEVEL 1
#define STREAM_ROOM 16384

int gzip_pack(const void *data, size_t len, struct buf *out)
{
    z_stream z = {0};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    size_t bound = deflateBound(&z, len);
    char *room = buf_reserve(out, bound);
    int result = Z_MEM_ERROR;
    if (room) {
        z.next_in = (Bytef *)(uintptr_t)data; /* zlib only reads it */
        z.avail_in = (uInt)len;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)bound;
        CHECK(z.avail_in == len && z.avail_out == bound);
        result = deflate(&z, Z_FINISH);
        CHECK(result == Z_STREAM_END); /* that is what deflateBound promises */
        out->len += z.total_out;
    }
    deflateEnd(&z);
    return result == Z_STREAM_END ? 0 : -ENOMEM;
}

struct gzip_stream {
    z_stream z;
};

struct gzip_stream *gzip_stream_new(void)
{
    struct gzip_stream *s = mem_alloc(sizeof(*s));
    if (deflateInit2(&s->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK)
        return s;
    free(s);
    return NULL;
}

void gzip_stream_free(struct gzip_stream *s)
{
    if (s)
        deflateEnd(&s->z);
    free(s);
}

int gzip_stream_put(struct gzip_stream *s, const void *data, size_t len, bool last, struct buf *out)
{
    z_stream *z = &s->z;
    z->next_in = (Bytef *)(uintptr_t)data; /* zlib only reads it */
    z->avail_in = (uInt)len;
    CHECK(z->avail_in == len);
    for (;;) {
        char *room = buf_reserve(out, STREAM_ROOM);
        if (!room)
            return -ENOMEM;
        z->next_out = (Bytef *)room;
        z->avail_out = STREAM_ROOM;
        int result = deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
        CHECK(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
        out->len += STREAM_ROOM - z->avail_out;
        if (last ? result == Z_STREAM_END : z->avail_out > 0)
            return 0;
    }
}

int gzip_unpack(const void *data, size_t len, size_t plain_len, struct buf *out)
{
    z_stream z = {0};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return -ENOMEM;
    char *room = buf_reserve(out, plain_len + 1);
    int error = -ENOMEM;
    if (room) {
        z.next_in = (Bytef *)(uintptr_t)data;
        z.avail_in = (uInt)len;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)plain_len + 1;
        error = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == plain_len ? 0 : -EBADMSG;
        if (error == 0)
            out->len += plain_len;
    }
    inflateEnd(&z);
    return error;
}
