/*
 * feed_rig.h: what the tests of feeds share: a feed, a step of it, what it said.
 */
#pragma once

#include "maker.h"

#include "base/mem.h"
#include "hub/feed.h"

static const struct metric metric_queue = {"netsonde_queue", "", "A gauge.", METRIC_GAUGE, 1};
static const struct metric metric_time = {"node_softnet_time_total", "seconds",
                                          "Counted in nanoseconds.", METRIC_COUNTER, 1e-9};

static inline struct feed *feed_of(enum channel channel, int64_t interval_ms, const char *glob)
{
    struct feed_spec spec = {.channel = channel, .interval_ms = interval_ms};
    if (glob)
        assert_int_equal(selector_add_glob(&spec.selector, glob), 0);
    struct feed *f = feed_new(&spec);
    assert_int_equal(spec.selector.globs_count, 0); /* moved */
    return f;
}

/* Steps through the tick, which it releases; what was said replaces *out. */
static inline void step(struct feed *f, struct tick *t, struct parcels *out)
{
    parcels_fini(out);
    feed_step(f, t, out);
    tick_unref(t);
}

static inline json_t *said(const struct parcels *list, size_t index, const char *type)
{
    assert_true(index < list->count);
    json_t *json = frame_json(list->items[index].frame.plain);
    assert_string_equal(json_text(json, "type"), type);
    return json;
}

/* The only thing that was said is a metrics message. */
static inline json_t *only_metrics(const struct parcels *list)
{
    assert_int_equal(list->count, 1);
    assert_int_equal(list->items[0].urgency, PARCEL_LATEST);
    assert_true(list->items[0].complete);
    return said(list, 0, "metrics");
}

static inline struct tick *tick_with(struct maker *m, struct table *table)
{
    maker_begin(m);
    if (table)
        draft_table(m->draft, table);
    return maker_end(m);
}

static inline struct tick *tick_with_events(struct maker *m, unsigned count)
{
    maker_begin(m);
    for (unsigned i = 0; i < count; i++)
        maker_event(m, "eth0");
    return maker_end(m);
}

static inline json_t *only_table(const struct parcels *list, bool full, size_t rows, size_t removed)
{
    assert_int_equal(list->count, 1);
    assert_int_equal(list->items[0].urgency, PARCEL_LATEST);
    assert_int_equal(list->items[0].complete, full);
    json_t *table = said(list, 0, "table");
    assert_string_equal(json_text(table, "channel"), "interfaces");
    assert_int_equal(json_is_true(json_object_get(table, "full")), full);
    assert_int_equal(json_length(table, "columns"), IF_COLUMNS);
    assert_int_equal(json_length(table, "rows"), rows);
    assert_int_equal(json_length(table, "removed"), removed);
    return table;
}
