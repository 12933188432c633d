/*
 * scan_select.c: what a scan is about: the tier, the series and their order, and how much it is.
 *
 * select.c finds the series that may have a sample in the range; for an answer that is enough, for
 * a table whose columns are named before the first row it is not. So each one is looked for until
 * it is found: in memory, in the log's rows, and in the spans, where only the numbers of the chunks
 * are looked at, by jumping from one that is there to the next one asked for. A span that reaches
 * beyond the range is looked into. Once, inside reader_begin/reader_end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/chunk.h"
#include "store/row.h"
#include "store/scan_internal.h"

/* ---- the tier ------------------------------------------------------------------------------- */

/* The oldest moment in memory and on disk, of a tier. INT64_MAX: there is none. */
static int64_t find_oldest(const struct catalog *c, const struct recent *recent, size_t tier)
{
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < c->spans_count; i++) {
        if (c->spans[i].tier == tier)
            oldest_ms = MIN(oldest_ms, c->spans[i].min_ms);
    }
    for (size_t i = 0; tier == 0 && i < c->ticks_count; i++)
        oldest_ms = MIN(oldest_ms, c->ticks[i].t_ms);
    for (size_t i = 0; recent && tier == 0 && i < recent->count; i++)
        oldest_ms = MIN(oldest_ms, recent->ticks[i]->t_ms);
    return oldest_ms;
}

/* The finest tier that reaches back as far as the coarser ones do, as far as is asked for. */
static size_t choose_tier(const struct scan *scan, const struct catalog *c,
                          const struct recent *recent, int64_t *ret_oldest_ms)
{
    int64_t oldest_ms[TIERS];
    size_t tier = 0;
    for (size_t i = 0; i < TIERS; i++)
        oldest_ms[i] = find_oldest(c, recent, i);
    for (size_t coarser = 1; coarser < TIERS; coarser++) {
        /* A row of a tier begins up to a step before its first sample. */
        if (oldest_ms[coarser] != INT64_MAX &&
            oldest_ms[tier] >
                MAX(scan->query.from_ms, oldest_ms[coarser]) + tier_interval_ms((enum tier)coarser))
            tier = coarser;
    }
    *ret_oldest_ms = oldest_ms[tier];
    return tier;
}

/* The largest interval of the samples in the range, else the newest there is. */
static int64_t find_interval(const struct scan *scan, const struct catalog *c,
                             const struct recent *recent)
{
    int64_t interval_ms = catalog_interval(c, recent, scan->query.from_ms, scan->query.to_ms);
    return interval_ms > 0 ? interval_ms : catalog_newest_interval(c, recent);
}

/* ---- who is there --------------------------------------------------------------------------- */

/* Series that select.c found, while it is found out which of them are there. */
struct search {
    struct scan *scan;
    struct store_reader *reader;
    struct plan *plan;
    uint32_t *by_id; /* places of the plan's targets, by growing id */
    size_t count;
    bool *found; /* by series of the answer */
    size_t missing;
};

static const struct target *target_at(const struct search *s, size_t i)
{
    return &s->plan->targets[s->by_id[i]];
}

static void mark(struct search *s, const struct target *target)
{
    s->missing -= !s->found[target->out];
    s->found[target->out] = true;
}

