/*
 * test_api.c: the other routes: parameters and their errors, the present, history from memory and
 * disk, clients that do not wait, questions past the limit, the way into the stream.
 */
#include "http_rig.h"

#include <ftw.h>
#include <inttypes.h>

#include "api/api_internal.h"
#include "store/store.h"

/* ---- health and info --------------------------------------------------------------------- */

static void expect_text(struct rig *rig, const char *target, unsigned status, const char *body)
{
    struct answer_text a = rig_ask(rig, "GET", target, NULL);
    assert_int_equal(a.status, status);
    if (!strstr(a.body, body))
        fail_msg("%s: %s", target, a.body);
    answer_text_free(&a);
}

static void test_health(void **state)
{
    static const char absent[] = "\nno\nno\nno\nno\n", all[] = "\n\n\n\n\n";
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    expect_text(rig, "/healthz", 200, "ok\n");
    expect_text(rig, "/readyz", 503, "starting");
    struct maker *m = &rig->maker;
    draft_begin(m->draft, ++m->seq, m->t_ms, 0, clock_mono_ns(), 1000);
    rig_publish(rig, maker_end(m));
    expect_text(rig, "/readyz", 503, "starting: no table of interfaces yet");
    draft_begin(m->draft, ++m->seq, m->t_ms, 0, clock_mono_ns(), 1000);
    draft_table(m->draft, maker_table(1, 150, 7));
    rig_publish(rig, maker_end(m));
    expect_text(rig, "/readyz", 503, "starting: no table of connections yet");
    api_set_info(rig->api, API_INFO_TABLES, bytes_copy(absent, sizeof(absent) - 1));
    expect_text(rig, "/readyz", 200, "ok\n");
    draft_begin(m->draft, ++m->seq, m->t_ms, 0, clock_mono_ns() - 8 * NS_PER_S, 1000);
    rig_publish(rig, maker_end(m));
    expect_text(rig, "/readyz", 503, "stale");
    expect_text(rig, "/healthz", 200, "ok\n");
    /* An engine that comes later does not take it back. */
    api_set_info(rig->api, API_INFO_TABLES, bytes_copy(all, sizeof(all) - 1));
    draft_begin(m->draft, ++m->seq, m->t_ms, 0, clock_mono_ns(), 1000);
    rig_publish(rig, maker_end(m));
    expect_text(rig, "/readyz", 200, "ok\n");
    rig_free(rig);
}

/* Who does not deliver for longer than a tick may be late is not waited for. */
static void test_ready_without(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    struct maker *m = &rig->maker;
    (void)state;
    draft_begin(m->draft, ++m->seq, m->t_ms, 0, clock_mono_ns(), 1000);
    rig_publish(rig, maker_end(m));
    expect_text(rig, "/readyz", 503, "starting: no table of interfaces yet");
    rig->api->born_mono_ns -= 8 * NS_PER_S;
    expect_text(rig, "/readyz", 200, "ok\n");
    draft_begin(m->draft, ++m->seq, m->t_ms, 0, clock_mono_ns(), 60000);
    rig_publish(rig, maker_end(m));
    expect_text(rig, "/readyz", 200, "ok\n");
    rig_free(rig);
}

static void test_info(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    json_t *info = rig_get(rig, "/api/v1/info", 200);
    assert_string_equal(json_text(info, "version"), "1.2.3");
    assert_string_equal(json_text(info, "host"), "test");
    assert_string_equal(json_text(info, "role"), "viewer");
    assert_int_equal(json_whole(info, "interval_ms"), 1000);
    assert_int_equal(json_whole(info, "seq"), 0);
    assert_in_range(json_whole(info, "uptime_seconds"), 5, 60);
    assert_null(json_object_get(info, "sandbox"));
    assert_null(json_object_get(info, "engines"));
    json_decref(info);
    for (int i = 0; i < 2; i++) { /* the newer takes the place of the older */
        char *text = mem_printf("\"engines\":[{\"n\":%d}]", i);
        api_set_info(rig->api, API_INFO_ENGINES, bytes_copy(text, strlen(text)));
        free(text);
    }
    const char sandbox[] = "\"sandbox\":{\"seccomp\":true}";
    api_set_info(rig->api, API_INFO_SANDBOX, bytes_copy(sandbox, sizeof(sandbox) - 1));
    rig_publish(rig, maker_tick(&rig->maker));
    info = rig_get(rig, "/api/v1/info", 200);
    assert_int_equal(json_whole(info, "seq"), 101);
    const json_t *engine = json_array_get(json_object_get(info, "engines"), 0);
    assert_int_equal(json_whole(engine, "n"), 1);
    assert_true(json_is_object(json_object_get(info, "sandbox")));
    json_decref(info);
    rig->maker.interval_ms = 250; /* the configuration was loaded anew */
    rig_publish(rig, maker_tick(&rig->maker));
    info = rig_get(rig, "/api/v1/info", 200);
    assert_int_equal(json_whole(info, "interval_ms"), 250);
    json_decref(info);
    rig_free(rig);
}

