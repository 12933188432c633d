/*
 * view.h: a table as somebody wants to see it: filtered, sorted, a page of it. What is wanted is
 * read once (view_spec) and may be applied to many tables of the kind. Pure; any thread, one at a
 * time for a spec.
 *
 * Filter words (CONTRACT section 4): `text` in any cell, `col:text` in that column, `col>num`,
 * `col<num`, `-word` for the opposite; all words must hold. Text compares without case (ASCII);
 * numbers compare as text as they are shown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/table.h"

#define VIEW_LIMIT_DEFAULT 100
#define VIEW_LIMIT_MAX 10000
#define VIEW_TEXT_MAX 4096 /* bytes of a filter */

struct view_spec;

/* filter, sort: NULL or "": none, and the usual order: rates, then totals, then time, each
 * descending. sort: "col" or "-col" (descending). 0 and *ret, or -EINVAL with the reason in `why`
 * and the name of the parameter at fault in *ret_field. */
int view_spec_new(const struct table_schema *schema, const char *filter, const char *sort,
                  struct view_spec **ret, const char **ret_field, char *why, size_t why_size);
void view_spec_free(struct view_spec *spec); /* NULL allowed */

/* Appends the same text for specs of a table that show the same. */
void view_spec_put_key(const struct view_spec *spec, struct buf *out);

/* Whether every row passes: then only the order would be its work. */
bool view_spec_shows_all(const struct view_spec *spec);

/* What applying it to so many rows costs, in looks at a cell. */
size_t view_spec_cost(const struct view_spec *spec, size_t rows);

struct view {
    size_t *rows; /* indices into the table, in order */
    size_t count; /* of this page */
    size_t total; /* that pass the filter */
};

/* The table must be of the spec's schema. Equal rows keep their order. Takes time in proportion to
 * the rows and, as long as offset + limit is small beside them, hardly more for sorting. */
void view_make(const struct table *t, const struct view_spec *spec, size_t limit, size_t offset,
               struct view *ret);
void view_fini(struct view *v);
