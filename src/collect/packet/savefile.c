/*
 * savefile.c: see savefile.h. A window of the file lies in a buffer; packets are handed out where
 * they lie. When less than the next packet is left, the rest moves to the front and more is read
 * behind it. Not mapped, because a mapped file that somebody cuts short ends the process.
 */
#include "collect/packet/savefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"

#define HEAD_BYTES 24
#define RECORD_BYTES 16
#define CAPTURED_MAX 262144 /* as libpcap has it for what is not USB or D-Bus */
#define WINDOW_BYTES (512 * 1024)
#define READ_BYTES (64 * 1024) /* at a time: stays in the cache until it was looked at */

#define MAGIC_MICRO 0xa1b2c3d4U
#define MAGIC_NANO 0xa1b23c4dU

struct savefile {
    int fd;
    bool swapped, nano;
    uint64_t packets; /* handed out, for messages */
    size_t at, len;   /* of the window: the next packet, and what is there */
    uint8_t window[WINDOW_BYTES];
};

static uint32_t number(bool swapped, const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof(n));
    return swapped ? __builtin_bswap32(n) : n;
}

struct savefile *savefile_open(int fd, uint32_t *ret_link)
{
    uint8_t head[HEAD_BYTES];
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
        return NULL;
    uint32_t magic = number(false, head), turned = number(true, head);
    bool swapped = turned == MAGIC_MICRO || turned == MAGIC_NANO;
    if (swapped)
        magic = turned;
    /* Other versions and links with a frame check sequence are libpcap's. */
    uint32_t link = number(swapped, head + 20);
    if ((magic != MAGIC_MICRO && magic != MAGIC_NANO) || link >> 16 || link == 12 || link == 14 ||
        number(swapped, head + 4) !=
            (swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) ? 0x00020004U : 0x00040002U) ||
        lseek(fd, HEAD_BYTES, SEEK_SET) < 0)
        return NULL;
    struct savefile *s = mem_alloc(sizeof(*s));
    s->fd = fd;
    s->swapped = swapped;
    s->nano = magic == MAGIC_NANO;
    *ret_link = link;
    return s;
}

void savefile_close(struct savefile *s)
{
    if (!s)
        return;
    close(s->fd);
    free(s);
}

/* So many bytes from `at` on, or fewer at the end of the file. 0 or -errno. */
static int fill(struct savefile *s, size_t bytes)
{
    if (s->len - s->at >= bytes)
        return 0;
    memmove(s->window, s->window + s->at, s->len - s->at);
    s->len -= s->at;
    s->at = 0;
    while (s->len < bytes) {
        ssize_t got =
            read(s->fd, s->window + s->len, MIN(sizeof(s->window) - s->len, (size_t)READ_BYTES));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        s->len += (size_t)got;
    }
    return 0;
}

/* The next packet, if all of it is in the window. */
static bool take(struct savefile *s, struct packet_frame *ret)
{
    const uint8_t *record = s->window + s->at;
    size_t left = s->len - s->at;
    if (left < RECORD_BYTES)
        return false;
    uint32_t captured = number(s->swapped, record + 8);
    if (captured > CAPTURED_MAX || left - RECORD_BYTES < captured)
        return false;
    int64_t part = number(s->swapped, record + 4);
    ret->t_ns = number(s->swapped, record) * NS_PER_S + (s->nano ? part : part * 1000);
    ret->captured = captured;
    ret->wire = MAX(number(s->swapped, record + 12), captured);
    ret->frame = record + RECORD_BYTES;
    s->at += RECORD_BYTES + captured;
    s->packets++;
    return true;
}

int savefile_next(struct savefile *s, struct packet_frame *ret, char *why, size_t why_size)
{
    if (take(s, ret))
        return 1;
    int err = fill(s, RECORD_BYTES);
    if (!err && s->len == s->at)
        return 0;
    if (!err && s->len - s->at >= RECORD_BYTES) {
        uint32_t captured = number(s->swapped, s->window + s->at + 8);
        if (captured > CAPTURED_MAX) {
            snprintf(why, why_size, "packet %llu claims %u bytes, more than the format allows",
                     (unsigned long long)s->packets + 1, captured);
            return -EBADMSG;
        }
        err = fill(s, RECORD_BYTES + captured);
    }
    if (!err && take(s, ret))
        return 1;
    if (err)
        snprintf(why, why_size, "%s", strerror(-err));
    else
        snprintf(why, why_size, "the file ends within packet %llu",
                 (unsigned long long)s->packets + 1);
    return err ? err : -EBADMSG;
}

int savefile_several(struct savefile *s, struct packet_frame *ret, size_t most, char *why,
                     size_t why_size)
{
    int first = savefile_next(s, ret, why, why_size);
    if (first <= 0)
        return first;
    size_t count = 1;
    while (count < most && take(s, &ret[count]))
        count++;
    return (int)count;
}
