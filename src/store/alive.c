/*
 * alive.c: which series may have a sample in the range of a query.
 *
 * A host that starts containers all day has tens of thousands of series on disk of which a few
 * hundred are sampled at a time. A query must not be about all of them: they would use up its
 * limit of series, make its step coarse, and cost a look-up in every span each.
 *
 * In spans of any tier: `last` has the tick of a series' newest sample as of its newest chunk. Is
 * that before the first tick of all spans that overlap the range, the series has no chunk there. In
 * the log: its rows say which ids they hold in runs, of which there are few, the same ones in
 * nearly every row; so they are kept merged, and a run that is there already costs one search.
 *
 * Any thread, inside reader_begin/reader_end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/plan.h"
#include "store/row.h"

void alive_fini(struct alive *alive)
{
    free(alive->runs);
    *alive = (struct alive){0};
}

/* The first run that ends at `id` or behind it; runs_count when there is none. */
static size_t find_run(const struct alive *alive, uint32_t id)
{
    size_t low = 0, high = alive->runs_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (alive->runs[mid].last < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool alive_is_logged(const struct alive *alive, uint32_t id)
{
    size_t at = find_run(alive, id);
    return at < alive->runs_count && alive->runs[at].first <= id;
}

static void add_run(struct alive *alive, uint32_t first, uint32_t last)
{
    size_t at = find_run(alive, first), end = at;
    if (at < alive->runs_count && alive->runs[at].first <= first && alive->runs[at].last >= last)
        return;
    for (; end < alive->runs_count && alive->runs[end].first <= last; end++) {
        first = MIN(first, alive->runs[end].first);
        last = MAX(last, alive->runs[end].last);
    }
    if (end == at && alive->runs_count == alive->runs_capacity) {
        alive->runs_capacity = MAX(alive->runs_capacity * 2, (size_t)64);
        alive->runs = mem_resize(alive->runs, alive->runs_capacity, sizeof(*alive->runs));
    }
    if (alive->runs_count > end)
        memmove(&alive->runs[at + 1], &alive->runs[end],
                (alive->runs_count - end) * sizeof(*alive->runs));
    alive->runs_count = alive->runs_count - (end - at) + 1;
    alive->runs[at] = (struct id_run){first, last};
}

static void add_row(struct alive *alive, const uint8_t *data, size_t len)
{
    struct row_reader row;
    uint32_t first;
    uint64_t count;
    if (row_open(&row, data, len) < 0)
        return; /* nothing can be read out of it later, either */
    while (row_next_run(&row, &first, &count))
        add_run(alive, first, first + (uint32_t)MIN(count - 1, UINT32_MAX - first));
}

static int add_rows(struct plan *plan, struct alive *alive, const struct tick_run *run,
                    sqlite3_stmt *stmt)
{
    sqlite3_bind_int64(stmt, 1, (int64_t)run->first);
    sqlite3_bind_int64(stmt, 2, (int64_t)run->last);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t len;
        const uint8_t *data = database_blob(stmt, 0, &len);
        add_row(alive, data, len);
    }
    sqlite3_reset(stmt);
    return database_error(plan->reader->db, rc);
}

static int find_in_log(struct plan *plan, struct alive *alive)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    struct tick_run run = {0};
    int error = reader_statement(plan->reader, SAMPLES_OF_RUN, &stmt);
    while (!error && catalog_next_run(plan->catalog, alive->from_ms, alive->to_ms, &run))
        error = add_rows(plan, alive, &run, stmt);
    return error;
}

static void find_in_spans(const struct catalog *c, struct alive *alive)
{
    alive->from_seq = UINT64_MAX;
    for (size_t i = 0; i < c->spans_count; i++) {
        if (!catalog_overlaps(&c->spans[i], alive->from_ms, alive->to_ms))
            continue;
        alive->sealed = true;
        alive->from_seq = MIN(alive->from_seq, c->spans[i].first_seq);
    }
}

int alive_find(struct plan *plan, struct alive *ret)
{
    /* Other steps may be laid for many series; they may reach where these do not. */
    *ret = (struct alive){.from_ms = MIN(plan->from_ms, plan->query->from_ms),
                          .to_ms = MAX(plan_last_ms(plan), plan->query->to_ms)};
    find_in_spans(plan->catalog, ret);
    return plan->reader ? find_in_log(plan, ret) : 0;
}
