/*
 * admission.h: the limits that hold for all clients together, whichever loop they are on: how many
 * there are, and how many of one address. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"

struct admission;

struct admission *admission_new(unsigned most, unsigned most_per_address);
void admission_free(struct admission *admission); /* when no net uses it any more; NULL allowed */

enum admission_answer { ADMISSION_GRANTED, ADMISSION_FULL, ADMISSION_ADDRESS_FULL };

/* ADMISSION_GRANTED: counted until admission_leave with the same address. Of IPv6 the first 64 bits
 * count as the address, since whoever has one has them all; loopback and no address at all are
 * exempt from the limit per address. */
enum admission_answer admission_enter(struct admission *admission,
                                      const struct net_address *remote);
void admission_leave(struct admission *admission, const struct net_address *remote);
