/*
 * crowd.h: the limits that hold for all clients together, whichever loop they are on: how many
 * there are, and how many of one address. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"

struct crowd;

struct crowd *crowd_new(unsigned most, unsigned most_per_address);
void crowd_free(struct crowd *crowd); /* when no net uses it any more; NULL allowed */

enum crowd_answer { CROWD_ENTERED, CROWD_FULL, CROWD_ADDRESS_FULL };

/* CROWD_ENTERED: counted until crowd_leave with the same address. Of IPv6 the first 64 bits count
 * as the address, since whoever has one has them all; loopback and no address at all are exempt
 * from the limit per address. */
enum crowd_answer crowd_enter(struct crowd *crowd, const struct net_address *remote);
void crowd_leave(struct crowd *crowd, const struct net_address *remote);