/* Only for admins, once the daemon has said it; tokens without a digest. */
static void test_config(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    rig_refused(rig, "/api/v1/config", 403, "forbidden", NULL);
    rig_free(rig);
    rig = rig_of_role("/nonexistent", 10, true);
    rig_refused(rig, "/api/v1/config", 503, "not_ready", NULL);
    const char members[] = "\"config\":[{\"key\":\"store.raw\"}]";
    api_set_info(rig->api, API_INFO_CONFIG, bytes_copy(members, sizeof(members) - 1));
    json_t *json = rig_get(rig, "/api/v1/config", 200);
    const json_t *row = json_array_get(json_object_get(json, "config"), 0);
    assert_string_equal(json_text(row, "key"), "store.raw");
    assert_int_equal(json_length(json, "tokens"), 0);
    json_decref(json);
    json = rig_get(rig, "/api/v1/info", 200);
    assert_null(json_object_get(json, "config")); /* viewers may read that */
    json_decref(json);
    rig_free(rig);
}

static void test_performance(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    rig_refused(rig, "/api/v1/performance", 503, "not_ready", NULL);
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    while (!station_performance(rig->station, false)) {
        rig_turn(rig);
        assert_true(clock_mono_ns() < until_ns);
    }
    json_t *json = rig_get(rig, "/api/v1/performance", 200);
    assert_string_equal(json_text(json, "type"), "performance");
    assert_int_equal(json_whole(json, "connections"), 0);
    assert_true(json_is_object(json_object_get(json, "latency_ms")));
    assert_null(json_object_get(json, "clients")); /* the rig has no admins */
    json_decref(json);
    struct answer_text answer = rig_ask(rig, "HEAD", "/api/v1/performance", NULL);
    assert_int_equal(answer.status, 200);
    answer_text_free(&answer);
    rig_free(rig);
}

/* ---- tables ------------------------------------------------------------------------------ */

static void test_interfaces(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    rig_refused(rig, "/api/v1/interfaces", 503, "not_ready", NULL);
    maker_begin(&rig->maker);
    draft_table(rig->maker.draft, maker_table(1, 150, 7));
    int64_t t_ms = rig->maker.t_ms;
    rig_publish(rig, maker_end(&rig->maker));
    rig_publish(rig, maker_tick(&rig->maker)); /* brings no table */

    json_t *json = rig_get(rig, "/api/v1/interfaces", 200);
    assert_int_equal(json_whole(json, "t"), t_ms);
    assert_int_equal(json_whole(json, "total"), 150);
    assert_int_equal(json_length(json, "columns"), IF_COLUMNS);
    assert_int_equal(json_length(json, "rows"), 100);
    json_decref(json);
    json =
        rig_get(rig, "/api/v1/interfaces?filter=device:eth14&sort=-device&limit=2&offset=1", 200);
    assert_int_equal(json_whole(json, "total"), 11);
    assert_int_equal(json_length(json, "rows"), 2);
    const json_t *row = json_array_get(json_object_get(json, "rows"), 0);
    assert_string_equal(json_string_value(json_array_get(row, IF_DEVICE)), "eth148");
    json_decref(json);
    json = rig_get(rig, "/api/v1/interfaces?filter=zzz&limit=0", 200);
    assert_int_equal(json_whole(json, "total"), 0);
    json_decref(json);
    rig_refused(rig, "/api/v1/interfaces?filter=speed%3E5", 400, "bad_request", "filter");
    rig_refused(rig, "/api/v1/interfaces?sort=speed", 400, "bad_request", "sort");
    rig_refused(rig, "/api/v1/interfaces?limit=-1", 400, "bad_request", "limit");
    rig_refused(rig, "/api/v1/interfaces?limit=10001", 400, "bad_request", "limit");
    rig_refused(rig, "/api/v1/interfaces?limit=", 400, "bad_request", "limit");
    rig_refused(rig, "/api/v1/interfaces?offset=1e3", 400, "bad_request", "offset");
    rig_refused(rig, "/api/v1/interfaces?offset=99999999999999999999", 400, "bad_request",
                "offset");
    rig_refused(rig, "/api/v1/interfaces?at=now-1h", 400, "bad_request", "at");
    rig_free(rig);
}

