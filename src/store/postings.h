/*
 * postings.h: which series a name, a label with its value or a whole key belongs to: an inverted
 * index, so that a question about a few series does not look at the rows of all. One reader's; one
 * thread.
 *
 * Of each text only a hash is kept, 8 bytes for a text and series, and as much room again: 40 to 80
 * bytes for a series with three labels. What is found may be somebody else's, or of a series that
 * is deleted; its row says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct store_reader;

struct posting {
    uint32_t hash, id;
};

struct postings {
    uint64_t seed;
    struct posting *all; /* [0, sorted) by hash, then id; behind it what came since */
    size_t count, sorted, room;
    uint32_t newest;                /* no row above this has been read */
    int64_t late;                   /* as it was when they were read, `late_series` in `meta` */
    size_t series, series_at_first; /* read until now, and by the first refresh */
    int64_t state;                  /* of the database at the last refresh, see reader.h */
};

void postings_fini(struct postings *p); /* also makes it begin anew */

/* Brings in the series that are new since the last time. Inside reader_begin/reader_end.
 * 0 or -errno. */
int postings_refresh(struct postings *p, struct store_reader *reader);

/* Ids, in no order and perhaps twice. Owns them. */
struct id_list {
    uint32_t *ids;
    size_t count, room;
};

void id_list_fini(struct id_list *list);
void id_list_sort(struct id_list *list); /* grows, each once */

/* Adds the series that have this text: a name, `label="value"` as in a key, or a key. */
void postings_find(const struct postings *p, const char *text, size_t len, struct id_list *list);
