/* test_benchmark.c: what a document of a benchmark may look like: every member, each bound. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "wire/benchmark.h"

static const char good[] =
    "{\"id\":\"fanout-20261129T180000Z\",\"subject\":\"fanout\",\"t\":1764000000000,"
    "\"version\":\"0.1.0\",\"state\":\"done\",\"progress\":1,"
    "\"machine\":{\"cpu\":null,\"cores\":2,\"virtual\":\"none\"},\"settings\":{\"a\":true,"
    "\"seconds\":0.5},\"results\":[{\"name\":\"p99_ms\",\"labels\":{\"clients\":\"100\"},"
    "\"value\":1.9,\"unit\":\"ms\",\"kind\":\"duration\",\"better\":\"lower\"},{\"name\":\"n\","
    "\"labels\":{},\"value\":null,\"unit\":\"\",\"kind\":\"count\",\"better\":\"higher\","
    "\"judged\":false}],\"why\":\"x\",\"baseline\":\"b\"}";

static json_t *parse(const char *text)
{
    char why[200];
    json_t *json = json_parse(text, strlen(text), why, sizeof(why));
    if (!json)
        fail_msg("%s: %s", why, text);
    return json;
}

/* The check of the good one with this member in place of its own; NULL: without it. */
static int check_with(const char *name, const char *value, const char **ret_member)
{
    char why[300] = "";
    json_t *document = parse(good);
    if (value)
        json_object_set_new(document, name, parse(value));
    else
        json_object_del(document, name);
    int err = benchmark_check(document, ret_member, why, sizeof(why));
    json_decref(document);
    assert_true(!err || strlen(why) > 10);
    return err;
}

static void test_good(void **state)
{
    (void)state;
    const char *member;
    assert_int_equal(check_with("id", "\"a\"", &member), 0);
    static const char *const optional[] = {"id", "why", "baseline"};
    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        assert_int_equal(check_with(optional[i], NULL, &member), 0);
    assert_int_equal(check_with("results", "[]", &member), 0);
    assert_int_equal(check_with("progress", "0", &member), 0);
}

static void test_bad_members(void **state)
{
    (void)state;
#define RESULT(name, labels, value, unit, kind, better, more)                                      \
    "[{\"name\":" name ",\"labels\":" labels ",\"value\":" value ",\"unit\":" unit                 \
    ",\"kind\":" kind ",\"better\":" better more "}]"
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"id", "\".a\""},
        {"id", "\"a/b\""},
        {"id", "7"},
        {"id", "\"\""},
        {"subject", NULL},
        {"subject", "\"disk\""},
        {"subject", "[\"fanout\"]"},
        {"t", NULL},
        {"t", "0"},
        {"t", "1.5"},
        {"t", "\"now\""},
        {"version", NULL},
        {"version", "1"},
        {"version", "\"a\\nb\""},
        {"state", "\"paused\""},
        {"progress", "1.01"},
        {"progress", "-0.1"},
        {"progress", "\"1\""},
        {"machine", "[]"},
        {"machine", "{\"cpu\":{}}"},
        {"machine", "{\"CPU\":1}"},
        {"settings", NULL},
        {"settings", "{\"a\":[1]}"},
        {"results", NULL},
        {"results", "{}"},
        {"results", "[1]"},
        {"results", RESULT("\"P99\"", "{}", "1", "\"\"", "\"size\"", "\"lower\"", "")},
        {"results", RESULT("\"a\"", "[]", "1", "\"\"", "\"size\"", "\"lower\"", "")},
        {"results", RESULT("\"a\"", "{\"b\":1}", "1", "\"\"", "\"size\"", "\"lower\"", "")},
        {"results", RESULT("\"a\"", "{}", "\"1\"", "\"\"", "\"size\"", "\"lower\"", "")},
        {"results", RESULT("\"a\"", "{}", "1", "null", "\"size\"", "\"lower\"", "")},
        {"results", RESULT("\"a\"", "{}", "1", "\"\"", "\"weight\"", "\"lower\"", "")},
        {"results", RESULT("\"a\"", "{}", "1", "\"\"", "\"size\"", "\"more\"", "")},
        {"results",
         RESULT("\"a\"", "{}", "1", "\"\"", "\"size\"", "\"lower\"", ",\"judged\":\"no\"")},
        {"results", RESULT("\"a\"", "{}", "1", "\"\"", "\"size\"", "\"lower\"", ",\"more\":1")},
        {"results", RESULT("\"a\"", "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\"}", "1",
                           "\"\"", "\"size\"", "\"lower\"", "")},
        {"why", "\"\\u0007\""},
        {"baseline", "\"a b\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *member = NULL;
        if (check_with(cases[i].name, cases[i].value, &member) != -EINVAL)
            fail_msg("%s: %s is taken", cases[i].name, cases[i].value);
        assert_string_equal(member, cases[i].name);
    }
    const char *member = "";
    assert_int_equal(check_with("more", "1", &member), -EINVAL); /* a member of no benchmark */
    assert_null(member);
}

static void test_bounds(void **state)
{
    (void)state;
    const char *member;
    char why[300];
    json_t *document = parse(good), *machine = json_object(), *results = json_array();
    char text[BENCHMARK_TEXT_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[BENCHMARK_TEXT_MAX + 1] = '\0';
    json_object_set_new(document, "version", json_string(text));
    assert_int_equal(benchmark_check(document, &member, why, sizeof(why)), -EINVAL);
    json_object_set_new(document, "version", json_string(text + 1));
    assert_int_equal(benchmark_check(document, &member, why, sizeof(why)), 0);
    for (int i = 0; i < 32; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        json_object_set_new(machine, text, json_integer(i));
    }
    json_object_set(document, "machine", machine);
    assert_int_equal(benchmark_check(document, &member, why, sizeof(why)), 0);
    json_object_set_new(machine, "one_more", json_true());
    assert_int_equal(benchmark_check(document, &member, why, sizeof(why)), -EINVAL);
    assert_string_equal(member, "machine");
    json_object_clear(machine);
    json_t *one = json_array_get(json_object_get(document, "results"), 0);
    for (int i = 0; i < BENCHMARK_RESULTS_MAX; i++)
        json_array_append(results, one);
    json_object_set(document, "results", results);
    assert_int_equal(benchmark_check(document, &member, why, sizeof(why)), 0);
    json_array_append(results, json_array_get(results, 0));
    assert_int_equal(benchmark_check(document, &member, why, sizeof(why)), -EINVAL);
    assert_string_equal(member, "results");
    json_decref(results);
    json_decref(machine);
    json_decref(document);
}

/* What is no object at all. */
static void test_strangers(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "1", "null", "{}", "\"fanout\""};
    const char *member;
    char why[300];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        json_t *json = parse(texts[i]);
        assert_int_equal(benchmark_check(json, &member, why, sizeof(why)), -EINVAL);
        json_decref(json);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    enum benchmark_kind kind;
    for (unsigned i = 0; i < BENCHMARK_KINDS; i++) {
        assert_int_equal(benchmark_kind_parse(benchmark_kind_name(i), &kind), 0);
        assert_int_equal(kind, i);
    }
    assert_int_equal(benchmark_kind_parse("weight", &kind), -ENOENT);
    assert_true(benchmark_is_subject("query"));
    assert_false(benchmark_is_subject("queries"));
    assert_false(benchmark_is_subject(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_bad_members),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests_name("wire/benchmark", tests, NULL, NULL);
}