/* The other tables are asked for in the same way; nobody provides one: why, and what to do. */
static void test_other_tables(void **state)
{
    static const char lines[] = "\n\nnetlink would\nno engine would\n\n";
    struct rig *rig = rig_new("/nonexistent", 10);
    struct table *t = table_new(TABLE_CONNECTIONS, 0);
    (void)state;
    rig_refused(rig, "/api/v1/flows", 503, "not_ready", NULL);
    api_set_info(rig->api, API_INFO_TABLES, bytes_copy(lines, sizeof(lines) - 1));
    for (uint64_t id = 1; id <= 3; id++) {
        struct cell *row = table_row(t, id);
        cell_text(t, &row[CONN_REMOTE], id == 2 ? "192.0.2.1:443" : "[fe80::1]:22");
        cell_real(&row[CONN_RX_RATE], (double)id);
    }
    maker_begin(&rig->maker);
    draft_table(rig->maker.draft, t);
    rig_publish(rig, maker_end(&rig->maker));
    json_t *json = rig_get(rig, "/api/v1/connections?filter=fe80::1", 200);
    assert_int_equal(json_whole(json, "total"), 2);
    assert_int_equal(json_length(json, "columns"), CONN_COLUMNS);
    const json_t *row = json_array_get(json_object_get(json, "rows"), 0);
    assert_int_equal(json_integer_value(json_array_get(row, CONN_ID)), 3);
    json_decref(json);
    rig_refused(rig, "/api/v1/connections?sort=device", 400, "bad_request", "sort");
    rig_refused(rig, "/api/v1/processes", 503, "unavailable", NULL);
    rig_refused(rig, "/api/v1/flows", 503, "unavailable", NULL);
    rig_refused(rig, "/api/v1/dns", 503, "not_ready", NULL); /* somebody is about to */
    rig_refused(rig, "/api/v1/tables", 404, "not_found", NULL);
    json = rig_get(rig, "/api/v1/info", 200); /* it is not told there */
    assert_null(json_object_get(json, "tables"));
    json_decref(json);
    rig_free(rig);
}

/* ---- history ----------------------------------------------------------------------------- */

static void test_query_errors(void **state)
{
    static const struct {
        const char *query, *field;
    } cases[] = {
        {"", "metric"},
        {"?from=now-5m", "metric"},
        {"?metric=", "metric"},
        {"?metric=a&match=x", "match"},
        {"?metric=a&from=yesterday", "from"},
        {"?metric=a&to=", "to"},
        {"?metric=a&from=now&to=now-1h", "from"},
        {"?metric=a&points=0", "points"},
        {"?metric=a&points=20001", "points"},
        {"?metric=a&points=many", "points"},
        {"?metric=a&agg=mean", "agg"},
        {"?metric=a&agg=", "agg"},
    };
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *target = mem_printf("/api/v1/query%s", cases[i].query);
        rig_refused(rig, target, 400, "bad_request", cases[i].field);
        free(target);
    }
    rig_refused(rig, "/api/v1/events?kind=weather", 400, "bad_request", "kind");
    rig_refused(rig, "/api/v1/events?kind=link&kind=", 400, "bad_request", "kind");
    rig_refused(rig, "/api/v1/events?limit=10001", 400, "bad_request", "limit");
    rig_refused(rig, "/api/v1/events?from=x", 400, "bad_request", "from");
    rig_refused(rig, "/api/v1/events?from=now&to=now-1h", 400, "bad_request", "from");
    rig_free(rig);
}

