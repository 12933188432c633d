/*
 * pcapng.c: see pcapng.h. A file is a row of blocks: type, length, what the type says, and the
 * length again. A block is looked at when all of it is in the window; those that have no packet and
 * tell nothing about one may be longer and are then skipped unseen. Whatever a block claims is held
 * against its length, and its length against the rules and the file; the first thing that is wrong
 * is remembered and ends the reading, since nothing says where the next block would begin.
 */
#include "collect/packet/pcapng.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 2, /* obsolete */
    BLOCK_SIMPLE = 3,
    BLOCK_ENHANCED = 6,
};

enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

#define ORDER_MAGIC 0x1a2b3c4dU
#define AROUND_BYTES 12 /* type, length, and the length again */

#define SECONDS_MAX ((int64_t)1 << 33) /* what is before 1970 or after 2242 is shown as its end */

struct interface {
    uint32_t link, snaplen; /* snaplen 0: none */
    /* A unit of time is factor / 2^shift / divisor nanoseconds; divisor 0: less than can be told.
     */
    uint64_t factor, divisor;
    uint8_t shift;
    int64_t offset_s;
};

struct pcapng {
    struct window *window;
    bool swapped;
    struct interface *interface;
    size_t interfaces, room;
    uint64_t blocks, packets; /* behind us, for messages */
    int64_t last_ns;
    size_t wanted; /* bytes, after STEP_MORE */
    char why[128]; /* the file is over, "": not yet */
};

enum step {
    STEP_ON,     /* a block without a packet is behind us */
    STEP_PACKET, /* so is one with a packet */
    STEP_OTHER,  /* a packet comes whose link is not the one that was asked for, or a section */
    STEP_MORE,   /* `wanted` bytes are not in the window */
    STEP_LONG,   /* a block comes that does not fit into the window, to be skipped */
    STEP_BAD,    /* `why` tells */
};

#define LINK_ANY UINT32_MAX
#define LINK_NONE (UINT32_MAX - 1)

struct pcapng *pcapng_new(struct window *w)
{
    struct pcapng *p = mem_alloc(sizeof(*p));
    p->window = w;
    return p;
}

void pcapng_free(struct pcapng *p)
{
    if (!p)
        return;
    free(p->interface);
    free(p);
}

size_t pcapng_interfaces(const struct pcapng *p)
{
    return p->interfaces;
}

uint32_t pcapng_link(const struct pcapng *p, size_t interface)
{
    CHECK(interface < p->interfaces);
    return p->interface[interface].link;
}

bool pcapng_is_swapped(const struct pcapng *p)
{
    return p->swapped;
}

static enum step PRINTF_LIKE(2, 3) bad(struct pcapng *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(p->why, sizeof(p->why), fmt, args);
    va_end(args);
    return STEP_BAD;
}

static enum step bad_block(struct pcapng *p, const char *what)
{
    return bad(p, "block %llu %s", (unsigned long long)p->blocks + 1, what);
}

static enum step bad_packet(struct pcapng *p, const char *what, uint32_t number)
{
    return bad(p, "packet %llu %s %u", (unsigned long long)p->packets + 1, what, number);
}

/* ---- sections and interfaces ----------------------------------------------------------------- */

static enum step take_section(struct pcapng *p, bool swapped, const uint8_t *body, size_t len)
{
    if (len < 16)
        return bad_block(p, "is too short for a section");
    uint16_t major = window_u16(swapped, body + 4), minor = window_u16(swapped, body + 6);
    /* 1.2 was written by some and is no other format. */
    if (major != 1 || (minor != 0 && minor != 2))
        return bad(p, "version %u.%u of pcapng is not known", major, minor);
    p->swapped = swapped;
    p->interfaces = 0;
    return STEP_ON;
}

