/*
 * test_baseline.c: baselines as documents, what is made of damaged ones, and two lists held against
 * each other.
 */
#include "api/baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/baseline_compare.h"
#include "api/json_cut.h"
#include "base/mem.h"
#include "wire/json.h"

/* `count` blocks around a level. */
static struct block_stats *stats_of(double level, int count)
{
    double means[200];
    for (int i = 0; i < count; i++)
        means[i] = level * (1 + 0.01 * ((i * 7919) % 13 - 6));
    return block_stats_new(means, (size_t)count);
}

static void add(struct baseline_list *l, const char *name, const char *device, double level,
                int count)
{
    struct label label = {"device", device};
    baseline_list_add(l, (struct baseline_series){.name = mem_string(name),
                                                  .labels = baseline_labels(&label, *device != 0),
                                                  .unit = mem_string("bytes"),
                                                  .kind = METRIC_COUNTER,
                                                  .stats = stats_of(level, count)});
}

static void make(struct baseline *b)
{
    *b = (struct baseline){.name = "before",
                           .comment = "a \"quoted\" one",
                           .made_ms = 1764000000000,
                           .made_by = "admin",
                           .version = "1.0",
                           .host = "h\303\244",
                           .kernel = "6.1",
                           .from_ms = 1763990000000,
                           .to_ms = 1763999000000,
                           .block_ms = 60000,
                           .blocks = 120};
    add(&b->list, "node_b", "eth1", 1e12 / 3, 120);
    add(&b->list, "node_b", "eth\"0\\\n", 5, 40);
    add(&b->list, "node_a", "", 0, 30);
    add(&b->list, "node_a", "", 7, 31); /* again: goes */
    baseline_list_sort(&b->list);
    assert_int_equal(selector_add_glob(&b->selection, "node_*"), 0);
    assert_int_equal(selector_add_match(&b->selection, "device=eth*"), 0);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct baseline b, again;
    struct buf first = BUF_INIT, second = BUF_INIT;
    char why[256];
    size_t count = 0;
    make(&b);
    assert_int_equal(b.list.count, 3);
    assert_string_equal(b.list.items[0].name, "node_a");
    assert_int_equal(b.list.items[0].stats->n, 30); /* the first of two stays */
    baseline_json(&first, &b);
    assert_int_equal(baseline_parse(first.data, first.len, false, &again, &count, why, sizeof(why)),
                     0);
    assert_int_equal(count, 3);
    baseline_json(&second, &again);
    assert_string_equal(buf_string(&first), buf_string(&second));
    /* What is compared comes back exactly. */
    for (size_t i = 0; i < 3; i++) {
        const struct block_stats *x = b.list.items[i].stats, *y = again.list.items[i].stats;
        assert_int_equal(x->sketch_count, y->sketch_count);
        assert_memory_equal(x->sketch, y->sketch, x->sketch_count * sizeof(x->sketch[0]));
    }
    baseline_fini(&again);
    assert_int_equal(baseline_parse(first.data, first.len, true, &again, &count, why, sizeof(why)),
                     0);
    assert_int_equal(count, 3);
    assert_int_equal(again.list.count, 0);
    assert_string_equal(again.comment, "a \"quoted\" one");
    baseline_fini(&again);
    baseline_fini(&b);
    buf_fini(&first);
    buf_fini(&second);
}

/* Every beginning of a document is none, and reads no byte beyond its end. */
static void test_cut_short(void **state)
{
    (void)state;
    struct baseline b, again;
    struct buf text = BUF_INIT;
    char why[256];
    make(&b);
    baseline_json(&text, &b);
    for (size_t len = 0; len < text.len; len++) {
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, text.data, len);
        assert_int_equal(baseline_parse(copy, len, len % 2, &again, NULL, why, sizeof(why)),
                         -EBADMSG);
        assert_true(*why);
        baseline_fini(&again);
        free(copy);
    }
    baseline_fini(&b);
    buf_fini(&text);
}

