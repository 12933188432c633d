/*
 * test_rule_json.c: rules as JSON: what comes out, what goes in, that both agree, and what is said
 * of everything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/rule_json.h"
#include "base/mem.h"

static json_t *parse(const char *text)
{
    char why[160];
    json_t *json = json_parse(text, strlen(text), why, sizeof(why));
    if (!json)
        fail_msg("%s: %s", why, text);
    return json;
}

static struct rule *rule_of(const char *text)
{
    char field[RULE_FIELD_MAX], why[256];
    struct rule *r;
    json_t *json = parse(text);
    if (rule_from_json(json, NULL, &r, field, why, sizeof(why)) != 0)
        fail_msg("%s: %s: %s", text, field, why);
    json_decref(json);
    return r;
}

static json_t *json_of(struct rule *r)
{
    struct rule_status status = {.rule = r, .matched = 3, .active = 1, .note = "\"a note\""};
    struct buf b = BUF_INIT;
    rule_json(&b, &status);
    json_t *json = parse(buf_string(&b));
    buf_fini(&b);
    return json;
}

static void expect(const char *given, const char *told)
{
    struct rule *r = rule_of(given);
    json_t *json = json_of(r), *wanted = parse(told);
    const json_t *status = json_object_get(json, "status");
    assert_int_equal(json_integer_value(json_object_get(status, "matched")), 3);
    assert_int_equal(json_integer_value(json_object_get(status, "active")), 1);
    assert_string_equal(json_string_value(json_object_get(status, "note")), "\"a note\"");
    assert_string_equal(json_string_value(json_object_get(json, "source")), "api");
    json_t *bare = json_copy(json);
    json_object_del(bare, "status");
    json_object_del(bare, "source");
    if (!json_equal(bare, wanted)) {
        char *text = json_dumps(bare, 0);
        fail_msg("%s instead of %s", text, told);
    }
    /* What was told is understood, with what it tells beside the keys, and says the same. */
    char field[RULE_FIELD_MAX], why[256];
    struct rule *again;
    if (rule_from_json(json, r->name, &again, field, why, sizeof(why)) != 0)
        fail_msg("%s: %s", field, why);
    json_t *second = json_of(again);
    assert_true(json_equal(json, second));
    json_decref(second);
    json_decref(bare);
    json_decref(wanted);
    json_decref(json);
    rule_unref(again);
    rule_unref(r);
}

static void test_there_and_back(void **state)
{
    (void)state;
    expect("{\"name\":\"a\",\"metric\":\"m\",\"warning\":1}",
           "{\"name\":\"a\",\"enabled\":true,\"metric\":\"m\",\"severity\":\"warning\","
           "\"warning\":1}");
    expect("{\"name\":\"link_down\",\"enabled\":false}", /* turns another one off */
           "{\"name\":\"link_down\",\"enabled\":false,\"metric\":\"\","
           "\"severity\":\"warning\"}");
    expect(
        "{\"name\":\"a.b-c\",\"enabled\":false,\"metric\":\"node_network_*\","
        "\"match\":{\"device\":\"eth*\",\"a\":[\"x*\",\"*y\"]},\"when\":\"below\","
        "\"warning\":\"10Mbit\",\"critical\":1e5,\"for\":\"90s\",\"anomaly\":true,\"sigma\":3.5,"
        "\"severity\":\"critical\",\"channels\":[\"ops\",\"log\"],\"summary\":\"{rule} \\\"x\\\"\","
        "\"keep\":null,\"per\":null}",
        "{\"name\":\"a.b-c\",\"enabled\":false,\"metric\":\"node_network_*\","
        "\"match\":{\"device\":\"eth*\",\"a\":[\"x*\",\"*y\"]},\"when\":\"below\","
        "\"warning\":1250000,\"critical\":100000,\"for\":\"90s\",\"anomaly\":true,\"sigma\":3.5,"
        "\"severity\":\"critical\",\"channels\":[\"ops\",\"log\"],"
        "\"summary\":\"{rule} \\\"x\\\"\"}");
}

static void test_defaults(void **state)
{
    (void)state;
    struct rule **rules;
    size_t count = rules_default(&rules);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        json_t *json = json_of(rules[i]);
        char field[RULE_FIELD_MAX], why[256];
        struct rule *again;
        assert_string_equal(json_string_value(json_object_get(json, "source")), "default");
        if (rule_from_json(json, NULL, &again, field, why, sizeof(why)) != 0)
            fail_msg("%s: %s: %s", rules[i]->name, field, why);
        json_t *second = json_of(again);
        json_object_set_new(second, "source", json_string("default"));
        assert_true(json_equal(json, second));
        json_decref(second);
        json_decref(json);
        rule_unref(again);
        rule_unref(rules[i]);
    }
    free(rules);
}