/* Without a database the ticks in memory are asked. */
static void test_query_memory(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    int64_t from_ms = rig->maker.t_ms + 1000;
    for (int i = 0; i < 10; i++)
        rig_publish(rig, maker_tick(&rig->maker));
    char *target = mem_printf("/api/v1/query?metric=*_bytes_total&from=%lld&to=%lld&points=10",
                              (long long)from_ms, (long long)from_ms + 9000);
    json_t *json = rig_get(rig, target, 200);
    free(target);
    assert_int_equal(json_whole(json, "step_ms"), 1000);
    assert_int_equal(json_whole(json, "from"), from_ms);
    assert_string_equal(json_text(json, "tier"), "memory");
    assert_int_equal(json_length(json, "series"), 1);
    const json_t *series = json_array_get(json_object_get(json, "series"), 0);
    assert_string_equal(json_text(series, "name"), maker_bytes.name);
    assert_string_equal(json_text(json_object_get(series, "labels"), "device"), "eth0");
    assert_string_equal(json_text(series, "unit"), "bytes");
    assert_string_equal(json_text(series, "kind"), "counter");
    assert_int_equal(json_length(series, "points"), 10);
    const json_t *points = json_object_get(series, "points");
    assert_true(json_is_null(json_array_get(json_array_get(points, 0), 1))); /* no rate yet */
    for (size_t i = 1; i < 10; i++) {
        const json_t *point = json_array_get(points, i);
        assert_int_equal(json_integer_value(json_array_get(point, 0)), from_ms + (int64_t)i * 1000);
        assert_near(json_number_value(json_array_get(point, 1)), 1000);
    }
    json_decref(json);
    /* A quarter of an hour until now in 300 points, as nobody has said otherwise. */
    json = rig_get(rig, "/api/v1/query?match=device=nothing", 200);
    assert_int_equal(json_length(json, "series"), 0);
    assert_int_equal(json_whole(json, "step_ms"), 3000);
    assert_int_equal(json_whole(json, "to") - json_whole(json, "from"), 299 * 3000);
    int64_t behind_ms = clock_wall_ms() - json_whole(json, "to");
    assert_in_range(behind_ms, 0, 3000 + PATIENCE_NS / NS_PER_MS); /* the newest step is in it */
    json_decref(json);
    rig_free(rig);
}

