/*
 * test_alerting.c: the routes of alerting: what is shown of the board and of the history; changes
 * on their way to the core and back; what is refused, by whom asked, with which member's name.
 */
#include "http_rig.h"

#include "../hub/alert_rig.h"

#include <ftw.h>

#include "store/alerts.h"
#include "store/store.h"

/* ---- asking ------------------------------------------------------------------------------ */

static struct answer_text ask(struct rig *rig, const char *method, const char *target,
                              const char *body)
{
    int fd = rig_connect(rig);
    client_send(fd, method, target, body);
    struct answer_text a = client_read(rig, fd, true);
    close(fd);
    return a;
}

static json_t *answer_json_of(struct answer_text *a)
{
    json_error_t error;
    json_t *json = json_loadb(a->body, a->body_len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s: %s", error.text, a->body);
    return json;
}

static void expect_error(struct answer_text *a, const char *what, unsigned status, const char *code,
                         const char *field)
{
    if (a->status != status)
        fail_msg("%s: %u instead of %u: %s", what, a->status, status, a->body);
    json_t *json = answer_json_of(a);
    const json_t *error = json_object_get(json, "error");
    const char *named = json_string_value(json_object_get(error, "field"));
    if (code && strcmp(json_text(error, "code"), code) != 0)
        fail_msg("%s: %s instead of %s", what, json_text(error, "code"), code);
    if (!field != !named || (field && strcmp(field, named) != 0))
        fail_msg("%s: field %s instead of %s", what, named ? named : "none",
                 field ? field : "none");
    assert_true(strlen(json_text(error, "message")) > 5);
    json_decref(json);
    answer_text_free(a);
}

/* Refused before anybody is asked to do anything. */
static void refused(struct rig *rig, const char *method, const char *target, const char *body,
                    unsigned status, const char *field)
{
    char *what = mem_printf("%s %s %.300s", method, target, body ? body : "");
    struct answer_text a = ask(rig, method, target, body);
    expect_error(&a, what, status, NULL, field);
    assert_int_equal(rig->commands_count, 0);
    free(what);
}

/* A change that is under way: a client that waits, and what arrived at the core. */
struct change {
    int fd;
    struct api_command *cmd;
};

static struct change change_begin(struct rig *rig, const char *method, const char *target,
                                  const char *body)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    size_t before = rig->commands_count;
    struct change c = {.fd = rig_connect(rig)};
    client_send(c.fd, method, target, body);
    while (rig->commands_count == before) {
        rig_turn(rig);
        assert_true(clock_mono_ns() < until_ns);
    }
    c.cmd = rig->commands[rig->commands_count - 1];
    assert_int_equal(c.cmd->err, -ECANCELED);
    return c;
}

static struct answer_text change_end(struct rig *rig, struct change *c, int err)
{
    c->cmd->err = err;
    api_take_reply(rig->api, c->cmd);
    rig->commands_count--;
    struct answer_text a = client_read(rig, c->fd, true);
    close(c->fd);
    return a;
}

static void change_expect(struct rig *rig, struct change *c, int err, unsigned status,
                          const char *body)
{
    struct answer_text a = change_end(rig, c, err);
    if (a.status != status || strcmp(a.body, body) != 0)
        fail_msg("%u %s instead of %u %s", a.status, a.body, status, body);
    answer_text_free(&a);
}

static void change_refused(struct rig *rig, const char *method, const char *target,
                           const char *body, int err, unsigned status, const char *code,
                           const char *field)
{
    struct change c = change_begin(rig, method, target, body);
    struct answer_text a = change_end(rig, &c, err);
    expect_error(&a, target, status, code, field);
}

/* ---- alerts ------------------------------------------------------------------------------ */

static void put_alert(struct alert_set *set, uint64_t id, enum alert_state state,
                      enum alert_severity severity, const char *rule, const char *series)
{
    struct alert *a = alert_of(id, id * 10, state, severity);
    alert_text(&a->rule, rule);
    alert_text(&a->series, series);
    set->alerts[set->count++] = a;
}

