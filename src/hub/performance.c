/*
 * performance.c: see performance.h. Rows are written by the stations, on their threads, and only
 * joined here: ten thousand viewers must not hold up a tick.
 */
#include "hub/performance.h"

#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

#define DIGITS 4

const struct timing_bounds stage_bounds = {.count = 5,
                                           .ns = {100000, 500000, 2000000, 10000000, 50000000}};
const struct timing_bounds delivery_bounds = {.count = 9,
                                              .ns = {1000000, 2000000, 5000000, 10000000, 25000000,
                                                     50000000, 100000000, 250000000, 1000000000}};

static const char *const stage_names[STAGES] = {
    [STAGE_COLLECT] = "collect", [STAGE_SEAL] = "seal",     [STAGE_STORE] = "store",
    [STAGE_DETECT] = "detect",   [STAGE_ENCODE] = "encode", [STAGE_FANOUT] = "fan-out",
};

const char *stage_name(enum stage s)
{
    return stage_names[s];
}

void performance_init(struct performance *p)
{
    for (int s = 0; s < STAGES; s++)
        timing_init(&p->stages[s], &stage_bounds);
    timing_init(&p->delivery, &delivery_bounds);
    timing_init(&p->round_trip, &delivery_bounds);
}

void performance_restart(struct performance *p)
{
    for (int s = 0; s < STAGES; s++)
        timing_restart(&p->stages[s]);
    timing_restart(&p->delivery);
    timing_restart(&p->round_trip);
}

void station_timings_init(struct station_timings *t)
{
    timing_init(&t->fanout, &stage_bounds);
    timing_init(&t->delivery, &delivery_bounds);
    timing_init(&t->round_trip, &delivery_bounds);
}

void report_free(struct report *r)
{
    if (!r)
        return;
    buf_fini(&r->rows);
    free(r);
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void put_u64(struct buf *b, const char *key, uint64_t value)
{
    json_put_key(b, key);
    json_put_u64(b, value);
}

static double ms_of(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static void put_spread(struct buf *b, const char *key, const struct histogram *h)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    json_put_key(b, key);
    json_open(b, '{');
    put_u64(b, "count", h->count);
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++) {
        json_put_key(b, quantiles[i].name);
        if (h->count)
            json_put_rounded(b, ms_of(histogram_quantile(h, quantiles[i].q)), DIGITS);
        else
            json_put_null(b);
    }
    json_close(b, '}');
}

static void put_duration(struct buf *b, int64_t ns)
{
    if (ns < 0)
        json_put_null(b);
    else
        json_put_rounded(b, ms_of((uint64_t)ns), DIGITS);
}

static const char *const columns[] = {
    "id",    "connected",   "address",   "role",    "subscriptions", "messages",
    "bytes", "queue_bytes", "conflated", "dropped", "round_trip_ms", "latency_ms",
};

void performance_put_row(struct buf *rows, const struct performance_row *row)
{
    json_open(rows, '[');
    json_put_u64(rows, row->id);
    json_put_i64(rows, row->connected_ms);
    json_put_string(rows, row->address);
    json_put_string(rows, row->admin ? "admin" : "viewer");
    json_open(rows, '[');
    for (size_t i = 0; i < row->subscriptions_count; i++)
        json_put_string(rows, row->subscriptions[i]);
    json_close(rows, ']');
    json_put_u64(rows, row->messages);
    json_put_u64(rows, row->bytes);
    json_put_u64(rows, row->queue_bytes);
    json_put_u64(rows, row->conflated);
    json_put_u64(rows, row->dropped);
    put_duration(rows, row->round_trip_ns);
    put_duration(rows, row->latency_ns);
    json_close(rows, ']');
}

static void put_clients(struct buf *b, const struct performance_message *m, uint64_t total)
{
    json_put_key(b, "clients");
    json_open(b, '{');
    put_u64(b, "total", total);
    json_put_key(b, "columns");
    json_open(b, '[');
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        json_put_string(b, columns[i]);
    json_close(b, ']');
    json_put_key(b, "rows");
    json_open(b, '[');
    for (size_t i = 0; i < m->reports_count; i++) {
        if (m->reports[i] && m->reports[i]->rows.len)
            json_put_raw(b, m->reports[i]->rows.data, m->reports[i]->rows.len);
    }
    json_close(b, ']');
    json_close(b, '}');
}

static struct station_stats sum_of(const struct performance_message *m)
{
    struct station_stats sum = {0};
    for (size_t i = 0; i < m->reports_count; i++) {
        if (m->reports[i])
            station_stats_add(&sum, &m->reports[i]->stats);
    }
    return sum;
}

void performance_put_message(struct buf *out, const struct performance_message *m, bool admin)
{
    struct station_stats sum = sum_of(m);
    json_open(out, '{');
    json_put_key(out, "type");
    json_put_string(out, "performance");
    put_u64(out, "seq", m->seq);
    json_put_key(out, "t");
    json_put_i64(out, m->t_ms);
    json_put_key(out, "elapsed_ms");
    json_put_i64(out, m->elapsed_ms);
    put_u64(out, "connections", sum.viewers);
    put_u64(out, "opened", sum.opened);
    put_u64(out, "messages", sum.messages);
    put_u64(out, "bytes", sum.bytes);
    put_u64(out, "received", sum.received);
    put_u64(out, "conflated", sum.conflated);
    put_u64(out, "dropped", sum.dropped + m->lost);
    put_spread(out, "latency_ms", &m->performance->delivery.histogram);
    put_spread(out, "round_trip_ms", &m->performance->round_trip.histogram);
    json_put_key(out, "process");
    json_open(out, '{');
    json_put_key(out, "cpu_pct");
    json_put_rounded(out, m->cpu_pct, DIGITS);
    json_put_key(out, "rss_bytes");
    json_put_double(out, m->rss_bytes);
    json_close(out, '}');
    json_put_key(out, "stages");
    json_open(out, '{');
    for (int s = 0; s < STAGES; s++)
        put_spread(out, stage_names[s], &m->performance->stages[s].histogram);
    json_close(out, '}');
    if (admin)
        put_clients(out, m, sum.viewers);
    json_close(out, '}');
}
