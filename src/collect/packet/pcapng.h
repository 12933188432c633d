/*
 * pcapng.h: the blocks of a pcapng file, as far as packets need them: sections in either byte
 * order, interfaces with their link layer, snaplen and resolution of time, packets in the three
 * kinds of blocks that hold one (enhanced, simple, and the obsolete first one). Other blocks are
 * skipped, and of options only what tells the time is read.
 *
 * Each packet has its own interface's link layer: libpcap refuses files with several.
 *
 * Source: IETF draft-ietf-opsawg-pcapng; tcpdump.org/linktypes.html. One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/packet/window.h"
#include "wire/packet.h"

#define PCAPNG_MAGIC 0x0a0d0d0aU /* the same in either order */

/* Of one section, each in some 32 bytes. */
#define PCAPNG_INTERFACES_MAX 65536

struct pcapng;

/* Borrows the window, which stands at the file's beginning. */
struct pcapng *pcapng_new(struct window *w);
void pcapng_free(struct pcapng *p); /* NULL allowed */

/* Reads up to the first packet, so that the first interfaces are known. 0; -EBADMSG: there is none,
 * `why` tells; another -errno: the file cannot be read. What is wrong behind the first interface is
 * met again by pcapng_next. */
int pcapng_begin(struct pcapng *p, char *why, size_t why_size);

/* Interfaces of the section that is read, and their link layers (LINKTYPE_*). */
size_t pcapng_interfaces(const struct pcapng *p);
uint32_t pcapng_link(const struct pcapng *p, size_t interface);

/* Is that section of the other byte order than this machine's? */
bool pcapng_is_swapped(const struct pcapng *p);

/* A packet, which is there until the next call. 1; 0: the file has no more; -errno: -EBADMSG when
 * it ends within a block or says what cannot be, `why` tells. */
int pcapng_next(struct pcapng *p, uint32_t *ret_link, struct packet_frame *ret, char *why,
                size_t why_size);

/* The same, but only a packet of this link and the same section that is in the window already:
 * those before it stay where they are. */
bool pcapng_take(struct pcapng *p, uint32_t link, struct packet_frame *ret);