static void put_alerts(struct rig *rig)
{
    struct alert_set *set = alert_set_new(4);
    put_alert(set, 1, ALERT_FIRING, ALERT_CRITICAL, "link_down", "up{device=\"eth0\"}");
    put_alert(set, 2, ALERT_ACKNOWLEDGED, ALERT_WARNING, "link_down", "up{device=\"eth1\"}");
    put_alert(set, 3, ALERT_PENDING, ALERT_WARNING, "dns_slow", "dns");
    put_alert(set, 4, ALERT_SILENCED, ALERT_WARNING, "dns_failed", "dns");
    board_put_alerts(rig->board, set);
}

/* The ids of the answer, as "1,2", and its total. */
static void expect_ids(struct rig *rig, const char *query, const char *ids, int64_t total)
{
    char *target = mem_printf("/api/v1/alerts%s", query);
    json_t *json = rig_get(rig, target, 200);
    const json_t *alerts = json_object_get(json, "alerts");
    struct buf found = BUF_INIT;
    for (size_t i = 0; i < json_array_size(alerts); i++)
        buf_printf(&found, "%s%lld", i ? "," : "",
                   (long long)json_whole(json_array_get(alerts, i), "id"));
    if (strcmp(buf_string(&found), ids) != 0)
        fail_msg("%s: %s instead of %s", target, buf_string(&found), ids);
    assert_int_equal(json_whole(json, "total"), total);
    assert_true(json_whole(json, "t") > 1000000000000);
    buf_fini(&found);
    json_decref(json);
    free(target);
}

