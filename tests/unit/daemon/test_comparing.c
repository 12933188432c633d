/*
 * test_comparing.c: what the daemon compares by itself, and when: blocks of a second over a history
 * on disk that is written as the clock of the test goes on. Who is told is the test: it plays
 * hub_publish_document and core_post_event.
 */
#include "../hub/maker.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/comparison_log.h"
#include "daemon/comparing.h"
#include "daemon/core.h"
#include "http/assets.h"
#include "hub/hub.h"
#include "store/store.h"

/* No dashboard is needed here. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

#define BLOCK_MS INT64_C(1000)
#define BLOCKS 30 /* a side at least */
#define MOST 60   /* and at most */
#define HOUR_MS (120 * BLOCK_MS)
#define WEEK_MS (7 * INT64_C(86400000))

static const struct metric retransmits = {"netsonde_tcp_retransmits_total", "segments",
                                          "Sent again.", METRIC_COUNTER, 1};
static const struct metric resident = {"netsonde_self_resident_bytes", "bytes", "Memory.",
                                       METRIC_GAUGE, 1};
static const struct metric ticks = {"netsonde_ticks_total", "ticks", "Ticks.", METRIC_COUNTER, 1};

static struct {
    size_t messages, events;
    json_t *last; /* the last message, made an object */
} told;

void __wrap_hub_publish_document(struct hub *hub, enum channel channel, int64_t t_ms,
                                 struct bytes *members);
void __wrap_core_post_event(struct core *core, struct event *event);

void __wrap_hub_publish_document(struct hub *hub, enum channel channel, int64_t t_ms,
                                 struct bytes *members)
{
    (void)hub;
    assert_int_equal(channel, CHANNEL_BASELINE);
    struct buf text = BUF_INIT;
    buf_printf(&text, "{\"t\":%lld,", (long long)t_ms);
    buf_append(&text, members->data, members->len);
    buf_char(&text, '}');
    json_decref(told.last);
    told.last = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(told.last);
    buf_fini(&text);
    bytes_unref(members);
    told.messages++;
}

void __wrap_core_post_event(struct core *core, struct event *event)
{
    (void)core;
    assert_string_equal(event_get_text(event, "what"), "baseline");
    assert_non_null(strstr(event_get_text(event, "reason"), "1 worse"));
    event_unref(event);
    told.events++;
}

struct rig {
    char dir[64];
    struct maker maker;
    struct store *store;
    uv_loop_t uv;
    struct comparing_settings settings;
    struct comparing *comparing;
    uint64_t total, rate, noise;
    double memory; /* sampled in three of five blocks; 0: never */
};

static void rig_start(struct rig *r, const char *version)
{
    r->settings = (struct comparing_settings){.data_dir = r->dir,
                                              .version = version,
                                              .kernel = "6.1",
                                              .block_ms = BLOCK_MS,
                                              .blocks_least = BLOCKS,
                                              .blocks_most = MOST,
                                              .hour_ms = HOUR_MS};
    r->comparing = comparing_new(&r->uv, &r->settings);
}

static void rig_stop(struct rig *r)
{
    comparing_close(r->comparing);
    uv_run(&r->uv, UV_RUN_DEFAULT);
    comparing_free(r->comparing);
}

static void rig_begin(struct rig *r)
{
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    settings.raw_ms = 6 * WEEK_MS;
    memset(&told, 0, sizeof(told));
    *r = (struct rig){.dir = "/tmp/netsonde-compare-XXXXXX", .maker = maker_new(100), .rate = 50};
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(store_open(r->dir, &settings, &r->store, NULL), 0);
    assert_int_equal(uv_loop_init(&r->uv), 0);
    rig_start(r, "1.0");
}

static void rig_end(struct rig *r)
{
    char command[128];
    rig_stop(r);
    assert_int_equal(uv_loop_close(&r->uv), 0);
    store_close(r->store, NULL);
    maker_free(&r->maker);
    json_decref(told.last);
    snprintf(command, sizeof(command), "rm -r %s", r->dir);
    assert_int_equal(system(command), 0);
}