#define HEAD "\"from_ms\":1,\"to_ms\":2,\"made_ms\":3,\"block_ms\":60000,\"blocks\":1"
#define NUMBERS "\"mean\":1,\"sigma\":0,\"min\":1,\"max\":1,\"p50\":1,\"p90\":1,\"p99\":1"
#define SERIES(name, labels, kind, n, numbers, sketch)                                             \
    "{" HEAD ",\"series\":[{\"name\":" name ",\"labels\":" labels ",\"kind\":" kind ",\"n\":" n    \
    "," numbers ",\"sketch\":" sketch "}]}"

static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {SERIES("\"a\"", "{}", "\"gauge\"", "1", NUMBERS, "[1]"), NULL},
        {" { \"series\" : [ ] , " HEAD "} \n", NULL},
        {"{\"x\":\"]}\\\"\",\"series\":[]," HEAD "}", NULL},
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"{\"series\":[]} x", "no JSON object"},
        {"{\"series\":[],\"series\":[]," HEAD "}", "no JSON object"},
        {"{" HEAD ",\"from_ms\":1,\"series\":[]}", "Not valid JSON"},
        {"{" HEAD ",\"made_by\":tru,\"series\":[]}", "Not valid JSON"},
        {"{" HEAD "}", "\"series\" must be there"},
        {"{" HEAD ",\"series\":{}}", "\"series\" must be an array"},
        {"{" HEAD ",\"series\":[1]}", "\"series\" must be an array of objects"},
        {"{" HEAD ",\"series\":[{}}", "no JSON object"},
        {"{\"from_ms\":1,\"series\":[]}", "\"to_ms\" must be"},
        {"{\"from_ms\":1.5,\"series\":[]}", "\"from_ms\" must be"},
        {"{\"from_ms\":1,\"to_ms\":2,\"made_ms\":3,\"block_ms\":1000,\"blocks\":1,\"series\":[]}",
         "\"block_ms\" must be"},
        {"{" HEAD ",\"metric\":[1],\"series\":[]}", "\"metric\" must be"},
        {"{" HEAD ",\"match\":[\"x\"],\"series\":[]}", "\"match\" must be"},
        {SERIES("\"a b\"", "{}", "\"gauge\"", "1", NUMBERS, "[1]"), "series 1: \"name\""},
        {SERIES("\"9a\"", "{}", "\"gauge\"", "1", NUMBERS, "[1]"), "series 1: \"name\""},
        {SERIES("\"\"", "{}", "\"gauge\"", "1", NUMBERS, "[1]"), "series 1: \"name\""},
        {SERIES("\"a\"", "[]", "\"gauge\"", "1", NUMBERS, "[1]"), "series 1: \"labels\""},
        {SERIES("\"a\"", "{\"b\":1}", "\"gauge\"", "1", NUMBERS, "[1]"), "series 1: \"labels\""},
        {SERIES("\"a\"", "{}", "\"histogram\"", "1", NUMBERS, "[1]"), "series 1: \"kind\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "0", NUMBERS, "[1]"), "series 1: \"n\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "-1", NUMBERS, "[1]"), "series 1: \"n\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "1", "\"mean\":null", "[1]"), "series 1: \"mean\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "1", NUMBERS, "[]"), "series 1: \"sketch\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "1", NUMBERS, "[1,2]"), "series 1: \"sketch\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "9", NUMBERS, "[2,1]"), "series 1: \"sketch\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "9", NUMBERS, "[1,\"2\"]"), "series 1: \"sketch\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "1", NUMBERS ",\"autocorrelation\":1.5", "[1]"),
         "series 1: \"autocorrelation\""},
        {SERIES("\"a\"", "{}", "\"gauge\"", "1", NUMBERS, "[1e999]"), "Not valid JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct baseline b;
        char why[256];
        int err =
            baseline_parse(cases[i].text, strlen(cases[i].text), false, &b, NULL, why, sizeof(why));
        assert_int_equal(err, cases[i].why ? -EBADMSG : 0);
        if (cases[i].why && !strstr(why, cases[i].why))
            fail_msg("case %zu: %s", i, why);
        baseline_fini(&b);
    }
}

