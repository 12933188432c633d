/*
 * export_openmetrics.c: OpenMetrics 1.0 with a timestamp at each sample, for who loads the past
 * into a database of their own (promtool tsdb create-blocks-from openmetrics, for one).
 *
 * https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 *
 * A counter there is a number that only grows. What is stored are increments, across restarts and
 * resets, so a counter here begins with the first sample's increment and goes on from there: any
 * two of its values differ by exactly what was counted between them. When steps are exported, a
 * counter has reached its value at the end of a step. Of a histogram all buckets of one moment
 * stand together, so a piece has them as columns. Timestamps may not fall within a metric: what was
 * sampled while the clock showed what it had shown before is left out (a counter's value then comes
 * with the next sample) and counted.
 */
#include <math.h>
#include <string.h>

#include "api/export_writer.h"
#include "base/defs.h"
#include "base/mem.h"
#include "model/query.h"
#include "wire/json.h"
#include "wire/prometheus.h"

#define TOTAL "_total"

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    return len > end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static bool is_counter(const struct export_writer *w, const struct scan_series *s)
{
    return s->kind == METRIC_COUNTER && w->aggregate == AGG_SUM;
}

static void put_help(struct buf *out, const char *help)
{
    for (const char *p = help; *p; p++) {
        if (*p == '\n')
            buf_text(out, "\\n");
        else if (*p == '\\' || *p == '"')
            buf_append(out, (char[]){'\\', *p}, 2);
        else
            buf_char(out, *p);
    }
}

/* As /metrics calls it, so that a series is of one type wherever it comes from; a rate is a gauge.
 */
static enum prometheus_type type_of(const struct export_writer *w, const struct scan_series *s)
{
    if (s->kind == METRIC_COUNTER && !is_counter(w, s))
        return PROMETHEUS_GAUGE;
    return prometheus_type(s->name, is_counter(w, s) ? PROMETHEUS_COUNTER : PROMETHEUS_GAUGE);
}

static void begin_family(const struct export_writer *w, const struct scan_series *s,
                         struct buf *out)
{
    static const char *const words[] = {
        [PROMETHEUS_COUNTER] = "counter",
        [PROMETHEUS_GAUGE] = "gauge",
        [PROMETHEUS_UNTYPED] = "unknown",
    };
    const char *type = words[type_of(w, s)];
    size_t len = s->family_len;
    if (s->is_histogram && is_counter(w, s)) {
        type = "histogram";
    } else if (s->is_histogram) {
        len = strlen(s->name); /* rates of its parts: each is a family of its own */
    } else if (type_of(w, s) == PROMETHEUS_COUNTER) {
        bool total = ends_with(s->name, len, TOTAL);
        type = total ? "counter" : "unknown"; /* the suffix is required there */
        len -= total ? strlen(TOTAL) : 0;
    }
    buf_text(out, "# TYPE ");
    buf_append(out, s->name, len);
    buf_printf(out, " %s\n", type);
    char *unit CLEANUP(mem_freep) = mem_printf("_%s", s->unit);
    if (*s->unit && ends_with(s->name, len, unit)) {
        buf_text(out, "# UNIT ");
        buf_append(out, s->name, len);
        buf_printf(out, " %s\n", s->unit);
    }
    buf_text(out, "# HELP ");
    buf_append(out, s->name, len);
    buf_char(out, ' ');
    put_help(out, s->help);
    buf_char(out, '\n');
}

/* Whether the series is of the family that was written last. */
static bool goes_on(const struct export_writer *w, size_t index)
{
    const struct scan_series *s = &w->about->series[index], *last;
    if (!w->series)
        return false;
    last = &w->about->series[w->series - 1];
    size_t len = s->family_len;
    return s->is_histogram == last->is_histogram && len == last->family_len &&
           memcmp(s->name, last->name, len) == 0 &&
           (!s->is_histogram || is_counter(w, s) || strcmp(s->name, last->name) == 0);
}

static void put_sample(const struct scan_series *s, double value, int64_t t_ms, struct buf *out)
{
    char number[JSON_NUMBER_MAX];
    buf_text(out, s->key);
    buf_char(out, ' ');
    if (isnan(value)) /* one part of a histogram is missing where the others are there */
        buf_text(out, "NaN");
    else
        buf_append(out, number, (size_t)(json_write_double(number, value) - number));
    buf_printf(out, " %lld.%03d\n", (long long)(t_ms / MS_PER_S), (int)(t_ms % MS_PER_S));
}

static void openmetrics_begin(struct export_writer *w, struct buf *out)
{
    size_t count = MAX(w->about->series_count, (size_t)1);
    (void)out;
    w->totals = mem_array(count, sizeof(*w->totals));
    w->last_ms = mem_array(count, sizeof(*w->last_ms));
    for (size_t i = 0; i < count; i++)
        w->last_ms[i] = INT64_MIN;
}

/* A metric's columns: one, or the parts of a histogram. */
static void put_metric(struct export_writer *w, const struct scan_piece *piece, size_t column,
                       size_t columns, struct buf *out)
{
    size_t first = piece->first_series + column;
    const struct scan_series *s = &w->about->series[first];
    bool counter = is_counter(w, s);
    if (!goes_on(w, first))
        begin_family(w, s, out);
    w->series = first + 1;
    for (size_t r = 0; r < piece->rows; r++) {
        int64_t t_ms = piece->t_ms[r] + (counter && w->steps ? w->about->interval_ms : 0);
        const double *values = piece->values + column * piece->rows + r;
        bool later = t_ms > w->last_ms[first], any = false;
        for (size_t c = 0; c < columns; c++) {
            double value = values[c * piece->rows];
            bool there = !isnan(value);
            any = any || there;
            if (counter)
                w->totals[first + c] += there ? value : 0;
            w->left_out += there && !later;
        }
        if (!later || !any)
            continue;
        for (size_t c = 0; c < columns; c++)
            put_sample(s + c, counter ? w->totals[first + c] : values[c * piece->rows], t_ms, out);
        w->last_ms[first] = t_ms;
        w->rows++;
    }
}

static void openmetrics_piece(struct export_writer *w, const struct scan_piece *piece,
                              struct buf *out)
{
    const struct scan_series *s = &w->about->series[piece->first_series];
    if (is_counter(w, s))
        put_metric(w, piece, 0, piece->columns, out);
    else
        for (size_t c = 0; c < piece->columns; c++)
            put_metric(w, piece, c, 1, out);
}

static void openmetrics_end(struct export_writer *w, struct buf *out)
{
    (void)w;
    buf_text(out, "# EOF\n");
}

const struct export_form export_openmetrics = {openmetrics_begin, openmetrics_piece,
                                               openmetrics_end};
