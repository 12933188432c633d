/*
 * test_encode_alert.c: alerts as JSON: every member, what is not there, texts of strangers, lists
 * that are too long.
 */
#include "alert_rig.h"

#include "base/buf.h"
#include "base/mem.h"
#include "hub/encode_alert.h"
#include "wire/json.h"

static json_t *object_of(const struct alert *a)
{
    char why[160];
    struct buf b = BUF_INIT;
    encode_alert_json(&b, a);
    json_t *json = json_parse(b.data, b.len, why, sizeof(why));
    if (!json)
        fail_msg("%s: %s", why, buf_string(&b));
    buf_fini(&b);
    return json;
}

static json_t *message_of(struct bytes *frame, const char *type)
{
    json_t *json = frame_json(frame);
    assert_string_equal(json_text(json, "type"), type);
    bytes_unref(frame);
    return json;
}

static const char *const members[] = {
    "id",        "seq",     "rule",     "state",  "severity",  "reason",       "value",
    "threshold", "z",       "unit",     "series", "series_id", "summary",      "changed",
    "pending",   "started", "resolved", "by",     "silence",   "inhibited_by",
};

static void assert_null_member(const json_t *json, const char *key)
{
    if (!json_is_null(json_object_get(json, key)))
        fail_msg("%s is not null", key);
}

static void test_members(void **state)
{
    (void)state;
    struct alert *a = alert_of(12, 345, ALERT_ACKNOWLEDGED, ALERT_CRITICAL);
    a->reason = ALERT_BY_ANOMALY;
    a->z = -4.25;
    alert_text(&a->by, "admin");
    alert_text(&a->unit, "bytes/s");
    a->inhibited_by = 3;
    json_t *json = object_of(a);
    assert_int_equal(json_object_size(json), ARRAY_LEN(members));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_non_null(json_object_get(json, members[i]));
    assert_int_equal(json_whole(json, "id"), 12);
    assert_int_equal(json_whole(json, "seq"), 345);
    assert_string_equal(json_text(json, "rule"), "link_down");
    assert_string_equal(json_text(json, "state"), "acknowledged");
    assert_string_equal(json_text(json, "severity"), "critical");
    assert_string_equal(json_text(json, "reason"), "anomaly");
    assert_string_equal(json_text(json, "unit"), "bytes/s");
    assert_string_equal(json_text(json, "series"), "node_network_up{device=\"eth0\"}");
    assert_string_equal(json_text(json, "summary"), "eth0 is down");
    assert_string_equal(json_text(json, "by"), "admin");
    assert_near(json_number_value(json_object_get(json, "value")), 0.5);
    assert_near(json_number_value(json_object_get(json, "z")), -4.25);
    assert_int_equal(json_whole(json, "threshold"), 1);
    assert_int_equal(json_whole(json, "series_id"), 7);
    assert_int_equal(json_whole(json, "changed"), MAKER_T0_MS + 345);
    assert_int_equal(json_whole(json, "pending"), MAKER_T0_MS);
    assert_int_equal(json_whole(json, "started"), MAKER_T0_MS + 1);
    assert_int_equal(json_whole(json, "inhibited_by"), 3);
    assert_null_member(json, "resolved");
    assert_null_member(json, "silence");
    json_decref(json);
    alert_unref(a);
}

/* One that is pending has hardly anything. */
static void test_absent(void **state)
{
    static const char *const absent[] = {"value",    "threshold", "z",  "pending", "started",
                                         "resolved", "changed",   "by", "silence", "inhibited_by"};
    (void)state;
    struct alert *a = alert_new();
    json_t *json = object_of(a);
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        assert_null_member(json, absent[i]);
    assert_string_equal(json_text(json, "state"), "pending");
    assert_string_equal(json_text(json, "summary"), "");
    json_decref(json);
    alert_unref(a);
}

/* What a rule or a device is called must not become structure. */
static void test_hostile_texts(void **state)
{
    static const char *const texts[] = {"\"},{\"id\":1",       "\\",        "</script><script>",
                                        "\xff\xfe\x80",        "a\nb\r\tc", "\xe2\x80\xa8",
                                        "{\"type\":\"alert\"}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct alert *a = alert_of(1, 2, ALERT_FIRING, ALERT_WARNING);
        alert_text(&a->rule, texts[i]);
        alert_text(&a->series, texts[i]);
        alert_text(&a->summary, texts[i]);
        alert_text(&a->by, texts[i]);
        json_t *json = object_of(a);
        assert_int_equal(json_object_size(json), ARRAY_LEN(members));
        assert_string_equal(json_text(json, "summary"), a->summary);
        assert_string_equal(json_text(json, "rule"), a->rule);
        assert_string_equal(json_text(json, "series"), a->series);
        json_decref(json);
        struct notice *n = notice_new();
        notice_add(n, a);
        notice_add(n, a);
        json = message_of(encode_notice(n, 9), "alert");
        assert_int_equal(json_length(json, "group"), 2);
        json_decref(json);
        notice_unref(n);
        alert_unref(a);
    }
}

