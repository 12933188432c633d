/*
 * feed.c: from ticks to messages.
 *
 * Metrics: `picks` lists the selected series by slot; it is rebuilt when the tick's series_set has
 * another generation, and what was not in it before is announced. A feed slower than the ticks
 * keeps a sum per slot: increments and the time they took for counters, the last value for gauges,
 * so a message says the mean rate since the message before and nothing is sampled away.
 *
 * Anomalies: the same picks. What the detector says is of the newest tick alone, so it is asked
 * with each one; a slow feed tells the largest score since the message before and what is usual
 * now.
 *
 * Tables: of many rows the first of the view are sent, and kept as a small table of their own, so
 * that no feed holds on to a large one; a change message lists the rows that differ. A row that is
 * not among the first any more is gone for this feed.
 *
 * Pace: a feed of interval I speaks at the first tick at or past each multiple of I on the wall
 * clock, so all feeds of one pace speak together. Not every tick brings a table: a table feed whose
 * time has come speaks as soon as one does.
 */
#include "hub/feed_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "hub/encode.h"

void feed_spec_fini(struct feed_spec *spec)
{
    selector_fini(&spec->selector);
    view_spec_free(TAKE(spec->view));
}

/* Tables only: what is seen when nothing else is asked for. */
static void feed_spec_complete(struct feed_spec *spec)
{
    enum table_kind kind;
    const char *field;
    char why[64];
    if (!channel_table(spec->channel, &kind))
        return;
    if (!spec->rows)
        spec->rows = FEED_ROWS_DEFAULT;
    if (!spec->view)
        CHECK(view_spec_new(table_schema(kind), NULL, NULL, &spec->view, &field, why,
                            sizeof(why)) == 0);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *feed_spec_key(struct feed_spec *spec)
{
    feed_spec_complete(spec);
    const struct selector *sel = &spec->selector;
    char *parts[SELECTOR_GLOBS_MAX + SELECTOR_MATCHES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sel->globs_count; i++)
        parts[count++] = mem_printf("m%s", sel->globs[i]);
    for (size_t i = 0; i < sel->matches_count; i++)
        parts[count++] = mem_printf("l%s=%s", sel->matches[i].label, sel->matches[i].glob);
    qsort(parts, count, sizeof(parts[0]), compare_texts);

    struct buf key = BUF_INIT;
    /* Events, alerts and documents are never held back, whatever the pace; performance has its
     * own. */
    bool paced = spec->channel != CHANNEL_EVENTS && spec->channel != CHANNEL_PERFORMANCE &&
                 spec->channel != CHANNEL_ALERTS && !channel_is_journal(spec->channel);
    buf_printf(&key, "%d %lld", (int)spec->channel, paced ? (long long)spec->interval_ms : 0LL);
    if (spec->admin)
        buf_text(&key, " admin");
    for (size_t i = 0; i < count; i++) {
        /* Lengths, not separators: no choice of globs can imitate another. */
        if (i == 0 || strcmp(parts[i], parts[i - 1]) != 0)
            buf_printf(&key, " %zu:%s", strlen(parts[i]), parts[i]);
    }
    for (size_t i = 0; i < count; i++)
        free(parts[i]);
    if (spec->view) {
        buf_printf(&key, " %zu", spec->rows);
        view_spec_put_key(spec->view, &key);
    }
    char *text = mem_string(buf_string(&key));
    buf_fini(&key);
    return text;
}

static size_t table_cost(const struct feed_spec *spec, const struct tick_ring *ring)
{
    enum table_kind kind;
    bool is_table = channel_table(spec->channel, &kind);
    CHECK(is_table);
    const struct tick_table *newest = tick_ring_table(ring, kind);
    if (!newest)
        return 1;
    size_t rows = newest->table->rows_count, columns = newest->table->schema->columns_count;
    size_t shown = MIN(rows, spec->rows ? spec->rows : FEED_ROWS_DEFAULT);
    return 1 + (spec->view ? view_spec_cost(spec->view, rows) : rows) + shown * columns;
}

size_t feed_spec_cost(const struct feed_spec *spec, const struct tick_ring *ring)
{
    const struct tick *newest = tick_ring_newest(ring);
    size_t series = newest ? newest->set->count : 0;
    switch (spec->channel) {
    case CHANNEL_METRICS:
    case CHANNEL_ANOMALIES:
        return 1 + series * (2 + spec->selector.matches_count);
    case CHANNEL_EVENTS:
    case CHANNEL_PERFORMANCE:
    case CHANNEL_ALERTS:
    case CHANNEL_BASELINE:
    case CHANNEL_BENCHMARK:
        return 1;
    default:
        return table_cost(spec, ring);
    }
}

size_t feed_cost(const struct feed *f, const struct tick_ring *ring)
{
    return feed_spec_cost(&f->spec, ring);
}

struct feed *feed_new(struct feed_spec *spec)
{
    struct feed *f = mem_alloc(sizeof(*f));
    feed_spec_complete(spec);
    f->spec = *spec;
    selector_init(&spec->selector);
    spec->view = NULL;
    return f;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    feed_spec_fini(&f->spec);
    feed_drop_replay(f);
    table_unref(f->last_table);
    free(f->picks);
    free(f->values);
    free(f);
}

enum channel feed_channel(const struct feed *f)
{
    return f->spec.channel;
}

bool feed_is_admin(const struct feed *f)
{
    return f->spec.admin;
}

bool feed_is_slow(const struct feed *f, const struct tick *t)
{
    return f->spec.interval_ms > t->interval_ms;
}

bool feed_due_after(const struct feed *f, int64_t last_t_ms, const struct tick *t)
{
    int64_t interval = f->spec.interval_ms;
    return !feed_is_slow(f, t) || last_t_ms == 0 || t->t_ms / interval != last_t_ms / interval;
}

static bool feed_due(const struct feed *f, const struct tick *t)
{
    return feed_due_after(f, f->last_t_ms, t);
}

/* ---- metrics ----------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static const struct pick *find_pick(const struct pick *picks, size_t count, uint32_t id)
{
    struct pick wanted = {.id = id};
    return count ? bsearch(&wanted, picks, count, sizeof(*picks), compare_ids) : NULL;
}

/* Names are few and series many: each name is held against the patterns once, and what a client
 * can make that cost is bounded however large the host is. */
struct picker {
    struct selector names, labels; /* the two halves of a selector; its texts are borrowed */
    struct map known;              /* name -> yes or no */
};

static void picker_init(struct picker *p, const struct selector *selector)
{
    p->names = p->labels = *selector;
    p->names.matches_count = 0;
    p->labels.globs_count = 0;
    map_init(&p->known);
}

static bool picker_takes(struct picker *p, const struct series *s)
{
    static const char yes = 'y', no = 'n';
    const char *answer = map_get(&p->known, s->name);
    if (!answer) {
        answer = selector_has(&p->names, s) ? &yes : &no;
        map_put(&p->known, s->name, (void *)answer);
    }
    return answer == &yes && selector_has(&p->labels, s);
}

size_t feed_pick(struct feed *f, const struct series_set *set, const struct series **fresh)
{
    struct pick *before = TAKE(f->picks);
    size_t before_count = f->picks_count;
    size_t fresh_count = 0;

    struct picker picker;
    picker_init(&picker, &f->spec.selector);
    f->picks = mem_array(set->count, sizeof(*f->picks));
    f->picks_count = 0;
    for (uint32_t slot = 0; slot < set->count; slot++) {
        const struct series *s = set->slots[slot];
        if (!s || !picker_takes(&picker, s))
            continue;
        const struct pick *old = find_pick(before, before_count, s->id);
        struct pick *pick = &f->picks[f->picks_count++];
        *pick = old ? *old : (struct pick){.id = s->id, .last = NAN};
        pick->slot = slot;
        if (!old)
            fresh[fresh_count++] = s;
    }
    qsort(f->picks, f->picks_count, sizeof(*f->picks), compare_ids);
    f->values = mem_resize(f->values, f->picks_count, sizeof(*f->values));
    f->generation = set->generation;
    f->picked = true;
    map_fini(&picker.known);
    free(before);
    return fresh_count;
}

static void feed_start_metrics(struct feed *f, const struct tick *t)
{
    const struct series **told = mem_array(t->set->count, sizeof(struct series *));
    feed_pick(f, t->set, told);
    free(told);
}

static void feed_announce(struct feed *f, struct tick *t, struct parcels *out)
{
    if (f->picked && f->generation == t->set->generation)
        return;
    const struct series **fresh = mem_array(t->set->count, sizeof(struct series *));
    size_t count = feed_pick(f, t->set, fresh);
    if (count)
        parcels_add(out, encode_series(fresh, count), 0, PARCEL_KEEP, true);
    free(fresh);
}

void feed_accumulate(struct feed *f, const struct tick *t)
{
    f->summed = true;
    for (size_t i = 0; i < f->picks_count; i++) {
        struct pick *p = &f->picks[i];
        const struct series *s = t->set->slots[p->slot];
        if (t->state[p->slot] != SAMPLE_OK)
            continue;
        if (s->kind == METRIC_GAUGE) {
            p->last = t->value[p->slot].gauge;
        } else {
            p->sum += (double)t->value[p->slot].increment * s->scale;
            p->elapsed_ns += t->elapsed_ns;
        }
    }
}

struct bytes *feed_metrics_frame(struct feed *f, const struct tick *t)
{
    for (size_t i = 0; i < f->picks_count; i++) {
        const struct pick *p = &f->picks[i];
        f->values[i] = (struct encode_value){.id = p->id, .value = tick_shown(t, p->slot)};
    }
    return encode_metrics(t->seq, t->t_ms, f->values, f->picks_count);
}

void feed_take_means(struct feed *f, const struct tick *t)
{
    for (size_t i = 0; i < f->picks_count; i++) {
        struct pick *p = &f->picks[i];
        double value = p->last;
        if (t->set->slots[p->slot]->kind == METRIC_COUNTER)
            value = p->elapsed_ns > 0 ? p->sum * (double)NS_PER_S / (double)p->elapsed_ns : NAN;
        f->values[i] = (struct encode_value){.id = p->id, .value = value};
        p->sum = 0;
        p->elapsed_ns = 0;
        p->last = NAN;
    }
    f->summed = false;
}

struct bytes *feed_means_frame(const struct feed *f, const struct tick *t)
{
    return encode_metrics(t->seq, t->t_ms, f->values, f->picks_count);
}

static void feed_step_metrics(struct feed *f, struct tick *t, struct parcels *out)
{
    feed_announce(f, t, out);
    bool slow = feed_is_slow(f, t);
    if (slow)
        feed_accumulate(f, t);
    if (!feed_due(f, t))
        return;
    if (f->summed)
        feed_take_means(f, t);
    parcels_add(out, slow ? feed_means_frame(f, t) : feed_metrics_frame(f, t), t->seq,
                PARCEL_LATEST, true);
}

static void feed_announce_all(struct feed *f, struct tick *t, struct parcels *out)
{
    const struct series **all = mem_array(f->picks_count, sizeof(struct series *));
    for (size_t i = 0; i < f->picks_count; i++)
        all[i] = t->set->slots[f->picks[i].slot];
    if (f->picks_count)
        parcels_add(out, encode_series(all, f->picks_count), 0, PARCEL_KEEP, true);
    free(all);
}

static void feed_snapshot_metrics(struct feed *f, struct tick *t, struct parcels *out)
{
    feed_announce_all(f, t, out);
    parcels_add(out, feed_metrics_frame(f, t), t->seq, PARCEL_LATEST, true);
}

/* ---- anomalies --------------------------------------------------------------------------- */

void feed_ask_verdicts(struct feed *f, const struct verdicts *verdicts)
{
    f->verdicts = *verdicts;
}

static bool feed_verdict(const struct feed *f, const struct pick *p, double ret[3])
{
    return f->verdicts.get && f->verdicts.get(f->verdicts.user, p->slot, ret) && !isnan(ret[0]);
}

/* The worst score since the message before must not get lost between two messages. */
static void feed_judge(struct feed *f)
{
    double verdict[3];
    for (size_t i = 0; i < f->picks_count; i++) {
        if (feed_verdict(f, &f->picks[i], verdict))
            f->picks[i].last = fmax(f->picks[i].last, verdict[0]); /* NAN gives way */
    }
}

/* What this tick says; with `worst` the scores of all ticks since the last message. */
static struct bytes *feed_anomalies_frame(const struct feed *f, const struct tick *t, bool worst)
{
    struct encode_anomaly *values = mem_array(f->picks_count, sizeof(*values));
    size_t count = 0;
    for (size_t i = 0; i < f->picks_count; i++) {
        const struct pick *p = &f->picks[i];
        double verdict[3] = {NAN, NAN, NAN};
        bool known = feed_verdict(f, p, verdict);
        double score = worst ? p->last : verdict[0];
        if (isnan(score))
            continue;
        values[count++] = (struct encode_anomaly){
            .id = p->id,
            .score = score,
            .mean = known ? verdict[1] : NAN,
            .sigma = known ? verdict[2] : NAN,
        };
    }
    struct bytes *frame = encode_anomalies(t->seq, t->t_ms, values, count);
    free(values);
    return frame;
}

static void feed_step_anomalies(struct feed *f, struct tick *t, struct parcels *out)
{
    feed_announce(f, t, out);
    feed_judge(f);
    if (!feed_due(f, t))
        return;
    parcels_add(out, feed_anomalies_frame(f, t, true), t->seq, PARCEL_LATEST, true);
    for (size_t i = 0; i < f->picks_count; i++)
        f->picks[i].last = NAN;
}

static void feed_snapshot_anomalies(struct feed *f, struct tick *t, struct parcels *out)
{
    feed_announce_all(f, t, out);
    parcels_add(out, feed_anomalies_frame(f, t, false), t->seq, PARCEL_LATEST, true);
}

/* ---- tables ------------------------------------------------------------------------------ */

static bool feed_is_table(const struct feed *f)
{
    enum table_kind kind;
    return channel_table(f->spec.channel, &kind);
}

static enum table_kind feed_table_kind(const struct feed *f)
{
    enum table_kind kind;
    bool is_table = channel_table(f->spec.channel, &kind);
    CHECK(is_table);
    return kind;
}

/* The rows of a table that this feed shows: one reference. */
static struct table *feed_rows(const struct feed *f, struct table *now, size_t *ret_total)
{
    struct view view;
    if (now->rows_count <= f->spec.rows && view_spec_shows_all(f->spec.view)) {
        *ret_total = now->rows_count;
        return table_ref(now);
    }
    view_make(now, f->spec.view, f->spec.rows, 0, &view);
    struct table *rows = table_pick(now, view.rows, view.count);
    *ret_total = view.total;
    view_fini(&view);
    return rows;
}

static void feed_step_table(struct feed *f, struct tick *t, struct parcels *out)
{
    struct table *brought = t->tables[feed_table_kind(f)];
    f->table_due |= feed_due(f, t);
    if (!brought || !f->table_due)
        return;
    f->table_due = false;
    bool complete = f->last_table == NULL;
    struct encode_rows now = {0}, before = {f->last_table, f->last_total};
    struct table *rows = feed_rows(f, brought, &now.total);
    struct bytes *frame = NULL;
    now.table = rows;
    if (complete) {
        frame = encode_table(now, t->seq, t->t_ms);
    } else if (!encode_table_change(before, now, t->seq, t->t_ms, &frame)) {
        table_unref(rows);
        f->last_table_ms = t->t_ms;
        return; /* nothing changed: nothing to say */
    }
    parcels_add(out, frame, t->seq, PARCEL_LATEST, complete);
    if (frame) {
        table_unref(f->last_table);
        f->last_table = rows;
        f->last_total = now.total;
        f->last_table_ms = t->t_ms;
    } else {
        table_unref(rows); /* without memory the next change counts from the table before */
    }
}

/* A tick need not bring the table: the newest one may be older. */
static void feed_start_table(struct feed *f, const struct tick_ring *ring)
{
    struct tick_table *newest = tick_ring_table(ring, feed_table_kind(f));
    if (!newest)
        return;
    f->last_table = feed_rows(f, newest->table, &f->last_total);
    f->last_table_ms = newest->t_ms;
}

static void feed_snapshot_table(struct feed *f, struct tick *t, struct parcels *out)
{
    /* Viewers of this feed go on from what it sent last, not from what is newest: seq is where they
     * go on, t is when the rows were so. */
    struct encode_rows last = {f->last_table, f->last_total};
    if (f->last_table)
        parcels_add(out, encode_table(last, t->seq, f->last_table_ms), t->seq, PARCEL_LATEST, true);
}

/* ---- events ------------------------------------------------------------------------------ */

static void feed_step_events(struct tick *t, struct parcels *out)
{
    for (size_t i = 0; i < t->events_count; i++)
        parcels_add(out, encode_event(t->events[i]), t->events[i]->seq, PARCEL_KEEP, true);
}

/* ---- all --------------------------------------------------------------------------------- */

void feed_start(struct feed *f, const struct tick_ring *ring)
{
    struct tick *newest = tick_ring_newest(ring);
    if (!newest)
        return;
    if (f->spec.channel == CHANNEL_METRICS || f->spec.channel == CHANNEL_ANOMALIES)
        feed_start_metrics(f, newest);
    else if (feed_is_table(f))
        feed_start_table(f, ring);
    f->last_t_ms = newest->t_ms;
}

void feed_step(struct feed *f, struct tick *t, struct parcels *out)
{
    feed_drop_replay(f);
    if (f->spec.channel == CHANNEL_METRICS)
        feed_step_metrics(f, t, out);
    else if (f->spec.channel == CHANNEL_ANOMALIES)
        feed_step_anomalies(f, t, out);
    else if (f->spec.channel == CHANNEL_EVENTS)
        feed_step_events(t, out);
    else if (feed_is_table(f))
        feed_step_table(f, t, out);
    f->last_t_ms = t->t_ms;
}

void feed_snapshot(struct feed *f, struct tick *t, struct parcels *out)
{
    if (f->spec.channel == CHANNEL_METRICS)
        feed_snapshot_metrics(f, t, out);
    else if (f->spec.channel == CHANNEL_ANOMALIES)
        feed_snapshot_anomalies(f, t, out);
    else if (feed_is_table(f))
        feed_snapshot_table(f, t, out);
}
