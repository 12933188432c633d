/* test_rule.c: every key from text and back, every sentence that refuses one, and what keys mean
 * together. */
#include "alert/rule.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/text.h"

struct pair {
    const char *key, *text;
};

/* Makes a rule of pairs that must all be good. */
static struct rule *make(const struct pair *pairs, size_t count)
{
    struct rule_draft *d = rule_draft_new(RULE_FROM_FILE);
    char why[256] = "";
    const char *key = NULL;
    for (size_t i = 0; i < count && pairs[i].key; i++) {
        if (rule_draft_set(d, pairs[i].key, pairs[i].text, why, sizeof(why)))
            fail_msg("%s = %s: %s", pairs[i].key, pairs[i].text, why);
    }
    struct rule *r = NULL;
    if (rule_draft_finish(d, &r, &key, why, sizeof(why)))
        fail_msg("%s: %s", key, why);
    return r;
}

static void test_all_keys(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"name", "uplink_busy"},  {"metric", "node_network_*_bytes_total"},
        {"match", "device=eth*"}, {"match", "device=?*"},
        {"where", "node_up"},     {"per", "node_network_speed_bytes"},
        {"per_least", "8kbit"},   {"when", "above"},
        {"warning", "80%"},       {"critical", "0.95"},
        {"clear", ".7"},          {"for", "90s"},
        {"keep", "1m"},           {"repeat", "4h"},
        {"absent", "5m"},         {"edge", "on"},
        {"anomaly", "on"},        {"sigma", "3.5"},
        {"window", "10m"},        {"severity", "critical"},
        {"mutes", "device"},      {"channels", "ops"},
        {"channels", "log"},      {"summary", "{device} is busy: {value}"},
        {"enabled", "on"},
    };
    struct rule *r = make(pairs, ARRAY_LEN(pairs));
    assert_int_equal(r->source, RULE_FROM_FILE);
    assert_string_equal(r->name, "uplink_busy");
    assert_string_equal(r->selector.globs[0], "node_network_*_bytes_total");
    assert_int_equal(r->selector.matches_count, 2);
    assert_true(r->per_least == 1000);
    assert_true(r->warning == 0.8 && r->critical == 0.95 && r->clear == 0.7);
    assert_int_equal(r->for_ms, 90000);
    assert_int_equal(r->repeat_ms, 4 * 3600 * 1000);
    assert_true(r->edge && r->anomaly && r->enabled);
    assert_int_equal(r->severity, ALERT_CRITICAL);
    assert_string_equal(r->mutes, "device");
    assert_int_equal(r->channels_count, 2);
    rule_unref(r);
}

static void test_thresholds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value; /* NAN: refused */
    } cases[] = {
        {"10Mbit", 1.25e6}, {"125kB", 125e3}, {"1KiB", 1024}, {"-3", -3},    {"0", 0},
        {"1e3", 1000},      {"50%", 0.5},     {"-5%", -0.05}, {"120%", 1.2}, {"nan", NAN},
        {"inf", NAN},       {"", NAN},        {"%", NAN},     {"ten", NAN},  {"10 Mbit", NAN},
        {"1e999", NAN},     {"10Mbps", NAN},  {"0x10", NAN},  {"5%%", NAN},  {"-0", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rule_draft *d = rule_draft_new(RULE_FROM_API);
        char why[256] = "";
        int err = rule_draft_set(d, "warning", cases[i].text, why, sizeof(why));
        if (isnan(cases[i].value)) {
            assert_int_equal(err, -EINVAL);
            assert_non_null(strstr(why, "(expected a number"));
        } else {
            assert_int_equal(err, 0);
            rule_draft_set(d, "name", "x", why, sizeof(why));
            rule_draft_set(d, "metric", "y", why, sizeof(why));
            struct rule *r = NULL;
            const char *key;
            assert_int_equal(rule_draft_finish(d, &r, &key, why, sizeof(why)), 0);
            assert_true(r->warning == cases[i].value &&
                        !signbit(r->warning + 0.0) == !(cases[i].value < 0));
            rule_unref(r);
            continue;
        }
        rule_draft_free(d);
    }
}

