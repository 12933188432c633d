/*
 * detect_history.c: a rule, or the detector, over the history: when it would have fired, and what
 * it looked at. The same machine as the daemon's (alert/backtest.h) over the finest steps there
 * are, as POST /api/v1/rules/test does; the database is opened read-only, no daemon is needed.
 *
 *   netsonde detect --rule NAME [--from T] [--to T]
 *   netsonde detect --metric GLOB [--match LABEL=GLOB] … [--from T] [--to T]
 *
 * The rules are those of the file and the defaults. A metric alone is a rule that looks for
 * anomalies. Printed is one line a sample, in CSV (RFC 4180), and what fired on standard error.
 */
#include "daemon/detect_history.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/backtest.h"
#include "api/rule_past.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/alerting.h"
#include "daemon/commands.h"
#include "daemon/output.h"
#include "hub/encode_alert.h"
#include "wire/json.h"

#define RANGE_MS (24 * 3600 * MS_PER_S)

struct past {
    struct rule *rule;
    int64_t from_ms, to_ms;
    struct answer *values, *per;
    struct backtest *test;
};

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde detect: %s: %s; see netsonde help detect\n", message, value);
    return EXIT_USAGE;
}

/* ---- what is asked ----------------------------------------------------------------------- */

static struct rule *rule_named(const struct config *config, const char *name)
{
    size_t count;
    struct rule **rules = config_rules(config, &count), *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i]->name, name) == 0)
            found = rule_ref(rules[i]);
        rule_unref(rules[i]);
    }
    free(rules);
    return found;
}

/* What the command line says, as if it were a rule of a file. */
static int rule_of_metric(const struct options *o, struct rule **ret)
{
    struct rule_draft *draft = rule_draft_new(RULE_FROM_FILE);
    const char *key = "metric";
    char why[256];
    int err = rule_draft_set(draft, "name", "detect", why, sizeof(why));
    if (!err)
        err = rule_draft_set(draft, "anomaly", "on", why, sizeof(why));
    if (!err)
        err = rule_draft_set(draft, key, o->query.metric, why, sizeof(why));
    for (size_t i = 0; i < o->query.matches_count && !err; i++) {
        key = "match";
        err = rule_draft_set(draft, key, o->query.matches[i], why, sizeof(why));
    }
    if (!err)
        err = rule_draft_finish(draft, ret, &key, why, sizeof(why));
    if (!err)
        return 0;
    rule_draft_free(draft);
    fprintf(stderr, "netsonde detect: --%s: %s\n", key, why);
    return EXIT_USAGE;
}

/* 0 or the exit status. */
static int past_read(struct past *p, const struct config *config, const struct options *o)
{
    int64_t now_ms = clock_wall_ms();
    if (o->arguments[0])
        return usage("a file is not read with --metric or --rule", o->arguments[0]);
    if (o->detect_rule && (o->query.metric || o->query.matches_count))
        return usage("--rule says itself which series; leave out --metric and --match",
                     o->detect_rule);
    if (!o->detect_rule && !o->query.metric)
        return usage("--match goes with --metric", o->query.matches[0]);
    p->to_ms = now_ms;
    if (o->query.to && text_time_ms(o->query.to, now_ms, &p->to_ms) < 0)
        return usage("--to takes a time: epoch milliseconds, RFC 3339, -60 or now-15m",
                     o->query.to);
    p->from_ms = MAX(p->to_ms - RANGE_MS, INT64_C(0));
    if (o->query.from && text_time_ms(o->query.from, now_ms, &p->from_ms) < 0)
        return usage("--from takes a time: epoch milliseconds, RFC 3339, -60 or now-15m",
                     o->query.from);
    if (p->from_ms > p->to_ms)
        return usage("--from is later than --to", o->query.from ? o->query.from : o->query.to);
    if (!o->detect_rule)
        return rule_of_metric(o, &p->rule);
    p->rule = rule_named(config, o->detect_rule);
    return p->rule ? 0 : usage("neither the file nor the defaults have this rule", o->detect_rule);
}

/* ---- what is told ------------------------------------------------------------------------ */

static double at_or_nan(const double *values, size_t index)
{
    return values ? values[index] : NAN;
}

static void csv_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void csv_number(const char *format, double value, char end)
{
    if (!isnan(value))
        printf(format, value);
    putchar(end);
}

