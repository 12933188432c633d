/*
 * device_counters.c: see device_counters.h. Rows come in the same order in every tick, so the one
 * after the last row is looked at first.
 */
#include "collect/device_counters.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define ROWS_MAX 16384

struct row {
    char device[IF_NAMESIZE], kind[16];
    bool seen;
    uint64_t asked;         /* bits: series that were asked for */
    struct series **series; /* by metric; NULL: not asked for, or refused */
};

struct device_counters {
    struct sampler *sampler;
    const struct metric *metrics;
    size_t metrics_count;
    struct row *rows;
    size_t count, hint;
};

struct device_counters *device_counters_new(struct sampler *sampler, const struct metric *metrics,
                                            size_t count)
{
    CHECK(count <= 64);
    struct device_counters *d = mem_alloc(sizeof(*d));
    d->sampler = sampler;
    d->metrics = metrics;
    d->metrics_count = count;
    return d;
}

static void row_fini(const struct device_counters *d, struct row *row)
{
    for (size_t i = 0; i < d->metrics_count; i++)
        series_unref(row->series[i]);
    free(row->series);
}

void device_counters_forget(struct device_counters *d)
{
    for (size_t i = 0; i < d->count; i++)
        row_fini(d, &d->rows[i]);
    d->count = 0;
}

void device_counters_free(struct device_counters *d)
{
    if (!d)
        return;
    device_counters_forget(d);
    free(d->rows);
    free(d);
}

void device_counters_begin(struct device_counters *d)
{
    d->hint = 0;
    for (size_t i = 0; i < d->count; i++)
        d->rows[i].seen = false;
}

static bool row_is(const struct row *row, const char *device, const char *kind)
{
    return strcmp(row->device, device) == 0 && strcmp(row->kind, kind) == 0;
}

static struct row *row_find(struct device_counters *d, const char *device, const char *kind)
{
    size_t at = d->hint;
    if (at >= d->count || !row_is(&d->rows[at], device, kind)) {
        for (at = 0; at < d->count && !row_is(&d->rows[at], device, kind);)
            at++;
    }
    d->hint = at + 1;
    if (at < d->count)
        return &d->rows[at];
    if (d->count == ROWS_MAX)
        return NULL;
    d->rows = mem_resize(d->rows, d->count + 1, sizeof(d->rows[0]));
    struct row *row = &d->rows[d->count++];
    *row = (struct row){.series = mem_array(d->metrics_count, sizeof(row->series[0]))};
    memcpy(row->device, device, strnlen(device, sizeof(row->device) - 1));
    memcpy(row->kind, kind, strnlen(kind, sizeof(row->kind) - 1));
    return row;
}

void device_counters_row(struct device_counters *d, const struct engine_sink *sink,
                         const char *device, const char *kind, uint64_t source, uint64_t has,
                         const uint64_t *values)
{
    struct row *row = row_find(d, device, kind ? kind : "");
    if (!row || row->seen)
        return;
    row->seen = true;
    struct label labels[] = {{"device", row->device}, {"kind", row->kind}};
    for (size_t i = 0; i < d->metrics_count; i++) {
        if (!(has & UINT64_C(1) << i))
            continue;
        if (!(row->asked & UINT64_C(1) << i)) {
            row->asked |= UINT64_C(1) << i;
            row->series[i] = sampler_series(d->sampler, sink, &d->metrics[i], labels, kind ? 2 : 1);
        }
        if (d->metrics[i].kind == METRIC_COUNTER)
            draft_counter(sink->draft, row->series[i], values[i], source);
        else
            draft_gauge(sink->draft, row->series[i], (double)values[i]);
    }
}

void device_counters_end(struct device_counters *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (d->rows[i].seen)
            d->rows[kept++] = d->rows[i];
        else
            row_fini(d, &d->rows[i]);
    }
    d->count = kept;
}