/* The first target with this id or a larger one. */
static size_t first_target(const struct search *s, uint32_t id)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (target_at(s, mid)->id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void search_recent(struct search *s, const struct recent *recent)
{
    for (size_t i = 0; recent && s->missing && i < recent->count; i++) {
        const struct tick *t = recent->ticks[i];
        if (t->t_ms < s->scan->query.from_ms || t->t_ms > s->scan->query.to_ms)
            continue;
        for (uint32_t slot = 0; slot < t->count; slot++) {
            const struct series *series = t->set->slots[slot];
            if (!series || t->state[slot] == SAMPLE_ABSENT)
                continue;
            size_t at = first_target(s, series->id);
            if (at < s->count && target_at(s, at)->id == series->id)
                mark(s, target_at(s, at));
        }
    }
}

static void search_row(struct search *s, const uint8_t *data, size_t len)
{
    struct row_reader row;
    uint32_t first;
    uint64_t count;
    if (row_open(&row, data, len) < 0)
        return;
    while (row_next_run(&row, &first, &count)) {
        for (size_t i = first_target(s, first); i < s->count && target_at(s, i)->id - first < count;
             i++)
            mark(s, target_at(s, i));
    }
}

static int search_run(struct search *s, const struct tick_run *run, sqlite3_stmt *stmt)
{
    sqlite3_bind_int64(stmt, 1, (int64_t)run->first);
    sqlite3_bind_int64(stmt, 2, (int64_t)run->last);
    int rc = SQLITE_DONE;
    while (s->missing && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t len;
        const uint8_t *data = database_blob(stmt, 0, &len);
        search_row(s, data, len);
    }
    sqlite3_reset(stmt);
    return s->missing ? database_error(s->reader->db, rc) : 0;
}

static int search_log(struct search *s)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    const struct query *query = &s->scan->query;
    struct tick_run run = {0};
    int error = reader_statement(s->reader, SAMPLES_OF_RUN, &stmt);
    while (!error && s->missing &&
           catalog_next_run(s->plan->catalog, query->from_ms, query->to_ms, &run))
        error = search_run(s, &run, stmt);
    return error;
}

static int search_span(struct search *s, const struct scan_span *span, struct chunks *chunks)
{
    const struct query *query = &s->scan->query;
    bool edge = span->min_ms < query->from_ms || span->max_ms > query->to_ms;
    int error = 0;
    for (size_t i = 0; i < s->count && s->missing && !error;) {
        const struct target *target = target_at(s, i);
        if (s->found[target->out]) {
            i++;
            continue;
        }
        struct chunk chunk;
        error = chunk_next(chunks, span->id, target->id, span->ticks, &chunk);
        if (error == -ENOENT)
            return 0;
        if (error == -EUCLEAN) { /* behind it; what was in it is gone */
            error = 0;
            reader_met_damaged(s->reader, span->id, target->id);
            if ((uint32_t)chunk.row == UINT32_MAX)
                return 0;
            i = first_target(s, (uint32_t)chunk.row + 1);
            continue;
        }
        if (error)
            return error;
        uint32_t id = chunk.series;
        i = first_target(s, id);
        if (i == s->count || target_at(s, i)->id != id)
            continue;
        bool there = true;
        if (edge && span->tier == 0)
            error = scan_span_has(s->scan, s->reader, span, id, &there);
        if (there)
            mark(s, target_at(s, i));
        i++;
    }
    return error;
}

static int search_spans(struct search *s)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(s->reader->db, CHUNK_STATEMENT, &stmt);
    struct chunks chunks CLEANUP(chunks_fini) = chunks_over(stmt, NULL);
    for (size_t i = 0; i < s->scan->spans_count && s->missing && !error; i++)
        error =
            reader_cancelled(s->reader) ? -ECANCELED : search_span(s, &s->scan->spans[i], &chunks);
    return error;
}

static int by_target_id(const void *a, const void *b, void *user)
{
    const struct target *targets = user;
    uint32_t x = targets[*(const uint32_t *)a].id, y = targets[*(const uint32_t *)b].id;
    return (x > y) - (x < y);
}

/* Which series of the answer have a sample: ret[i], of the caller. */
static int search_all(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                      struct plan *plan, bool *ret)
{
    size_t count = plan_targets(plan);
    struct search s = {.scan = scan,
                       .reader = reader,
                       .plan = plan,
                       .count = count,
                       .found = ret,
                       .missing = plan->answer->series_count,
                       .by_id = mem_array(MAX(count, (size_t)1), sizeof(uint32_t))};
    for (uint32_t i = 0; i < count; i++)
        s.by_id[i] = i;
    if (count)
        qsort_r(s.by_id, count, sizeof(*s.by_id), by_target_id, plan->targets);
    search_recent(&s, recent);
    int error = 0;
    if (reader)
        error = search_log(&s);
    if (!error && reader)
        error = search_spans(&s);
    free(s.by_id);
    return error;
}

/* ---- families ------------------------------------------------------------------------------- */

/* The length of a histogram's name when `name` may be that of a part of one, else 0. */
static size_t histogram_base(const char *name)
{
    static const char *const parts[] = {"_bucket", "_count", "_sum"};
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t part = strlen(parts[i]);
        if (len > part && strcmp(name + len - part, parts[i]) == 0)
            return len - part;
    }
    return 0;
}

