/*
 * metrics.c: GET /metrics: the kernel's absolute values at the last tick, for Prometheus; and GET
 * /api/v1/series: what there is.
 *
 * The samples of a family must stand together, and a histogram is three names here (_bucket, _sum,
 * _count) and one family there, whose samples of one set of labels must stand together, too. So the
 * slots are put in order once per series_set, and the order is kept until the set changes.
 */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "hub/encode.h"
#include "wire/json.h"
#include "wire/prometheus.h"

struct metrics_row {
    const struct series *series;
    uint32_t slot;
    uint32_t family_len; /* the family's name is so much of the series' name */
    bool is_histogram;
};

/* ---- the order --------------------------------------------------------------------------- */

/* The length of a histogram's name when `name` may be that of a part of one, else 0. */
static size_t histogram_base(const char *name)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t part = strlen(parts[i]);
        if (len > part && strcmp(name + len - part, parts[i]) == 0)
            return len - part;
    }
    return 0;
}

static bool is_bucket(const struct series *s, size_t base)
{
    return base && strcmp(s->name + base, "_bucket") == 0 && series_label(s, "le");
}

/* `histograms` has the names of those that have buckets: a lone _sum or _count is no histogram. */
static void row_classify(struct metrics_row *row, const struct map *histograms)
{
    const struct series *s = row->series;
    size_t base = histogram_base(s->name);
    char *name = base ? mem_string_n(s->name, base) : NULL;
    bool is_part = name && map_get(histograms, name) &&
                   (is_bucket(s, base) || strcmp(s->name + base, "_bucket") != 0);
    free(name);
    row->is_histogram = is_part;
    row->family_len = (uint32_t)(is_part ? base : strlen(s->name));
}

static int compare_families(const struct metrics_row *x, const struct metrics_row *y)
{
    int by_name = strncmp(x->series->name, y->series->name, MIN(x->family_len, y->family_len));
    if (by_name)
        return by_name;
    return (x->family_len > y->family_len) - (x->family_len < y->family_len);
}

/* The next label that is not le; labels are sorted by name. */
static const struct label *label_but_le(const struct series *s, size_t *at)
{
    while (*at < s->labels_count) {
        const struct label *label = &s->labels[(*at)++];
        if (strcmp(label->name, "le") != 0)
            return label;
    }
    return NULL;
}

static int compare_labels_but_le(const struct series *x, const struct series *y)
{
    size_t at_x = 0, at_y = 0;
    for (;;) {
        const struct label *a = label_but_le(x, &at_x), *b = label_but_le(y, &at_y);
        if (!a || !b)
            return (a != NULL) - (b != NULL);
        int by = strcmp(a->name, b->name);
        if (!by)
            by = strcmp(a->value, b->value);
        if (by)
            return by;
    }
}

static double bucket_bound(const struct series *s)
{
    const char *le = series_label(s, "le");
    return le ? strtod(le, NULL) : 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct metrics_row *x = a, *y = b;
    int by = compare_families(x, y);
    if (!by && x->is_histogram && y->is_histogram) {
        by = compare_labels_but_le(x->series, y->series);
        if (!by)
            by = strcmp(x->series->name, y->series->name); /* _bucket, _count, _sum */
        if (!by) {
            double low = bucket_bound(x->series), high = bucket_bound(y->series);
            by = (low > high) - (low < high);
        }
    }
    return by ? by : (x->series->id > y->series->id) - (x->series->id < y->series->id);
}

static void metrics_sort(struct api *api, const struct series_set *set)
{
    if (api->order && api->order_generation == set->generation)
        return;
    struct map histograms;
    map_init(&histograms);
    free(api->order);
    api->order = mem_array(set->count, sizeof(*api->order));
    api->order_count = 0;
    for (uint32_t slot = 0; slot < set->count; slot++) {
        const struct series *s = set->slots[slot];
        if (!s)
            continue;
        api->order[api->order_count++] = (struct metrics_row){.series = s, .slot = slot};
        size_t base = histogram_base(s->name);
        if (is_bucket(s, base)) {
            char *name = mem_string_n(s->name, base);
            map_put(&histograms, name, api);
            free(name);
        }
    }
    for (uint32_t i = 0; i < api->order_count; i++)
        row_classify(&api->order[i], &histograms);
    qsort(api->order, api->order_count, sizeof(*api->order), compare_rows);
    api->order_generation = set->generation;
    map_fini(&histograms);
}

/* ---- the answers ------------------------------------------------------------------------- */

static void metrics_family(struct buf *body, enum prometheus_format format,
                           const struct metrics_row *row)
{
    char *name = mem_string_n(row->series->name, row->family_len);
    enum prometheus_type own = row->is_histogram                     ? PROMETHEUS_HISTOGRAM
                               : row->series->kind == METRIC_COUNTER ? PROMETHEUS_COUNTER
                                                                     : PROMETHEUS_GAUGE;
    prometheus_family(body, format, name, prometheus_type(name, own), row->series->help);
    free(name);
}

/* Writes up to `most` samples; false when there are more. */
static bool metrics_put(const struct api *api, const struct tick *t, enum prometheus_format format,
                        size_t most, struct buf *body)
{
    const struct metrics_row *before = NULL;
    size_t written = 0;
    for (uint32_t i = 0; i < api->order_count; i++) {
        const struct metrics_row *row = &api->order[i];
        if (t->state[row->slot] == SAMPLE_ABSENT)
            continue;
        if (written++ == most)
            return false;
        if (!before || compare_families(before, row) != 0)
            metrics_family(body, format, row);
        prometheus_sample(body, row->series->key, tick_absolute(t, row->slot));
        before = row;
    }
    return true;
}

void api_get_metrics(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct tick *t = api_tick(api);
    enum prometheus_format format =
        prometheus_negotiate(http_header(http_request_head(request), "accept"));
    size_t most = api->settings.metrics_series_limit;
    struct buf body = BUF_INIT;
    if (t)
        metrics_sort(api, t->set);
    if (t && !metrics_put(api, t, format, most, &body)) {
        char limit[24];
        snprintf(limit, sizeof(limit), "%zu", most);
        http_answer_header(request, "Netsonde-Cut-After", limit);
        if (format == PROMETHEUS_TEXT) /* OpenMetrics has no comments */
            buf_printf(&body, "# cut after %zu series: export.metrics_series_limit\n", most);
    }
    prometheus_end(&body, format);
    http_respond(request, 200, prometheus_content_type(format), &body);
}

void api_get_series(struct http_request *request, void *user)
{
    struct api *api = user;
    struct selector selector;
    if (!api_selector(request, &selector))
        return;
    struct buf body = BUF_INIT;
    const struct tick *t = api_tick(api);
    json_open(&body, '[');
    if (t)
        metrics_sort(api, t->set);
    for (uint32_t i = 0; t && i < api->order_count; i++) {
        const struct series *s = api->order[i].series;
        if (selector_has(&selector, s))
            encode_series_json(&body, s);
    }
    json_close(&body, ']');
    selector_fini(&selector);
    http_respond_json(request, 200, &body);
}
