/* rerun.c: see rerun.h. */
#include "bench/rerun.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

#define DIGITS 6
#define PCT_MAX 10000
#define PCT_SLACK                                                                                  \
    1e-9 /* a change of exactly the limit stays one, whatever division makes of it                 \
          */

static const char *const verdict_names[RERUN_VERDICTS] = {
    [RERUN_SAME] = "same",
    [RERUN_BETTER] = "better",
    [RERUN_WORSE] = "worse",
    [RERUN_NOT_JUDGED] = "not_judged",
    [RERUN_ONLY_BEFORE] = "only_before",
    [RERUN_ONLY_NOW] = "only_now",
};

const char *rerun_verdict_name(enum rerun_verdict v)
{
    return verdict_names[v];
}

struct rerun_limits rerun_limits_default(void)
{
    return (struct rerun_limits){.pct = {
                                     [BENCHMARK_DURATION] = 20,
                                     [BENCHMARK_MEMORY] = 30,
                                     [BENCHMARK_CPU] = 25,
                                     [BENCHMARK_THROUGHPUT] = 20,
                                     [BENCHMARK_SIZE] = NAN,
                                     [BENCHMARK_COUNT] = NAN,
                                 }};
}

int rerun_limits_set(struct rerun_limits *limits, const char *text)
{
    char kind[24];
    enum benchmark_kind which;
    double pct;
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : sizeof(kind);
    if (len >= sizeof(kind))
        return -EINVAL;
    memcpy(kind, text, len);
    kind[len] = '\0';
    if (benchmark_kind_parse(kind, &which) < 0 || text_double(equals + 1, &pct) < 0 || pct <= 0 ||
        pct > PCT_MAX)
        return -EINVAL;
    limits->pct[which] = pct;
    return 0;
}

/* ---- one figure -------------------------------------------------------------------------- */

static enum rerun_verdict judge(double change_pct, double limit_pct, bool higher_is_better)
{
    double worse = higher_is_better ? -change_pct : change_pct;
    if (isnan(change_pct) || isnan(limit_pct))
        return RERUN_NOT_JUDGED;
    if (worse > limit_pct + PCT_SLACK)
        return RERUN_WORSE;
    return worse < -limit_pct - PCT_SLACK ? RERUN_BETTER : RERUN_SAME;
}

static bool has_labels(const json_t *labels, const struct result *item)
{
    if (json_object_size(labels) != item->labels_count)
        return false;
    for (size_t i = 0; i < item->labels_count; i++) {
        const char *value = json_string_value(json_object_get(labels, item->labels[i].name));
        if (!value || strcmp(value, item->labels[i].value) != 0)
            return false;
    }
    return true;
}

/* Its index in the list; the list's length: it is not there. */
static size_t find(const json_t *list, const struct result *item)
{
    size_t i = 0;
    for (; i < json_array_size(list); i++) {
        const json_t *old = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(old, "name")), item->name) == 0 &&
            has_labels(json_object_get(old, "labels"), item))
            break;
    }
    return i;
}

/* NAN for null. */
static double value_of(const json_t *old)
{
    const json_t *value = json_object_get(old, "value");
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool same_form(const json_t *old, const struct result *item)
{
    const char *unit = json_string_value(json_object_get(old, "unit"));
    const char *kind = json_string_value(json_object_get(old, "kind"));
    return strcmp(unit, item->unit) == 0 && strcmp(kind, benchmark_kind_name(item->kind)) == 0;
}

static struct rerun_row row_of_now(const struct result *item)
{
    struct rerun_row row = {
        .before = NAN, .now = item->value, .change_pct = NAN, .verdict = RERUN_ONLY_NOW};
    CLEANUP(buf_fini) struct buf labels = BUF_INIT;
    results_put_labels(&labels, item);
    snprintf(row.name, sizeof(row.name), "%s", item->name);
    snprintf(row.labels, sizeof(row.labels), "%s", buf_string(&labels));
    snprintf(row.unit, sizeof(row.unit), "%s", item->unit);
    return row;
}

static struct rerun_row row_of_before(const json_t *old)
{
    struct rerun_row row = {
        .before = value_of(old), .now = NAN, .change_pct = NAN, .verdict = RERUN_ONLY_BEFORE};
    CLEANUP(buf_fini) struct buf labels = BUF_INIT;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(old, "labels"), key, value)
        buf_printf(&labels, "%s%s=%s", labels.len ? " " : "", key, json_string_value(value));
    snprintf(row.name, sizeof(row.name), "%s", json_string_value(json_object_get(old, "name")));
    snprintf(row.labels, sizeof(row.labels), "%s", buf_string(&labels));
    snprintf(row.unit, sizeof(row.unit), "%s", json_string_value(json_object_get(old, "unit")));
    return row;
}

/* ---- all --------------------------------------------------------------------------------- */

void rerun_make(struct rerun *c, const json_t *before, const struct results *now,
                const struct rerun_limits *limits)
{
    const json_t *list = json_object_get(before, "results");
    size_t old_count = json_array_size(list);
    bool *seen = mem_array(old_count + 1, sizeof(*seen));
    *c = (struct rerun){.rows = mem_array(now->count + old_count + 1, sizeof(*c->rows))};
    for (size_t i = 0; i < now->count; i++) {
        const struct result *item = &now->items[i];
        struct rerun_row *row = &c->rows[c->count++];
        size_t at = find(list, item);
        *row = row_of_now(item);
        if (at == old_count)
            continue;
        const json_t *old = json_array_get(list, at);
        seen[at] = true;
        row->before = value_of(old);
        if (same_form(old, item) && row->before > 0)
            row->change_pct = (row->now - row->before) / row->before * 100;
        row->verdict = judge(item->judged ? row->change_pct : NAN, limits->pct[item->kind],
                             item->kind == BENCHMARK_THROUGHPUT);
    }
    for (size_t i = 0; i < old_count; i++) {
        if (!seen[i])
            c->rows[c->count++] = row_of_before(json_array_get(list, i));
    }
    free(seen);
    for (size_t i = 0; i < c->count; i++)
        c->counts[c->rows[i].verdict]++;
}