/* A tick after this time, on the disk and before the daemon's eyes; with an event of this kind. */
static void one_tick(struct rig *r, int64_t after_ms, enum event_kind kind)
{
    struct maker *m = &r->maker;
    maker_begin_after(m, after_ms);
    r->noise = r->noise * UINT64_C(6364136223846793005) + 1442695040888963407U;
    r->total += r->rate + (r->noise >> 60);
    draft_counter(m->draft, registry_get(m->registry, &retransmits, NULL, 0, "self"), r->total, 1);
    draft_counter(m->draft, registry_get(m->registry, &ticks, NULL, 0, "self"), m->seq, 1);
    if (r->memory > 0 && m->t_ms / BLOCK_MS % 5 < 3)
        draft_gauge(m->draft, registry_get(m->registry, &resident, NULL, 0, "self"),
                    r->memory + (double)(r->noise >> 60));
    if (kind != EVENT_KINDS)
        draft_event(m->draft, event_new(kind, m->t_ms));
    struct tick *t = maker_end(m);
    assert_int_equal(store_write(r->store, t), 0);
    while (store_work(r->store)) {
    }
    if (r->comparing) {
        struct sink *sink = comparing_sink(r->comparing);
        sink->push(sink, t);
        uv_run(&r->uv, UV_RUN_DEFAULT); /* what it has begun is done before the next tick */
    }
    tick_unref(t);
}

static void blocks_pass(struct rig *r, int count)
{
    for (int i = 0; i < count * 10; i++)
        one_tick(r, 100, EVENT_KINDS);
}

static const char *text_of(const char *member)
{
    return json_string_value(json_object_get(told.last, member));
}

static int64_t number_of(const char *member)
{
    return json_integer_value(json_object_get(told.last, member));
}

/* How many are kept, and the newest one's reason. */
static size_t kept(struct rig *r, char reason[32])
{
    struct buf text = BUF_INIT;
    assert_int_equal(comparison_log_json(r->dir, COMPARISONS_MAX + 10, &text, NULL), 0);
    json_t *o = json_loadb(text.data, text.len, 0, NULL);
    json_t *list = json_object_get(o, "comparisons");
    size_t count = json_array_size(list);
    const char *first = json_string_value(json_object_get(json_array_get(list, 0), "reason"));
    snprintf(reason, 32, "%s", first ? first : "");
    json_decref(o);
    buf_fini(&text);
    return count;
}

static void test_start(void **state)
{
    (void)state;
    struct rig r;
    char reason[32];
    rig_begin(&r);
    blocks_pass(&r, MOST);
    assert_int_equal(told.messages, 0); /* not all blocks are there yet */
    blocks_pass(&r, 3);
    assert_int_equal(told.messages, 1);
    assert_string_equal(text_of("reason"), "start");
    assert_string_equal(text_of("baseline"), "auto");
    assert_string_equal(text_of("verdict"), "not_enough_data");
    assert_int_equal(number_of("to_ms") - number_of("from_ms"), MOST * BLOCK_MS);
    assert_int_equal(kept(&r, reason), 1);
    assert_string_equal(reason, "start");
    assert_int_equal(told.events, 0);
    rig_end(&r);
}

static void test_link(void **state)
{
    (void)state;
    struct rig r;
    char reason[32];
    rig_begin(&r);
    blocks_pass(&r, MOST + 3);
    assert_int_equal(told.messages, 1); /* the start's */
    one_tick(&r, 100, EVENT_LINK);
    one_tick(&r, 100, EVENT_ADDRESS); /* comes with the link */
    int64_t changed_ms = r.maker.t_ms;
    r.rate = 80;
    blocks_pass(&r, MOST);
    assert_int_equal(told.messages, 1);
    blocks_pass(&r, 3);
    assert_int_equal(told.messages, 2);
    assert_string_equal(text_of("reason"), "link");
    assert_string_equal(text_of("verdict"), "regressed");
    assert_int_equal(told.events, 1);
    int64_t from_ms = number_of("from_ms");
    assert_true(from_ms >= changed_ms && from_ms < changed_ms + BLOCK_MS);
    const json_t *metric = json_array_get(json_object_get(told.last, "metrics"), 0);
    assert_string_equal(json_string_value(json_object_get(metric, "name")),
                        "netsonde_tcp_retransmits_total");
    double change = json_number_value(json_object_get(metric, "change_pct"));
    assert_true(change > 40 && change < 65);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(metric, "before"), "n")),
                     MOST);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(metric, "after"), "n")),
                     MOST);
    /* What has not changed is not in the message. */
    assert_int_equal(json_array_size(json_object_get(told.last, "metrics")), 1);
    assert_int_equal(kept(&r, reason), 2);
    assert_string_equal(reason, "link");
    rig_end(&r);
}