static void test_active(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    expect_ids(rig, "", "", 0);
    put_alerts(rig);
    expect_ids(rig, "", "1,2,3,4", 4);
    expect_ids(rig, "?state=active&limit=2", "1,2", 4);
    expect_ids(rig, "?limit=2&offset=3", "4", 4);
    expect_ids(rig, "?limit=0", "", 4);
    expect_ids(rig, "?state=pending", "3", 1);
    expect_ids(rig, "?state=firing", "1", 1);
    expect_ids(rig, "?state=acknowledged", "2", 1);
    expect_ids(rig, "?state=silenced", "4", 1);
    expect_ids(rig, "?rule=dns_*", "3,4", 2);
    expect_ids(rig, "?rule=&severity=&series=", "1,2,3,4", 4);
    expect_ids(rig, "?series=*eth1*", "2", 1);
    expect_ids(rig, "?severity=critical", "1", 1);
    char *query = mem_printf("?to=%lld", (long long)MAKER_T0_MS - 1);
    expect_ids(rig, query, "", 0);
    free(query);
    query = mem_printf("?to=%lld&from=%lld", (long long)MAKER_T0_MS, (long long)MAKER_T0_MS - 5);
    expect_ids(rig, query, "1,2,3,4", 4);
    free(query);
    expect_ids(rig, "?to=1960-01-01T00:00:00Z", "", 0);
    expect_ids(rig, "?state=all", "1,2,3,4", 4); /* there is no history */
    expect_ids(rig, "?state=resolved", "", 0);
    rig_refused(rig, "/api/v1/alerts?state=over", 400, "bad_request", "state");
    rig_refused(rig, "/api/v1/alerts?severity=high", 400, "bad_request", "severity");
    rig_refused(rig, "/api/v1/alerts?from=x", 400, "bad_request", "from");
    rig_refused(rig, "/api/v1/alerts?from=now&to=-60", 400, "bad_request", "from");
    rig_refused(rig, "/api/v1/alerts?limit=-1", 400, "bad_request", "limit");
    rig_refused(rig, "/api/v1/alerts?limit=1001", 400, "bad_request", "limit");
    char *longest = mem_alloc(400);
    memset(longest, 'a', 399);
    char *target = mem_printf("/api/v1/alerts?series=%s", longest);
    rig_refused(rig, target, 400, "bad_request", "series");
    free(target);
    free(longest);
    rig_free(rig);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Active ones first, then those of the history, newest first; a page may have some of both. */
static void test_history(void **state)
{
    char dir[] = "/tmp/netsonde-api-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store *store;
    assert_int_equal(store_open(dir, &settings, &store, NULL), 0);
    for (uint64_t id = 10; id < 15; id++) {
        struct alert *a = alert_of(id, id * 10, id == 14 ? ALERT_FIRING : ALERT_RESOLVED,
                                   id == 12 ? ALERT_CRITICAL : ALERT_WARNING);
        alert_text(&a->rule, id == 11 ? "dns_slow" : "link_down");
        store_keep_alert(store, a);
        alert_unref(a);
    }
    assert_int_equal(store_write_kept(store), 0);
    struct rig *rig = rig_new(dir, 10);
    put_alerts(rig);
    expect_ids(rig, "?state=resolved", "13,12,11,10", 4); /* 14 is active, and memory's business */
    expect_ids(rig, "?state=all", "1,2,3,4,13,12,11,10", 8);
    expect_ids(rig, "?state=all&limit=3&offset=2", "3,4,13", 8);
    expect_ids(rig, "?state=all&limit=3&offset=6", "11,10", 8);
    expect_ids(rig, "?state=all&limit=4", "1,2,3,4", 8);
    expect_ids(rig, "?state=all&rule=dns*", "3,4,11", 3);
    expect_ids(rig, "?state=resolved&severity=critical", "12", 1);
    expect_ids(rig, "?state=resolved&rule=none", "", 0);
    expect_ids(rig, "?state=resolved&to=1000", "", 0);
    rig_free(rig);
    store_close(store, NULL);
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_acknowledge(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    struct change c = change_begin(rig, "POST", "/api/v1/alerts/12/ack", "{\"by\":\"Ann\"}");
    assert_int_equal(c.cmd->kind, COMMAND_ACKNOWLEDGE);
    assert_int_equal(c.cmd->id, 12);
    assert_string_equal(c.cmd->by, "Ann");
    change_expect(rig, &c, 0, 200, "{\"ok\":true}");
    c = change_begin(rig, "POST", "/api/v1/alerts/12/ack", NULL); /* no body is as good as {} */
    assert_string_equal(c.cmd->by, "admin");
    change_expect(rig, &c, 0, 200, "{\"ok\":true}");
    change_refused(rig, "POST", "/api/v1/alerts/12/ack", "{}", -ENOENT, 404, "not_found", NULL);
    change_refused(rig, "POST", "/api/v1/alerts/12/ack", "{}", -EALREADY, 409, "conflict", NULL);
    change_refused(rig, "POST", "/api/v1/alerts/12/ack", "{}", -ECANCELED, 503, NULL, NULL);
    change_refused(rig, "POST", "/api/v1/alerts/12/ack", "{}", -EIO, 500, NULL, NULL);
    refused(rig, "POST", "/api/v1/alerts/x/ack", "{}", 404, NULL);
    refused(rig, "POST", "/api/v1/alerts/99999999999999999999/ack", "{}", 404, NULL);
    refused(rig, "POST", "/api/v1/alerts/1/ack", "{\"who\":1}", 400, "who");
    refused(rig, "POST", "/api/v1/alerts/1/ack", "{\"by\":1}", 400, "by");
    refused(rig, "POST", "/api/v1/alerts/1/ack", "{\"by\":\"a\\nb\"}", 400, "by");
    refused(rig, "POST", "/api/v1/alerts/1/ack",
            "{\"by\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
            400, "by");
    refused(rig, "POST", "/api/v1/alerts/1/ack", "[]", 400, NULL);
    refused(rig, "POST", "/api/v1/alerts/1/ack", "{", 400, NULL);
    refused(rig, "POST", "/api/v1/alerts/1/ack", "\"x\"", 400, NULL);
    rig_free(rig);
}

/* ---- silences ---------------------------------------------------------------------------- */

static void test_silences(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    int64_t now_ms = clock_wall_ms();
    struct silence_set *set = silence_set_new(2);
    set->silences[0] = (struct silence){.id = 1,
                                        .rule = "link_*",
                                        .series = "*",
                                        .comment = "\"c\"",
                                        .by = "Ann",
                                        .from_ms = 5,
                                        .to_ms = 6};
    set->silences[1] = (struct silence){
        .id = 2, .rule = "*", .series = "up*", .from_ms = 5, .to_ms = now_ms + 100000};
    board_put_silences(rig->board, set);
    json_t *json = rig_get(rig, "/api/v1/silences", 200);
    assert_int_equal(json_length(json, "silences"), 2);
    const json_t *one = json_array_get(json_object_get(json, "silences"), 0);
    assert_int_equal(json_object_size(one), 8);
    assert_int_equal(json_whole(one, "id"), 1);
    assert_string_equal(json_text(one, "rule"), "link_*");
    assert_string_equal(json_text(one, "series"), "*");
    assert_string_equal(json_text(one, "comment"), "\"c\"");
    assert_string_equal(json_text(one, "by"), "Ann");
    assert_int_equal(json_whole(one, "from"), 5);
    assert_int_equal(json_whole(one, "to"), 6);
    assert_true(json_is_false(json_object_get(one, "active")));
    one = json_array_get(json_object_get(json, "silences"), 1);
    assert_true(json_is_true(json_object_get(one, "active")));
    json_decref(json);
    rig_free(rig);
}

static void test_new_silence(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    const char *target = "/api/v1/silences";
    struct change c = change_begin(rig, "POST", target,
                                   "{\"rule\":\"link_*\",\"series\":\"*eth0*\",\"comment\":\"m\","
                                   "\"by\":\"Ann\",\"from\":1764000000000,\"to\":4102444800000}");
    assert_int_equal(c.cmd->kind, COMMAND_ADD_SILENCE);
    assert_string_equal(c.cmd->silence.rule, "link_*");
    assert_string_equal(c.cmd->silence.series, "*eth0*");
    assert_string_equal(c.cmd->silence.comment, "m");
    assert_string_equal(c.cmd->silence.by, "Ann");
    assert_int_equal(c.cmd->silence.from_ms, 1764000000000);
    assert_int_equal(c.cmd->silence.to_ms, 4102444800000);
    c.cmd->ret_id = 7;
    change_expect(rig, &c, 0, 201, "{\"id\":7}");

    int64_t before_ms = clock_wall_ms();
    c = change_begin(rig, "POST", target, "{\"series\":\"up*\",\"duration\":\"2h\"}");
    assert_string_equal(c.cmd->silence.rule, "*");
    assert_string_equal(c.cmd->silence.series, "up*");
    assert_string_equal(c.cmd->silence.by, "admin");
    assert_in_range(c.cmd->silence.from_ms, before_ms, clock_wall_ms());
    assert_int_equal(c.cmd->silence.to_ms - c.cmd->silence.from_ms, 7200000);
    change_expect(rig, &c, 0, 201, "{\"id\":0}");
    c = change_begin(rig, "POST", target, "{\"rule\":\"a\",\"to\":\"2100-01-01T00:00:00Z\"}");
    assert_string_equal(c.cmd->silence.series, "*");
    assert_int_equal(c.cmd->silence.to_ms, 4102444800000);
    change_expect(rig, &c, 0, 201, "{\"id\":0}");
    change_refused(rig, "POST", target, "{\"rule\":\"a\",\"duration\":\"1m\"}", -ENOSPC, 409,
                   "too_many", NULL);

    refused(rig, "POST", target, NULL, 400, "to");
    refused(rig, "POST", target, "{\"rule\":\"a\"}", 400, "to");
    refused(rig, "POST", target, "{\"duration\":\"2h\"}", 400, "rule");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"duration\":\"2h\",\"to\":\"now\"}", 400, "to");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"to\":\"now-1m\"}", 400, "to");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"to\":-5}", 400, "to");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"to\":true}", 400, "to");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"to\":1e15}", 400, "to");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"duration\":\"-2h\"}", 400, "duration");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"duration\":0}", 400, "duration");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"duration\":\"0\"}", 400, "duration");
    refused(rig, "POST", target,
            "{\"rule\":\"a\",\"from\":9223372036854775807,\"duration\":\"2h\"}", 400, "duration");
    refused(rig, "POST", target, "{\"rule\":\"a\",\"duration\":\"2h\",\"id\":1}", 400, "id");
    refused(rig, "POST", target, "{\"rule\":[],\"duration\":\"2h\"}", 400, "rule");

    c = change_begin(rig, "DELETE", "/api/v1/silences/7", NULL);
    assert_int_equal(c.cmd->kind, COMMAND_END_SILENCE);
    assert_int_equal(c.cmd->id, 7);
    change_expect(rig, &c, 0, 204, "");
    change_refused(rig, "DELETE", "/api/v1/silences/7", NULL, -ENOENT, 404, "not_found", NULL);
    change_refused(rig, "DELETE", "/api/v1/silences/7", NULL, -EALREADY, 409, "conflict", NULL);
    refused(rig, "DELETE", "/api/v1/silences/seven", NULL, 404, NULL);
    rig_free(rig);
}