static void test_events_memory(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    struct maker *m = &rig->maker;
    (void)state;
    for (int i = 0; i < 5; i++) {
        maker_begin(m);
        maker_event(m, i % 2 ? "e\"1" : "eth0");
        struct event *e = event_new(EVENT_LOSS, m->t_ms);
        event_number(e, "count", 3);
        draft_event(m->draft, e);
        rig_publish(rig, maker_end(m));
    }
    char *target = mem_printf("/api/v1/events?from=%lld&to=%lld&kind=link&limit=2&offset=1",
                              (long long)MAKER_T0_MS, (long long)m->t_ms);
    json_t *json = rig_get(rig, target, 200);
    free(target);
    assert_int_equal(json_whole(json, "total"), 5);
    assert_int_equal(json_length(json, "events"), 2);
    const json_t *event = json_array_get(json_object_get(json, "events"), 0);
    assert_int_equal(json_whole(event, "seq"), 7); /* newest first, one left out */
    assert_string_equal(json_text(event, "kind"), "link");
    assert_string_equal(json_text(event, "device"), "e\"1");
    json_decref(json);
    target = mem_printf("/api/v1/events?from=%lld&to=%lld&kind=loss&kind=link",
                        (long long)MAKER_T0_MS, (long long)m->t_ms);
    json = rig_get(rig, target, 200);
    free(target);
    assert_int_equal(json_whole(json, "total"), 10);
    json_decref(json);
    json = rig_get(rig, "/api/v1/events?from=0&to=1000", 200);
    assert_int_equal(json_whole(json, "total"), 0);
    json_decref(json);
    rig_free(rig);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* A database behind the ticks in memory: both are asked, and each tick counts once. */
static void test_query_disk(void **state)
{
    char dir[] = "/tmp/netsonde-api-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store *store;
    struct store_error err;
    if (store_open(dir, &settings, &store, &err) != 0)
        fail_msg("%s", err.text);
    struct rig *rig = rig_new(dir, 10);
    rig->maker.t_ms = clock_wall_ms() / 1000 * 1000 - 20000;
    int64_t from_ms = rig->maker.t_ms + 1000;
    for (int i = 0; i < 10; i++) {
        struct tick *t = maker_tick(&rig->maker);
        if (i < 8)
            assert_int_equal(store_write(store, t), 0);
        if (i > 5)
            rig_publish(rig, t); /* 6 and 7 are in both */
        else
            tick_unref(t);
    }
    char *target = mem_printf("/api/v1/query?metric=*_bytes_total&agg=sum&from=%lld&to=%lld",
                              (long long)from_ms, (long long)from_ms + 9000);
    json_t *json = rig_get(rig, target, 200);
    free(target);
    const json_t *series = json_array_get(json_object_get(json, "series"), 0);
    const json_t *points = json_object_get(series, "points");
    double sum = 0;
    for (size_t i = 0; i < json_array_size(points); i++)
        sum += json_number_value(json_array_get(json_array_get(points, i), 1));
    assert_near(sum, 9000);
    json_decref(json);
    assert_int_equal(rig->damaged, 0);
    rig_free(rig);
    store_close(store, NULL);
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* at=: a table as it was stored, whatever it is now. */
static void test_table_of_past(void **state)
{
    char dir[] = "/tmp/netsonde-api-XXXXXX", target[128];
    (void)state;
    assert_non_null(mkdtemp(dir));
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store *store;
    struct rig *rig = rig_new(dir, 10);
    rig_refused(rig, "/api/v1/connections?at=now", 404, "not_found", "at"); /* no history at all */
    assert_int_equal(store_open(dir, &settings, &store, NULL), 0);
    int64_t t_ms[2];
    for (size_t i = 0; i < 2; i++) {
        struct table *t = table_new(TABLE_CONNECTIONS, 0);
        for (uint64_t id = 1; id <= 150; id++)
            cell_uint(&table_row(t, id)[CONN_RX_BYTES], 1000 * i + id);
        maker_begin(&rig->maker);
        draft_table(rig->maker.draft, t);
        t_ms[i] = rig->maker.t_ms;
        struct tick *tick = maker_end(&rig->maker);
        struct tick_table *tt = tick_table_new(tick, TABLE_CONNECTIONS);
        assert_int_equal(store_write(store, tick_bare(tick)), 0);
        assert_int_equal(store_write_table(store, tt), 0);
        tick_table_unref(tt);
        tick_unref(tick);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(target, sizeof(target),
                 "/api/v1/connections?at=%" PRId64
                 "&limit=3&offset=1&filter=rx_bytes%%3C%d&sort=-id",
                 t_ms[i] + 999, i ? 1100 : 100);
        json_t *json = rig_get(rig, target, 200);
        assert_int_equal(json_whole(json, "t"), t_ms[i]);
        assert_int_equal(json_whole(json, "total"), 99);
        assert_int_equal(json_length(json, "columns"), CONN_COLUMNS);
        assert_int_equal(json_length(json, "rows"), 3);
        const json_t *row = json_array_get(json_object_get(json, "rows"), 0);
        assert_int_equal(json_integer_value(json_array_get(row, 0)), 98);
        assert_null(json_object_get(json, "cut_from"));
        json_decref(json);
    }
    snprintf(target, sizeof(target), "/api/v1/connections?at=%lld", (long long)t_ms[0] - 1);
    rig_refused(rig, target, 404, "not_found", "at");
    rig_refused(rig, "/api/v1/processes?at=now", 404, "not_found", "at");
    rig_refused(rig, "/api/v1/connections?at=then", 400, "bad_request", "at");
    rig_refused(rig, "/api/v1/connections?at=now&sort=speed", 400, "bad_request", "sort");
    rig_refused(rig, "/api/v1/flows?at=now", 400, "bad_request", "at");
    rig_refused(rig, "/api/v1/connections", 503, "not_ready", NULL); /* now there is none */
    assert_int_equal(rig->damaged, 0);
    rig_free(rig);
    store_close(store, NULL);
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A history that cannot be opened is not an empty one: nothing is answered out of memory alone. */
static void test_query_unreadable(void **state)
{
    char dir[] = "/tmp/netsonde-api-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    char *path = mem_printf("%s/netsonde.db", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    struct rig *rig = rig_new(dir, 10);
    rig_publish(rig, maker_tick(&rig->maker));
    static const char *const targets[] = {"/api/v1/query?metric=*", "/api/v1/events"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        json_t *json = rig_get(rig, targets[i], 503);
        const json_t *error = json_object_get(json, "error");
        assert_string_equal(json_text(error, "code"), "history_unavailable");
        assert_non_null(strstr(json_text(error, "message"), path));
        json_decref(json);
    }
    assert_int_equal(rmdir(path), 0); /* once there is none it is what memory knows */
    json_decref(rig_get(rig, targets[0], 200));
    free(path);
    rig_free(rig);
    assert_int_equal(rmdir(dir), 0);
}

/* ---- impatience -------------------------------------------------------------------------- */

static void test_client_leaves(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    for (int i = 0; i < 50; i++)
        rig_publish(rig, maker_tick(&rig->maker));
    for (int i = 0; i < 20; i++) {
        int fd = rig_connect(rig);
        client_ask(fd, "GET", "/api/v1/query?metric=*", NULL);
        for (int k = 0; k < i % 4; k++)
            uv_run(&rig->loop, UV_RUN_NOWAIT);
        close(fd);
    }
    json_t *json = rig_get(rig, "/api/v1/query?metric=*", 200); /* others are served */
    json_decref(json);
    rig_free(rig);
}

/* A crowd: as many as may wait are answered, the rest is turned away at once. */
static void test_busy(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    static int fds[300];
    unsigned served = 0, refused = 0;
    (void)state;
    rig_publish(rig, maker_tick(&rig->maker));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect(rig);
        client_ask(fds[i], "GET", "/api/v1/query?metric=*", NULL);
    }
    /* All are read in one turn of the loop, before the first answer can come back. */
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        struct answer_text a = client_read(rig, fds[i], true);
        served += a.status == 200;
        refused += a.status == 503 && strstr(a.body, "\"busy\"");
        answer_text_free(&a);
        close(fds[i]);
    }
    assert_int_equal(served + refused, ARRAY_LEN(fds));
    assert_true(served >= READERS_AT_ONCE + READERS_WAITING);
    assert_true(refused > 0);
    rig_free(rig);
}

/* The server stops while questions run and wait: each is answered all the same. */
static void test_stop(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    int fds[40];
    (void)state;
    rig_publish(rig, maker_tick(&rig->maker));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect(rig);
        client_ask(fds[i], "GET", "/api/v1/query?metric=*", NULL);
    }
    /* All are read in one turn of the loop, before the first answer can come back. */
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    rig_close(rig);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        struct answer_text a = client_read(rig, fds[i], true);
        assert_true(a.status == 200 || a.status == 503);
        answer_text_free(&a);
        close(fds[i]);
    }
    rig_free(rig);
}

