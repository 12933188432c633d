/*
 * metrics.c: GET /metrics: the kernel's absolute values at the last tick, for Prometheus.
 *
 * Samples of one family must stand together, so slots are sorted by name once per series_set and
 * the order is kept until the set changes. A histogram is three names here (_bucket, _sum,
 * _count) and one family there.
 */
#include "api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/encode.h"
#include "wire/json.h"
#include "wire/prometheus.h"

static int compare_series(const void *a, const void *b, void *user)
{
    const struct series_set *set = user;
    const struct series *x = set->slots[*(const uint32_t *)a];
    const struct series *y = set->slots[*(const uint32_t *)b];
    int by_name = strcmp(x->name, y->name);
    if (by_name)
        return by_name;
    return (x->id > y->id) - (x->id < y->id); /* buckets were made in the order of le */
}

static void metrics_sort(struct api *api, struct series_set *set)
{
    if (api->order && api->order_generation == set->generation)
        return;
    free(api->order);
    api->order = mem_array(set->count, sizeof(*api->order));
    api->order_count = 0;
    for (uint32_t slot = 0; slot < set->count; slot++) {
        if (set->slots[slot])
            api->order[api->order_count++] = slot;
    }
    qsort_r(api->order, api->order_count, sizeof(*api->order), compare_series, set);
    api->order_generation = set->generation;
}

/* The length of a histogram's base name when `s` is a part of one, else 0. */
static size_t histogram_base(const struct series *s)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(s->name);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t part = strlen(parts[i]);
        if (len > part && strcmp(s->name + len - part, parts[i]) == 0)
            return i == 0 && !series_label(s, "le") ? 0 : len - part;
    }
    return 0;
}

/* Whether `base` names a histogram among the sorted series: it has buckets. */
static bool histogram_known(const struct api *api, const struct series_set *set, const char *name,
                            size_t base)
{
    for (uint32_t i = 0; i < api->order_count; i++) {
        const struct series *s = set->slots[api->order[i]];
        if (strncmp(s->name, name, base) == 0 && strcmp(s->name + base, "_bucket") == 0)
            return true;
    }
    return false;
}

static void metrics_family(const struct api *api, struct buf *body, enum prometheus_format format,
                           const struct series_set *set, const struct series *s, char **family)
{
    size_t base = histogram_base(s);
    if (base && !histogram_known(api, set, s->name, base))
        base = 0;
    char *name = base ? mem_string_n(s->name, base) : mem_string(s->name);
    if (*family && strcmp(*family, name) == 0) {
        free(name);
        return;
    }
    free(*family);
    *family = name;
    enum prometheus_type type = base                        ? PROMETHEUS_HISTOGRAM
                                : s->kind == METRIC_COUNTER ? PROMETHEUS_COUNTER
                                                            : PROMETHEUS_GAUGE;
    prometheus_family(body, format, name, type, s->help);
}

void api_get_metrics(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct tick *t = api_tick(api);
    enum prometheus_format format =
        prometheus_negotiate(http_header(http_request_head(request), "accept"));
    struct buf body = BUF_INIT;
    char *family = NULL;
    size_t written = 0;
    if (t)
        metrics_sort(api, t->set);
    for (uint32_t i = 0; t && i < api->order_count; i++) {
        uint32_t slot = api->order[i];
        const struct series *s = t->set->slots[slot];
        if (slot >= t->count || t->state[slot] == SAMPLE_ABSENT)
            continue;
        if (written++ == api->settings.metrics_series_limit) {
            buf_printf(&body, "# cut after %zu series: export.metrics_series_limit\n", written - 1);
            break;
        }
        metrics_family(api, &body, format, t->set, s, &family);
        prometheus_sample(&body, s->key, tick_absolute(t, slot));
    }
    prometheus_end(&body, format);
    free(family);
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
        const struct series *s = t->set->slots[api->order[i]];
        if (selector_has(&selector, s))
            encode_series_json(&body, s);
    }
    json_close(&body, ']');
    selector_fini(&selector);
    http_respond_json(request, 200, &body);
}
