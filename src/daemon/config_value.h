/*
 * config_value.h: one value: from text into its member, by the rules of its row. Main thread.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "daemon/config.h"
#include "daemon/config_table.h"

/*
 * Sets the member at `base` + row->offset to the text; a CONFIG_TEXTS member to all of them. What
 * the member held is freed. 0; or -EINVAL, the member is then untouched and `why` gets a sentence
 * like  "9s" is too much (expected a duration from 50ms to 5s, such as 1s)
 */
int config_value_set(const struct config_row *row, void *base, const struct config_list *texts,
                     struct buf *why);

/* Frees what the member owns, if anything. */
void config_value_fini(const struct config_row *row, void *base);

/* What the row takes, e.g. "a duration from 50ms to 60s". */
void config_value_expected(const struct config_row *row, struct buf *out);

/* Appends a text that somebody wrote, in quotes, shortened, without control characters. */
void config_quote(struct buf *out, const char *text);

/* "a, b" into items, blanks around them removed; "" is the empty list. */
void config_list_split(struct config_list *list, const char *text);
void config_list_add(struct config_list *list, const char *text);
void config_list_copy(struct config_list *to, const struct config_list *from);
void config_list_fini(struct config_list *list);