/* A key that is new in src/alert needs its form here. */
static void test_forms(void **state)
{
    const struct rule_key *key;
    (void)state;
    for (size_t i = 0; (key = rule_key_at(i)) != NULL; i++) {
        char *text =
            mem_printf("{\"name\":\"n\",\"metric\":\"m\",\"warning\":1,\"%s\":{}}", key->name);
        bool twice = strstr(text, "\"name\":{}") || strstr(text, "\"metric\":{}") ||
                     strstr(text, "\"warning\":{}");
        char field[RULE_FIELD_MAX], why[256];
        struct rule *r = NULL;
        json_t *json = twice ? NULL : parse(text);
        bool map = strcmp(key->name, "match") == 0;
        if (json && rule_from_json(json, NULL, &r, field, why, sizeof(why)) == 0 && !map)
            fail_msg("%s takes an object", key->name);
        if (json && !map) {
            assert_string_equal(field, key->name);
            if (strncmp(key->expected, "on or off", 9) == 0)
                assert_non_null(strstr(why, "true or false"));
            else if (strncmp(key->expected, "a number", 8) == 0 ||
                     strstr(key->expected, "a number "))
                assert_non_null(strstr(why, "a number or a text"));
            else if (key->list)
                assert_non_null(strstr(why, "a list of texts"));
            else
                assert_non_null(strstr(why, "a text"));
        }
        rule_unref(r);
        json_decref(json);
        free(text);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *json, *name, *field;
    } cases[] = {
        {"{}", NULL, "name"},
        {"{\"name\":\"a b\",\"metric\":\"m\",\"warning\":1}", NULL, "name"},
        {"{\"name\":true,\"metric\":\"m\",\"warning\":1}", NULL, "name"},
        {"{\"name\":\"a\",\"warning\":1}", NULL, "metric"},
        {"{\"name\":\"b\",\"metric\":\"m\",\"warning\":1}", "a", "name"},
        {"{\"name\":{},\"metric\":\"m\",\"warning\":1}", "a", "name"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":true}", NULL, "warning"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":\"much\"}", NULL, "warning"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":[1]}", NULL, "warning"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"enabled\":1}", NULL, "enabled"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"for\":5}", NULL, "for"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"channels\":\"ops\"}", NULL, "channels"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"channels\":[5]}", NULL, "channels"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"match\":\"device=eth0\"}", NULL,
         "match"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"match\":{\"device\":7}}", NULL, "match"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"match\":{\"\":\"x\"}}", NULL, "match"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"match\":{\"a=b\":\"x\"}}", NULL,
         "match"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warnin\":1}", NULL, "warnin"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"id\":null}", NULL, "id"},
        {"{\"name\":\"a\",\"metric\":\"m\",\"warning\":1,\"summary\":\"a\\nb\"}", NULL, "summary"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char field[RULE_FIELD_MAX] = "", why[256] = "";
        struct rule *r;
        json_t *json = parse(cases[i].json);
        if (rule_from_json(json, cases[i].name, &r, field, why, sizeof(why)) == 0)
            fail_msg("taken: %s", cases[i].json);
        if (strcmp(field, cases[i].field) != 0)
            fail_msg("%s: %s: %s", cases[i].json, field, why);
        assert_true(strlen(why) > 5);
        json_decref(json);
    }
}

/* A name of a member that is too long to be one is cut, and costs nothing to be told from others.
 */
static void test_long_key(void **state)
{
    (void)state;
    char field[RULE_FIELD_MAX], why[256];
    struct rule *r;
    json_t *json = parse("{\"name\":\"a\"}");
    char *key = mem_alloc(60001);
    memset(key, 'w', 60000);
    json_object_set_new(json, key, json_true());
    assert_int_not_equal(rule_from_json(json, NULL, &r, field, why, sizeof(why)), 0);
    assert_int_equal(strlen(field), RULE_FIELD_MAX - 1);
    json_decref(json);
    free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_forms),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_key),
    };
    return cmocka_run_group_tests_name("api/rule_json", tests, NULL, NULL);
}
