/*
 * test_config_lists.c: the lists `channels:` and `alerts:`: what becomes of them, where each
 * mistake is told, how several files add up, and that what is dumped can be loaded again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/channel.h"
#include "alert/rule.h"
#include "base/defs.h"
#include "base/mem.h"
#include "config_fixture.h"
#include "daemon/config_lists.h"
#include "http/assets.h"
#include "wire/json.h"

/* The dashboard, which only the executable has. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

static const char two_rules[] = "channels:\n"
                                "  - name: ops\n"
                                "    type: webhook\n"
                                "    url: https://hooks.example.net/T0/secret\n"
                                "    secret_file: /etc/netsonde/hook.token\n"
                                "    fallback: mail\n"
                                "  - {name: mail, type: email, url: \"smtp://127.0.0.1:25\", to: "
                                "[a@example.net, b@example.net]}\n"
                                "alerts:\n"
                                "  - name: uplink_busy\n"
                                "    metric: node_network_transmit_bytes_total\n"
                                "    match: {device: \"eth*\", duplex: full}\n"
                                "    warning: 800Mbit\n"
                                "    critical: 950Mbit\n"
                                "    for: 1m\n"
                                "    channels: [ops, log]\n"
                                "  - name: dns_quiet\n"
                                "    metric: netsonde_dns_queries_total\n"
                                "    match: rcode=SERVFAIL\n"
                                "    absent: 5m\n"
                                "    channels: mail\n"
                                "    summary: 'no answers: \"{series}\"'\n";

static void check_two_rules(const struct config *c)
{
    assert_int_equal(c->channels_count, 4);
    assert_string_equal(c->channels[0]->name, "websocket");
    assert_string_equal(c->channels[1]->name, "log");
    assert_string_equal(c->channels[2]->name, "ops");
    assert_int_equal(c->channels[2]->type, CHANNEL_TYPE_WEBHOOK);
    assert_string_equal(c->channels[2]->fallback, "mail");
    assert_int_equal(c->channels[3]->to_count, 2);
    assert_string_equal(c->channels[3]->to[1], "b@example.net");

    assert_int_equal(c->rules_count, 2);
    const struct rule *busy = c->rules[0], *quiet = c->rules[1];
    assert_int_equal(busy->source, RULE_FROM_FILE);
    assert_string_equal(busy->name, "uplink_busy");
    assert_int_equal(busy->selector.matches_count, 2);
    assert_string_equal(busy->selector.matches[0].label, "device");
    assert_string_equal(busy->selector.matches[0].glob, "eth*");
    assert_true(busy->warning == 1e8);
    assert_int_equal(busy->for_ms, 60000);
    assert_int_equal(busy->channels_count, 2);
    assert_string_equal(busy->channels[1], "log");
    assert_string_equal(quiet->selector.matches[0].glob, "SERVFAIL");
    assert_int_equal(quiet->absent_ms, 300000);
    assert_true(isnan(quiet->warning));
    assert_string_equal(quiet->channels[0], "mail");
    assert_string_equal(quiet->summary, "no answers: \"{series}\"");
}

static void test_loads(void **state)
{
    struct fixture *f = *state;
    assert_loads(f, two_rules);
    check_two_rules(f->config);
}

static void test_nothing(void **state)
{
    static const char *const texts[] = {"", "channels:\nalerts:\n", "channels: []\nalerts: []\n"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_loads(f, texts[i]);
        assert_int_equal(f->config->rules_count, 0);
        assert_int_equal(f->config->channels_count, 2);
        assert_int_equal(f->config->channels[0]->type, CHANNEL_TYPE_WEBSOCKET);
        assert_int_equal(f->config->channels[1]->type, CHANNEL_TYPE_LOG);
    }
}

/* A list cannot come from the environment. */
static void test_environment(void **state)
{
    struct fixture *f = *state;
    f->environment[1] = (char[]){"NETSONDE_ALERTS=x"};
    f->environment[2] = (char[]){"NETSONDE_CHANNELS=x"};
    assert_loads(f, "");
    assert_int_equal(f->config->rules_count, 0);
}

