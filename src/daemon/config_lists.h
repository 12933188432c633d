/*
 * config_lists.h: the two lists at the top of a file, `channels:` and `alerts:`: what their items'
 * keys are, and what was written. Lists of several files add up; neither environment nor flags set
 * them. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config_internal.h"

struct reader;

/* One key of an item with one of its texts: lists and maps have several of these. */
struct config_pair {
    char *key, *text;
    size_t line, column; /* of the text */
};

/* An item as it was written. */
struct config_entry {
    char *file; /* NULL: not written, there in any case */
    size_t line, column;
    size_t pairs_count;
    struct config_pair *pairs;
};

struct config_item_key {
    const char *name, *expected, *doc;
    bool list;
};

/* The name as it stands in a file and in the documentation. */
const char *config_list_name(enum config_list_kind kind);
const char *config_list_doc(enum config_list_kind kind);     /* sentences */
const char *config_list_example(enum config_list_kind kind); /* lines of a file */
/* False: no more. */
bool config_list_key_at(enum config_list_kind kind, size_t index, struct config_item_key *ret);

/* CONFIG_LISTS: none is called that. */
enum config_list_kind config_list_find(const char *name);

size_t config_list_count(const struct config *c, enum config_list_kind kind);

/* Where the key's value stands (with `text`: the one that has it), or the item when there is none.
 */
struct config_place config_entry_place(const struct config_entry *entry, const char *key,
                                       const char *text);

/* The value of `channels:` or `alerts:`, whose first event is at hand. */
void config_list_read(struct reader *r, enum config_list_kind kind);

/* After all files: adds the channels that are there in any case; `check`: complains of what does
 * not fit together (not when there were mistakes: what is missing may only be mistyped). */
void config_lists_finish(struct config_loader *l, bool check);

void config_lists_fini(struct config *c);
