/*
 * savefile.h: files of packets in the classic pcap format (pcap-savefile(5)): either byte order,
 * microseconds or nanoseconds. libpcap reads them, too; this does so in place, in a quarter of the
 * time, which is what reading costs beside the meter. One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/packet.h"

struct savefile;

/* NULL: not a file of this format, or not one that can be read at places (a pipe): fd is as it was.
 * Otherwise takes fd. *ret_link is of the file. */
struct savefile *savefile_open(int fd, uint32_t *ret_link);
void savefile_close(struct savefile *s); /* NULL allowed */

/* Frames are there until the next call. */

/* 1: a packet; 0: the file has no more; -errno: -EBADMSG when it ends within a packet or says what
 * cannot be, `why` tells. */
int savefile_next(struct savefile *s, struct packet_frame *ret, char *why, size_t why_size);

/* The same for up to `most` packets at a time, which stay together until the next call: how many.
 */
int savefile_several(struct savefile *s, struct packet_frame *ret, size_t most, char *why,
                     size_t why_size);