static uint64_t power_of_ten(unsigned n)
{
    uint64_t power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

/* The highest bit: of two, the others: the negative exponent. */
static void set_resolution(struct interface *i, uint8_t value)
{
    unsigned n = value & 0x7f;
    i->factor = i->divisor = 1;
    i->shift = 0;
    if (value & 0x80) {
        i->factor = NS_PER_S;
        i->shift = (uint8_t)n;
    } else if (n <= 9) {
        i->factor = power_of_ten(9 - n);
    } else {
        i->divisor = n - 9 <= 19 ? power_of_ten(n - 9) : 0;
    }
}

static int64_t time_of(const struct interface *i, uint64_t units)
{
    unsigned __int128 ns = ((unsigned __int128)units * i->factor) >> i->shift;
    if (i->divisor != 1)
        ns = i->divisor ? units / i->divisor : 0;
    __int128 t_ns = (__int128)ns + (__int128)i->offset_s * NS_PER_S;
    return t_ns < 0 ? 0 : t_ns > SECONDS_MAX * NS_PER_S ? SECONDS_MAX * NS_PER_S : (int64_t)t_ns;
}

static enum step take_options(struct pcapng *p, struct interface *i, const uint8_t *at, size_t left)
{
    while (left >= 4) {
        uint16_t code = window_u16(p->swapped, at), len = window_u16(p->swapped, at + 2);
        size_t padded = (len + 3U) & ~3U;
        at += 4;
        left -= 4;
        if (code == OPTION_END)
            break;
        if (padded > left || (code == OPTION_RESOLUTION && len != 1) ||
            (code == OPTION_OFFSET && len != 8))
            return bad_block(p, "has an option of a wrong length");
        if (code == OPTION_RESOLUTION)
            set_resolution(i, at[0]);
        else if (code == OPTION_OFFSET)
            i->offset_s = (int64_t)window_u64(p->swapped, at);
        at += padded;
        left -= padded;
    }
    return STEP_ON;
}

/* 12 is no number of files but BSD's of raw IP, and was written as such. */
static uint32_t link_of(uint16_t number)
{
    return number == 12 ? PACKET_LINK_RAW : number;
}

static enum step take_interface(struct pcapng *p, const uint8_t *body, size_t len)
{
    if (len < 8)
        return bad_block(p, "is too short for an interface");
    if (p->interfaces == PCAPNG_INTERFACES_MAX)
        return bad(p, "a section has more interfaces than %d", PCAPNG_INTERFACES_MAX);
    if (p->interfaces == p->room) {
        p->room = p->room ? p->room * 2 : 4;
        p->interface = mem_resize(p->interface, p->room, sizeof(*p->interface));
    }
    struct interface *i = &p->interface[p->interfaces];
    *i = (struct interface){.link = link_of(window_u16(p->swapped, body)),
                            .snaplen = window_u32(p->swapped, body + 4)};
    set_resolution(i, 6);
    enum step step = take_options(p, i, body + 8, len - 8);
    p->interfaces += step == STEP_ON;
    return step;
}

/* ---- packets ----------------------------------------------------------------------------------
 */

struct found {
    uint32_t link;
    struct packet_frame frame;
};

static const struct interface *interface_of(struct pcapng *p, uint32_t number)
{
    if (number < p->interfaces)
        return &p->interface[number];
    bad_packet(p, "is of an interface that was not described:", number);
    return NULL;
}

/* The obsolete block has 16 bits for the interface and 16 for what was dropped. */
static enum step find_packet(struct pcapng *p, bool obsolete, const uint8_t *body, size_t len,
                             struct found *ret)
{
    if (len < 20)
        return bad_block(p, "is too short for a packet");
    const struct interface *i =
        interface_of(p, obsolete ? window_u16(p->swapped, body) : window_u32(p->swapped, body));
    if (!i)
        return STEP_BAD;
    uint32_t captured = window_u32(p->swapped, body + 12);
    if (captured > WINDOW_PACKET_MAX)
        return bad_packet(p, "claims more bytes than are read of one:", captured);
    if (captured > len - 20)
        return bad_packet(p, "is longer than its block:", captured);
    uint64_t units =
        (uint64_t)window_u32(p->swapped, body + 4) << 32 | window_u32(p->swapped, body + 8);
    ret->link = i->link;
    ret->frame = (struct packet_frame){.frame = body + 20,
                                       .captured = captured,
                                       .wire = MAX(window_u32(p->swapped, body + 16), captured),
                                       .t_ns = time_of(i, units)};
    return STEP_PACKET;
}

/* Of the first interface, and without a time: it came after the one before it. How much of it was
 * captured follows from snaplen and from what there is. */
static enum step find_simple(struct pcapng *p, const uint8_t *body, size_t len, struct found *ret)
{
    if (len < 4)
        return bad_block(p, "is too short for a packet");
    const struct interface *i = interface_of(p, 0);
    if (!i)
        return STEP_BAD;
    uint32_t wire = window_u32(p->swapped, body), captured = MIN(wire, (uint32_t)(len - 4));
    if (i->snaplen)
        captured = MIN(captured, i->snaplen);
    if (captured > WINDOW_PACKET_MAX)
        return bad_packet(p, "has more bytes than are read of one:", captured);
    ret->link = i->link;
    ret->frame = (struct packet_frame){
        .frame = body + 4, .captured = captured, .wire = wire, .t_ns = p->last_ns};
    return STEP_PACKET;
}

/* ---- blocks -----------------------------------------------------------------------------------
 */

static bool is_read(uint32_t type)
{
    return type == PCAPNG_MAGIC || type == BLOCK_INTERFACE || type == BLOCK_PACKET ||
           type == BLOCK_SIMPLE || type == BLOCK_ENHANCED;
}

static enum step more(struct pcapng *p, size_t wanted)
{
    p->wanted = wanted;
    return STEP_MORE;
}

/* Type, length and byte order of the next block, which need not all be in the window. */
struct block {
    uint32_t type, bytes;
    bool swapped;
};

static enum step look(struct pcapng *p, struct block *ret)
{
    const uint8_t *at = window_at(p->window);
    if (window_left(p->window) < AROUND_BYTES)
        return more(p, AROUND_BYTES);
    ret->swapped = p->swapped;
    if (window_u32(false, at) == PCAPNG_MAGIC) {
        ret->swapped = window_u32(true, at + 8) == ORDER_MAGIC;
        if (!ret->swapped && window_u32(false, at + 8) != ORDER_MAGIC)
            return bad_block(p, "begins a section without its magic number");
    }
    ret->type = window_u32(ret->swapped, at);
    ret->bytes = window_u32(ret->swapped, at + 4);
    if (ret->bytes < AROUND_BYTES || ret->bytes % 4)
        return bad(p, "block %llu claims a length that none has: %u",
                   (unsigned long long)p->blocks + 1, ret->bytes);
    if (ret->bytes <= WINDOW_BYTES)
        return window_left(p->window) < ret->bytes ? more(p, ret->bytes) : STEP_ON;
    return is_read(ret->type) ? bad_block(p, "is longer than is read of its kind") : STEP_LONG;
}

static enum step step_on(struct pcapng *p, uint32_t link, struct found *ret)
{
    struct block block = {0};
    if (*p->why)
        return STEP_BAD;
    enum step step = look(p, &block);
    if (step != STEP_ON)
        return step;
    const uint8_t *at = window_at(p->window), *body = at + 8;
    size_t len = block.bytes - AROUND_BYTES;
    if (window_u32(block.swapped, at + block.bytes - 4) != block.bytes)
        return bad_block(p, "has two lengths that differ");
    if (block.type == PCAPNG_MAGIC && link != LINK_ANY && link != LINK_NONE)
        return STEP_OTHER;
    if (block.type == BLOCK_ENHANCED || block.type == BLOCK_PACKET)
        step = find_packet(p, block.type == BLOCK_PACKET, body, len, ret);
    else if (block.type == BLOCK_SIMPLE)
        step = find_simple(p, body, len, ret);
    else if (block.type == BLOCK_INTERFACE)
        step = take_interface(p, body, len);
    else if (block.type == PCAPNG_MAGIC)
        step = take_section(p, block.swapped, body, len);
    if (step == STEP_BAD)
        return step;
    if (step == STEP_PACKET) {
        if (link != LINK_ANY && link != ret->link)
            return STEP_OTHER;
        p->packets++;
        p->last_ns = ret->frame.t_ns;
    }
    p->blocks++;
    p->window->at += block.bytes;
    return step;
}

static void ends_within(struct pcapng *p)
{
    bad(p, "the file ends within block %llu, behind packet %llu", (unsigned long long)p->blocks + 1,
        (unsigned long long)p->packets);
}

/* 0 or -errno of reading. */
static int skip_long(struct pcapng *p)
{
    struct block block = {0};
    CHECK(look(p, &block) == STEP_LONG);
    int err = window_skip(p->window, block.bytes - 4);
    if (!err)
        err = window_need(p->window, 4);
    if (err) {
        bad(p, "%s", strerror(-err)); /* where reading stands now, nobody could go on */
        return err;
    }
    if (window_left(p->window) < 4)
        ends_within(p);
    else if (window_u32(block.swapped, window_at(p->window)) != block.bytes)
        bad_block(p, "has two lengths that differ");
    else
        p->window->at += 4;
    p->blocks++;
    return 0;
}

/* STEP_PACKET, STEP_OTHER or STEP_BAD; STEP_ON: the file has no more. -errno of reading. */
static int advance(struct pcapng *p, uint32_t link, struct found *ret)
{
    for (;;) {
        int err = 0;
        enum step step = step_on(p, link, ret);
        if (step == STEP_PACKET || step == STEP_OTHER || step == STEP_BAD)
            return (int)step;
        if (step == STEP_LONG)
            err = skip_long(p);
        else if (step == STEP_MORE)
            err = window_need(p->window, p->wanted);
        if (err)
            return err;
        if (step != STEP_MORE || window_left(p->window) >= p->wanted)
            continue;
        if (!window_left(p->window))
            return STEP_ON;
        ends_within(p);
    }
}

int pcapng_begin(struct pcapng *p, char *why, size_t why_size)
{
    struct found found = {0};
    int step = advance(p, LINK_NONE, &found);
    if (step < 0)
        snprintf(why, why_size, "%s", strerror(-step));
    else if (!p->interfaces)
        snprintf(why, why_size, "%s", *p->why ? p->why : "it describes no interface");
    return step < 0 ? step : p->interfaces ? 0 : -EBADMSG;
}

int pcapng_next(struct pcapng *p, uint32_t *ret_link, struct packet_frame *ret, char *why,
                size_t why_size)
{
    struct found found = {0};
    int step = advance(p, LINK_ANY, &found);
    if (step == STEP_PACKET) {
        *ret_link = found.link;
        *ret = found.frame;
        return 1;
    }
    if (step == STEP_ON)
        return 0;
    snprintf(why, why_size, "%s", step < 0 ? strerror(-step) : p->why);
    return step < 0 ? step : -EBADMSG;
}

bool pcapng_take(struct pcapng *p, uint32_t link, struct packet_frame *ret)
{
    struct found found = {0};
    enum step step;
    do
        step = step_on(p, link, &found);
    while (step == STEP_ON);
    if (step != STEP_PACKET)
        return false;
    *ret = found.frame;
    return true;
}
