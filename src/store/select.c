/*
 * select.c: which series a query is about.
 *
 * Candidates come from the rows on disk and from the ticks in memory, which may hold series that no
 * committed tick has named yet; those that are known to be silent in the range are passed over
 * before anything is compared. Of the rows only those are looked at that have a text that the query
 * asks for, where there are few (postings.h). One target for each matching series; for quantiles
 * all `_bucket` series of a histogram are targets of one series in the answer, which has the
 * histogram's own name and no `le`. A name may have had several ids (the registry forgets a series
 * that was silent while very many others came): they are targets of one series in the answer, which
 * has the newest id. The answer is sorted by name, then labels, and cut at QUERY_SERIES_MAX.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/key.h"
#include "store/plan.h"

#define BUCKET_SUFFIX "_bucket"

/* A series as both sources can describe it. Borrowed texts. */
struct candidate {
    uint32_t id;
    const char *name, *unit, *key;
    enum metric_kind kind;
    double scale;
    size_t labels_count;
    const struct label *labels;
};

static size_t add_out(struct plan *plan, const struct candidate *c)
{
    struct answer *answer = plan->answer;
    if (answer->series_count == plan->out_capacity) {
        plan->out_capacity = MAX(plan->out_capacity * 2, (size_t)16);
        answer->series = mem_resize(answer->series, plan->out_capacity, sizeof(*answer->series));
    }
    struct answer_series *out = &answer->series[answer->series_count];
    *out = (struct answer_series){
        .id = c->id,
        .name = mem_string(c->name),
        .unit = mem_string(c->unit),
        .key = mem_string(c->key),
        .kind = c->kind,
    };
    for (size_t i = 0; i < c->labels_count; i++) {
        out->labels[out->labels_count++] = (struct label){.name = mem_string(c->labels[i].name),
                                                          .value = mem_string(c->labels[i].value)};
    }
    return answer->series_count++;
}

static struct target *add_target(struct plan *plan, const struct candidate *c, size_t out)
{
    uint32_t index = ledger_add(&plan->by_id, c->id);
    if (index == plan->targets_capacity) {
        plan->targets_capacity = MAX(plan->targets_capacity * 2, (size_t)16);
        plan->targets = mem_resize(plan->targets, plan->targets_capacity, sizeof(*plan->targets));
    }
    struct target *target = &plan->targets[index];
    *target = (struct target){.id = c->id, .kind = c->kind, .scale = c->scale, .out = out};
    return target;
}

/* "0.5", "+Inf": a bucket's bound. */
static bool parse_bound(const char *text, double *ret)
{
    if (strcmp(text, "+Inf") == 0) {
        *ret = INFINITY;
        return true;
    }
    return text_double(text, ret) == 0;
}

/* Adds the series when it is a bucket of a histogram that the query asks for. `groups` maps the
 * histogram's key to its place in the answer, plus one. */
static void consider_bucket(struct plan *plan, const struct candidate *c, struct map *groups)
{
    size_t name_len = strlen(c->name), suffix_len = strlen(BUCKET_SUFFIX);
    if (c->kind != METRIC_COUNTER || name_len <= suffix_len ||
        strcmp(c->name + name_len - suffix_len, BUCKET_SUFFIX) != 0)
        return;
    struct label rest[SERIES_LABELS_MAX];
    size_t rest_count = 0;
    double bound = NAN;
    for (size_t i = 0; i < c->labels_count; i++) {
        if (strcmp(c->labels[i].name, "le") != 0)
            rest[rest_count++] = c->labels[i];
        else if (!parse_bound(c->labels[i].value, &bound))
            return;
    }
    if (isnan(bound))
        return;
    char *name CLEANUP(mem_freep) = mem_string_n(c->name, name_len - suffix_len);
    if (!selector_matches(&plan->query->selector, name, rest, rest_count))
        return;

    struct buf key CLEANUP(buf_fini) = BUF_INIT;
    key_write(&key, name, rest, rest_count, "le");
    if (!query_has_key(plan->query, buf_string(&key)))
        return;
    size_t group = (size_t)(uintptr_t)map_get(groups, buf_string(&key));
    if (group == 0) {
        const struct candidate histogram = {
            .id = c->id,
            .name = name,
            .unit = c->unit,
            .key = buf_string(&key),
            .kind = METRIC_GAUGE,
            .labels_count = rest_count,
            .labels = rest,
        };
        group = add_out(plan, &histogram) + 1;
        map_put(groups, buf_string(&key), (void *)(uintptr_t)group);
    }
    add_target(plan, c, group - 1)->bound = bound;
}

/* `names` maps a key to the target that was the first of its name, plus one. One that counted
 * something else under the same name stays a series of its own. */