void rerun_fini(struct rerun *c)
{
    free(c->rows);
    *c = (struct rerun){0};
}

const char *rerun_word(const struct rerun *c)
{
    if (c->counts[RERUN_WORSE])
        return "regressed";
    if (c->counts[RERUN_BETTER])
        return "improved";
    return c->counts[RERUN_SAME] ? "unchanged" : "nothing_compared";
}

/* ---- what else differs ------------------------------------------------------------------- */

static void add_name(struct buf *out, const char *name)
{
    buf_printf(out, "%s%s", out->len ? ", " : "", name);
}

static void differences(struct buf *out, const json_t *before, json_t *now)
{
    const char *key;
    json_t *value;
    json_object_foreach(now, key, value)
    {
        const json_t *old = json_object_get(before, key);
        bool equal = json_is_number(value) && json_is_number(old)
                         ? json_number_value(value) == json_number_value(old)
                         : json_equal(value, old);
        if (!equal)
            add_name(out, key);
    }
    json_object_foreach((json_t *)before, key, value)
    {
        if (!json_object_get(now, key))
            add_name(out, key);
    }
}

/* The run's own document, to be compared as what a reader of it would find. */
static void differences_of(struct buf *out, const json_t *before, const struct results *now,
                           const char *member)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    char why[160];
    results_put_json(&text, now, NULL);
    json_t *document = buf_ok(&text) ? json_parse(text.data, text.len, why, sizeof(why)) : NULL;
    if (document)
        differences(out, json_object_get(before, member), json_object_get(document, member));
    json_decref(document);
}

void rerun_settings(struct buf *out, const json_t *before, const struct results *now)
{
    differences_of(out, before, now, "settings");
}

void rerun_machine(struct buf *out, const json_t *before, const struct results *now)
{
    differences_of(out, before, now, "machine");
}

/* ---- telling ----------------------------------------------------------------------------- */

static void put_value(struct buf *out, double value)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    if (isnan(value))
        buf_char(&text, '-');
    else
        json_put_rounded(&text, value, DIGITS);
    buf_printf(out, " %14s", buf_string(&text));
}

static void put_row(struct buf *out, const struct rerun_row *row)
{
    static const char *const words[RERUN_VERDICTS] = {
        [RERUN_SAME] = "",
        [RERUN_BETTER] = "better",
        [RERUN_WORSE] = "WORSE",
        [RERUN_NOT_JUDGED] = "not judged",
        [RERUN_ONLY_BEFORE] = "only before",
        [RERUN_ONLY_NOW] = "only now",
    };
    buf_printf(out, "%-26s %-30s", row->name, row->labels);
    put_value(out, row->before);
    put_value(out, row->now);
    if (isnan(row->change_pct))
        buf_printf(out, " %9s", "-");
    else
        buf_printf(out, " %+8.1f%%", row->change_pct);
    buf_printf(out, "  %s\n", words[row->verdict]);
}

void rerun_put_table(struct buf *out, const struct rerun *c)
{
    static const enum rerun_verdict order[] = {
        RERUN_WORSE, RERUN_BETTER, RERUN_SAME, RERUN_NOT_JUDGED, RERUN_ONLY_BEFORE, RERUN_ONLY_NOW,
    };
    buf_printf(out, "%-26s %-30s %14s %14s %9s  %s\n", "result", "", "before", "now", "change",
               "verdict");
    for (size_t k = 0; k < ARRAY_LEN(order); k++) {
        for (size_t i = 0; i < c->count; i++) {
            if (c->rows[i].verdict == order[k])
                put_row(out, &c->rows[i]);
        }
    }
    buf_printf(out, "%s: %zu worse, %zu better, %zu the same, %zu not compared\n", rerun_word(c),
               c->counts[RERUN_WORSE], c->counts[RERUN_BETTER], c->counts[RERUN_SAME],
               c->count - c->counts[RERUN_WORSE] - c->counts[RERUN_BETTER] - c->counts[RERUN_SAME]);
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, text);
}

static void put_number(struct buf *out, const char *key, double value)
{
    json_put_key(out, key);
    json_put_rounded(out, value, DIGITS);
}

void rerun_put_json(struct buf *out, const struct rerun *c, const char *baseline)
{
    json_open(out, '{');
    put_text(out, "baseline", baseline);
    put_text(out, "verdict", rerun_word(c));
    json_put_key(out, "rows");
    json_open(out, '[');
    for (size_t i = 0; i < c->count; i++) {
        const struct rerun_row *row = &c->rows[i];
        json_open(out, '{');
        put_text(out, "name", row->name);
        put_text(out, "labels", row->labels);
        put_text(out, "unit", row->unit);
        put_number(out, "before", row->before);
        put_number(out, "now", row->now);
        put_number(out, "change_pct", row->change_pct);
        put_text(out, "verdict", verdict_names[row->verdict]);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
}
