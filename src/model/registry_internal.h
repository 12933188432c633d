/* registry_internal.h: what the draft needs of the registry and nobody else. */
#pragma once

#include "model/series.h"

/* Gives the series a slot if it has none. False: the limit is reached (counted). */
bool registry_make_live(struct registry *r, struct series *s);

/* Fetches into the cache what a tick touches of the live series. */
void registry_warm(const struct registry *r);

/* While held, no slot may be freed: from draft_begin to draft_seal. */
void registry_hold(struct registry *r, bool held);