static void consider_plain(struct plan *plan, const struct candidate *c, struct map *names)
{
    if (!selector_matches(&plan->query->selector, c->name, c->labels, c->labels_count) ||
        !query_has_key(plan->query, c->key))
        return;
    size_t index = (size_t)(uintptr_t)map_get(names, c->key);
    const struct target *first = index ? &plan->targets[index - 1] : NULL;
    if (first && first->kind == c->kind && first->scale == c->scale) {
        struct answer_series *out = &plan->answer->series[first->out];
        out->id = MAX(out->id, c->id);
        add_target(plan, c, first->out);
        return;
    }
    const struct target *target = add_target(plan, c, add_out(plan, c));
    map_put(names, c->key, (void *)(uintptr_t)(target - plan->targets + 1));
}

static void consider(struct plan *plan, const struct candidate *c, struct map *groups)
{
    if (ledger_find(&plan->by_id, c->id) != LEDGER_NONE)
        return;
    if (aggregate_is_quantile(plan->query->aggregate))
        consider_bucket(plan, c, groups);
    else
        consider_plain(plan, c, groups);
}

/*
 * Keys that cannot be the selector's, told by their text alone: most are not, and to take a key
 * apart costs ten times as much. One that is none of the names is not; nor is one without
 * `label="value"` where a match has no pattern in it.
 */
struct sieve {
    bool any_name; /* histograms do not have the name of their buckets */
    size_t needles_count;
    char *needles[SELECTOR_MATCHES_MAX];
};

/* It stands for itself, in a glob as in a key. */
static bool is_literal(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789._-:/ ";
    return *text && text[strspn(text, plain)] == '\0';
}

static void sieve_init(struct sieve *sieve, const struct plan *plan)
{
    const struct selector *selector = &plan->query->selector;
    *sieve = (struct sieve){.any_name = aggregate_is_quantile(plan->query->aggregate)};
    for (size_t i = 0; i < selector->matches_count; i++) {
        const char *label = selector->matches[i].label, *glob = selector->matches[i].glob;
        if (is_literal(glob))
            sieve->needles[sieve->needles_count++] = mem_printf("%s=\"%s\"", label, glob);
    }
}

static void sieve_fini(struct sieve *sieve)
{
    for (size_t i = 0; i < sieve->needles_count; i++)
        free(sieve->needles[i]);
}

static bool is_named(const struct selector *selector, const char *key, size_t key_len)
{
    char name[256];
    const char *brace = memchr(key, '{', key_len);
    size_t len = brace ? (size_t)(brace - key) : key_len;
    if (selector->globs_count == 0 || len >= sizeof(name))
        return true;
    memcpy(name, key, len);
    name[len] = '\0';
    for (size_t i = 0; i < selector->globs_count; i++) {
        if (text_glob(selector->globs[i], name))
            return true;
    }
    return false;
}

static bool sieve_passes(const struct sieve *sieve, const struct selector *selector,
                         const char *key, size_t len)
{
    for (size_t i = 0; i < sieve->needles_count; i++) {
        if (!memmem(key, len, sieve->needles[i], strlen(sieve->needles[i])))
            return false;
    }
    return sieve->any_name || is_named(selector, key, len);
}

/* What an index knows of: names, and keys, of which a histogram has another one than its buckets.
 */
static bool has_names(const struct plan *plan)
{
    const struct selector *selector = &plan->query->selector;
    for (size_t i = 0; i < selector->globs_count; i++) {
        if (!is_literal(selector->globs[i]))
            return false;
    }
    return selector->globs_count > 0;
}

static bool has_keys(const struct plan *plan)
{
    return plan->query->keys_count && !aggregate_is_quantile(plan->query->aggregate);
}

static void find_names(const struct plan *plan, struct id_list *ret)
{
    const struct selector *selector = &plan->query->selector;
    const char *suffix = aggregate_is_quantile(plan->query->aggregate) ? BUCKET_SUFFIX : "";
    for (size_t i = 0; i < selector->globs_count; i++) {
        char *name CLEANUP(mem_freep) = mem_printf("%s%s", selector->globs[i], suffix);
        postings_find(&plan->reader->postings, name, strlen(name), ret);
    }
}

static void find_keys(const struct plan *plan, struct id_list *ret)
{
    for (size_t i = 0; i < plan->query->keys_count; i++) {
        const char *key = plan->query->keys[i];
        postings_find(&plan->reader->postings, key, strlen(key), ret);
    }
}

static void keep_shorter(struct id_list *best, bool *any, struct id_list *other)
{
    if (!*any || other->count < best->count) {
        struct id_list longer = *best;
        *best = *other;
        *other = longer;
    }
    id_list_fini(other);
    *any = true;
}

#define FEW_MOST 256 /* rows that are looked up one by one; of all those alive it is one walk */

