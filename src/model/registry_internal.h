/* registry_internal.h: what the draft needs of the registry and nobody else. */
#pragma once

#include "model/series.h"

/* Gives the series a slot if it has none. False: the limit is reached (counted). */
bool registry_make_live(struct registry *r, struct series *s);

/* Slots in use, holes included: the length of the next tick's columns. */
uint32_t registry_slots(const struct registry *r);