static void test_refused(void **state)
{
    (void)state;
    char long_line[600], long_glob[300];
    memset(long_line, 'x', sizeof(long_line) - 1);
    memset(long_glob, 'x', sizeof(long_glob) - 1);
    long_line[sizeof(long_line) - 1] = long_glob[sizeof(long_glob) - 1] = '\0';
    const struct {
        const char *key, *text;
        int err;
        const char *says;
    } cases[] = {
        {"nane", "x", -ENOENT, "did you mean name?"},
        {"treshold", "1", -ENOENT, "a rule has no such key"},
        {"warnign", "1", -ENOENT, "did you mean warning?"},
        {"", "1", -ENOENT, "a rule has no such key"},
        {"Name\n", "1", -ENOENT, "a rule has no such key"},
        {"name", "a b", -EINVAL, "\"a b\" does not have the right form"},
        {"name", "", -EINVAL, "right form"},
        {"name", "<script>", -EINVAL, "right form"},
        {"name", "a\r\nBcc: x", -EINVAL, "\"a??Bcc: x\""},
        {"metric", "", -EINVAL, "right form"},
        {"metric", "a b", -EINVAL, "right form"},
        {"metric", long_glob, -EINVAL, "\"..."},
        {"match", "device", -EINVAL, "label=glob"},
        {"match", "=x", -EINVAL, "label=glob"},
        {"match", "de vice=x", -EINVAL, "label=glob"},
        {"match", "device=a\nb", -EINVAL, "label=glob"},
        {"match", "device=\xff", -EINVAL, "label=glob"},
        {"per", "node_*", -EINVAL, "right form"},
        {"where", "9lives", -EINVAL, "right form"},
        {"mutes", "a=b", -EINVAL, "right form"},
        {"when", "over", -EINVAL, "expected above or below"},
        {"severity", "fatal", -EINVAL, "expected warning or critical"},
        {"enabled", "maybe", -EINVAL, "expected on or off"},
        {"for", "5", -EINVAL, "is not understood"},
        {"for", "8d", -EINVAL, "is too long"},
        {"for", "-5s", -EINVAL, "is not understood"},
        {"repeat", "59s", -EINVAL, "is too short"},
        {"absent", "999ms", -EINVAL, "is too short"},
        {"window", "1ms", -EINVAL, "is too short"},
        {"sigma", "0.1", -EINVAL, "is out of range"},
        {"sigma", "-3", -EINVAL, "is out of range"},
        {"sigma", "much", -EINVAL, "is not understood"},
        {"channels", "a/b", -EINVAL, "right form"},
        {"summary", "two\nlines", -EINVAL, "right form"},
        {"summary", "C1 \xc2\x85 is one", -EINVAL, "right form"},
        {"summary", "\xc3(", -EINVAL, "right form"},
        {"summary", long_line, -EINVAL, "right form"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rule_draft *d = rule_draft_new(RULE_FROM_API);
        char why[512] = "";
        int err = rule_draft_set(d, cases[i].key, cases[i].text, why, sizeof(why));
        if (err != cases[i].err || !strstr(why, cases[i].says))
            fail_msg("%s = %s: %d %s", cases[i].key, cases[i].text, err, why);
        for (const char *c = why; *c; c++) /* it may go into a log line */
            assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
        rule_draft_free(d);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct rule_draft *d = rule_draft_new(RULE_FROM_API);
    char why[256], text[32];
    for (int i = 0; i < RULE_CHANNELS_MAX; i++) {
        snprintf(text, sizeof(text), "c%d", i);
        assert_int_equal(rule_draft_set(d, "channels", text, why, sizeof(why)), 0);
    }
    assert_int_equal(rule_draft_set(d, "channels", "c3", why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, "is there twice"));
    assert_int_equal(rule_draft_set(d, "channels", "more", why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, "is one too many"));
    for (int i = 0; i < SELECTOR_MATCHES_MAX; i++)
        assert_int_equal(rule_draft_set(d, "match", "a=b", why, sizeof(why)), 0);
    assert_int_equal(rule_draft_set(d, "match", "a=b", why, sizeof(why)), -EINVAL);
    rule_draft_free(d);
}

static void test_together(void **state)
{
    (void)state;
    static const struct {
        struct pair pairs[6];
        const char *key; /* at fault; NULL: good */
    } cases[] = {
        {{{"metric", "m"}, {"warning", "1"}}, "name"},
        {{{"name", "n"}, {"warning", "1"}}, "metric"},
        {{{"name", "n"}, {"metric", "m"}}, "warning"},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "1"}}, NULL},
        {{{"name", "n"}, {"metric", "m"}, {"critical", "1"}}, NULL},
        {{{"name", "n"}, {"metric", "m"}, {"anomaly", "on"}}, NULL},
        {{{"name", "n"}, {"metric", "m"}, {"absent", "1m"}}, NULL},
        {{{"name", "n"}, {"enabled", "off"}}, NULL},
        {{{"name", "n"}, {"metric", "m"}, {"enabled", "off"}}, NULL},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "2"}, {"critical", "1"}}, "critical"},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "2"}, {"critical", "2"}}, "critical"},
        {{{"name", "n"}, {"metric", "m"}, {"when", "below"}, {"warning", "2"}, {"critical", "1"}},
         NULL},
        {{{"name", "n"}, {"metric", "m"}, {"when", "below"}, {"warning", "1"}, {"critical", "2"}},
         "critical"},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "2"}, {"clear", "3"}}, "clear"},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "2"}, {"clear", "2"}}, NULL},
        {{{"name", "n"}, {"metric", "m"}, {"when", "below"}, {"warning", "2"}, {"clear", "1"}},
         "clear"},
        {{{"name", "n"}, {"metric", "m"}, {"anomaly", "on"}, {"clear", "1"}}, "clear"},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "1"}, {"sigma", "3"}}, "sigma"},
        {{{"name", "n"}, {"metric", "m"}, {"warning", "1"}, {"per_least", "3"}}, "per_least"},
        {{{"name", "n"}, {"metric", "m"}, {"anomaly", "on"}, {"edge", "on"}}, "edge"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rule_draft *d = rule_draft_new(RULE_FROM_FILE);
        char why[256] = "";
        const char *key = NULL;
        for (size_t k = 0; k < ARRAY_LEN(cases[i].pairs) && cases[i].pairs[k].key; k++)
            assert_int_equal(
                rule_draft_set(d, cases[i].pairs[k].key, cases[i].pairs[k].text, why, sizeof(why)),
                0);
        struct rule *r = NULL;
        int err = rule_draft_finish(d, &r, &key, why, sizeof(why));
        assert_int_equal(err, cases[i].key ? -EINVAL : 0);
        if (cases[i].key) {
            assert_string_equal(key, cases[i].key);
            assert_true(*why);
            rule_draft_free(d);
        } else {
            rule_unref(r);
        }
    }
}