static const char *label_of(const struct scan_series *s, const char *name)
{
    for (size_t i = 0; i < s->labels_count; i++) {
        if (strcmp(s->labels[i].name, name) == 0)
            return s->labels[i].value;
    }
    return NULL;
}

static bool is_bucket(const struct scan_series *s, size_t base)
{
    return base && s->kind == METRIC_COUNTER && strcmp(s->name + base, "_bucket") == 0 &&
           label_of(s, "le");
}

static void find_families(struct scan *scan)
{
    struct map histograms;
    map_init(&histograms);
    for (size_t i = 0; i < scan->about.series_count; i++) {
        const struct scan_series *s = &scan->series[i];
        size_t base = histogram_base(s->name);
        if (is_bucket(s, base) && strcmp(label_of(s, "le"), "+Inf") == 0) {
            char *name CLEANUP(mem_freep) = mem_string_n(s->name, base);
            map_put(&histograms, name, scan);
        }
    }
    for (size_t i = 0; i < scan->about.series_count; i++) {
        struct scan_series *s = &scan->series[i];
        size_t base = histogram_base(s->name);
        char *name CLEANUP(mem_freep) = base ? mem_string_n(s->name, base) : NULL;
        bool lone = name && strcmp(s->name + base, "_bucket") == 0 && !is_bucket(s, base);
        s->is_histogram =
            name && s->kind == METRIC_COUNTER && !lone && map_get(&histograms, name) != NULL;
        if (s->is_histogram)
            s->family_len = base;
    }
    map_fini(&histograms);
}

static int compare_families(const struct scan_series *x, const struct scan_series *y)
{
    int by = strncmp(x->name, y->name, MIN(x->family_len, y->family_len));
    if (!by)
        by = (x->family_len > y->family_len) - (x->family_len < y->family_len);
    return by ? by : x->is_histogram - y->is_histogram;
}

/* Labels are sorted by name. `le` is passed over for histograms. */
static int compare_labels(const struct scan_series *x, const struct scan_series *y)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (x->is_histogram && i < x->labels_count && strcmp(x->labels[i].name, "le") == 0)
            i++;
        while (y->is_histogram && k < y->labels_count && strcmp(y->labels[k].name, "le") == 0)
            k++;
        if (i == x->labels_count || k == y->labels_count)
            return (i < x->labels_count) - (k < y->labels_count);
        int by = strcmp(x->labels[i].name, y->labels[k].name);
        if (!by)
            by = strcmp(x->labels[i].value, y->labels[k].value);
        if (by)
            return by;
    }
}

static double bound_of(const struct scan_series *s)
{
    const char *le = label_of(s, "le");
    double bound = INFINITY;
    if (le && strcmp(le, "+Inf") != 0 && text_double(le, &bound) < 0)
        bound = INFINITY;
    return bound;
}

struct placed {
    struct scan_series series;
    size_t before; /* its place in the answer */
};

static int by_family(const void *a, const void *b)
{
    const struct scan_series *x = &((const struct placed *)a)->series;
    const struct scan_series *y = &((const struct placed *)b)->series;
    int by = compare_families(x, y);
    if (!by)
        by = compare_labels(x, y);
    if (!by)
        by = strcmp(x->name, y->name); /* _bucket, _count, _sum */
    if (!by && x->is_histogram) {
        double low = bound_of(x), high = bound_of(y);
        by = (low > high) - (low < high);
    }
    return by ? by : (x->id > y->id) - (x->id < y->id);
}

/* ---- the scan ------------------------------------------------------------------------------- */

/* Help and method: as on disk, or, while it is not there yet, in memory. */
static void describe(struct scan_series *s, struct store_reader *reader, sqlite3_stmt *stmt,
                     const struct recent *recent)
{
    if (reader) {
        sqlite3_bind_int64(stmt, 1, s->id);
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *help = (const char *)sqlite3_column_text(stmt, 0);
            const char *method = (const char *)sqlite3_column_text(stmt, 1);
            s->help = mem_string(help ? help : "");
            s->method = mem_string(method ? method : "");
        }
        sqlite3_reset(stmt);
    }
    for (size_t i = recent ? recent->count : 0; i > 0 && !s->help; i--) {
        const struct series_set *set = recent->ticks[i - 1]->set;
        if (i < recent->count && set == recent->ticks[i]->set)
            continue;
        for (uint32_t slot = 0; slot < set->count && !s->help; slot++) {
            const struct series *known = set->slots[slot];
            if (known && known->id == s->id) {
                s->help = mem_string(known->help);
                s->method = mem_string(atomic_load_explicit(
                    &((struct series *)(uintptr_t)known)->method, memory_order_relaxed));
            }
        }
    }
    if (!s->help) {
        s->help = mem_string("");
        s->method = mem_string("");
    }
}

