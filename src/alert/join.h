/*
 * join.h: which series of the metrics that `per` and `where` name belong to which watched one:
 * those that have the same values in all labels that both have. Core thread.
 */
#pragma once

#include "alert/watchlist.h"

/* Of all rules whose joins are stale. */
void join_all(struct watchlist *w);

/* Whether two sets of labels, each sorted by name, agree where they have a name in common. */
bool join_agrees(const struct label *a, size_t a_count, const struct label *b, size_t b_count);