/* What is shown on a terminal. */
static void test_printable(void **state)
{
    (void)state;
    static const char text[] = "{" HEAD ",\"comment\":\"a\\u001b[2J\\nb\\u007f\","
                               "\"host\":\"\xc3\xa4\",\"series\":[]}";
    struct baseline b;
    char why[256];
    assert_int_equal(baseline_parse(text, sizeof(text) - 1, false, &b, NULL, why, sizeof(why)), 0);
    assert_string_equal(b.comment, "a?[2J?b?");
    assert_string_equal(b.host, "\xc3\xa4");
    baseline_fini(&b);
}

/* Too deep for recursion, had there been any. */
static void test_deep(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    struct baseline b;
    char why[256];
    buf_text(&text, "{" HEAD ",\"series\":");
    for (int i = 0; i < 1000000; i++)
        buf_char(&text, '[');
    assert_int_equal(baseline_parse(text.data, text.len, false, &b, NULL, why, sizeof(why)),
                     -EBADMSG);
    baseline_fini(&b);
    for (int i = 0; i < 1000000; i++)
        buf_char(&text, ']');
    buf_char(&text, '}');
    assert_int_equal(baseline_parse(text.data, text.len, false, &b, NULL, why, sizeof(why)),
                     -EBADMSG);
    baseline_fini(&b);
    buf_fini(&text);
}

static void test_labels(void **state)
{
    (void)state;
    static const struct label one[] = {{"b", "2"}, {"a", "1"}};
    static const struct label two[] = {{"a", "1"}, {"b", "2"}};
    char *x = baseline_labels(one, 2), *y = baseline_labels(two, 2),
         *none = baseline_labels(one, 0);
    assert_string_equal(x, "{\"a\":\"1\",\"b\":\"2\"}");
    assert_string_equal(x, y);
    assert_string_equal(none, "{}");
    free(x);
    free(y);
    free(none);
}

static void test_select(void **state)
{
    (void)state;
    struct baseline b;
    struct selector s;
    make(&b);
    selector_init(&s);
    selector_add_match(&s, "device=eth1");
    baseline_list_select(&b.list, &s);
    assert_int_equal(b.list.count, 1);
    assert_string_equal(b.list.items[0].labels, "{\"device\":\"eth1\"}");
    selector_add_glob(&s, "other");
    baseline_list_select(&b.list, &s);
    assert_int_equal(b.list.count, 0);
    selector_fini(&s);
    baseline_fini(&b);
}

static void test_many_series(void **state)
{
    (void)state;
    struct baseline_list l = {0};
    for (int i = 0; i < BASELINE_SERIES_MAX + 3; i++) {
        char device[16];
        snprintf(device, sizeof(device), "d%d", i);
        add(&l, "node_a", device, 1, 2);
    }
    assert_int_equal(l.count, BASELINE_SERIES_MAX);
    assert_true(l.truncated);
    baseline_list_fini(&l);
}

/* ---- one against the other --------------------------------------------------------------- */

static const json_t *metric_at(const json_t *o, size_t index)
{
    return json_array_get(json_object_get(o, "metrics"), index);
}

static const char *text_in(const json_t *o, const char *member)
{
    return json_string_value(json_object_get(o, member));
}