/* Takes the texts of the answer's series that were found, in their final order. column_of[i]: where
 * series i of the answer went; SIZE_MAX: it was not found. */
static int take_series(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                       struct answer *answer, const bool *found, size_t *column_of)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = reader ? database_prepare(reader->db,
                                          "SELECT help, method FROM series WHERE id = ?1", &stmt)
                       : 0;
    if (error)
        return error;
    size_t room = MAX(answer->series_count, (size_t)1);
    struct placed *placed CLEANUP(mem_freep) = mem_array(room, sizeof(*placed));
    size_t *before CLEANUP(mem_freep) = mem_array(room, sizeof(*before));
    scan->series = mem_array(room, sizeof(*scan->series));
    scan->about.series = scan->series;
    for (size_t i = 0; i < answer->series_count; i++) {
        struct answer_series *from = &answer->series[i];
        column_of[i] = SIZE_MAX;
        if (!found[i])
            continue;
        struct scan_series *s = &scan->series[scan->about.series_count];
        before[scan->about.series_count++] = i;
        s->id = from->id;
        s->kind = from->kind;
        s->name = TAKE(from->name);
        s->unit = TAKE(from->unit);
        s->key = TAKE(from->key);
        describe(s, reader, stmt, recent);
        s->family_len = strlen(s->name);
        s->labels_count = from->labels_count;
        memcpy(s->labels, from->labels, sizeof(s->labels));
        from->labels_count = 0;
    }
    size_t count = scan->about.series_count;
    if (scan->families && count) {
        find_families(scan);
        for (size_t i = 0; i < count; i++)
            placed[i] = (struct placed){scan->series[i], before[i]};
        qsort(placed, count, sizeof(*placed), by_family);
        for (size_t i = 0; i < count; i++) {
            scan->series[i] = placed[i].series;
            before[i] = placed[i].before;
        }
    }
    for (size_t i = 0; i < count; i++)
        column_of[before[i]] = i;
    return 0;
}

