/*
 * fragments.h: which ports a fragment belongs to. Only the first fragment of an IP packet has the
 * header with the ports; they are kept for a while, so that the others count for the same flow.
 * Nothing is put together. Fragments that come before their first one stay without ports. Bounded;
 * one owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/packet.h"

struct fragments;

struct fragments *fragments_new(void);
void fragments_free(struct fragments *t); /* NULL allowed */

void fragments_put(struct fragments *t, const struct packet_layer *first, int64_t t_ns);
/* False: the first fragment was not seen within 30 s, or had to make room. */
bool fragments_get(const struct fragments *t, const struct packet_layer *later, int64_t t_ns,
                   uint16_t ret_ports[2]);