/* ---- channels ---------------------------------------------------------------------------- */

static void put_channels(struct rig *rig)
{
    struct channel_set *set = channel_set_new(2);
    set->channels[0] = (struct channel_status){.name = "websocket", .type = "websocket"};
    set->channels[1] = (struct channel_status){.name = "ops",
                                               .type = "webhook",
                                               .fallback = "log",
                                               .target = "https://hooks.example.net/",
                                               .by_default = true,
                                               .sent = 1,
                                               .failed = 2,
                                               .retried = 3,
                                               .fell_back = 4,
                                               .dropped = 5,
                                               .held_back = 6,
                                               .queued = 7,
                                               .last_ms = 8,
                                               .merged = 9,
                                               .last_error = "refused: \"no\""};
    board_put_channels(rig->board, set);
}

static void test_channels(void **state)
{
    static const char *const counts[] = {"sent",      "failed", "retried", "fell_back", "dropped",
                                         "held_back", "queued", "last",    "merged"};
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    put_channels(rig);
    json_t *json = rig_get(rig, "/api/v1/channels", 200);
    const json_t *list = json_object_get(json, "channels"), *ops = json_array_get(list, 1);
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_is_null(json_object_get(json_array_get(list, 0), "last")));
    assert_true(json_is_false(json_object_get(json_array_get(list, 0), "default")));
    assert_int_equal(json_object_size(ops), 15);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_int_equal(json_whole(ops, counts[i]), i + 1);
    assert_string_equal(json_text(ops, "type"), "webhook");
    assert_string_equal(json_text(ops, "target"), "https://hooks.example.net/");
    assert_string_equal(json_text(ops, "fallback"), "log");
    assert_string_equal(json_text(ops, "last_error"), "refused: \"no\"");
    assert_true(json_is_true(json_object_get(ops, "default")));
    json_decref(json);

    struct change c = change_begin(rig, "POST", "/api/v1/channels/ops/test", NULL);
    assert_int_equal(c.cmd->kind, COMMAND_TEST_CHANNEL);
    assert_string_equal(c.cmd->name, "ops");
    change_expect(rig, &c, 0, 202, "{\"ok\":true}");
    change_refused(rig, "POST", "/api/v1/channels/nobody/test", "{}", -ENOENT, 404, "not_found",
                   NULL);
    refused(rig, "POST", "/api/v1/channels/a%20b/test", NULL, 404, NULL);
    refused(rig, "POST", "/api/v1/channels/ops/test", "{\"to\":\"me\"}", 400, "to");
    rig_free(rig);
}

