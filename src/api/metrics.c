/*
 * metrics.c: GET /metrics: the kernel's absolute values at the last tick, for Prometheus; and GET
 * /api/v1/series: what there is.
 *
 * The slots are put in the order that the formats want (model/families.h) once per series_set, and
 * the order is kept until the set changes. Of more samples than have room the core thread has
 * folded some into sums (model/others.h), which end the family that they are of. When there are
 * more families than that, the last ones are left out.
 */
#include "api/api_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/encode.h"
#include "model/others.h"
#include "wire/json.h"
#include "wire/prometheus.h"

static void metrics_sort(struct api *api, const struct series_set *set)
{
    if (api->order && api->order_generation == set->generation)
        return;
    free(api->order);
    api->order = families_order(set, &api->order_count);
    api->order_generation = set->generation;
}

/* ---- the answers ------------------------------------------------------------------------- */

static void metrics_family(struct buf *body, enum prometheus_format format,
                           const struct family_row *row)
{
    char *name = mem_string_n(row->series->name, row->family_len);
    enum prometheus_type own = row->is_histogram                     ? PROMETHEUS_HISTOGRAM
                               : row->series->kind == METRIC_COUNTER ? PROMETHEUS_COUNTER
                                                                     : PROMETHEUS_GAUGE;
    prometheus_family(body, format, name, prometheus_type(name, own), row->series->help);
    free(name);
}

/* The page as it is being written. */
struct page {
    struct buf body;
    enum prometheus_format format;
    size_t room;                     /* samples */
    const struct family_row *family; /* a row of the family that is being written; NULL: none yet */
    bool headed;                     /* its HELP and TYPE are written */
    const struct tick_others *others;
    size_t sum; /* the next of the others */
    size_t left_out;
};

static void page_sample(struct page *page, const char *key, double value)
{
    if (!page->room) {
        page->left_out++;
        return;
    }
    page->room--;
    if (!page->headed)
        metrics_family(&page->body, page->format, page->family);
    page->headed = true;
    prometheus_sample(&page->body, key, value);
}

/* The sums that belong to the family, or to one before it of which no series is left. */
static void page_end_family(struct page *page)
{
    const struct family_row *row = page->family;
    const struct tick_others *others = page->others;
    for (; others && row && page->sum < others->plan->sums_count; page->sum++) {
        const struct others_sum *sum = &others->plan->sums[page->sum];
        size_t len = strlen(sum->family);
        int by = strncmp(sum->family, row->series->name, MIN(len, (size_t)row->family_len));
        by = by ? by : (len > row->family_len) - (len < row->family_len);
        if (by > 0)
            return;
        if (by == 0 && !isnan(others->values[page->sum]))
            page_sample(page, sum->key, others->values[page->sum]);
    }
}

static void page_write(struct page *page, const struct api *api, const struct tick *t)
{
    page->others = t->others;
    for (uint32_t i = 0; i < api->order_count; i++) {
        const struct family_row *row = &api->order[i];
        if (!page->family || !family_same(page->family, row)) {
            page_end_family(page);
            page->family = row;
            page->headed = false;
        }
        if (t->state[row->slot] != SAMPLE_ABSENT && !others_has(t->others, row->slot))
            page_sample(page, row->series->key, tick_absolute(t, row->slot));
    }
    page_end_family(page);
}

static void count_header(struct http_request *request, const char *name, size_t count)
{
    char text[24];
    snprintf(text, sizeof(text), "%zu", count);
    if (count)
        http_answer_header(request, name, text);
}

void api_get_metrics(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct tick *t = api_tick(api);
    struct page page = {
        .body = BUF_INIT,
        .format = prometheus_negotiate(http_header(http_request_head(request), "accept")),
        .room = api->settings.metrics_series_limit,
    };
    if (t) {
        metrics_sort(api, t->set);
        page_write(&page, api, t);
        count_header(request, "Netsonde-Folded", t->others ? t->others->folded_count : 0);
    }
    count_header(request, "Netsonde-Left-Out", page.left_out);
    if (page.left_out)
        count_header(request, "Netsonde-Cut-After", api->settings.metrics_series_limit);
    if (page.left_out && page.format == PROMETHEUS_TEXT) /* OpenMetrics has no comments */
        buf_printf(&page.body, "# cut after %zu series: export.metrics_series_limit\n",
                   api->settings.metrics_series_limit);
    prometheus_end(&page.body, page.format);
    http_respond(request, 200, prometheus_content_type(page.format), &page.body);
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
