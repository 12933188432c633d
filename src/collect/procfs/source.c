/*
 * source.c: files of /proc, read without opening them each time.
 *
 * The kernel makes the text anew whenever it is read from offset 0. Files with a record per line
 * come in pieces of a page, however large the buffer is, so reading goes on until it says 0; those
 * that are one record, and numbers of sysctl, come whole. The buffer grows to fit the longest text
 * and stays.
 */
#include "collect/procfs/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_BYTES 16384

void source_init(struct source *s, const char *root, const char *path)
{
    *s = (struct source){.path = mem_printf("%s/%s", root, path), .fd = -1};
}

static void source_close(struct source *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void source_fini(struct source *s)
{
    source_close(s);
    free(s->path);
    free(s->text);
    *s = (struct source){.fd = -1};
}

/* At least one byte of room behind `len`. */
static int source_grow(struct source *s, size_t len)
{
    if (len < s->capacity)
        return 0;
    if (s->capacity >= SOURCE_BYTES_MAX)
        return -EFBIG;
    s->capacity = s->capacity ? s->capacity * 2 : FIRST_BYTES;
    s->text = mem_resize(s->text, s->capacity, 1);
    return 0;
}

int source_read(struct source *s, struct scan *ret)
{
    if (s->fd < 0)
        s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return -errno;
    size_t len = 0;
    for (;;) {
        int err = source_grow(s, len);
        ssize_t got = err ? -1 : pread(s->fd, s->text + len, s->capacity - len, (off_t)len);
        if (got == 0)
            break;
        if (got < 0) {
            err = err ? err : -errno;
            source_close(s);
            return err;
        }
        len += (size_t)got;
        if (s->whole && len < s->capacity)
            break;
    }
    *ret = scan_text(s->text, len);
    return 0;
}
