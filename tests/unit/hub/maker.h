/*
 * maker.h: ticks for tests, made by the model itself: a registry, a draft and a clock that moves
 * one interval per tick. maker_begin, some samples, maker_end; the tick belongs to the caller.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/defs.h"
#include "model/tick.h"
#include "wire/websocket.h"

#define MAKER_T0_MS INT64_C(1764000000000) /* a multiple of a minute */

struct maker {
    struct registry *registry;
    struct draft *draft;
    uint64_t seq, next_event;
    int64_t t_ms, interval_ms, elapsed_ns;
    uint64_t absolute; /* grows with every tick: what maker_tick counts */
};

static const struct metric maker_bytes = {"node_network_receive_bytes_total", "bytes",
                                          "Bytes received.", METRIC_COUNTER, 1};
static const struct metric maker_packets = {"node_network_receive_packets_total", "packets",
                                            "Packets received.", METRIC_COUNTER, 1};
static const struct metric maker_carrier = {"node_network_carrier", "", "Whether it is plugged in.",
                                            METRIC_GAUGE, 1};

static inline struct maker maker_new(int64_t interval_ms)
{
    struct maker m = {.registry = registry_new(20000, 1),
                      .seq = 100,
                      .next_event = 1,
                      .t_ms = MAKER_T0_MS,
                      .interval_ms = interval_ms};
    m.draft = draft_new(m.registry);
    return m;
}

static inline void maker_free(struct maker *m)
{
    draft_free(m->draft);
    registry_free(m->registry);
}

static inline struct series *maker_series(struct maker *m, const struct metric *metric,
                                          const char *device)
{
    struct label label = {"device", device};
    struct series *s = registry_get(m->registry, metric, &label, 1, "procfs");
    assert_non_null(s);
    return s;
}

/* The next tick, `after_ms` after the one before, both on the clock and in truth. */
static inline void maker_begin_after(struct maker *m, int64_t after_ms)
{
    m->seq++;
    m->t_ms += after_ms;
    m->elapsed_ns = after_ms * NS_PER_MS;
    draft_begin(m->draft, m->seq, m->t_ms, m->elapsed_ns, m->t_ms * NS_PER_MS, m->interval_ms);
}

static inline void maker_begin(struct maker *m)
{
    maker_begin_after(m, m->interval_ms);
}

static inline struct tick *maker_end(struct maker *m)
{
    struct tick *t = draft_seal(m->draft, m->t_ms * NS_PER_MS + 1, &m->next_event);
    assert_non_null(t);
    return t;
}

static inline void maker_event(struct maker *m, const char *device)
{
    struct event *e = event_new(EVENT_LINK, m->t_ms);
    event_text(e, "device", device);
    draft_event(m->draft, e);
}

/* A table of interfaces: ids from `first` on, `count` of them, each having received `bytes`. */
static inline struct table *maker_table(uint64_t first, size_t count, uint64_t bytes)
{
    struct table *t = table_new(TABLE_INTERFACES, count);
    for (size_t i = 0; i < count; i++) {
        struct cell *row = table_row(t, first + i);
        char device[24];
        snprintf(device, sizeof(device), "eth%zu", (size_t)first + i);
        cell_text(t, &row[IF_DEVICE], device);
        cell_uint(&row[IF_RX_BYTES], bytes);
    }
    return t;
}

/* A plain tick: one counter that grows by 1000 and one gauge, both of eth0. */
static inline struct tick *maker_tick(struct maker *m)
{
    maker_begin(m);
    m->absolute += 1000;
    draft_counter(m->draft, maker_series(m, &maker_bytes, "eth0"), m->absolute, 1);
    draft_gauge(m->draft, maker_series(m, &maker_carrier, "eth0"), 1);
    return maker_end(m);
}

/* ---- looking at frames ------------------------------------------------------------------- */

/* The message inside a server's frame, as a client reads it. Release with json_decref. */
static inline json_t *frame_json(const struct bytes *frame)
{
    struct ws_parser parser;
    struct ws_received got;
    size_t used;
    assert_non_null(frame);
    ws_parser_init(&parser, WS_CLIENT, frame->len);
    assert_int_equal(ws_parse(&parser, frame->data, frame->len, &used, &got), WS_EVENT_MESSAGE);
    assert_int_equal(used, frame->len);
    assert_int_equal(got.opcode, WS_TEXT);
    json_error_t error;
    json_t *json = json_loadb((const char *)got.data, got.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json)
        fail_msg("%s: %.*s", error.text, (int)got.len, (const char *)got.data);
    ws_parser_fini(&parser);
    return json;
}

static inline const char *json_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    assert_non_null(text);
    return text;
}

static inline int64_t json_whole(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static inline size_t json_length(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    assert_true(json_is_array(value));
    return json_array_size(value);
}

/* The value of a series in a metrics message: a number or null; NULL when it is not in it. */
static inline json_t *metrics_value(const json_t *metrics, uint32_t id)
{
    const json_t *values = json_object_get(metrics, "values");
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *pair = json_array_get(values, i);
        assert_int_equal(json_array_size(pair), 2);
        if (json_integer_value(json_array_get(pair, 0)) == id)
            return json_array_get(pair, 1);
    }
    return NULL;
}

static inline void assert_near(double value, double wanted)
{
    double off = value - wanted, room = 2e-6 * (wanted < 0 ? -wanted : wanted) + 1e-9;
    if (!(off <= room && off >= -room))
        fail_msg("%.9g instead of %.9g", value, wanted);
}

static inline void assert_value(const json_t *metrics, uint32_t id, double wanted)
{
    const json_t *value = metrics_value(metrics, id);
    assert_true(json_is_number(value));
    assert_near(json_number_value(value), wanted);
}