/* All series that can match, and few others: those that have the rarest of the texts asked for.
 * False: so many have it that it is quicker to look at all, or there is no text. */
static bool find_few(const struct plan *plan, const struct sieve *sieve, struct id_list *ret)
{
    const struct postings *postings = &plan->reader->postings;
    struct id_list list = {0};
    bool any = has_keys(plan);
    if (any)
        find_keys(plan, ret);
    if (has_names(plan)) {
        find_names(plan, &list);
        keep_shorter(ret, &any, &list);
    }
    for (size_t i = 0; i < sieve->needles_count; i++) {
        postings_find(postings, sieve->needles[i], strlen(sieve->needles[i]), &list);
        keep_shorter(ret, &any, &list);
    }
    id_list_sort(ret);
    return any && ret->count <= MIN(postings->series / 2, (size_t)FEW_MOST);
}

/* Rows of `series` out of a statement whose columns are those below. */
static int consider_rows(struct plan *plan, sqlite3_stmt *stmt, const struct sieve *sieve,
                         struct map *groups)
{
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t len;
        const char *bytes = (const char *)database_blob(stmt, 1, &len); /* no copy is made */
        if (bytes && !sieve_passes(sieve, &plan->query->selector, bytes, len))
            continue;
        const char *key = (const char *)sqlite3_column_text(stmt, 1);
        const char *unit = (const char *)sqlite3_column_text(stmt, 2);
        struct key_parts parts;
        if (!key || !unit || key_parse(key, &parts) < 0) {
            plan->reader->damaged++;
            continue;
        }
        const struct candidate c = {
            .id = (uint32_t)sqlite3_column_int64(stmt, 0),
            .name = parts.name,
            .unit = unit,
            .key = key,
            .kind = sqlite3_column_int(stmt, 3) == METRIC_GAUGE ? METRIC_GAUGE : METRIC_COUNTER,
            .scale = sqlite3_column_double(stmt, 4),
            .labels_count = parts.labels_count,
            .labels = parts.labels,
        };
        consider(plan, &c, groups);
        key_fini(&parts);
    }
    int error = database_error(plan->reader->db, rc);
    sqlite3_reset(stmt);
    return error;
}

#define SERIES_COLUMNS "s.id, s.key, s.unit, s.kind, s.scale"

static int consider_few(struct plan *plan, const struct alive *alive, const struct sieve *sieve,
                        const struct id_list *few, struct map *groups)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error = reader_statement(plan->reader,
                                 "SELECT " SERIES_COLUMNS " FROM series s WHERE s.id = ?1 AND"
                                 " (?2 OR EXISTS (SELECT 1 FROM last l WHERE l.id = ?1 AND"
                                 " l.seq >= ?3))",
                                 &stmt);
    for (size_t i = 0; i < few->count && !error; i++) {
        bool logged = alive_is_logged(alive, few->ids[i]);
        if (!logged && !alive->sealed)
            continue;
        sqlite3_bind_int64(stmt, 1, few->ids[i]);
        sqlite3_bind_int(stmt, 2, logged);
        sqlite3_bind_int64(stmt, 3, (int64_t)alive->from_seq);
        error = consider_rows(plan, stmt, sieve, groups);
    }
    return error;
}

static int consider_all(struct plan *plan, const struct alive *alive, const struct sieve *sieve,
                        struct map *groups)
{
    sqlite3_stmt *sealed CLEANUP(reader_done) = NULL;
    sqlite3_stmt *logged CLEANUP(reader_done) = NULL;
    int error = reader_statement(plan->reader,
                                 "SELECT " SERIES_COLUMNS " FROM last l CROSS JOIN series s"
                                 " ON s.id = l.id WHERE l.seq >= ?1",
                                 &sealed);
    if (!error)
        error = reader_statement(
            plan->reader, "SELECT " SERIES_COLUMNS " FROM series s WHERE s.id BETWEEN ?1 AND ?2",
            &logged);
    if (!error && alive->sealed) {
        sqlite3_bind_int64(sealed, 1, (int64_t)alive->from_seq);
        error = consider_rows(plan, sealed, sieve, groups);
    }
    for (size_t i = 0; i < alive->runs_count && !error; i++) {
        sqlite3_bind_int64(logged, 1, alive->runs[i].first);
        sqlite3_bind_int64(logged, 2, alive->runs[i].last);
        error = consider_rows(plan, logged, sieve, groups);
    }
    return error;
}