/* What is there in any case may be told better. */
static void test_log_itself(void **state)
{
    struct fixture *f = *state;
    assert_loads(f, "channels:\n"
                    "  - {name: a, type: log, path: /var/log/a}\n"
                    "  - {name: log, type: log, path: journal, fallback: a}\n");
    assert_int_equal(f->config->channels_count, 3);
    assert_string_equal(f->config->channels[0]->name, "websocket");
    assert_string_equal(f->config->channels[1]->name, "log");
    assert_string_equal(f->config->channels[1]->fallback, "a");
    assert_string_equal(f->config->channels[2]->name, "a");
}

static void test_several_files(void **state)
{
    struct fixture *f = *state;
    const char *rest = strstr(two_rules, "  - name: dns_quiet");
    CLEANUP(mem_freep)
    char *first = mem_string_n(two_rules, (size_t)(rest - two_rules));
    CLEANUP(mem_freep) char *second = mem_printf("alerts:\n%s", rest);
    write_conf_d(f, "50.yaml", second);
    assert_loads(f, first);
    check_two_rules(f->config);

    write_conf_d(f, "60.yaml",
                 "alerts:\n  - {name: dns_quiet, metric: x, absent: 5m}\n"
                 "channels: [{name: mail, type: log, path: /x}]");
    assert_int_equal(load(f, first), -EINVAL);
    char expected[512];
    snprintf(expected, sizeof(expected),
             "conf.d/60.yaml:2:12: alerts.name: the rule dns_quiet is there twice (first in "
             "%s/conf.d/50.yaml:2:11)\n"
             "conf.d/60.yaml:3:19: channels.name: the channel mail is there twice (first in "
             "%s/n.yaml:7:12)",
             f->directory, f->directory);
    assert_complaints(f, "", expected);
}

