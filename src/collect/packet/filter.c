/*
 * filter.c: see filter.h. libpcap numbers link layers by the DLT_* of the system, files by
 * LINKTYPE_*: of those that can be read here only raw IP differs.
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

static const struct {
    uint32_t link;
    int dlt;
} links[] = {
    {PACKET_LINK_NULL, DLT_NULL},     {PACKET_LINK_ETHERNET, DLT_EN10MB},
    {PACKET_LINK_RAW, DLT_RAW},       {PACKET_LINK_LOOP, DLT_LOOP},
    {PACKET_LINK_IPV4, DLT_IPV4},     {PACKET_LINK_IPV6, DLT_IPV6},
    {PACKET_LINK_SLL, DLT_LINUX_SLL}, {PACKET_LINK_SLL2, DLT_LINUX_SLL2},
};

struct filter {
    struct pcap_library lib;
    struct {
        bool compiled;
        struct bpf_program program;
        char objection[160]; /* "": none */
    } each[ARRAY_LEN(links)];
};

static void compile(struct filter *f, size_t i, const char *words)
{
    pcap_t *dead = f->lib.open_dead(links[i].dlt, WINDOW_PACKET_MAX);
    const char *objection = "libpcap has no memory";
    if (dead) {
        f->each[i].compiled =
            f->lib.compile(dead, &f->each[i].program, words, 1, PCAP_NETMASK_UNKNOWN) == 0;
        objection = f->lib.geterr(dead);
    }
    /* "ip6" for IPv4 alone: no packet of it matches, which is nothing to object to. */
    if (!f->each[i].compiled && !strstr(objection, "rejects all packets"))
        snprintf(f->each[i].objection, sizeof(f->each[i].objection), "%s", objection);
    if (dead)
        f->lib.close(dead);
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

static size_t place_of(uint32_t link)
{
    size_t i = 0;
    while (i < ARRAY_LEN(links) && links[i].link != link)
        i++;
    return i;
}

const char *filter_objection(const struct filter *f, uint32_t link)
{
    size_t i = place_of(link);
    return i < ARRAY_LEN(links) && *f->each[i].objection ? f->each[i].objection : NULL;
}

bool filter_matches(const struct filter *f, uint32_t link, const struct packet_frame *packet)
{
    size_t i = place_of(link);
    if (i == ARRAY_LEN(links) || !f->each[i].compiled)
        return false;
    const struct pcap_pkthdr head = {.caplen = packet->captured, .len = packet->wire};
    return f->lib.offline_filter(&f->each[i].program, &head, packet->frame) != 0;
}
