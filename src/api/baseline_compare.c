/* baseline_compare.c: see baseline_compare.h. Both lists are walked at once, as they are sorted
 * alike. */
#include "api/baseline_compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "wire/json.h"

#define WORST_MAX 5
#define DIGITS 6

static int by_name(const struct baseline_series *a, const struct baseline_series *b)
{
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->labels, b->labels);
}

static int by_weight(const void *a, const void *b)
{
    const struct compared_series *x = a, *y = b;
    if (x->comparison.verdict != y->comparison.verdict)
        return x->comparison.verdict < y->comparison.verdict ? -1 : 1;
    double p = fabs(x->comparison.effect), q = fabs(y->comparison.effect);
    if (p < q || p > q) /* no effect is no number: those by their names */
        return p > q ? -1 : 1;
    return by_name(x->before ? x->before : x->after, y->before ? y->before : y->after);
}

static void add_pair(struct comparison_report *r, const struct baseline_series *before,
                     const struct baseline_series *after, uint32_t blocks_least)
{
    CHECK(before || after);
    struct compared_series *s = &r->series[r->count++];
    s->before = before;
    s->after = after;
    s->direction = direction_of(before ? before->name : after->name);
    compare_pair(before ? before->stats : NULL, after ? after->stats : NULL, blocks_least,
                 &s->comparison);
}

static void judge(struct comparison_report *r)
{
    struct compared *all CLEANUP(mem_freep) = mem_array(MAX(r->count, (size_t)1), sizeof(*all));
    for (size_t i = 0; i < r->count; i++)
        all[i] = (struct compared){&r->series[i].comparison, r->series[i].direction};
    compare_judge(all, r->count);
    for (size_t i = 0; i < r->count; i++)
        r->counts[r->series[i].comparison.verdict]++;
    r->verdict = compare_overall(r->counts);
    if (r->count)
        qsort(r->series, r->count, sizeof(r->series[0]), by_weight);
}

void comparison_make(struct comparison_report *ret, const struct baseline_list *before,
                     const struct baseline_list *after, uint32_t blocks_least)
{
    *ret = (struct comparison_report){0};
    ret->series = mem_array(MAX(before->count + after->count, (size_t)1), sizeof(ret->series[0]));
    size_t i = 0, k = 0;
    while (i < before->count || k < after->count) {
        const struct baseline_series *b = i < before->count ? &before->items[i] : NULL;
        const struct baseline_series *a = k < after->count ? &after->items[k] : NULL;
        int order = !b ? 1 : !a ? -1 : by_name(b, a);
        add_pair(ret, order <= 0 ? b : NULL, order >= 0 ? a : NULL, blocks_least);
        i += order <= 0;
        k += order >= 0;
    }
    judge(ret);
}

void comparison_fini(struct comparison_report *r)
{
    free(r->series);
    *r = (struct comparison_report){0};
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, text);
}

static void put_time(struct buf *out, const char *key, int64_t t_ms)
{
    json_put_key(out, key);
    json_put_i64(out, t_ms);
}

static void put_number(struct buf *out, const char *key, double value)
{
    json_put_key(out, key);
    json_put_rounded(out, value, DIGITS);
}

static void put_metric(struct buf *out, const struct compared_series *s)
{
    const struct baseline_series *any = s->before ? s->before : s->after;
    json_open(out, '{');
    put_text(out, "name", any->name);
    json_put_key(out, "labels");
    json_put_raw(out, any->labels, strlen(any->labels));
    put_text(out, "unit", any->unit);
    put_text(out, "kind", metric_kind_name(any->kind));
    put_text(out, "direction", direction_name(s->direction));
    put_text(out, "verdict", comparison_verdict_name(s->comparison.verdict));
    json_put_key(out, "before");
    baseline_stats_json(out, s->before ? s->before->stats : NULL);
    json_put_key(out, "after");
    baseline_stats_json(out, s->after ? s->after->stats : NULL);
    put_number(out, "change_pct", 100 * s->comparison.change_ratio);
    put_number(out, "effect", s->comparison.effect);
    put_number(out, "p", s->comparison.p);
    put_number(out, "q", s->comparison.q);
    json_close(out, '}');
}

static void put_head(struct buf *out, const struct comparison_report *r,
                     const struct comparison_about *about)
{
    put_text(out, "baseline", about->baseline);
    if (about->t_ms)
        put_time(out, "t", about->t_ms);
    put_time(out, "from_ms", about->from_ms);
    put_time(out, "to_ms", about->to_ms);
    put_text(out, "reason", about->reason);
    /* What is only different is neither better nor worse. */
    put_text(out, "verdict", comparison_verdict_name(r->verdict));
    json_put_key(out, "counts");
    json_open(out, '{');
    for (int v = 0; v < COMPARISON_VERDICTS; v++) {
        json_put_key(out, comparison_verdict_name((enum comparison_verdict)v));
        json_put_u64(out, r->counts[v]);
    }
    json_close(out, '}');
}

void comparison_json(struct buf *out, const struct comparison_report *r,
                     const struct comparison_about *about, size_t most, bool interesting_only)
{
    put_head(out, r, about);
    json_put_key(out, "metrics");
    json_open(out, '[');
    for (size_t i = 0; i < MIN(r->count, most); i++) {
        if (interesting_only && r->series[i].comparison.verdict >= COMPARISON_UNCHANGED)
            break; /* they come last */
        put_metric(out, &r->series[i]);
    }
    json_close(out, ']');
}

void comparison_entry_json(struct buf *out, const struct comparison_report *r,
                           const struct comparison_about *about)
{
    json_open(out, '{');
    put_head(out, r, about);
    json_put_key(out, "worst");
    json_open(out, '[');
    for (size_t i = 0; i < MIN(r->count, (size_t)WORST_MAX); i++) {
        if (r->series[i].comparison.verdict >= COMPARISON_UNCHANGED)
            break;
        put_metric(out, &r->series[i]);
    }
    json_close(out, ']');
    json_close(out, '}');
}

/* ---- for people -------------------------------------------------------------------------- */

static void put_count(struct buf *out, size_t count, const char *what)
{
    if (!count)
        return;
    if (out->len)
        buf_text(out, ", ");
    buf_printf(out, "%zu %s", count, what);
}

void comparison_sentence(struct buf *out, const struct comparison_report *r)
{
    CLEANUP(buf_fini) struct buf parts = BUF_INIT;
    put_count(&parts, r->counts[COMPARISON_REGRESSED], "worse");
    put_count(&parts, r->counts[COMPARISON_IMPROVED], "better");
    put_count(&parts, r->counts[COMPARISON_CHANGED], "different");
    put_count(&parts, r->counts[COMPARISON_UNCHANGED], "as before");
    put_count(&parts, r->counts[COMPARISON_NOT_ENOUGH_DATA], "without enough data");
    buf_printf(out, "metrics: %s", parts.len ? buf_string(&parts) : "none");
    if (!r->count || r->series[0].comparison.verdict >= COMPARISON_UNCHANGED)
        return;
    const struct compared_series *first = &r->series[0];
    const struct baseline_series *any = first->before ? first->before : first->after;
    buf_printf(out, "; first %s%s", any->name, any->labels);
    if (!isnan(first->comparison.change_ratio))
        buf_printf(out, " %+.1f %%", 100 * first->comparison.change_ratio);
}