/* ---- rules ------------------------------------------------------------------------------- */

#define RULE "{\"name\":\"busy\",\"metric\":\"node_network_*\",\"warning\":\"10Mbit\"}"

static void test_rules(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    json_t *json = rig_get(rig, "/api/v1/rules", 200);
    assert_int_equal(json_length(json, "rules"), 0);
    json_decref(json);

    struct rule **defaults;
    size_t count = rules_default(&defaults);
    struct rule_set *set = rule_set_new(count);
    for (size_t i = 0; i < count; i++)
        set->rules[i] = (struct rule_status){.rule = defaults[i], .matched = (uint32_t)i};
    snprintf(set->rules[0].note, sizeof(set->rules[0].note), "no engine here gives it");
    board_put_rules(rig->board, set);
    json = rig_get(rig, "/api/v1/rules", 200);
    assert_int_equal(json_length(json, "rules"), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(json_object_get(json, "rules"), i);
        const json_t *status = json_object_get(one, "status");
        assert_string_equal(json_text(one, "name"), defaults[i]->name);
        assert_string_equal(json_text(one, "source"), "default");
        assert_int_equal(json_whole(status, "matched"), i);
        assert_string_equal(json_text(status, "note"), i ? "" : "no engine here gives it");
    }
    json_decref(json);
    free(defaults);
    rig_free(rig);
}