/* How many blocks the metric of this name had on a side. */
static int64_t blocks_of(const char *name, const char *side)
{
    size_t i;
    const json_t *metric;
    json_array_foreach(json_object_get(told.last, "metrics"), i, metric)
    {
        if (strcmp(json_string_value(json_object_get(metric, "name")), name) == 0)
            return json_integer_value(json_object_get(json_object_get(metric, side), "n"));
    }
    return -1;
}

/* A later change ends the window after an earlier one, and the window before itself begins there.
 */
static void test_change_ends_window(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    blocks_pass(&r, MOST + 3);
    assert_int_equal(told.messages, 1);
    one_tick(&r, 100, EVENT_LINK);
    r.rate = 80;
    blocks_pass(&r, BLOCKS + 10);
    assert_int_equal(told.messages, 1);
    one_tick(&r, 100, EVENT_ADDRESS);
    int64_t changed_ms = r.maker.t_ms;
    r.rate = 200;
    blocks_pass(&r, 2);
    assert_int_equal(told.messages, 2);
    assert_string_equal(text_of("reason"), "link");
    assert_string_equal(text_of("verdict"), "regressed");
    assert_int_equal(blocks_of(retransmits.name, "before"), MOST);
    assert_in_range(blocks_of(retransmits.name, "after"), BLOCKS + 9, BLOCKS + 10);
    assert_true(number_of("to_ms") <= changed_ms && number_of("to_ms") > changed_ms - BLOCK_MS);
    blocks_pass(&r, MOST - 3);
    assert_int_equal(told.messages, 2);
    blocks_pass(&r, 4);
    assert_int_equal(told.messages, 3);
    assert_string_equal(text_of("reason"), "address");
    assert_in_range(blocks_of(retransmits.name, "before"), BLOCKS + 9, BLOCKS + 10);
    assert_int_equal(blocks_of(retransmits.name, "after"), MOST);
    rig_end(&r);
}

/* The start has no more than is between it and the first change. */
static void test_change_after_start(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    blocks_pass(&r, BLOCKS + 5);
    one_tick(&r, 100, EVENT_LINK);
    blocks_pass(&r, 2);
    assert_int_equal(told.messages, 1);
    assert_string_equal(text_of("reason"), "start");
    assert_in_range(number_of("to_ms") - number_of("from_ms"), (BLOCKS + 4) * BLOCK_MS,
                    (BLOCKS + 5) * BLOCK_MS);
    rig_end(&r);
}

/* What is sampled now and then has enough blocks in the longer window. */
static void test_rarely_sampled(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    r.memory = 1000;
    blocks_pass(&r, MOST + 3);
    one_tick(&r, 100, EVENT_LINK);
    r.memory = 2000;
    blocks_pass(&r, MOST + 3);
    assert_string_equal(text_of("reason"), "link");
    assert_string_equal(text_of("verdict"), "regressed");
    assert_int_equal(blocks_of(resident.name, "before"), MOST * 3 / 5);
    assert_int_equal(blocks_of(resident.name, "after"), MOST * 3 / 5);
    rig_end(&r);
}

/* Another change within the wait: what comes after it counts, against what was before the first. */
static void test_row_of_changes(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    blocks_pass(&r, MOST + 3);
    one_tick(&r, 100, EVENT_ADDRESS);
    r.rate = 500; /* in between, to be seen by neither side */
    blocks_pass(&r, 29);
    one_tick(&r, 100, EVENT_ADDRESS);
    r.rate = 50;
    int64_t changed_ms = r.maker.t_ms;
    blocks_pass(&r, MOST);
    assert_int_equal(told.messages, 1);
    blocks_pass(&r, 3);
    assert_int_equal(told.messages, 2);
    assert_string_equal(text_of("reason"), "address");
    assert_string_equal(text_of("verdict"), "unchanged");
    assert_true(number_of("from_ms") >= changed_ms);
    assert_int_equal(told.events, 0);
    rig_end(&r);
}

/* Changes without end: the row is given up, and only the newest part is compared. */
static void test_flapping(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    r.rate = 80;
    blocks_pass(&r, 40);
    r.rate = 50;
    for (int i = 0; i < 30; i++) { /* more than eight windows */
        one_tick(&r, 100, EVENT_LINK);
        blocks_pass(&r, 10);
    }
    r.rate = 80; /* against the blocks before the row began anew, not those of minutes ago */
    one_tick(&r, 100, EVENT_LINK);
    blocks_pass(&r, MOST + 3);
    assert_string_equal(text_of("reason"), "link");
    assert_string_equal(text_of("verdict"), "regressed");
    assert_int_equal(told.events, 1);
    rig_end(&r);
}