/* ---- mistakes ------------------------------------------------------------------------------ */

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *complaints;
    } cases[] = {
        /* shapes */
        {"alerts: {name: x}",
         "n.yaml:1:9: alerts: a list belongs here (expected [{name: NAME, ...}, ...])"},
        {"channels: ops",
         "n.yaml:1:11: channels: a list belongs here (expected [{name: NAME, ...}, ...])"},
        {"channels: [ops]",
         "n.yaml:1:12: channels: a channel has keys (expected {name: NAME, ...})"},
        {"alerts:\n  - [a, b]\n  - x\n",
         "n.yaml:2:5: alerts: a rule has keys (expected {name: NAME, ...})\n"
         "n.yaml:3:5: alerts: a rule has keys (expected {name: NAME, ...})"},
        {"alerts:\n  - name: [x]\n    metric: m\n    warning: 1\n",
         "n.yaml:2:11: a list does not belong here (expected 1 to 64 letters, digits, dots, dashes "
         "and underscores)"},
        {"alerts:\n  - name: x\n    metric: m\n    warning: {a: 1}\n",
         "n.yaml:4:14: a mapping does not belong here (expected a number, a share such as 90%, or "
         "a rate such as 10Mbit or 125kB)"},
        {"alerts:\n  - name: x\n    metric: m\n    channels: {a: b}\n    warning: 1\n",
         "n.yaml:4:15: a mapping does not belong here (expected names of channels, such as ops)"},
        {"alerts:\n  - name: x\n    metric: m\n    match: {device: [eth0]}\n    warning: 1\n",
         "n.yaml:4:21: a list does not belong here (expected a text)"},
        {"alerts: [{[name]: x}]",
         "n.yaml:1:11: a list does not belong here (expected the name of a key)"},
        {"alerts: []\nalerts: []\n",
         "n.yaml:2:1: the list alerts is there twice (first in line 1)"},
        {"alerts: [{name: \"a\\0b\"}]", "n.yaml:1:17: a NUL character (expected text)"},
        {"alerts: [&a {name: x, metric: m, warning: 1}]",
         "n.yaml:1:10: anchors and aliases are not used here (expected the value itself)"},
        /* keys */
        {"alerts:\n  - name: x\n    metric: m\n    warnign: 1\n",
         "n.yaml:4:5: alerts: there is no key \"warnign\" (did you mean warning?)"},
        {"channels:\n  - name: x\n    typ: log\n",
         "n.yaml:3:5: channels: there is no key \"typ\" (did you mean type?)"},
        {"channels:\n  - name: x\n    colour: {a: [b]}\n",
         "n.yaml:3:5: channels: there is no key \"colour\" (expected one of name, type, url, path, "
         "from, to, command, user, secret_file, ca_file, dashboard, fallback, timeout, retries, "
         "queue, resolved)"},
        {"alerts:\n  - name: x\n    metric: m\n    warning: 1\n    name: y\n",
         "n.yaml:5:5: the key name is there twice (first in line 2)"},
        /* values */
        {"alerts:\n  - name: x\n    metric: m\n    warning: lots\n",
         "n.yaml:4:14: alerts.warning: \"lots\" is not understood (expected a number, a share such "
         "as 90%, or a rate such as 10Mbit or 125kB)"},
        {"alerts:\n  - name: x\n    metric: m\n    warning:\n",
         "n.yaml:4:13: alerts.warning: the value is missing (expected a number, a share such as "
         "90%, or a rate such as 10Mbit or 125kB)"},
        {"alerts:\n  - name: x\n    metric: m\n    warning: 1\n    channels: [log, \"a b\", "
         "\"\"]\n",
         "n.yaml:5:21: alerts.channels: \"a b\" does not have the right form (expected names of "
         "channels, such as ops)\n"
         "n.yaml:5:28: alerts.channels: \"\" does not have the right form (expected names of "
         "channels, such as ops)"},
        {"alerts:\n  - name: x\n    metric: m\n    warning: 1\n    match: {\"de vice\": eth0}\n",
         "n.yaml:5:24: alerts.match: \"de vice=eth0\" does not have the right form (expected "
         "label=glob, such as device=eth*)"},
        {"channels:\n  - name: x\n    type: pigeon\n",
         "n.yaml:3:11: channels.type: \"pigeon\" is not usable (expected log, syslog, webhook, "
         "alertmanager, email or exec)"},
        /* what the keys mean together: the place of the value at fault, else of the item */
        {"alerts:\n  - name: x\n    metric: m\n    critical: 1\n    warning: 2\n",
         "n.yaml:4:15: alerts.critical: critical must be more than warning"},
        {"alerts:\n  - metric: m\n    warning: 1\n",
         "n.yaml:2:5: alerts.name: a rule needs a name"},
        {"alerts: [{name: x}]", "n.yaml:1:10: alerts.metric: a rule needs a metric"},
        {"channels: [{name: log, type: syslog}]",
         "n.yaml:1:19: channels.name: only a channel of type log may be called that"},
        /* what the items mean together */
        {"alerts:\n  - {name: x, metric: m, warning: 1}\n  - {name: x, metric: m, warning: 1}\n",
         "n.yaml:3:12: alerts.name: the rule x is there twice (first in DIR/n.yaml:2:12)"},
        {"alerts:\n  - name: x\n    metric: m\n    warning: 1\n    channels: [log, op]\n",
         "n.yaml:5:21: alerts.channels: there is no channel \"op\" (expected names out of "
         "websocket, log)"},
        {"channels: [{name: ops, type: log, fallback: pos}]",
         "n.yaml:1:45: channels.fallback: there is no channel called pos"},
        {"channels:\n  - {name: a, type: log, fallback: b}\n  - {name: b, type: log, fallback: "
         "a}\n",
         "n.yaml:2:36: channels.fallback: the fallbacks of a go round in a circle"},
        {"alerting: {channels: [log, ops, log]}",
         "n.yaml:1:22: alerting.channels: there is no channel \"ops\" (expected names out of "
         "websocket, log)\n"
         "n.yaml:1:22: alerting.channels: log is there twice (expected it once)"},
        /* all at once */
        {"alerts:\n  - name: x y\n    metri: m\n  - name: z\n    for: long\nstore: {raw: x}\n",
         "n.yaml:2:11: alerts.name: \"x y\" does not have the right form (expected 1 to 64 "
         "letters, "
         "digits, dots, dashes and underscores)\n"
         "n.yaml:3:5: alerts: there is no key \"metri\" (did you mean metric?)\n"
         "n.yaml:5:10: alerts.for: \"long\" is not understood (expected a duration from 0 to 7d, "
         "such as 30s)\n"
         "n.yaml:6:14: store.raw: \"x\" is not understood (expected a duration from 10m to 1y, "
         "such "
         "as 7d)"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char expected[2048] = "";
        const char *at = cases[i].complaints, *mark = strstr(at, "DIR");
        if (mark)
            snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(mark - at), at, f->directory,
                     mark + 3);
        if (load(f, cases[i].text) != -EINVAL)
            fail_msg("%s\nwas taken", cases[i].text);
        assert_complaints(f, cases[i].text, mark ? expected : at);
    }
}

