/*
 * filter.h: packet.filter for files whose packets have several link layers: libpcap compiles the
 * words for one link layer, so they are compiled for each that can be read, when the file is
 * opened: as for a file, of which libpcap refuses what only a device can tell. One owner, one
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/packet.h"

struct filter;

/* 0 or -errno; `why` then says what is wrong in a sentence: libpcap is missing, or the words mean
 * nothing for any link layer. */
int filter_new(const char *words, struct filter **ret, char *why, size_t why_size);
void filter_free(struct filter *f); /* NULL allowed */

/* What libpcap has against these words for this link layer ("ether" where there is no Ethernet),
 * borrowed; NULL: nothing, or the link layer is not one that can be read. */
const char *filter_objection(const struct filter *f, uint32_t link);

/* Is this packet one of them? Those of link layers that cannot be read, or that there are
 * objections for, are not. swapped: it was captured by a machine of the other byte order. */
bool filter_matches(const struct filter *f, uint32_t link, bool swapped,
                    const struct packet_frame *packet);
