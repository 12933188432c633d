/*
 * savefile.c: see savefile.h. A window of the file lies in a buffer; packets are handed out where
 * they lie. The classic format is read here, the blocks of pcapng by pcapng.c.
 */
#include "collect/packet/savefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/packet/pcapng.h"
#include "collect/packet/window.h"

#define HEAD_BYTES 24
#define RECORD_BYTES 16

#define MAGIC_MICRO 0xa1b2c3d4U
#define MAGIC_NANO 0xa1b23c4dU

struct savefile {
    struct pcapng *blocks; /* NULL: the classic format, and then: */
    bool swapped, nano;
    uint32_t link;
    uint64_t packets; /* handed out, for messages */
    struct window window;
};

static int open_classic(struct savefile *s, const uint8_t head[HEAD_BYTES])
{
    uint32_t magic = window_u32(false, head), turned = window_u32(true, head);
    s->swapped = turned == MAGIC_MICRO || turned == MAGIC_NANO;
    if (s->swapped)
        magic = turned;
    s->nano = magic == MAGIC_NANO;
    s->link = window_u32(s->swapped, head + 20);
    /* Other versions and links with a frame check sequence are libpcap's. */
    if ((magic != MAGIC_MICRO && magic != MAGIC_NANO) || !packet_link_known(s->link) ||
        window_u16(s->swapped, head + 4) != 2 || window_u16(s->swapped, head + 6) != 4)
        return -ENOTSUP;
    return lseek(s->window.fd, HEAD_BYTES, SEEK_SET) < 0 ? -errno : 0;
}

static int open_blocks(struct savefile *s, char *why, size_t why_size)
{
    if (lseek(s->window.fd, 0, SEEK_SET) < 0)
        return -errno;
    s->blocks = pcapng_new(&s->window);
    int err = pcapng_begin(s->blocks, why, why_size);
    if (err)
        return err;
    for (size_t i = 0; i < pcapng_interfaces(s->blocks); i++) {
        if (packet_link_known(pcapng_link(s->blocks, i)))
            return 0;
    }
    snprintf(why, why_size, "its link layer %u is not one that can be read",
             pcapng_link(s->blocks, 0));
    return -EPROTONOSUPPORT;
}

int savefile_open(int fd, struct savefile **ret, char *why, size_t why_size)
{
    uint8_t head[HEAD_BYTES];
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
        return -ENOTSUP;
    struct savefile *s = mem_alloc(sizeof(*s));
    s->window.fd = fd;
    int err = window_u32(false, head) == PCAPNG_MAGIC ? open_blocks(s, why, why_size)
                                                      : open_classic(s, head);
    if (!err) {
        *ret = s;
        return 0;
    }
    pcapng_free(s->blocks);
    free(s);
    return err;
}

void savefile_close(struct savefile *s)
{
    if (!s)
        return;
    close(s->window.fd);
    pcapng_free(s->blocks);
    free(s);
}

bool savefile_is_pcapng(const struct savefile *s)
{
    return s->blocks != NULL;
}

size_t savefile_links(const struct savefile *s)
{
    return s->blocks ? pcapng_interfaces(s->blocks) : 1;
}

uint32_t savefile_link(const struct savefile *s, size_t i)
{
    CHECK(i < savefile_links(s));
    return s->blocks ? pcapng_link(s->blocks, i) : s->link;
}

bool savefile_is_swapped(const struct savefile *s)
{
    return s->blocks ? pcapng_is_swapped(s->blocks) : s->swapped;
}

/* ---- the classic format ---------------------------------------------------------------------- */

/* The next packet, if all of it is in the window. */
static bool take(struct savefile *s, struct packet_frame *ret)
{
    const uint8_t *record = window_at(&s->window);
    size_t left = window_left(&s->window);
    if (left < RECORD_BYTES)
        return false;
    uint32_t captured = window_u32(s->swapped, record + 8);
    if (captured > WINDOW_PACKET_MAX || left - RECORD_BYTES < captured)
        return false;
    int64_t part = window_u32(s->swapped, record + 4);
    ret->t_ns = window_u32(s->swapped, record) * NS_PER_S + (s->nano ? part : part * 1000);
    ret->captured = captured;
    ret->wire = MAX(window_u32(s->swapped, record + 12), captured);
    ret->frame = record + RECORD_BYTES;
    s->window.at += RECORD_BYTES + captured;
    s->packets++;
    return true;
}

static int next_classic(struct savefile *s, struct packet_frame *ret, char *why, size_t why_size)
{
    if (take(s, ret))
        return 1;
    int err = window_need(&s->window, RECORD_BYTES);
    if (!err && !window_left(&s->window))
        return 0;
    if (!err && window_left(&s->window) >= RECORD_BYTES) {
        uint32_t captured = window_u32(s->swapped, window_at(&s->window) + 8);
        if (captured > WINDOW_PACKET_MAX) {
            snprintf(why, why_size, "packet %llu claims %u bytes, more than the format allows",
                     (unsigned long long)s->packets + 1, captured);
            return -EBADMSG;
        }
        err = window_need(&s->window, RECORD_BYTES + captured);
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

/* ---- either ---------------------------------------------------------------------------------- */

int savefile_next(struct savefile *s, uint32_t *ret_link, struct packet_frame *ret, char *why,
                  size_t why_size)
{
    if (s->blocks)
        return pcapng_next(s->blocks, ret_link, ret, why, why_size);
    *ret_link = s->link;
    return next_classic(s, ret, why, why_size);
}

int savefile_several(struct savefile *s, uint32_t *ret_link, struct packet_frame *ret, size_t most,
                     char *why, size_t why_size)
{
    int first = savefile_next(s, ret_link, ret, why, why_size);
    if (first <= 0)
        return first;
    size_t count = 1;
    while (count < most &&
           (s->blocks ? pcapng_take(s->blocks, *ret_link, &ret[count]) : take(s, &ret[count])))
        count++;
    return (int)count;
}