static void test_compare(void **state)
{
    (void)state;
    struct baseline_list before = {0}, after = {0};
    add(&before, "netsonde_tcp_retransmits_total", "", 50, 60);
    add(&after, "netsonde_tcp_retransmits_total", "", 80, 60); /* worse */
    add(&before, "netsonde_self_resident_bytes", "", 50, 60);
    add(&after, "netsonde_self_resident_bytes", "", 30, 60); /* better */
    add(&before, "node_network_receive_bytes_total", "eth0", 50, 60);
    add(&after, "node_network_receive_bytes_total", "eth0", 30, 60); /* different */
    add(&before, "node_network_receive_bytes_total", "eth1", 50, 60);
    add(&after, "node_network_receive_bytes_total", "eth1", 50, 60); /* the same */
    add(&before, "node_network_receive_bytes_total", "gone", 50, 60);
    add(&after, "node_network_receive_bytes_total", "new", 50, 60);
    add(&before, "node_network_receive_bytes_total", "short", 50, 60);
    add(&after, "node_network_receive_bytes_total", "short", 80, 29);
    baseline_list_sort(&before);
    baseline_list_sort(&after);
    struct comparison_report r;
    comparison_make(&r, &before, &after, COMPARE_BLOCKS_LEAST);
    static const size_t counts[] = {1, 1, 1, 1, 3};
    assert_memory_equal(r.counts, counts, sizeof(counts));
    assert_int_equal(r.verdict, COMPARISON_REGRESSED);
    assert_int_equal(r.count, 7);

    struct buf out = BUF_INIT;
    struct comparison_about about = {"before", "asked", 9, 1, 2};
    json_open(&out, '{');
    comparison_json(&out, &r, &about, SIZE_MAX, false);
    json_close(&out, '}');
    json_t *o = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(o, "metrics")), 7);
    assert_string_equal(text_in(metric_at(o, 0), "name"), "netsonde_tcp_retransmits_total");
    assert_string_equal(text_in(metric_at(o, 0), "direction"), "lower_is_better");
    assert_string_equal(text_in(metric_at(o, 0), "verdict"), "regressed");
    double change = json_number_value(json_object_get(metric_at(o, 0), "change_pct"));
    assert_true(fabs(change - 60) < 1e-3);
    assert_string_equal(text_in(metric_at(o, 1), "verdict"), "improved");
    assert_string_equal(text_in(metric_at(o, 2), "verdict"), "changed");
    assert_string_equal(text_in(metric_at(o, 3), "verdict"), "unchanged");
    bool gone = false, fresh = false;
    for (size_t i = 4; i < 7; i++) {
        const json_t *m = metric_at(o, i);
        const char *device = text_in(json_object_get(m, "labels"), "device");
        assert_true(json_is_null(json_object_get(m, "effect")));
        gone = gone || (!strcmp(device, "gone") && json_is_null(json_object_get(m, "after")));
        fresh = fresh || (!strcmp(device, "new") && json_is_null(json_object_get(m, "before")));
    }
    assert_true(gone && fresh);
    json_decref(o);

    buf_clear(&out);
    json_open(&out, '{');
    about.t_ms = 0;
    comparison_json(&out, &r, &about, 20, true);
    json_close(&out, '}');
    o = json_loadb(out.data, out.len, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(o, "metrics")), 3);
    assert_null(json_object_get(o, "t"));
    json_decref(o);

    buf_clear(&out);
    comparison_entry_json(&out, &r, &about);
    o = json_loadb(out.data, out.len, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(o, "worst")), 3);
    assert_null(json_object_get(o, "metrics"));
    json_decref(o);

    buf_clear(&out);
    comparison_sentence(&out, &r);
    assert_string_equal(buf_string(&out),
                        "metrics: 1 worse, 1 better, 1 different, 1 as before, 3 without enough "
                        "data; first netsonde_tcp_retransmits_total{} +60.0 %");
    buf_fini(&out);
    comparison_fini(&r);
    baseline_list_fini(&before);
    baseline_list_fini(&after);
}

static void test_compare_nothing(void **state)
{
    (void)state;
    struct baseline_list none = {0};
    struct comparison_report r;
    struct buf out = BUF_INIT;
    comparison_make(&r, &none, &none, COMPARE_BLOCKS_LEAST);
    assert_int_equal(r.verdict, COMPARISON_NOT_ENOUGH_DATA);
    comparison_sentence(&out, &r);
    assert_string_equal(buf_string(&out), "metrics: none");
    buf_fini(&out);
    comparison_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged),        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_deep),           cmocka_unit_test(test_labels),
        cmocka_unit_test(test_select),         cmocka_unit_test(test_many_series),
        cmocka_unit_test(test_compare),        cmocka_unit_test(test_compare_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
