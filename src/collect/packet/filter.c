/*
 * filter.c: see filter.h. Compiled is on the handle of a file that has a head in memory and no
 * packet: so libpcap refuses what only a device can tell (direction, interface) instead of making a
 * program that asks the kernel, whose answer for a packet of a file is always no; and it knows the
 * byte order of who captured, in which BSD's loopback writes the family of addresses.
 *
 * Source of the head: pcap-savefile(5).
 */
#include "collect/packet/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/packet/pcap_library.h"
#include "collect/packet/window.h"

/* Only of PACKET_LINK_NULL does the byte order matter. */
static const struct {
    uint32_t link;
    bool swapped;
} links[] = {
    {PACKET_LINK_NULL, false}, {PACKET_LINK_NULL, true},  {PACKET_LINK_ETHERNET, false},
    {PACKET_LINK_RAW, false},  {PACKET_LINK_LOOP, false}, {PACKET_LINK_IPV4, false},
    {PACKET_LINK_IPV6, false}, {PACKET_LINK_SLL, false},  {PACKET_LINK_SLL2, false},
};

struct head {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, snaplen, link;
};
_Static_assert(sizeof(struct head) == 24, "as in a file");

struct filter {
    struct pcap_library lib;
    struct {
        bool compiled;
        struct bpf_program program;
        char objection[160]; /* "": none */
    } each[ARRAY_LEN(links)];
};

static struct head head_of(uint32_t link, bool swapped)
{
    struct head head = {
        .magic = 0xa1b2c3d4, .major = 2, .minor = 4, .snaplen = WINDOW_PACKET_MAX, .link = link};
    if (swapped) {
        head.magic = __builtin_bswap32(head.magic);
        head.major = __builtin_bswap16(head.major);
        head.minor = __builtin_bswap16(head.minor);
        head.snaplen = __builtin_bswap32(head.snaplen);
        head.link = __builtin_bswap32(head.link);
    }
    return head;
}

static void compile(struct filter *f, size_t i, const char *words)
{
    struct head head = head_of(links[i].link, links[i].swapped);
    char text[PCAP_ERRBUF_SIZE] = "no memory";
    const char *objection = text;
    FILE *file = fmemopen(&head, sizeof(head), "rb");
    pcap_t *handle = file ? f->lib.open_file(file, PCAP_TSTAMP_PRECISION_MICRO, text) : NULL;
    if (handle) { /* which closes the file */
        f->each[i].compiled =
            f->lib.compile(handle, &f->each[i].program, words, 1, PCAP_NETMASK_UNKNOWN) == 0;
        objection = f->lib.geterr(handle);
    } else if (file) {
        fclose(file);
    }
    /* "ip6" for IPv4 alone: no packet of it matches, which is nothing to object to. */
    if (!f->each[i].compiled && !strstr(objection, "rejects all packets"))
        snprintf(f->each[i].objection, sizeof(f->each[i].objection), "%s", objection);
    if (handle)
        f->lib.close(handle);
}

int filter_new(const char *words, struct filter **ret, char *why, size_t why_size)
{
    struct filter *f = mem_alloc(sizeof(*f));
    int err = pcap_library_load(&f->lib, why, why_size);
    if (err) {
        free(f);
        return err;
    }
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        compile(f, i, words);
        any |= f->each[i].compiled;
    }
    if (any) {
        *ret = f;
        return 0;
    }
    const char *objection = f->each[0].objection;
    snprintf(why, why_size, "packet.filter: %.150s.", *objection ? objection : "nothing matches");
    filter_free(f);
    return -EINVAL;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        if (f->each[i].compiled)
            f->lib.freecode(&f->each[i].program);
    }
    pcap_library_unload(&f->lib);
    free(f);
}

static size_t place_of(uint32_t link, bool swapped)
{
    size_t i = 0;
    swapped &= link == PACKET_LINK_NULL;
    while (i < ARRAY_LEN(links) && (links[i].link != link || links[i].swapped != swapped))
        i++;
    return i;
}

const char *filter_objection(const struct filter *f, uint32_t link)
{
    size_t i = place_of(link, false); /* the same in either order */
    return i < ARRAY_LEN(links) && *f->each[i].objection ? f->each[i].objection : NULL;
}

bool filter_matches(const struct filter *f, uint32_t link, bool swapped,
                    const struct packet_frame *packet)
{
    size_t i = place_of(link, swapped);
    if (i == ARRAY_LEN(links) || !f->each[i].compiled)
        return false;
    const struct pcap_pkthdr head = {.caplen = packet->captured, .len = packet->wire};
    return f->lib.offline_filter(&f->each[i].program, &head, packet->frame) != 0;
}