static int by_column(const void *a, const void *b)
{
    const struct scan_target *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static double divisor_of(double scale)
{
    double parts = scale > 0 && scale < 1 ? round(1 / scale) : 0;
    return parts > 0 && 1 / parts == scale ? parts : 0;
}

static void take_targets(struct scan *scan, const struct plan *plan, const size_t *column_of)
{
    size_t most = MAX(plan_targets(plan), (size_t)1), columns = scan->about.series_count;
    scan->targets = mem_array(most, sizeof(*scan->targets));
    for (size_t i = 0; i < plan_targets(plan); i++) {
        const struct target *target = &plan->targets[i];
        size_t column = column_of[target->out];
        if (column != SIZE_MAX)
            scan->targets[scan->targets_count++] = (struct scan_target){
                target->id, target->kind, target->scale, divisor_of(target->scale), column};
    }
    if (scan->targets_count)
        qsort(scan->targets, scan->targets_count, sizeof(*scan->targets), by_column);
    scan->first_target = mem_array(columns + 1, sizeof(*scan->first_target));
    scan->target_of = mem_array(most, sizeof(*scan->target_of));
    size_t at = 0;
    for (size_t column = 0; column <= columns; column++) {
        while (at < scan->targets_count && scan->targets[at].column < column)
            at++;
        scan->first_target[column] = at;
    }
    for (size_t i = 0; i < scan->targets_count; i++)
        scan->target_of[ledger_add(&scan->by_id, scan->targets[i].id)] = (uint32_t)i;
}

static void make_groups(struct scan *scan)
{
    size_t count = scan->about.series_count;
    scan->group_first = mem_array(count + 1, sizeof(*scan->group_first));
    for (size_t i = 0; i < count; i++) {
        bool joins = scan->wide && i;
        if (scan->families && i && scan->series[i].is_histogram)
            joins = joins || (compare_families(&scan->series[i - 1], &scan->series[i]) == 0 &&
                              compare_labels(&scan->series[i - 1], &scan->series[i]) == 0);
        if (!joins)
            scan->group_first[scan->groups++] = i;
    }
    scan->group_first[scan->groups] = count;
}

/* The newest tick, and about how many values there are. */
static void measure(struct scan *scan, const struct catalog *c, bool stored,
                    const struct recent *recent)
{
    double moments = 0;
    struct tick_run run = {0};
    scan->end_seq = c->ticks_count ? c->ticks[c->ticks_count - 1].seq : 0;
    while (catalog_next_run(c, scan->query.from_ms, scan->query.to_ms, &run))
        moments += (double)run.count;
    for (size_t i = 0; i < scan->spans_count; i++) {
        const struct scan_span *span = &scan->spans[i];
        int64_t from = MAX(span->min_ms, scan->query.from_ms),
                to = MIN(span->max_ms, scan->query.to_ms);
        if (span->tier)
            continue;
        scan->end_seq = MAX(scan->end_seq, span->last_seq);
        moments += (double)span->ticks * (double)(to - from + 1) /
                   (double)(span->max_ms - span->min_ms + 1);
    }
    if (recent && recent->count)
        scan->end_seq = MAX(scan->end_seq, recent->ticks[recent->count - 1]->seq);
    if (!stored)
        moments = recent ? (double)recent->count : 0;
    scan->about.values_expected = (uint64_t)(moments * (double)scan->about.series_count);
}

static int find_series(struct scan *scan, struct store_reader *reader,
                       const struct catalog *catalog, const struct recent *recent)
{
    struct plan plan = {
        .reader = reader,
        .catalog = catalog,
        .query = &scan->query,
        .recent = recent,
        .answer = mem_alloc(sizeof(*plan.answer)),
        .from_ms = scan->query.from_ms,
        .step_ms = scan->query.to_ms - scan->query.from_ms + 1,
        .points = 1,
    };
    bool *found = NULL;
    size_t *column_of = NULL;
    int error = select_series(&plan);
    if (!error) {
        size_t room = MAX(plan.answer->series_count, (size_t)1);
        found = mem_array(room, sizeof(*found));
        column_of = mem_array(room, sizeof(*column_of));
        scan->about.truncated = plan.answer->truncated;
        error = search_all(scan, reader, recent, &plan, found);
    }
    if (!error)
        error = take_series(scan, reader, recent, plan.answer, found, column_of);
    if (!error) {
        take_targets(scan, &plan, column_of);
        make_groups(scan);
    }
    free(found);
    free(column_of);
    free(plan.targets);
    ledger_fini(&plan.by_id);
    answer_free(plan.answer);
    return error;
}

int scan_select(struct scan *scan, struct store_reader *reader, const struct recent *recent)
{
    const struct catalog *catalog;
    int64_t oldest_ms;
    int error = catalog_of(reader, &catalog);
    if (error)
        return error;
    size_t tier = choose_tier(scan, catalog, recent, &oldest_ms);
    if (scan->points)
        tier = 0;
    scan->steps = scan->steps || tier > 0;
    scan->about.tier = reader ? tier_name((enum tier)tier) : "memory";
    scan->about.interval_ms =
        tier ? tier_interval_ms((enum tier)tier) : find_interval(scan, catalog, recent);
    if (scan->steps && !scan->points) {
        int64_t step_ms = scan->about.interval_ms;
        int64_t from_ms =
            oldest_ms == INT64_MAX ? scan->query.from_ms : MAX(scan->query.from_ms, oldest_ms);
        from_ms = MIN(from_ms, scan->query.to_ms);
        scan->step_ms = step_ms;
        scan->first_ms = from_ms - from_ms % step_ms;
    }
    if (reader)
        error = scan_read_spans(scan, reader, scan->steps ? (int)TIERS - 1 : 0);
    if (!error)
        error = find_series(scan, reader, catalog, recent);
    if (!error)
        measure(scan, catalog, reader != NULL, recent);
    return error;
}
