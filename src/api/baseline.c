/*
 * baseline.c: the list of series of a baseline, and writing it as a document. Reading one is in
 * baseline_parse.c.
 */
#include "api/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/json.h"

#define SKETCH_DIGITS 9 /* as many as a float needs to come back as it was */
#define DIGITS 12

static void series_fini(struct baseline_series *s)
{
    free(s->name);
    free(s->labels);
    free(s->unit);
    free(s->stats);
}

void baseline_list_fini(struct baseline_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        series_fini(&l->items[i]);
    free(l->items);
    *l = (struct baseline_list){0};
}

void baseline_fini(struct baseline *b)
{
    baseline_list_fini(&b->list);
    selector_fini(&b->selection);
}

void baseline_list_add(struct baseline_list *l, struct baseline_series s)
{
    if (l->count == BASELINE_SERIES_MAX) {
        l->truncated = true;
        series_fini(&s);
        return;
    }
    if (l->count == l->room) {
        l->room = MAX(2 * l->room, (size_t)64);
        l->items = mem_resize(l->items, l->room, sizeof(l->items[0]));
    }
    l->items[l->count++] = s;
}

static int by_name(const void *a, const void *b)
{
    const struct baseline_series *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->labels, y->labels);
}

void baseline_list_sort(struct baseline_list *l)
{
    size_t kept = 0;
    if (l->count)
        qsort(l->items, l->count, sizeof(l->items[0]), by_name);
    for (size_t i = 0; i < l->count; i++) {
        if (kept && by_name(&l->items[kept - 1], &l->items[i]) == 0)
            series_fini(&l->items[i]);
        else
            l->items[kept++] = l->items[i];
    }
    l->count = kept;
}

uint32_t baseline_list_blocks(const struct baseline_list *l)
{
    uint32_t most = 0;
    for (size_t i = 0; i < l->count; i++)
        most = MAX(most, l->items[i].stats->n);
    return most;
}

static bool series_selected(const struct baseline_series *s, const struct selector *selector)
{
    struct label labels[SERIES_LABELS_MAX + 1];
    char why[128];
    const char *name;
    json_t *value, *object = json_parse(s->labels, strlen(s->labels), why, sizeof(why));
    size_t count = 0;
    json_object_foreach(object, name, value)
    {
        if (count < ARRAY_LEN(labels))
            labels[count++] = (struct label){name, json_string_value(value)};
    }
    bool selected = selector_matches(selector, s->name, labels, count);
    json_decref(object);
    return selected;
}

void baseline_list_select(struct baseline_list *l, const struct selector *selector)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (series_selected(&l->items[i], selector))
            l->items[kept++] = l->items[i];
        else
            series_fini(&l->items[i]);
    }
    l->count = kept;
}

static int by_label(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

char *baseline_labels(const struct label *labels, size_t count)
{
    struct buf out = BUF_INIT;
    struct label *sorted CLEANUP(mem_freep) = mem_array(MAX(count, (size_t)1), sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = labels[i];
    if (count)
        qsort(sorted, count, sizeof(sorted[0]), by_label);
    json_open(&out, '{');
    for (size_t i = 0; i < count; i++) {
        json_put_key(&out, sorted[i].name);
        json_put_string(&out, sorted[i].value);
    }
    json_close(&out, '}');
    char *text = mem_string(buf_string(&out));
    buf_fini(&out);
    return text;
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void put_number(struct buf *out, const char *key, double value)
{
    json_put_key(out, key);
    json_put_rounded(out, value, DIGITS);
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, text);
}

static void put_whole(struct buf *out, const char *key, int64_t value)
{
    json_put_key(out, key);
    json_put_i64(out, value);
}

void baseline_stats_json(struct buf *out, const struct block_stats *s)
{
    if (!s) {
        json_put_null(out);
        return;
    }
    json_open(out, '{');
    put_whole(out, "n", s->n);
    put_number(out, "mean", s->mean);
    put_number(out, "sigma", s->sigma);
    put_number(out, "p50", s->p50);
    put_number(out, "p90", s->p90);
    put_number(out, "p99", s->p99);
    json_close(out, '}');
}

static void put_series(struct buf *out, const struct baseline_series *s)
{
    const struct block_stats *stats = s->stats;
    json_open(out, '{');
    put_text(out, "name", s->name);
    json_put_key(out, "labels");
    json_put_raw(out, s->labels, strlen(s->labels));
    put_text(out, "unit", s->unit);
    put_text(out, "kind", metric_kind_name(s->kind));
    put_whole(out, "n", stats->n);
    put_number(out, "mean", stats->mean);
    put_number(out, "sigma", stats->sigma);
    put_number(out, "min", stats->min);
    put_number(out, "max", stats->max);
    put_number(out, "p50", stats->p50);
    put_number(out, "p90", stats->p90);
    put_number(out, "p99", stats->p99);
    put_number(out, "autocorrelation", stats->autocorrelation);
    json_put_key(out, "sketch");
    json_open(out, '[');
    for (uint32_t i = 0; i < stats->sketch_count; i++)
        json_put_rounded(out, (double)stats->sketch[i], SKETCH_DIGITS);
    json_close(out, ']');
    json_close(out, '}');
}

static void put_selection(struct buf *out, const struct selector *s)
{
    json_put_key(out, "metric");
    json_open(out, '[');
    for (size_t i = 0; i < s->globs_count; i++)
        json_put_string(out, s->globs[i]);
    json_close(out, ']');
    json_put_key(out, "match");
    json_open(out, '[');
    for (size_t i = 0; i < s->matches_count; i++) {
        char *match = mem_printf("%s=%s", s->matches[i].label, s->matches[i].glob);
        json_put_string(out, match);
        free(match);
    }
    json_close(out, ']');
}

static void put_head(struct buf *out, const struct baseline *b, size_t series_count)
{
    put_text(out, "name", b->name);
    put_text(out, "comment", b->comment);
    put_text(out, "kind", b->automatic ? "automatic" : "saved");
    put_whole(out, "made_ms", b->made_ms);
    put_text(out, "made_by", b->made_by);
    put_text(out, "version", b->version);
    put_text(out, "host", b->host);
    put_text(out, "kernel", b->kernel);
    put_whole(out, "from_ms", b->from_ms);
    put_whole(out, "to_ms", b->to_ms);
    put_whole(out, "block_ms", b->block_ms);
    put_selection(out, &b->selection);
    json_put_key(out, "series_count");
    json_put_u64(out, series_count);
    put_whole(out, "blocks", b->blocks);
    json_put_key(out, "truncated");
    json_put_bool(out, b->list.truncated);
}

void baseline_entry_json(struct buf *out, const struct baseline *b, size_t series_count)
{
    json_open(out, '{');
    put_head(out, b, series_count);
    json_close(out, '}');
}

void baseline_json(struct buf *out, const struct baseline *b)
{
    json_open(out, '{');
    put_head(out, b, b->list.count);
    json_put_key(out, "series");
    json_open(out, '[');
    for (size_t i = 0; i < b->list.count; i++)
        put_series(out, &b->list.items[i]);
    json_close(out, ']');
    json_close(out, '}');
}