static void test_notice_of_one(void **state)
{
    (void)state;
    struct notice *n = notice_of(345, 1);
    json_t *json = message_of(encode_notice(n, 346), "alert");
    assert_int_equal(json_whole(json, "seq"), 346);
    assert_int_equal(json_whole(json, "t"), MAKER_T0_MS);
    assert_int_equal(json_whole(json, "id"), 1);
    assert_int_equal(json_whole(json, "suppressed"), 0);
    assert_string_equal(json_text(json, "summary"), "eth0 is down");
    assert_null(json_object_get(json, "group"));
    assert_null(json_object_get(json, "more"));
    assert_null(json_object_get(json, "test"));
    json_decref(json);
    n->test = true;
    n->held_back = 12;
    json = message_of(encode_notice(n, 346), "alert");
    assert_true(json_is_true(json_object_get(json, "test")));
    assert_int_equal(json_whole(json, "suppressed"), 12);
    assert_string_equal(json_text(json, "summary"), "eth0 is down");
    json_decref(json);
    notice_unref(n);
}

/* The worst one's members are at the top, the title in place of its summary. */
static void test_digest(void **state)
{
    (void)state;
    struct notice *n = notice_of(60, NOTICE_ALERTS_MAX);
    struct alert *worst = alert_of(99, 5, ALERT_FIRING, ALERT_CRITICAL);
    notice_add(n, worst);
    alert_unref(worst);
    n->held_back = 3;
    json_t *json = message_of(encode_notice(n, 60), "alert");
    assert_int_equal(json_whole(json, "id"), 99);
    assert_string_equal(json_text(json, "severity"), "critical");
    assert_int_equal(json_length(json, "group"), NOTICE_ALERTS_MAX);
    assert_int_equal(json_whole(json, "more"), 1);
    assert_int_equal(json_whole(json, "suppressed"), 3);
    struct buf title = BUF_INIT;
    notice_title(n, &title);
    assert_string_equal(json_text(json, "summary"), buf_string(&title));
    assert_non_null(strstr(buf_string(&title), "51 alerts"));
    buf_fini(&title);
    const json_t *first = json_array_get(json_object_get(json, "group"), 0);
    assert_int_equal(json_object_size(first), ARRAY_LEN(members));
    assert_string_equal(json_text(first, "summary"), "eth0 is down");
    json_decref(json);
    notice_unref(n);
}

static void test_state(void **state)
{
    (void)state;
    struct alert_set *set = alerts_of(10, 0);
    json_t *json = message_of(encode_alert_state(set, 11), "alert_state");
    assert_int_equal(json_whole(json, "seq"), 11);
    assert_int_equal(json_whole(json, "t"), MAKER_T0_MS);
    assert_int_equal(json_whole(json, "total"), 0);
    assert_int_equal(json_length(json, "alerts"), 0);
    json_decref(json);
    alert_set_unref(set);

    set = alerts_of(10, ENCODE_ALERTS_MAX + 1);
    json = message_of(encode_alert_state(set, 11), "alert_state");
    assert_int_equal(json_whole(json, "total"), ENCODE_ALERTS_MAX + 1);
    assert_int_equal(json_length(json, "alerts"), ENCODE_ALERTS_MAX);
    json_decref(json);
    alert_set_unref(set);
}

/* However long the texts are, a message stays far below a viewer's queue; what is left out of a
 * digest is counted. */
static void test_long_texts(void **state)
{
    (void)state;
    char *text = mem_alloc(ALERT_TEXT_MAX + 1);
    memset(text, '"', ALERT_TEXT_MAX);
    struct alert_set *set = alerts_of(10, 400);
    struct notice *n = notice_new();
    for (size_t i = 0; i < set->count; i++) {
        alert_text(&set->alerts[i]->rule, text);
        alert_text(&set->alerts[i]->series, text);
        alert_text(&set->alerts[i]->summary, text);
        notice_add(n, set->alerts[i]);
    }
    struct bytes *frame = encode_alert_state(set, 1);
    assert_in_range(frame->len, ENCODE_ALERTS_BYTES, ENCODE_ALERTS_BYTES + (16U << 10));
    json_t *json = message_of(frame, "alert_state");
    assert_int_equal(json_whole(json, "total"), 400);
    assert_in_range(json_length(json, "alerts"), 10, 60);
    json_decref(json);

    frame = encode_notice(n, 1);
    assert_in_range(frame->len, ENCODE_ALERTS_BYTES / 2, ENCODE_ALERTS_BYTES + (32U << 10));
    json = message_of(frame, "alert");
    assert_int_equal(json_length(json, "group") + (size_t)json_whole(json, "more"), 400);
    json_decref(json);
    notice_unref(n);
    alert_set_unref(set);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),       cmocka_unit_test(test_absent),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_notice_of_one),
        cmocka_unit_test(test_digest),        cmocka_unit_test(test_state),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests_name("hub/encode_alert", tests, NULL, NULL);
}