static void test_too_many(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    buf_text(&text, "channels:\n");
    for (int i = 0; i < 65; i++)
        buf_printf(&text, "  - {name: c%d, type: log}\n", i);
    buf_text(&text, "alerts:\n");
    for (int i = 0; i < RULES_MAX; i++)
        buf_printf(&text, "  - {name: r%d, metric: m, warning: 1}\n", i);
    assert_int_equal(load(f, buf_string(&text)), -EINVAL);
    char *first = strtok(f->complaints, "\n");
    assert_non_null(strstr(first, "n.yaml:66:12: channels: one too many (expected at most 64)"));
    first = strtok(NULL, "\n");
    assert_non_null(strstr(first, "n.yaml:1058:12: alerts: one too many (expected at most 990)"));
    buf_fini(&text);
}

/* ---- what is in force ---------------------------------------------------------------------- */

static const struct rule *rule_named(struct rule *const *rules, size_t count, const char *name)
{
    const struct rule *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i]->name, name) == 0) {
            assert_null(found);
            found = rules[i];
        }
    }
    return found;
}

static void test_rules_in_force(void **state)
{
    struct fixture *f = *state;
    struct rule **defaults, **rules;
    size_t defaults_count = rules_default(&defaults), count;
    assert_true(defaults_count >= 2);
    const char *off = defaults[0]->name, *other = defaults[1]->name;
    CLEANUP(mem_freep)
    char *text = mem_printf("alerts:\n"
                            "  - {name: %s, enabled: off}\n"
                            "  - {name: %s, metric: m, warning: 7}\n"
                            "  - {name: mine, metric: m, warning: 8}\n",
                            off, other);
    assert_loads(f, text);
    rules = config_rules(f->config, &count);
    assert_int_equal(count, defaults_count + 1);
    assert_false(rule_named(rules, count, off)->enabled);
    assert_int_equal(rule_named(rules, count, off)->source, RULE_FROM_FILE);
    assert_true(rule_named(rules, count, other)->warning == 7);
    assert_true(rule_named(rules, count, "mine")->warning == 8);
    for (size_t i = 2; i < defaults_count; i++)
        assert_int_equal(rule_named(rules, count, defaults[i]->name)->source, RULE_DEFAULT);
    for (size_t i = 0; i < count; i++)
        rule_unref(rules[i]);
    for (size_t i = 0; i < defaults_count; i++)
        rule_unref(defaults[i]);
    free(rules);
    free(defaults);
}

/* ---- dumps --------------------------------------------------------------------------------- */