/* ---- round trip ---------------------------------------------------------------------------- */

static void collect(void *user, const char *key, const char *text)
{
    buf_printf(user, "%s=%s\n", key, text);
}

struct copying {
    struct rule_draft *draft;
};

static void copy_key(void *user, const char *key, const char *text)
{
    struct copying *c = user;
    char why[256];
    if (rule_draft_set(c->draft, key, text, why, sizeof(why)))
        fail_msg("%s = %s: %s", key, text, why);
}

static unsigned next(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % below;
}

static void random_rule(struct rule_draft *d, unsigned *seed)
{
    static const struct {
        const char *key, *texts[5];
    } choices[] = {
        {"match", {"device=eth*", "le=0.5", "a=\xc3\xa9\xe2\x82\xac", "b=", "c=x=y{}\\"}},
        {"where", {"node_up", "", "a:b", "x", "_y"}},
        {"mutes", {"device", "", "le", "_", "a1"}},
        {"for", {"0", "1ms", "90s", "7d", "1500ms"}},
        {"keep", {"1m", "61s", "off", "1h", "0"}},
        {"repeat", {"1m", "4h", "0", "30d", "61s"}},
        {"absent", {"1s", "1d", "0", "90s", "1m"}},
        {"anomaly", {"on", "on", "true", "on", "on"}},
        {"sigma", {"0", "0.5", "100", "2.75", "3"}},
        {"window", {"1s", "7d", "0", "5m", "61s"}},
        {"severity", {"warning", "critical", "critical", "warning", "critical"}},
        {"channels", {"ops", "log", "x.y", "-", "mail"}},
        {"summary", {"{device}", "", "100% {value} <b>", "{", "}{}\\\""}},
        {"enabled", {"on", "off", "false", "true", "on"}},
    };
    char why[256], text[64];
    assert_int_equal(rule_draft_set(d, "name", "random-1", why, sizeof(why)), 0);
    assert_int_equal(rule_draft_set(d, "metric", "a_[!b-c]*?:x", why, sizeof(why)), 0);
    bool below = next(seed, 2);
    double base = ((double)next(seed, 2000000) - 1e6) / (1 + (double)next(seed, 977));
    double step = (double)(1 + next(seed, 1000)) / 7;
    assert_int_equal(rule_draft_set(d, "when", below ? "below" : "above", why, sizeof(why)), 0);
    snprintf(text, sizeof(text), "%.17g", base);
    assert_int_equal(rule_draft_set(d, "warning", text, why, sizeof(why)), 0);
    snprintf(text, sizeof(text), "%.17g", below ? base - step : base + step);
    if (next(seed, 2))
        assert_int_equal(rule_draft_set(d, "critical", text, why, sizeof(why)), 0);
    snprintf(text, sizeof(text), "%.17g", below ? base + step : base - step);
    if (next(seed, 2))
        assert_int_equal(rule_draft_set(d, "clear", text, why, sizeof(why)), 0);
    assert_int_equal(rule_draft_set(d, "anomaly", "on", why, sizeof(why)), 0);
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        if (next(seed, 2) == 0)
            continue;
        const char *value = choices[i].texts[next(seed, 5)];
        assert_int_equal(rule_draft_set(d, choices[i].key, value, why, sizeof(why)), 0);
    }
}