/* ---- the stream -------------------------------------------------------------------------- */

#define UPGRADE                                                                                    \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void test_stream(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 10);
    (void)state;
    rig_publish(rig, maker_tick(&rig->maker));
    int fd = rig_connect(rig);
    client_ask(fd, "GET", "/api/v1/stream?subscribe=metrics",
               UPGRADE "Sec-WebSocket-Protocol: other, netsonde.v1\r\n");
    struct answer_text a = {0};
    struct buf b = BUF_INIT;
    const char *end = NULL;
    while (!end || !memmem(end, b.len - (size_t)(end - b.data), "metrics\",\"seq\":101", 17)) {
        char *to = buf_reserve(&b, 65536);
        ssize_t n = recv(fd, to, 65536, 0);
        if (n > 0)
            b.len += (size_t)n;
        else
            uv_run(&rig->loop, UV_RUN_NOWAIT);
        end = strstr(buf_string(&b), "\r\n\r\n");
    }
    assert_int_equal(strncmp(b.data, "HTTP/1.1 101 ", 13), 0);
    assert_non_null(strstr(b.data, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(b.data, "\r\nSec-WebSocket-Protocol: netsonde.v1\r\n"));
    /* Then, in this order: hello, series, metrics. */
    const char *hello = memmem(end, b.len - (size_t)(end - b.data), "{\"type\":\"hello\"", 15);
    const char *series = memmem(end, b.len - (size_t)(end - b.data), "{\"type\":\"series\"", 16);
    assert_non_null(hello);
    assert_in_range(hello - end, 4 + 2, 4 + 4); /* right behind the head, but for the frame's own */
    assert_true(series > hello);
    buf_fini(&b);
    close(fd);

    a = rig_ask(rig, "GET", "/api/v1/stream", NULL);
    assert_int_equal(a.status, 426);
    answer_text_free(&a);
    a = rig_ask(rig, "GET", "/api/v1/stream", UPGRADE "Origin: http://evil.example\r\n");
    assert_int_equal(a.status, 403);
    answer_text_free(&a);
    rig_turn(rig);
    struct station_stats stats;
    station_stats(rig->station, &stats);
    assert_int_equal(stats.viewers, 0);
    assert_int_equal(stats.opened, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_ready_without),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_performance),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_other_tables),
        cmocka_unit_test(test_query_errors),
        cmocka_unit_test(test_query_memory),
        cmocka_unit_test(test_events_memory),
        cmocka_unit_test(test_query_disk),
        cmocka_unit_test(test_table_of_past),
        cmocka_unit_test(test_query_unreadable),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stream),
    };
    return cmocka_run_group_tests_name("api/api", tests, NULL, NULL);
}