static int consider_stored(struct plan *plan, const struct alive *alive, struct map *groups)
{
    struct sieve sieve;
    struct id_list few = {0};
    int error = 0;
    sieve_init(&sieve, plan);
    /* To read all names for the index takes as long as to look at all of them: for one question. */
    bool indexed = plan->reader->selections++ > 0 &&
                   (sieve.needles_count || has_names(plan) || has_keys(plan));
    if (indexed)
        error = postings_refresh(&plan->reader->postings, plan->reader);
    if (!error)
        error = indexed && find_few(plan, &sieve, &few)
                    ? consider_few(plan, alive, &sieve, &few, groups)
                    : consider_all(plan, alive, &sieve, groups);
    id_list_fini(&few);
    sieve_fini(&sieve);
    return error;
}

/* Of the ticks of one set: `sampled` has the slots with a sample in any of them. */
static void consider_set(struct plan *plan, const struct series_set *set, const bool *sampled,
                         struct map *groups)
{
    for (uint32_t slot = 0; slot < set->count; slot++) {
        const struct series *s = set->slots[slot];
        if (!s || !sampled[slot])
            continue;
        const struct candidate c = {
            .id = s->id,
            .name = s->name,
            .unit = s->unit,
            .key = s->key,
            .kind = s->kind,
            .scale = s->scale,
            .labels_count = s->labels_count,
            .labels = s->labels,
        };
        consider(plan, &c, groups);
    }
}

static void consider_recent(struct plan *plan, const struct alive *alive, struct map *groups)
{
    const struct recent *recent = plan->recent;
    bool *sampled CLEANUP(mem_freep) = NULL;
    for (size_t i = 0, next; recent && i < recent->count; i = next) {
        const struct series_set *set = recent->ticks[i]->set;
        sampled = mem_resize(sampled, set->count, sizeof(*sampled));
        memset(sampled, 0, set->count * sizeof(*sampled));
        for (next = i; next < recent->count && recent->ticks[next]->set == set; next++) {
            const struct tick *t = recent->ticks[next];
            bool within = t->t_ms >= alive->from_ms && t->t_ms <= alive->to_ms;
            for (uint32_t slot = 0; within && slot < t->count; slot++)
                sampled[slot] |= t->state[slot] != SAMPLE_ABSENT;
        }
        consider_set(plan, set, sampled, groups);
    }
}

/* ---- order ---------------------------------------------------------------------------------- */

struct ranked {
    struct answer_series series;
    size_t before; /* its place before sorting */
};

static int compare_ranked(const void *a, const void *b)
{
    const struct answer_series *x = &((const struct ranked *)a)->series;
    const struct answer_series *y = &((const struct ranked *)b)->series;
    int order = strcmp(x->name, y->name);
    for (size_t i = 0; !order && i < x->labels_count && i < y->labels_count; i++) {
        order = strcmp(x->labels[i].name, y->labels[i].name);
        if (!order)
            order = strcmp(x->labels[i].value, y->labels[i].value);
    }
    if (!order)
        order = (x->labels_count > y->labels_count) - (x->labels_count < y->labels_count);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static void sort_answer(struct plan *plan)
{
    struct answer *answer = plan->answer;
    size_t count = answer->series_count;
    if (count == 0)
        return;
    struct ranked *ranked CLEANUP(mem_freep) = mem_array(count, sizeof(*ranked));
    size_t *place CLEANUP(mem_freep) = mem_array(count, sizeof(*place));
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){answer->series[i], i};
    qsort(ranked, count, sizeof(*ranked), compare_ranked);
    for (size_t i = 0; i < count; i++) {
        answer->series[i] = ranked[i].series;
        place[ranked[i].before] = i;
    }
    for (size_t i = 0; i < plan_targets(plan); i++)
        plan->targets[i].out = place[plan->targets[i].out];
}

static void cut_answer(struct plan *plan)
{
    struct answer *answer = plan->answer;
    if (answer->series_count <= QUERY_SERIES_MAX)
        return;
    answer->truncated = true;
    struct ledger kept = {0};
    for (size_t i = 0; i < plan_targets(plan); i++) {
        struct target target = plan->targets[i];
        if (target.out < QUERY_SERIES_MAX)
            plan->targets[ledger_add(&kept, target.id)] = target;
    }
    ledger_fini(&plan->by_id);
    plan->by_id = kept;
    for (size_t i = QUERY_SERIES_MAX; i < answer->series_count; i++)
        answer_series_fini(&answer->series[i]);
    answer->series_count = QUERY_SERIES_MAX;
}

int select_series(struct plan *plan)
{
    struct map groups;
    struct alive alive = {0};
    map_init(&groups);
    int error = alive_find(plan, &alive);
    if (!error && plan->reader)
        error = consider_stored(plan, &alive, &groups);
    if (!error)
        consider_recent(plan, &alive, &groups);
    alive_fini(&alive);
    map_fini(&groups);
    if (error)
        return error;
    sort_answer(plan);
    cut_answer(plan);
    return 0;
}
