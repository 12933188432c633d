/* collect_report.c: what collecting costs, for people and as JSON for programs. */
#include <math.h>
#include <stdio.h>

#include "bench/collect_bench.h"
#include "bench/report.h"
#include "bench/results.h"
#include "version.h"
#include "wire/json.h"

void collect_report_head(struct buf *out, const struct collect_settings *settings)
{
    buf_printf(out, "ticks and surveys of each engine, %g s a row; times in ms\n\n",
               settings->seconds);
    buf_printf(out, "%-8s %11s %8s %8s | %-26s %9s | %-26s\n", "", "", "", "", " tick", "ns",
               " survey");
    buf_printf(out, "%-8s %11s %8s %8s | %8s %8s %8s %9s | %8s %8s %8s %8s\n", "engine",
               "connections", "series", "sockets", "p50", "p99", "max", "/series", "p50", "p99",
               "max", "rounds");
}

static void put_time(struct buf *out, double ms)
{
    if (isnan(ms))
        buf_printf(out, " %8s", "-");
    else
        buf_printf(out, " %8.3f", ms);
}

static void put_times(struct buf *out, const struct spread_summary *s)
{
    buf_text(out, " |");
    put_time(out, s->p50_ms);
    put_time(out, s->p99_ms);
    put_time(out, s->max_ms);
}

void collect_report_level(struct buf *out, const char *engine, const struct collect_level *level)
{
    buf_printf(out, "%-8s", engine);
    if (level->outcome == COLLECT_UNAVAILABLE) {
        buf_printf(out, "  not available: %s\n", level->why);
        return;
    }
    buf_printf(out, " %11u", level->connections);
    if (level->outcome != COLLECT_MEASURED) {
        buf_printf(out, "  failed: %s\n", level->why);
        return;
    }
    buf_printf(out, " %8zu %8zu", level->series, level->sockets);
    put_times(out, &level->tick);
    if (isnan(level->tick_ns_per_series))
        buf_printf(out, " %9s", "-");
    else
        buf_printf(out, " %9.0f", level->tick_ns_per_series);
    put_times(out, &level->survey);
    buf_printf(out, " %8llu\n", (unsigned long long)level->rounds);
}

static void put_spread(struct buf *out, const char *key, const struct spread_summary *s)
{
    json_put_key(out, key);
    json_open(out, '{');
    report_put_spread(out, s);
    json_close(out, '}');
}

static void put_level(struct buf *out, const char *engine, const struct collect_level *level)
{
    static const char *const outcomes[] = {
        [COLLECT_MEASURED] = "measured",
        [COLLECT_UNAVAILABLE] = "unavailable",
        [COLLECT_FAILED] = "failed",
        [COLLECT_INTERRUPTED] = "interrupted",
    };
    json_open(out, '{');
    json_put_key(out, "engine");
    json_put_string(out, engine);
    json_put_key(out, "outcome");
    json_put_string(out, outcomes[level->outcome]);
    if (level->outcome != COLLECT_UNAVAILABLE)
        report_put_count(out, "connections", level->connections);
    if (level->outcome == COLLECT_MEASURED) {
        report_put_count(out, "series", level->series);
        report_put_count(out, "sockets", level->sockets);
        report_put_count(out, "rounds", level->rounds);
        put_spread(out, "tick", &level->tick);
        report_put_number(out, "tick_ns_per_series", level->tick_ns_per_series);
        put_spread(out, "survey", &level->survey);
    } else {
        json_put_key(out, "why");
        json_put_string(out, level->why);
    }
    json_close(out, '}');
}

void collect_report_json(struct buf *out, const struct collect_report *engines, size_t count)
{
    json_open(out, '{');
    json_put_key(out, "bench");
    json_put_string(out, "collect");
    json_put_key(out, "version");
    json_put_string(out, NETSONDE_VERSION);
    json_put_key(out, "results");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < engines[i].count; k++)
            put_level(out, engines[i].engine, &engines[i].levels[k]);
    }
    json_close(out, ']');
    json_close(out, '}');
    buf_char(out, '\n');
}

/* ---- the document ------------------------------------------------------------------------ */

void collect_results_begin(struct results *r, const struct collect_settings *settings)
{
    results_set_number(r, "seconds", settings->seconds);
}

void collect_results_level(struct results *r, const char *engine, const struct collect_level *level)
{
    char connections[16];
    if (level->outcome != COLLECT_MEASURED)
        return;
    snprintf(connections, sizeof(connections), "%u", level->connections);
    results_label(r, "engine", engine);
    results_label_more(r, "connections", connections);
    results_add_spread(r, "tick", &level->tick);
    results_add(r, "tick_ns_per_series", BENCHMARK_DURATION, "ns", level->tick_ns_per_series);
    if (!isnan(level->survey.p50_ms))
        results_add_spread(r, "survey", &level->survey);
}
