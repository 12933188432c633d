/* results.c: see results.h. */
#include "bench/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "bench/spread.h"
#include "bench/usage.h"
#include "version.h"

#define DIGITS 6

void results_init(struct results *r, const char *subject, int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / MS_PER_S);
    struct tm utc;
    char when[32];
    *r = (struct results){.subject = subject, .t_ms = t_ms, .state = "running"};
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
    snprintf(r->id, sizeof(r->id), "%s-%s", subject, when);
}

void results_fini(struct results *r)
{
    free(r->items);
    *r = (struct results){0};
}

/* ---- settings and labels ----------------------------------------------------------------- */

static void put_setting(struct results *r, const char *name, const struct buf *json)
{
    CHECK(r->settings_count < RESULTS_SETTINGS_MAX);
    struct result_setting *s = &r->settings[r->settings_count++];
    CHECK(json->len < sizeof(s->text));
    s->name = name;
    memcpy(s->text, json->data, json->len);
    s->text[json->len] = '\0';
}

void results_set_text(struct results *r, const char *name, const char *value)
{
    CLEANUP(buf_fini) struct buf json = BUF_INIT;
    char cut[80]; /* escaped it may become longer; a name of a file that is odd is cut further */
    size_t most = sizeof(cut) - 1;
    do {
        buf_clear(&json);
        snprintf(cut, most + 1, "%s", value);
        json_put_string(&json, cut);
        most /= 2;
    } while (json.len >= sizeof(r->settings[0].text));
    put_setting(r, name, &json);
}

void results_set_number(struct results *r, const char *name, double value)
{
    CLEANUP(buf_fini) struct buf json = BUF_INIT;
    json_put_double(&json, value);
    put_setting(r, name, &json);
}

void results_no_labels(struct results *r)
{
    r->labels_count = 0;
}

void results_label_more(struct results *r, const char *name, const char *value)
{
    CHECK(r->labels_count < RESULTS_LABELS_MAX);
    struct result_label *label = &r->labels[r->labels_count++];
    snprintf(label->name, sizeof(label->name), "%s", name);
    snprintf(label->value, sizeof(label->value), "%s", value);
}

void results_label(struct results *r, const char *name, const char *value)
{
    results_no_labels(r);
    results_label_more(r, name, value);
}

void results_label_number(struct results *r, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    results_label(r, name, text);
}

/* ---- figures ----------------------------------------------------------------------------- */

static void results_put(struct results *r, const char *name, enum benchmark_kind kind,
                        const char *unit, double value, bool judged)
{
    CHECK(r->count < BENCHMARK_RESULTS_MAX);
    if (r->count == r->capacity) {
        r->capacity = MAX(r->capacity * 2, (size_t)16);
        r->items = mem_resize(r->items, r->capacity, sizeof(*r->items));
    }
    struct result *item = &r->items[r->count++];
    *item = (struct result){.value = isfinite(value) ? value : NAN,
                            .unit = unit,
                            .kind = kind,
                            .judged = judged,
                            .labels_count = r->labels_count};
    snprintf(item->name, sizeof(item->name), "%s", name);
    memcpy(item->labels, r->labels, sizeof(item->labels));
}

void results_add(struct results *r, const char *name, enum benchmark_kind kind, const char *unit,
                 double value)
{
    results_put(r, name, kind, unit, value, true);
}

void results_tell(struct results *r, const char *name, enum benchmark_kind kind, const char *unit,
                  double value)
{
    results_put(r, name, kind, unit, value, false);
}

static void put_spread(struct results *r, const char *name, const struct spread_summary *s,
                       bool judged)
{
    const struct {
        const char *suffix;
        double value;
        bool is_max;
    } parts[] = {{"p50", s->p50_ms, false}, {"p99", s->p99_ms, false}, {"max", s->max_ms, true}};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        char full[48];
        snprintf(full, sizeof(full), "%s_%s_ms", name, parts[i].suffix);
        results_put(r, full, BENCHMARK_DURATION, "ms", parts[i].value, judged && !parts[i].is_max);
    }
}

void results_add_spread(struct results *r, const char *name, const struct spread_summary *s)
{
    put_spread(r, name, s, true);
}

void results_tell_spread(struct results *r, const char *name, const struct spread_summary *s)
{
    put_spread(r, name, s, false);
}

void results_add_usage(struct results *r)
{
    struct usage_total total;
    usage_of_run(&total);
    results_no_labels(r);
    results_add(r, "run_cpu_seconds", BENCHMARK_CPU, "seconds", total.cpu_seconds);
    results_add(r, "run_peak_memory_bytes", BENCHMARK_MEMORY, "bytes", total.peak_bytes);
}

void results_end(struct results *r, bool done, const char *why)
{
    r->state = done ? "done" : "failed";
    r->progress = done ? 1 : r->progress;
    snprintf(r->why, sizeof(r->why), "%s", why ? why : "");
    r->why[text_utf8_valid(r->why, strlen(r->why))] = '\0';
    for (char *c = r->why; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, text);
}

static void put_item(struct buf *out, const struct result *item)
{
    json_open(out, '{');
    put_text(out, "name", item->name);
    json_put_key(out, "labels");
    json_open(out, '{');
    for (size_t i = 0; i < item->labels_count; i++)
        put_text(out, item->labels[i].name, item->labels[i].value);
    json_close(out, '}');
    json_put_key(out, "value");
    json_put_rounded(out, item->value, DIGITS);
    put_text(out, "unit", item->unit);
    put_text(out, "kind", benchmark_kind_name(item->kind));
    put_text(out, "better", item->kind == BENCHMARK_THROUGHPUT ? "higher" : "lower");
    if (!item->judged) {
        json_put_key(out, "judged");
        json_put_bool(out, false);
    }
    json_close(out, '}');
}

void results_put_json(struct buf *out, const struct results *r, const char *baseline)
{
    json_open(out, '{');
    put_text(out, "id", r->id);
    put_text(out, "subject", r->subject);
    json_put_key(out, "t");
    json_put_i64(out, r->t_ms);
    put_text(out, "version", NETSONDE_VERSION);
    put_text(out, "state", r->state);
    json_put_key(out, "progress");
    json_put_rounded(out, r->progress, DIGITS);
    if (*r->why)
        put_text(out, "why", r->why);
    if (baseline)
        put_text(out, "baseline", baseline);
    json_put_key(out, "machine");
    machine_put_json(out, &r->machine);
    json_put_key(out, "settings");
    json_open(out, '{');
    for (size_t i = 0; i < r->settings_count; i++) {
        json_put_key(out, r->settings[i].name);
        json_put_raw(out, r->settings[i].text, strlen(r->settings[i].text));
    }
    json_close(out, '}');
    json_put_key(out, "results");
    json_open(out, '[');
    for (size_t i = 0; i < r->count; i++)
        put_item(out, &r->items[i]);
    json_close(out, ']');
    json_close(out, '}');
}

void results_put_labels(struct buf *out, const struct result *item)
{
    for (size_t i = 0; i < item->labels_count; i++)
        buf_printf(out, "%s%s=%s", i ? " " : "", item->labels[i].name, item->labels[i].value);
}
