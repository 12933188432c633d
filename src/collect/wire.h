/*
 * wire.h: what goes over the physical interfaces together, for what no process accounts for. Survey
 * thread.
 *
 * Physical is what has a device behind it; bridges, bonds, VLANs and tunnels carry the same bytes
 * once more. Where nothing is physical (a container, a network namespace of its own) it is every
 * Ethernet interface that lies at the bottom: not loopback, nothing that is stacked on another one,
 * one of two that are each other's ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire;

/* sys_root: borrowed. max: interfaces that are kept at once. */
struct wire *wire_new(const char *sys_root, size_t max);
void wire_free(struct wire *w); /* NULL allowed */

/* Sums that only grow: an interface that comes adds what it counts from then on, one that goes
 * takes nothing away. False: nothing could be read. */
bool wire_read(struct wire *w, uint64_t *ret_rx, uint64_t *ret_tx);

/* Interfaces beyond `max` when they were last read: what they carry is in none of the sums. */
size_t wire_left_out(const struct wire *w);
