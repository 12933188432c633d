/*
 * savefile.h: files of packets in the classic pcap format (pcap-savefile(5)): either byte order,
 * microseconds or nanoseconds; and in pcapng (pcapng.h). libpcap reads most of them, too; this does
 * so in place, in a quarter of the time, which is what reading costs beside the meter, and takes
 * pcapng files whose interfaces have several link layers. One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/packet.h"

struct savefile;

/* 0: takes fd. -ENOTSUP: not a file of these formats, or one of the classic format that only
 * libpcap may know. Another -errno: `why` tells, e.g. that no link layer of it can be read. When it
 * fails fd is still the caller's, but where it stands is anywhere. */
int savefile_open(int fd, struct savefile **ret, char *why, size_t why_size);
void savefile_close(struct savefile *s); /* NULL allowed */

bool savefile_is_pcapng(const struct savefile *s);

/* Link layers (LINKTYPE_*) that are known so far: the one of the file, or of the interfaces that
 * pcapng describes before its first packet. */
size_t savefile_links(const struct savefile *s);
uint32_t savefile_link(const struct savefile *s, size_t i);

/* Is what was handed out last, and what comes if nothing was, of a machine of the other byte order?
 */
bool savefile_is_swapped(const struct savefile *s);

/* Frames are there until the next call. */

/* 1: a packet; 0: the file has no more; -errno: -EBADMSG when it ends within a packet or says what
 * cannot be, `why` tells. */
int savefile_next(struct savefile *s, uint32_t *ret_link, struct packet_frame *ret, char *why,
                  size_t why_size);

/* The same for up to `most` packets of one link layer and byte order at a time, which stay together
 * until the next call: how many. */
int savefile_several(struct savefile *s, uint32_t *ret_link, struct packet_frame *ret, size_t most,
                     char *why, size_t why_size);
