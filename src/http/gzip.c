/*
 * gzip.c: zlib in one call each way. Level 1: answers are JSON full of repetition, where it gives
 * most of what level 6 gives in a third of the time.
 */
#include "http/gzip.h"

#include <errno.h>
#include <zlib.h>

#include "base/check.h"

#define GZIP_WINDOW (15 + 16) /* the largest window, gzip's header */
#define GZIP_LEVEL 1

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