static void test_dump_loads_back(void **state)
{
    struct fixture *f = *state;
    struct buf first = BUF_INIT, second = BUF_INIT;
    assert_loads(f, two_rules);
    config_dump_yaml(f->config, &first);
    assert_non_null(strstr(buf_string(&first), "n.yaml:2:5\n"));
    assert_non_null(strstr(buf_string(&first), "    match: [\"device=eth*\", \"duplex=full\"]\n"));
    assert_non_null(strstr(buf_string(&first), "\n#   - name: link_down "));
    assert_loads(f, buf_string(&first));
    check_two_rules(f->config);
    assert_int_equal(f->config->rules_count, 2); /* the others are comments */
    config_dump_yaml(f->config, &second);
    assert_loads(f, buf_string(&second));
    check_two_rules(f->config);
    buf_fini(&first);
    buf_fini(&second);
}

static void test_dump_json(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    assert_loads(f, two_rules);
    config_dump_json(f->config, &out);
    json_t *root = json_loads(buf_string(&out), 0, NULL);
    assert_non_null(root);
    json_t *channels = json_object_get(root, "channels"), *alerts = json_object_get(root, "alerts");
    assert_int_equal(json_array_size(channels), 2);
    assert_int_equal(json_array_size(alerts), 2);
    json_t *mail = json_object_get(json_array_get(channels, 1), "keys");
    assert_int_equal(json_array_size(json_object_get(mail, "to")), 2);
    json_t *busy = json_array_get(alerts, 0);
    assert_non_null(strstr(json_string_value(json_object_get(busy, "from")), "n.yaml:9:5"));
    busy = json_object_get(busy, "keys");
    assert_string_equal(json_string_value(json_object_get(busy, "warning")), "800Mbit");
    assert_string_equal(json_string_value(json_array_get(json_object_get(busy, "match"), 0)),
                        "device=eth*");
    assert_true(json_array_size(json_object_get(root, "default_alerts")) > 0);
    json_decref(root);
    buf_fini(&out);
}

/* What others see has no secret in it, and is otherwise what is in force. */
static void test_put_shown(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    assert_loads(f, "channels:\n"
                    "  - {name: hook, type: webhook, url: "
                    "\"https://h.example:8443/hooks/TOPSECRET?k=HIDDEN\"}\n"
                    "  - {name: bare, type: alertmanager, url: \"http://127.0.0.1:9093\"}\n"
                    "  - {name: run, type: exec, command: [/bin/true, \"--password=PRIVATE\", x]}\n"
                    "alerts: []\n");
    json_open(&out, '{');
    config_put_shown(f->config, &out);
    json_close(&out, '}');
    for (size_t i = 0; i < 3; i++)
        assert_null(
            strstr(buf_string(&out), (const char *[]){"TOPSECRET", "HIDDEN", "PRIVATE"}[i]));
    json_t *root = json_loads(buf_string(&out), 0, NULL);
    assert_non_null(root);
    const json_t *channels = json_object_get(root, "channels");
    const char *urls[] = {"https://h.example:8443/…", "http://127.0.0.1:9093"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *keys = json_object_get(json_array_get(channels, i), "keys");
        assert_string_equal(json_string_value(json_object_get(keys, "url")), urls[i]);
    }
    const json_t *command =
        json_object_get(json_object_get(json_array_get(channels, 2), "keys"), "command");
    assert_int_equal(json_array_size(command), 3);
    assert_string_equal(json_string_value(json_array_get(command, 0)), "/bin/true");
    assert_string_equal(json_string_value(json_array_get(command, 1)), "…");
    const json_t *row = json_array_get(json_object_get(root, "config"), 0);
    assert_non_null(json_string_value(json_object_get(row, "doc")));
    json_decref(root);
    buf_fini(&out);
}

static void test_examples_load(void **state)
{
    struct fixture *f = *state;
    for (int kind = 0; kind < CONFIG_LISTS; kind++) {
        assert_loads(f, config_list_example((enum config_list_kind)kind));
        size_t least = kind == CONFIG_LIST_CHANNELS ? 3 : 1;
        assert_int_equal(config_list_count(f->config, (enum config_list_kind)kind), least);
    }
    FILE *file = fopen(EXAMPLE, "r");
    assert_non_null(file);
    char text[16384];
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    assert_loads(f, text);
    assert_true(f->config->rules_count >= 3 && f->config->channels_count >= 5);
}