static void test_version(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    blocks_pass(&r, MOST + 10); /* 1.0 has been noted */
    assert_string_equal(text_of("reason"), "start");
    rig_stop(&r);
    rig_start(&r, "1.1");
    r.rate = 90;
    one_tick(&r, 3600000, EVENT_KINDS); /* it stood still for an hour */
    blocks_pass(&r, MOST + 4);
    assert_string_equal(text_of("reason"), "version");
    assert_string_equal(text_of("verdict"), "regressed");
    /* And the next start is just a start. */
    rig_stop(&r);
    rig_start(&r, "1.1");
    blocks_pass(&r, MOST + 4);
    assert_string_equal(text_of("reason"), "start");
    /* Another kernel says more than another version. */
    rig_stop(&r);
    rig_start(&r, "1.2");
    r.settings.kernel = "6.2";
    comparing_free(r.comparing);
    r.comparing = comparing_new(&r.uv, &r.settings);
    blocks_pass(&r, MOST + 4);
    assert_string_equal(text_of("reason"), "kernel");
    assert_string_equal(text_of("verdict"), "unchanged");
    rig_end(&r);
}

/* The same hour of the weeks before: as far as there are some. */
static void test_hourly(void **state)
{
    (void)state;
    struct rig r;
    char reason[32];
    rig_begin(&r);
    struct comparing *later = TAKE(r.comparing);
    /* MAKER_T0_MS is where an hour of 120 s begins. */
    assert_int_equal((MAKER_T0_MS + WEEK_MS) % HOUR_MS, MAKER_T0_MS % HOUR_MS);
    int64_t begin_ms = MAKER_T0_MS - MAKER_T0_MS % HOUR_MS + HOUR_MS;
    for (int week = 0; week < 3; week++) {
        int64_t at_ms = begin_ms + week * WEEK_MS;
        one_tick(&r, at_ms - r.maker.t_ms, EVENT_KINDS);
        if (week == 2) {
            r.comparing = later;
            r.rate = 100;
        }
        blocks_pass(&r, 120);
    }
    blocks_pass(&r, 3);
    assert_string_equal(text_of("reason"), "hourly");
    assert_string_equal(text_of("baseline"), "auto");
    assert_string_equal(text_of("verdict"), "regressed");
    assert_int_equal(number_of("from_ms"), begin_ms + 2 * WEEK_MS);
    assert_int_equal(number_of("to_ms"), begin_ms + 2 * WEEK_MS + HOUR_MS);
    /* That of the start has been regressed, too. */
    assert_int_equal(told.events, 2);
    assert_int_equal(kept(&r, reason), 2);
    /* The hour after this one has nothing to be compared with: nothing is said. */
    size_t messages = told.messages;
    blocks_pass(&r, 125);
    assert_int_equal(told.messages, messages);
    rig_end(&r);
}

/* A history that is not there: said in the log, and tried again with the next occasion. */
static void test_no_history(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    rig_stop(&r);
    size_t len = strlen(r.dir);
    snprintf(r.dir + len, sizeof(r.dir) - len, "/none");
    rig_start(&r, "1.0");
    blocks_pass(&r, MOST + 10);
    assert_int_equal(told.messages, 0);
    *strrchr(r.dir, '/') = '\0';
    one_tick(&r, 100, EVENT_LINK);
    blocks_pass(&r, MOST + 4);
    assert_int_equal(told.messages, 1);
    rig_end(&r);
}

static void test_list_is_bounded(void **state)
{
    (void)state;
    struct rig r;
    char reason[32];
    rig_begin(&r);
    for (int i = 0; i < COMPARISONS_MAX + 5; i++) {
        struct buf entry = BUF_INIT;
        buf_printf(&entry, "{\"reason\":\"n%d\"}", i);
        assert_int_equal(comparison_log_add(r.dir, &entry, NULL), 0);
        buf_fini(&entry);
    }
    assert_int_equal(kept(&r, reason), COMPARISONS_MAX);
    assert_string_equal(reason, "n1004");
    rig_end(&r);
}

int main(void)
{
    setenv("TZ", "UTC0", 1); /* weeks that are all alike, wherever this runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_change_ends_window),
        cmocka_unit_test(test_change_after_start),
        cmocka_unit_test(test_rarely_sampled),
        cmocka_unit_test(test_row_of_changes),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_hourly),
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
