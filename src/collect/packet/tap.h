/*
 * tap.h: where packets come from: a device, by libpcap's TPACKET_V3 ring, or a file (pcap and
 * pcapng, either byte order, any resolution of time, several link layers in one file). Opening
 * needs privileges (CAP_NET_RAW) and files; reading an open source needs neither. One owner, one
 * thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/packet.h"

struct tap;

/* 0 or -errno; `why` then says what is wrong in a sentence. */
int tap_open_device(const char *device, const char *filter, uint32_t snaplen, struct tap **ret,
                    char *why, size_t why_size);
int tap_open_file(const char *path, const char *filter, struct tap **ret, char *why,
                  size_t why_size);
void tap_close(struct tap *s); /* NULL allowed */

/* Is libpcap there? */
bool tap_possible(char *why, size_t why_size);

#define TAP_BATCH 8

/* Up to TAP_BATCH packets of one link layer (LINKTYPE_*), in their order. */
typedef void tap_packets_fn(void *user, uint32_t link, const struct packet_frame *frames,
                            size_t count);

/* Hands on what is there, `most` packets at most; never waits for a device. How many, of a file
 * perhaps with those that the filter left out; 0: none now;
 * -ENODATA: the file has no more; another -errno: the source is lost, `why` tells. */
int tap_read(struct tap *s, int most, tap_packets_fn *packets, void *user, char *why,
             size_t why_size);

int tap_fd(const struct tap *s); /* readable when there are packets; -1: a file */
const char *tap_name(const struct tap *s);

/* Packets that the kernel had no room for, and that the interface dropped, since it was opened. */
void tap_drops(struct tap *s, uint64_t *ret_kernel, uint64_t *ret_interface);
