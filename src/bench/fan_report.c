/* fan_report.c: a level as a line for people and as JSON for programs. */
#include <math.h>
#include <string.h>

#include "bench/fan_bench.h"
#include "bench/report.h"
#include "bench/results.h"
#include "version.h"
#include "wire/json.h"

/* A number, or a dash where nothing was measured. */
static void put_number(struct buf *out, int width, int digits, double value)
{
    if (isnan(value))
        buf_printf(out, " %*s", width, "-");
    else
        buf_printf(out, " %*.*f", width, digits, value);
}

static double cpu_us_per_message(const struct crowd_result *r)
{
    return r->delivered ? r->cpu_ns / 1e3 / (double)r->delivered : NAN;
}

static double wire_bytes_per_message(const struct crowd_result *r)
{
    return r->delivered ? (double)r->wire_bytes / (double)r->delivered : NAN;
}

static double delivered_per_s(const struct crowd_result *r)
{
    return r->seconds > 0 ? (double)r->delivered / r->seconds : NAN;
}

void fan_report_head(struct buf *out, const struct fan_settings *settings)
{
    buf_printf(out, "fan-out of messages of %zu bytes, %s, sender %s, %g s a level; times in ms\n",
               settings->size_bytes, fan_modes[settings->mode], fan_senders[settings->sender],
               settings->seconds);
    if (*settings->no_ring)
        buf_printf(out, "no io_uring: %s\n", settings->no_ring);
    buf_printf(out, "\n%7s %5s %11s | %-26s | %-26s | %8s %8s %8s %8s %6s\n", "", "", "delivered",
               " first client", " last client", "CPU \xC2\xB5s", "bytes", "memory", "of it", "");
    buf_printf(out, "%7s %5s %11s | %8s %8s %8s | %8s %8s %8s | %8s %8s %8s %8s %6s\n", "clients",
               "rate", "a second", "p50", "p99", "max", "p50", "p99", "max", "/message", "/message",
               "/client", "malloc", "lost");
}

static void put_spread(struct buf *out, const struct spread_summary *s)
{
    buf_text(out, " |");
    put_number(out, 8, 3, s->p50_ms);
    put_number(out, 8, 3, s->p99_ms);
    put_number(out, 8, 3, s->max_ms);
}

void fan_report_level(struct buf *out, const struct fan_level *level)
{
    const struct crowd_result *r = &level->result;
    buf_printf(out, "%7u", level->clients);
    if (level->outcome != FAN_MEASURED) {
        buf_printf(out, "  %s: %s\n",
                   level->outcome == FAN_DOES_NOT_FIT ? "not measured" : "failed", level->why);
        return;
    }
    if (level->rate_hz)
        buf_printf(out, " %5u", level->rate_hz);
    else
        buf_printf(out, " %5s", "max");
    put_number(out, 11, 0, delivered_per_s(r));
    put_spread(out, &r->first);
    put_spread(out, &r->last);
    buf_text(out, " |");
    put_number(out, 8, 2, cpu_us_per_message(r));
    put_number(out, 8, 0, wire_bytes_per_message(r));
    put_number(out, 8, 0, r->memory_bytes);
    put_number(out, 8, 0, r->malloc_bytes);
    buf_printf(out, " %6llu\n", (unsigned long long)r->lost);
}

static void put_summary(struct buf *out, const char *key, const struct spread_summary *s)
{
    json_put_key(out, key);
    json_open(out, '{');
    report_put_spread(out, s);
    json_close(out, '}');
}

void fan_report_result(struct buf *out, const struct crowd_result *r)
{
    report_put_number(out, "seconds", r->seconds);
    report_put_count(out, "messages", r->ticks);
    report_put_count(out, "delivered", r->delivered);
    report_put_number(out, "delivered_per_s", delivered_per_s(r));
    report_put_count(out, "lost", r->lost);
    report_put_count(out, "wire_bytes", r->wire_bytes);
    report_put_count(out, "payload_bytes", r->payload_bytes);
    put_summary(out, "first", &r->first);
    put_summary(out, "last", &r->last);
    put_summary(out, "all", &r->all);
    report_put_number(out, "cpu_us_per_message", cpu_us_per_message(r));
    report_put_number(out, "memory_bytes_per_client", r->memory_bytes);
    report_put_number(out, "malloc_bytes_per_client", r->malloc_bytes);
}

