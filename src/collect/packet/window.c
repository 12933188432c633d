/*
 * window.c: see window.h. When less than what is needed is left, the rest moves to the front and
 * more is read behind it.
 */
#include "collect/packet/window.h"

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"

#define READ_BYTES (64 * 1024) /* at a time: stays in the cache until it was looked at */

int window_need(struct window *w, size_t bytes)
{
    CHECK(bytes <= sizeof(w->bytes));
    if (window_left(w) >= bytes)
        return 0;
    memmove(w->bytes, w->bytes + w->at, w->len - w->at);
    w->len -= w->at;
    w->at = 0;
    while (w->len < bytes) {
        ssize_t got =
            read(w->fd, w->bytes + w->len, MIN(sizeof(w->bytes) - w->len, (size_t)READ_BYTES));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        w->len += (size_t)got;
    }
    return 0;
}

int window_skip(struct window *w, uint64_t bytes)
{
    size_t here = (size_t)MIN(bytes, (uint64_t)window_left(w));
    w->at += here;
    bytes -= here;
    if (bytes && (bytes > INT64_MAX || lseek(w->fd, (off_t)bytes, SEEK_CUR) < 0))
        return bytes > INT64_MAX ? -EOVERFLOW : -errno;
    return 0;
}