/* ---- what the sections hold ---------------------------------------------------------------- */

static void test_parts_and_frequencies(void **state)
{
    static const struct {
        const char *text, *wrong; /* NULL: it is right */
    } cases[] = {
        {"detect: {confirm: 1/1}", NULL},
        {"detect: {confirm: 5/4}", "detect.confirm: \"5/4\" makes no sense (expected K/N"},
        {"detect: {confirm: 8/8}", NULL},
        {"detect: {confirm: 3/9}", "\"3/9\" makes no sense"},
        {"detect: {confirm: 0/4}", "\"0/4\" makes no sense"},
        {"detect: {confirm: 3}", "\"3\" is not understood"},
        {"detect: {confirm: 3/5/7}", "is not understood"},
        {"detect: {confirm: -3/5}", "is not understood"},
        {"detect: {false_alarms: 1/week}", NULL},
        {"detect: {false_alarms: 20/12h}", NULL},
        {"detect: {false_alarms: 1/2y}", "is too little (expected COUNT/DURATION from 1/1y to"},
        {"detect: {false_alarms: 2/minute}", "is too much"},
        {"detect: {false_alarms: 1/fortnight}", "is not understood"},
        {"detect: {sigma: 0.4}", "is too little (expected a number from 0.5 to 100, such as 3)"},
        {"detect: {sigma: nan}", "is not understood"},
        {"detect: {learning: 0}", NULL},
        {"alerting: {rate: 1/1s, cooldown: 0}", NULL},
        {"alerting: {rate: 0/1s}", "\"0/1s\" makes no sense"},
        {"alerting: {rate: 1001/1d}", "makes no sense"},
        {"alerting: {rate: 5/0}", "makes no sense"},
        {"alerting: {rate: 1m}", "is not understood (expected COUNT/DURATION from 1/1d to"},
        {"alerting: {channels: []}", NULL},
    };
    struct fixture *f = *state;
    assert_loads(f, "");
    assert_int_equal(f->config->detect.confirm.part, 3);
    assert_int_equal(f->config->detect.confirm.whole, 5);
    assert_int_equal(f->config->detect.false_alarms.count, 1);
    assert_int_equal(f->config->detect.false_alarms.ms, 86400000);
    assert_int_equal(f->config->alerting.rate.count, 5);
    assert_int_equal(f->config->alerting.rate.ms, 60000);
    assert_int_equal(f->config->alerting.cooldown_ms, 60000);
    assert_true(f->config->detect.sigma == 2.5);
    assert_int_equal(f->config->alerting.channels.count, 2);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int err = load(f, cases[i].text);
        if (cases[i].wrong ? !err || !strstr(f->complaints, cases[i].wrong) : err != 0)
            fail_msg("%s: %s", cases[i].text, err ? f->complaints : "was taken");
    }
    f->environment[1] = (char[]){"NETSONDE_ALERTING_RATE=7/2h"};
    f->environment[2] = (char[]){"NETSONDE_DETECT_CONFIRM=2/3"};
    assert_loads(f, "");
    assert_int_equal(f->config->alerting.rate.count, 7);
    assert_int_equal(f->config->alerting.rate.ms, 7200000);
    assert_int_equal(f->config->detect.confirm.whole, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_loads),
        TEST(test_nothing),
        TEST(test_environment),
        TEST(test_log_itself),
        TEST(test_several_files),
        TEST(test_mistakes),
        TEST(test_too_many),
        TEST(test_rules_in_force),
        TEST(test_dump_loads_back),
        TEST(test_dump_json),
        TEST(test_put_shown),
        TEST(test_examples_load),
        TEST(test_parts_and_frequencies),
    };
    return cmocka_run_group_tests_name("daemon/config_lists", tests, NULL, NULL);
}