static void test_changed_rules(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    put_channels(rig);
    struct change c = change_begin(rig, "POST", "/api/v1/rules", RULE);
    assert_int_equal(c.cmd->kind, COMMAND_PUT_RULE);
    assert_false(c.cmd->replace);
    assert_string_equal(c.cmd->rule->name, "busy");
    assert_int_equal(c.cmd->rule->source, RULE_FROM_API);
    struct answer_text a = change_end(rig, &c, 0);
    assert_int_equal(a.status, 201);
    json_t *json = answer_json_of(&a);
    assert_string_equal(json_text(json, "name"), "busy");
    assert_string_equal(json_text(json, "source"), "api");
    assert_int_equal(json_whole(json, "warning"), 1250000);
    json_decref(json);
    answer_text_free(&a);
    change_refused(rig, "POST", "/api/v1/rules", RULE, -EALREADY, 409, "exists", "name");
    change_refused(rig, "POST", "/api/v1/rules", RULE, -ENOSPC, 409, "too_many", NULL);

    c = change_begin(rig, "PUT", "/api/v1/rules/idle",
                     "{\"metric\":\"m\",\"when\":\"below\",\"warning\":1,\"channels\":[\"ops\"]}");
    assert_true(c.cmd->replace);
    assert_string_equal(c.cmd->rule->name, "idle");
    a = change_end(rig, &c, 0);
    assert_int_equal(a.status, 200);
    answer_text_free(&a);
    change_refused(rig, "PUT", "/api/v1/rules/busy", RULE, -EPERM, 409, "read_only", "name");
    c = change_begin(rig, "PUT", "/api/v1/rules/test", "{\"metric\":\"m\",\"warning\":1}");
    assert_string_equal(c.cmd->rule->name, "test"); /* a name like any other */
    a = change_end(rig, &c, 0);
    assert_int_equal(a.status, 200);
    answer_text_free(&a);

    refused(rig, "PUT", "/api/v1/rules/other", RULE, 400, "name");
    refused(rig, "PUT", "/api/v1/rules/a%20b", "{}", 400, "name");
    refused(rig, "POST", "/api/v1/rules", NULL, 400, "name");
    refused(rig, "POST", "/api/v1/rules", "{\"name\":\"a\",\"metric\":\"m\",\"warn\":1}", 400,
            "warn");
    refused(rig, "POST", "/api/v1/rules",
            "{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"channels\":[\"ops\",\"opps\"]}", 400,
            "channels");

    c = change_begin(rig, "DELETE", "/api/v1/rules/busy", NULL);
    assert_int_equal(c.cmd->kind, COMMAND_DELETE_RULE);
    assert_string_equal(c.cmd->name, "busy");
    change_expect(rig, &c, 0, 204, "");
    c = change_begin(rig, "DELETE", "/api/v1/rules/test", NULL);
    assert_string_equal(c.cmd->name, "test");
    change_expect(rig, &c, 0, 204, "");
    change_refused(rig, "DELETE", "/api/v1/rules/busy", NULL, -EPERM, 409, "read_only", NULL);
    change_refused(rig, "DELETE", "/api/v1/rules/busy", NULL, -ENOENT, 404, "not_found", NULL);
    refused(rig, "DELETE", "/api/v1/rules/a%20b", NULL, 404, NULL);
    rig_free(rig);
}