/* What a rule tells of itself makes a rule that tells the same. */
static void test_round_trip(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        CLEANUP(buf_fini) struct buf first = BUF_INIT, second = BUF_INIT;
        char why[256];
        const char *key = NULL;
        struct rule_draft *d = rule_draft_new(RULE_FROM_API);
        random_rule(d, &seed);
        struct rule *r = NULL, *copy = NULL;
        assert_int_equal(rule_draft_finish(d, &r, &key, why, sizeof(why)), 0);
        struct copying c = {rule_draft_new(RULE_FROM_API)};
        rule_each_key(r, copy_key, &c);
        assert_int_equal(rule_draft_finish(c.draft, &copy, &key, why, sizeof(why)), 0);
        rule_each_key(r, collect, &first);
        rule_each_key(copy, collect, &second);
        assert_string_equal(buf_string(&first), buf_string(&second));
        assert_true(r->warning == copy->warning);
        assert_true(r->critical == copy->critical || isnan(r->critical));
        assert_true(r->clear == copy->clear || isnan(r->clear));
        assert_int_equal(r->for_ms, copy->for_ms);
        assert_int_equal(r->window_ms, copy->window_ms);
        rule_unref(r);
        rule_unref(copy);
    }
}

static void test_keys(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct rule_key *k; (k = rule_key_at(count)); count++) {
        assert_true(*k->name && *k->expected && *k->doc);
        assert_int_equal(k->list,
                         strcmp(k->name, "match") == 0 || strcmp(k->name, "channels") == 0);
    }
    assert_int_equal(count, 23);
}

/* At most ten, with names of their own, about metrics that the documentation has. */
static void test_defaults(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf document = BUF_INIT;
    FILE *file = fopen(METRICS_DOCUMENT, "re");
    assert_non_null(file);
    char line[4096];
    while (fgets(line, sizeof(line), file))
        buf_text(&document, line);
    fclose(file);
    struct rule **rules;
    size_t count = rules_default(&rules);
    assert_in_range(count, 1, 10);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rules[i]->source, RULE_DEFAULT);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(rules[i]->name, rules[k]->name);
        CLEANUP(buf_fini) struct buf copy = BUF_INIT;
        buf_text(&copy, buf_string(&document));
        size_t named = 0, per = 0, where = 0;
        char *rest = NULL;
        buf_string(&copy);
        for (char *at = strtok_r(copy.data, "`{", &rest); at; at = strtok_r(NULL, "`{", &rest)) {
            named +=
                selector_matches(&rules[i]->selector, at, NULL, 0) ||
                (rules[i]->selector.matches_count && text_glob(rules[i]->selector.globs[0], at));
            per += strcmp(rules[i]->per, at) == 0;
            where += strcmp(rules[i]->where, at) == 0;
        }
        if (!named || (*rules[i]->per && !per) || (*rules[i]->where && !where))
            fail_msg("%s: %zu %zu %zu", rules[i]->name, named, per, where);
    }
    for (size_t i = 0; i < count; i++)
        rule_unref(rules[i]);
    free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys), cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_together), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
