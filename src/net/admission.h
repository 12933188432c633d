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

/* One more client, until admission_leave. False: there are as many as there may be. */
bool admission_enter(struct admission *admission);
void admission_leave(struct admission *admission);

/* One more client of this address, until admission_uncount. False: it has as many as it may. Of
 * IPv6 the first 64 bits count as the address, since whoever has one has them all. */
bool admission_count(struct admission *admission, const struct net_address *client);
void admission_uncount(struct admission *admission, const struct net_address *client);
