/*
 * token_file.h: the file `tokens` in the data directory. Reading and writing block: the main
 * thread, commands, or a thread of libuv's pool.
 */
#pragma once

#include "http/tokens.h"

/* 0, also when there is no file: an empty set; or a negative errno and in `why` a sentence with
 * the file's name, the line, and what is wrong. Refused, too: a file that others than its owner
 * may read or write, or that belongs to somebody else than root or this user. */
int token_file_load(const char *data_dir, struct tokens **ret, char *why, size_t why_size);

/* What a change makes of the items: it may change, remove (closing the gap) and add one, for which
 * there is room. Returns 0 to have them written, else a negative errno: nothing is. */
typedef int (*token_change)(void *user, struct token *items, size_t *count);

/* Reads, lets `change` work on it, writes: one after the other with all who do so, in this and in
 * other processes. Whoever reads meanwhile sees the old file or the new one, also after a power
 * cut. What expired a day ago is left out. The file belongs to the owner of the directory. 0, what
 * `change` said, or a negative errno with a sentence in `why`, which is "" in the second case. */
int token_file_update(const char *data_dir, token_change change, void *user, char *why,
                      size_t why_size);
