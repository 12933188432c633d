/*
 * postings.c: see postings.h.
 *
 * A sorted array, and behind it a short one that is not, merged when it has grown: rows come a few
 * at a time, and questions far more often. Rows are found by their ids, which grow; for one that is
 * stored later than a greater one, the writer counts `late_series` up, and everything is read
 * again. So it is when most of what was read may be of series that are deleted.
 */
#include "store/postings.h"

#include <stdlib.h>
#include <string.h>

#include "base/lookup.h"
#include "base/mem.h"
#include "store/reader.h"

#define LOOSE_MAX 512        /* postings that are looked at one by one */
#define DELETED_ALLOWED 4096 /* series that came since the first time, whatever that found */

void postings_fini(struct postings *p)
{
    free(p->all);
    memset(p, 0, sizeof(*p));
}

void id_list_fini(struct id_list *list)
{
    free(list->ids);
    *list = (struct id_list){0};
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void id_list_sort(struct id_list *list)
{
    size_t kept = 0;
    if (list->count)
        qsort(list->ids, list->count, sizeof(*list->ids), by_id);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || list->ids[i] != list->ids[i - 1])
            list->ids[kept++] = list->ids[i];
    }
    list->count = kept;
}

static uint32_t hash_of(const struct postings *p, const char *text, size_t len)
{
    return lookup_hash(lookup_mix_bytes(p->seed, text, len));
}

/* ---- what a key has ------------------------------------------------------------------------- */

static void add_posting(struct postings *p, uint32_t id, const char *text, size_t len)
{
    if (p->count == p->room) {
        p->room = MAX(p->room * 2, (size_t)LOOSE_MAX);
        p->all = mem_resize(p->all, p->room, sizeof(*p->all));
    }
    p->all[p->count++] = (struct posting){hash_of(p, text, len), id};
}

/* The end of a label's text that begins at `from`: behind the quote that closes it. */
static const char *label_end(const char *from, const char *end)
{
    const char *c = memchr(from, '"', (size_t)(end - from));
    if (!c)
        return end;
    for (c++; c < end && *c != '"'; c++) {
        if (*c == '\\' && c + 1 < end)
            c++;
    }
    return c < end ? c + 1 : end;
}

/* Whatever the key is: it comes from a file. */
static void add_key(struct postings *p, uint32_t id, const char *key, size_t len)
{
    const char *end = key + len, *brace = memchr(key, '{', len);
    add_posting(p, id, key, len);
    if (!brace)
        return; /* its name is all of it */
    add_posting(p, id, key, (size_t)(brace - key));
    for (const char *at = brace + 1, *next; at < end && *at != '}'; at = next + (next < end)) {
        next = label_end(at, end);
        add_posting(p, id, at, (size_t)(next - at));
    }
}

/* ---- order ---------------------------------------------------------------------------------- */

static int compare(const struct posting *a, const struct posting *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int by_hash(const void *a, const void *b)
{
    return compare(a, b);
}

static void merge_loose(struct postings *p)
{
    size_t loose_count = p->count - p->sorted, at = p->count, left = p->sorted;
    struct posting *loose = p->all + p->sorted;
    if (loose_count <= LOOSE_MAX)
        return;
    qsort(loose, loose_count, sizeof(*loose), by_hash);
    struct posting *later CLEANUP(mem_freep) = mem_array(loose_count, sizeof(*later));
    memcpy(later, loose, loose_count * sizeof(*later));
    while (loose_count) {
        bool ours = left && compare(&p->all[left - 1], &later[loose_count - 1]) > 0;
        p->all[--at] = ours ? p->all[--left] : later[--loose_count];
    }
    p->sorted = p->count;
}

/* ---- life ----------------------------------------------------------------------------------- */

static int read_rows(struct postings *p, struct store_reader *reader)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error =
        reader_statement(reader, "SELECT id, key FROM series WHERE id > ?1 ORDER BY id", &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, p->newest);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t len;
        const char *key = (const char *)database_blob(stmt, 1, &len);
        p->newest = (uint32_t)sqlite3_column_int64(stmt, 0);
        p->series++;
        if (key)
            add_key(p, p->newest, key, len);
    }
    return database_error(reader->db, rc);
}

int postings_refresh(struct postings *p, struct store_reader *reader)
{
    int64_t late = 0;
    if (p->series && p->state == reader->state)
        return 0;
    int error =
        reader_number(reader, "SELECT value FROM meta WHERE name = 'late_series'", 0, &late);
    if (error)
        return error;
    if (late != p->late || p->series > 2 * p->series_at_first + DELETED_ALLOWED)
        postings_fini(p);
    bool first = p->series == 0;
    if (first) {
        p->seed = lookup_seed();
        p->late = late;
    }
    error = read_rows(p, reader);
    if (error) { /* some may be missing */
        postings_fini(p);
        return error;
    }
    if (first)
        p->series_at_first = p->series;
    p->state = reader->state;
    merge_loose(p);
    return 0;
}

/* ---- questions ------------------------------------------------------------------------------ */

static void add_id(struct id_list *list, uint32_t id)
{
    if (list->count == list->room) {
        list->room = MAX(list->room * 2, (size_t)16);
        list->ids = mem_resize(list->ids, list->room, sizeof(*list->ids));
    }
    list->ids[list->count++] = id;
}

void postings_find(const struct postings *p, const char *text, size_t len, struct id_list *list)
{
    const struct posting wanted = {.hash = hash_of(p, text, len)};
    size_t low = 0, high = p->sorted;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare(&p->all[mid], &wanted) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < p->sorted && p->all[low].hash == wanted.hash; low++)
        add_id(list, p->all[low].id);
    for (size_t i = p->sorted; i < p->count; i++) {
        if (p->all[i].hash == wanted.hash)
            add_id(list, p->all[i].id);
    }
}