static void print_csv(const struct past *p)
{
    puts("time,series,value,score,mean,sigma");
    for (size_t i = 0; i < p->test->series_count; i++) {
        const struct backtest_series *s = &p->test->series[i];
        for (size_t k = 0; k < p->values->points_count; k++) {
            char time[32];
            if (isnan(s->value[k]))
                continue;
            text_format_time(p->values->from_ms + (int64_t)k * p->values->step_ms, time,
                             sizeof(time));
            printf("%s,", time);
            csv_text(s->series->key);
            putchar(',');
            csv_number("%.15g", s->value[k], ',');
            csv_number("%.6f", at_or_nan(s->score, k), ',');
            csv_number("%.9g", at_or_nan(s->mean, k), ',');
            csv_number("%.6g", at_or_nan(s->sigma, k), '\n');
        }
    }
}

static void print_summary(const struct past *p)
{
    char step[32];
    text_format_duration(p->values->step_ms, step, sizeof(step));
    fprintf(stderr, "rule %s would have fired %zu time%s for %zu series, looked at every %s%s\n",
            p->rule->name, p->test->fired, p->test->fired == 1 ? "" : "s", p->test->series_count,
            step, p->test->fired ? ":" : "");
    for (size_t i = 0; i < p->test->count; i++) {
        const struct alert *a = p->test->alerts[i];
        char from[32], lasted[32];
        text_format_time(a->started_ms, from, sizeof(from));
        text_format_duration(MAX((a->resolved_ms ? a->resolved_ms : p->to_ms) - a->started_ms, 0),
                             lasted, sizeof(lasted));
        fprintf(stderr, "  %s  %-8s  %s%s  %s\n", from, alert_severity_name(a->severity),
                a->resolved_ms ? "" : "still on after ", lasted, a->summary);
    }
    if (p->test->fired > p->test->count)
        fprintf(stderr, "  … and %zu more\n", p->test->fired - p->test->count);
}

static void put_points(struct buf *out, const struct past *p, const struct backtest_series *s)
{
    json_open(out, '[');
    for (size_t k = 0; k < p->values->points_count; k++) {
        json_open(out, '[');
        json_put_i64(out, p->values->from_ms + (int64_t)k * p->values->step_ms);
        json_put_double(out, s->value[k]);
        json_put_double(out, at_or_nan(s->score, k));
        json_put_double(out, at_or_nan(s->mean, k));
        json_put_double(out, at_or_nan(s->sigma, k));
        json_close(out, ']');
    }
    json_close(out, ']');
}

/* The members of the API's answer; every series and every step. */
static bool print_json(const struct past *p)
{
    struct buf out = BUF_INIT;
    json_open(&out, '{');
    json_put_key(&out, "from");
    json_put_i64(&out, p->values->from_ms);
    json_put_key(&out, "to");
    json_put_i64(&out, p->values->to_ms);
    json_put_key(&out, "step_ms");
    json_put_i64(&out, p->values->step_ms);
    json_put_key(&out, "fired");
    json_put_u64(&out, p->test->fired);
    json_put_key(&out, "alerts");
    json_open(&out, '[');
    for (size_t i = 0; i < p->test->count; i++)
        encode_alert_json(&out, p->test->alerts[i]);
    json_close(&out, ']');
    json_put_key(&out, "series");
    json_open(&out, '[');
    for (size_t i = 0; i < p->test->series_count; i++) {
        const struct backtest_series *s = &p->test->series[i];
        json_open(&out, '{');
        json_put_key(&out, "series");
        json_put_string(&out, s->series->key);
        json_put_key(&out, "unit");
        json_put_string(&out, s->unit);
        json_put_key(&out, "points");
        put_points(&out, p, s);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    buf_char(&out, '\n');
    bool good = buf_ok(&out) && fwrite(out.data, 1, out.len, stdout) == out.len;
    buf_fini(&out);
    return good;
}

static int past_tell(const struct past *p, bool json)
{
    bool good = true;
    if (json) {
        good = print_json(p);
    } else {
        print_csv(p);
        fflush(stdout);
        print_summary(p);
    }
    return output_end(good);
}

int detect_history(const struct config *config, const struct options *options)
{
    struct past p = {0};
    struct store_error error;
    struct store_reader *reader = NULL;
    int code = past_read(&p, config, options);
    if (code) {
        rule_unref(p.rule);
        return code;
    }
    int err = store_reader_open(config->data_dir, &reader, &error);
    if (!err)
        err = rule_past(reader, NULL, p.rule, p.from_ms, p.to_ms, &p.values, &p.per, &error);
    if (err) {
        fprintf(stderr, "netsonde detect: %s\n", error.text);
        code = EXIT_FAILURE;
    } else {
        struct bank_settings settings = alerting_detection(config);
        p.test = backtest_run(p.rule, &settings, p.values, p.per);
        code = past_tell(&p, options->json);
        backtest_free(p.test);
    }
    answer_free(p.values);
    answer_free(p.per);
    store_reader_close(reader);
    rule_unref(p.rule);
    return code;
}