static void put_level(struct buf *out, const struct fan_level *level)
{
    static const char *const outcomes[] = {
        [FAN_MEASURED] = "measured",
        [FAN_DOES_NOT_FIT] = "does_not_fit",
        [FAN_FAILED] = "failed",
        [FAN_INTERRUPTED] = "interrupted",
    };
    json_open(out, '{');
    report_put_count(out, "clients", level->clients);
    json_put_key(out, "outcome");
    json_put_string(out, outcomes[level->outcome]);
    if (level->outcome == FAN_MEASURED) {
        json_put_key(out, "rate_hz");
        if (level->rate_hz)
            json_put_u64(out, level->rate_hz);
        else
            json_put_null(out);
        report_put_count(out, "dropped", level->dropped);
        fan_report_result(out, &level->result);
    } else {
        json_put_key(out, "why");
        json_put_string(out, level->why);
    }
    json_close(out, '}');
}

void fan_report_json(struct buf *out, const struct fan_settings *settings,
                     const struct fan_level *levels, size_t count)
{
    json_open(out, '{');
    json_put_key(out, "bench");
    json_put_string(out, "fanout");
    json_put_key(out, "version");
    json_put_string(out, NETSONDE_VERSION);
    json_put_key(out, "mode");
    json_put_string(out, fan_modes[settings->mode]);
    json_put_key(out, "sender");
    json_put_string(out, fan_senders[settings->sender]);
    report_put_count(out, "size_bytes", settings->size_bytes);
    report_put_count(out, "stalled", settings->stalled);
    json_put_key(out, "levels");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++)
        put_level(out, &levels[i]);
    json_close(out, ']');
    json_close(out, '}');
    buf_char(out, '\n');
}

/* ---- the document ------------------------------------------------------------------------ */

void fan_results_begin(struct results *r, const struct fan_settings *settings)
{
    results_set_text(r, "mode", fan_modes[settings->mode]);
    results_set_text(r, "sender", fan_senders[settings->sender]);
    results_set_number(r, "size_bytes", (double)settings->size_bytes);
    if (settings->rate_auto || !settings->rate_hz)
        results_set_text(r, "rate_hz", settings->rate_auto ? "auto" : "max");
    else
        results_set_number(r, "rate_hz", settings->rate_hz);
    results_set_number(r, "seconds", settings->seconds);
    results_set_number(r, "stalled", settings->stalled);
}

void fan_results_level(struct results *r, const struct fan_level *level)
{
    const struct crowd_result *c = &level->result;
    if (level->outcome != FAN_MEASURED)
        return;
    results_label_number(r, "clients", level->clients);
    results_add(r, "delivered_per_s", BENCHMARK_THROUGHPUT, "1/s", delivered_per_s(c));
    results_add_spread(r, "first", &c->first);
    results_add_spread(r, "last", &c->last);
    results_add_spread(r, "all", &c->all);
    results_add(r, "cpu_us_per_message", BENCHMARK_CPU, "us", cpu_us_per_message(c));
    results_add(r, "memory_bytes_per_client", BENCHMARK_MEMORY, "bytes", c->memory_bytes);
    results_add(r, "malloc_bytes_per_client", BENCHMARK_MEMORY, "bytes", c->malloc_bytes);
    results_add(r, "wire_bytes_per_message", BENCHMARK_SIZE, "bytes", wire_bytes_per_message(c));
    results_add(r, "lost", BENCHMARK_COUNT, "", (double)c->lost);
    results_add(r, "dropped", BENCHMARK_COUNT, "", (double)level->dropped);
}