/* ---- all of them ------------------------------------------------------------------------- */

static const struct {
    const char *method, *target;
} changes[] = {
    {"POST", "/api/v1/alerts/1/ack"}, {"POST", "/api/v1/silences"},
    {"DELETE", "/api/v1/silences/1"}, {"POST", "/api/v1/channels/ops/test"},
    {"POST", "/api/v1/rules"},        {"PUT", "/api/v1/rules/a"},
    {"DELETE", "/api/v1/rules/a"},    {"PUT", "/api/v1/rules/test"},
    {"DELETE", "/api/v1/rules/test"},
};

static void test_roles(void **state)
{
    static const char *const reads[] = {"/api/v1/alerts", "/api/v1/silences", "/api/v1/channels",
                                        "/api/v1/rules"};
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        refused(rig, changes[i].method, changes[i].target, "{}", 403, NULL);
    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        json_decref(rig_get(rig, reads[i], 200));
    rig_free(rig);
}

/* The core's queue is full. */
static void test_deaf(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    rig->deaf = true;
    struct answer_text a = ask(rig, "POST", "/api/v1/rules", RULE);
    expect_error(&a, "deaf", 503, "busy", NULL);
    rig->deaf = false;
    struct change c = change_begin(rig, "DELETE", "/api/v1/rules/a", NULL);
    change_expect(rig, &c, 0, 204, "");
    rig_free(rig);
}

/* So many may be under way, and when some are back others may. */
static void test_many(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    struct change under_way[COMMANDS_MAX];
    for (size_t i = 0; i < COMMANDS_MAX; i++)
        under_way[i] = change_begin(rig, "POST", "/api/v1/alerts/1/ack", "{}");
    struct answer_text a = ask(rig, "POST", "/api/v1/alerts/1/ack", "{}");
    expect_error(&a, "one more", 503, "busy", NULL);
    assert_int_equal(rig->commands_count, COMMANDS_MAX);
    for (size_t i = 0; i < COMMANDS_MAX; i++)
        change_expect(rig, &under_way[i], 0, 200, "{\"ok\":true}");
    struct change c = change_begin(rig, "DELETE", "/api/v1/rules/a", NULL);
    change_expect(rig, &c, 0, 204, "");
    rig_free(rig);
}

/* What a client has asked for is done, whether it waits or not. */
static void test_impatient(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    struct change c = change_begin(rig, "POST", "/api/v1/rules", RULE);
    close(c.fd);
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    while (c.cmd->request) {
        rig_turn(rig);
        assert_true(clock_mono_ns() < until_ns);
    }
    c.cmd->err = 0;
    api_take_reply(rig->api, c.cmd);
    rig->commands_count--;
    c = change_begin(rig, "DELETE", "/api/v1/rules/a", NULL);
    change_expect(rig, &c, 0, 204, "");
    rig_free(rig);
}

/* The loop ends while the core has commands of it: clients hear so, the commands are nobody's. */
static void test_stop(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role("/nonexistent", 10, true);
    struct change waiting = change_begin(rig, "POST", "/api/v1/rules", RULE);
    struct change gone = change_begin(rig, "DELETE", "/api/v1/rules/a", NULL);
    close(gone.fd);
    rig_turn(rig);
    rig_close(rig);
    struct answer_text a = client_read(rig, waiting.fd, true);
    expect_error(&a, "stopping", 503, NULL, NULL);
    close(waiting.fd);
    waiting.cmd->err = 0;
    api_take_reply(rig->api, waiting.cmd); /* was in the mailbox */
    api_command_free(gone.cmd);            /* was not any more */
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active),      cmocka_unit_test(test_history),
        cmocka_unit_test(test_acknowledge), cmocka_unit_test(test_silences),
        cmocka_unit_test(test_new_silence), cmocka_unit_test(test_channels),
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_changed_rules),
        cmocka_unit_test(test_roles),       cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_many),        cmocka_unit_test(test_impatient),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests_name("api/alerting", tests, NULL, NULL);
}
