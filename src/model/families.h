/*
 * families.h: the series of a set in the order in which Prometheus' formats want them: families by
 * name, a histogram's parts together. A histogram is three names here (_bucket, _sum, _count) and
 * one family there, whose samples of one set of labels must stand together, too.
 *
 * Rows borrow the series of the set. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/series.h"

struct family_row {
    const struct series *series;
    uint32_t slot;
    uint32_t family_len; /* the family's name is so much of the series' name */
    bool is_histogram;
};

/* All series of the set in order; allocated, to be freed. */
struct family_row *families_order(const struct series_set *set, uint32_t *ret_count);

bool family_same(const struct family_row *a, const struct family_row *b);
/* Of one family: are their labels the same but for le? */
bool family_same_labels(const struct family_row *a, const struct family_row *b);
