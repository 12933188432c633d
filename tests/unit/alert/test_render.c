/* What notices look like to those who get them. Hostile texts: tests/fuzz/render.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/render.h"
#include "base/defs.h"
#include "base/mem.h"
#include "wire/json.h"

#define T0 INT64_C(1764000000000) /* 2025-11-24T16:00:00Z, a Monday */

static const struct render_context context = {
    .receiver = "ops",
    .host = "box",
    .dashboard = "https://d.example.net/",
    .now_ms = T0 + 1000,
    .pid = 8,
};

static struct alert *link_down(enum alert_state state)
{
    struct alert *a = alert_new();
    a->seq = 345;
    a->id = 12;
    a->state = state;
    a->severity = ALERT_CRITICAL;
    a->value = 0;
    a->threshold = 1;
    a->started_ms = T0;
    a->resolved_ms = state == ALERT_RESOLVED ? T0 + 500 : 0;
    alert_text(&a->rule, "link_down");
    alert_text(&a->series, "node_network_up{device=\"eth0\",severity=\"x\"}");
    alert_text(&a->summary, "eth0 is down");
    return a;
}

static struct notice *notice_of(enum alert_state state)
{
    struct notice *n = notice_new();
    struct alert *a = link_down(state);
    notice_add(n, a);
    alert_unref(a);
    return n;
}

static json_t *webhook(const struct notice *n)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    char why[160];
    render_webhook(n, &context, &out);
    json_t *j = json_parse(out.data, out.len, why, sizeof(why));
    if (!j)
        fail_msg("%s: %.*s", why, (int)out.len, out.data);
    return j;
}

/* The text at a path such as "alerts.0.labels.device". */
static const char *at(json_t *j, const char *path)
{
    char part[64];
    while (*path && j) {
        size_t len = strcspn(path, ".");
        snprintf(part, sizeof(part), "%.*s", (int)len, path);
        j = json_is_array(j) ? json_array_get(j, strtoul(part, NULL, 10))
                             : json_object_get(j, part);
        path += len + (path[len] == '.');
    }
    return json_string_value(j);
}

#define assert_at(j, path, text)                                                                   \
    do {                                                                                           \
        assert_non_null(at(j, path));                                                              \
        assert_string_equal(at(j, path), text);                                                    \
    } while (0)

static void test_webhook(void **state)
{
    (void)state;
    struct notice *n = notice_of(ALERT_FIRING);
    json_t *j = webhook(n);
    assert_at(j, "version", "4");
    assert_at(j, "status", "firing");
    assert_at(j, "receiver", "ops");
    assert_at(j, "groupKey",
              "{}:{alertname=\"link_down\",device=\"eth0\",exported_severity=\"x\","
              "instance=\"box\",metric=\"node_network_up\"}");
    assert_int_equal(json_integer_value(json_object_get(j, "truncatedAlerts")), 0);
    assert_at(j, "groupLabels.device", "eth0");
    assert_null(at(j, "groupLabels.severity"));
    assert_at(j, "commonLabels.severity", "critical");
    assert_at(j, "commonAnnotations.summary", "eth0 is down");
    assert_at(j, "externalURL", "https://d.example.net/");
    assert_at(j, "alerts.0.status", "firing");
    assert_at(j, "alerts.0.labels.alertname", "link_down");
    assert_at(j, "alerts.0.labels.exported_severity", "x");
    assert_at(j, "alerts.0.annotations.summary", "eth0 is down");
    assert_at(j, "alerts.0.annotations.value", "0");
    assert_at(j, "alerts.0.annotations.threshold", "1");
    assert_null(at(j, "alerts.0.annotations.z"));
    assert_at(j, "alerts.0.startsAt", "2025-11-24T16:00:00.000Z");
    assert_at(j, "alerts.0.endsAt", "0001-01-01T00:00:00Z");
    assert_at(j, "alerts.0.generatorURL", "https://d.example.net/alerts");
    char print[32];
    snprintf(print, sizeof(print), "%s", at(j, "alerts.0.fingerprint"));
    assert_int_equal(strlen(print), 16);
    json_decref(j);
    notice_unref(n);

    n = notice_of(ALERT_RESOLVED);
    n->alerts[0]->severity = ALERT_WARNING;
    j = webhook(n);
    assert_at(j, "status", "resolved");
    assert_at(j, "alerts.0.endsAt", "2025-11-24T16:00:00.500Z");
    assert_at(j, "alerts.0.fingerprint", print); /* whatever the severity */
    json_decref(j);
    notice_unref(n);
}

static void test_digest(void **state)
{
    (void)state;
    struct notice *n = notice_new();
    for (int i = 0; i < 57; i++) {
        struct alert *a = link_down(i % 2 ? ALERT_RESOLVED : ALERT_FIRING);
        char series[64];
        snprintf(series, sizeof(series), "node_network_up{device=\"eth%d\"}", i);
        alert_text(&a->series, series);
        notice_add(n, a);
        alert_unref(a);
    }
    json_t *j = webhook(n);
    assert_at(j, "status", "firing");
    assert_at(j, "groupKey", "{}:{}");
    assert_int_equal(json_integer_value(json_object_get(j, "truncatedAlerts")), 7);
    assert_int_equal(json_array_size(json_object_get(j, "alerts")), 50);
    assert_int_equal(json_object_size(json_object_get(j, "groupLabels")), 0);
    assert_at(j, "commonLabels.alertname", "link_down");
    assert_null(at(j, "commonLabels.device"));
    json_decref(j);
    notice_unref(n);
}

static void test_alertmanager(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    struct notice *n = notice_of(ALERT_ACKNOWLEDGED);
    char why[160];
    render_alertmanager(n, &context, &out);
    json_t *j = json_parse(out.data, out.len, why, sizeof(why));
    assert_at(j, "0.startsAt", "2025-11-24T16:00:00.000Z");
    assert_at(j, "0.endsAt", "2025-11-24T16:05:01.000Z"); /* unless it is told again */
    assert_at(j, "0.annotations.state", "acknowledged");
    json_decref(j);
    notice_unref(n);
    buf_clear(&out);
    n = notice_of(ALERT_RESOLVED);
    n->alerts[0]->resolved_ms = T0 - 5000; /* the clock went back */
    const struct render_context no_links = {.receiver = "ops", .host = "box", .dashboard = ""};
    render_alertmanager(n, &no_links, &out);
    j = json_parse(out.data, out.len, why, sizeof(why));
    assert_at(j, "0.endsAt", "2025-11-24T16:00:00.000Z");
    assert_null(at(j, "0.generatorURL"));
    json_decref(j);
    notice_unref(n);
}

static void test_lines(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    struct notice *n = notice_of(ALERT_FIRING);
    alert_text(&n->alerts[0]->summary, "a \"b\" \\");
    assert_int_equal(render_lines(n), 1);
    render_line(n, 0, &out);
    const char *line = "state=firing severity=critical rule=link_down "
                       "series=\"node_network_up{device=\\\"eth0\\\",severity=\\\"x\\\"}\" "
                       "reason=threshold value=0 threshold=1 id=12 seq=345 "
                       "summary=\"a \\\"b\\\" \\\\\"";
    assert_string_equal(buf_string(&out), line);
    buf_clear(&out);
    setenv("TZ", "UTC", 1);
    render_syslog(n, 0, &context, &out);
    CLEANUP(mem_freep) char *expected = mem_printf("<26>Nov 24 16:00:01 netsonde[8]: %s", line);
    assert_string_equal(buf_string(&out), expected);
    assert_int_equal(render_priority(n, 0), 2);

    n->held_back = 12;
    n->more = 3;
    assert_int_equal(render_lines(n), 2);
    assert_int_equal(render_priority(n, 1), 5);
    buf_clear(&out);
    render_line(n, 1, &out);
    assert_string_equal(buf_string(&out), "more=3 held_back=12 summary=\"4 alerts: 1 x link_down "
                                          "(12 more held back)\"");
    n->test = true;
    assert_int_equal(render_priority(n, 0), 6);
    notice_unref(n);
}

static void test_journal(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    struct notice *n = notice_of(ALERT_RESOLVED);
    render_journal(n, 0, &out);
    const char *begin = "MESSAGE=Resolved: eth0 is down\nMESSAGE_ID=";
    assert_memory_equal(out.data, begin, strlen(begin));
    const char *parts[] = {"\nPRIORITY=5\n", "\nSYSLOG_IDENTIFIER=netsonde\n",
                           "\nNETSONDE_RULE=link_down\n", "\nNETSONDE_STATE=resolved\n",
                           "\nNETSONDE_SEQ=345\n"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_non_null(strstr(buf_string(&out), parts[i]));
    notice_unref(n);
}

static void note(void *user, const char *assignment)
{
    buf_printf(user, "%s\n", assignment);
}

static void test_environment(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    struct notice *n = notice_of(ALERT_FIRING);
    render_environment(n, &context, note, &out);
    const char *parts[] = {"NETSONDE_SUMMARY=eth0 is down\n",
                           "\nNETSONDE_CHANNEL=ops\n",
                           "\nNETSONDE_STATUS=firing\n",
                           "\nNETSONDE_COUNT=1\n",
                           "\nNETSONDE_TEST=false\n",
                           "\nNETSONDE_RULE=link_down\n",
                           "\nNETSONDE_SINCE=2025-11-24T16:00:00.000Z\n"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_non_null(strstr(buf_string(&out), parts[i]));
    notice_unref(n);
}

static void test_mail(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    char a[] = "a@example.net", b[] = "b@example.net", *to[] = {a, b};
    struct notice *n = notice_of(ALERT_FIRING);
    CLEANUP(mem_freep) char *sender = render_sender(&context);
    render_mail(n, &context, sender, to, ARRAY_LEN(to), &out);
    const char *head = "Date: Mon, 24 Nov 2025 16:00:01 +0000\r\n"
                       "From: netsonde <netsonde@box>\r\n"
                       "To: a@example.net,\r\n b@example.net\r\n"
                       "Subject: box CRITICAL: eth0 is down\r\n"
                       "Message-ID: <netsonde.345.1764000001000.ops@box>\r\n"
                       "References: <netsonde.alert.12@box>\r\n"
                       "Auto-Submitted: auto-generated\r\n"
                       "MIME-Version: 1.0\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: quoted-printable\r\n"
                       "\r\n"
                       "Firing (critical): eth0 is down\r\n"
                       "  rule       link_down\r\n"
                       "  series     node_network_up{device=3D\"eth0\",severity=3D\"x\"}\r\n";
    assert_true(out.len > strlen(head));
    CLEANUP(mem_freep) char *begin = mem_string_n(out.data, strlen(head));
    assert_string_equal(begin, head);
    buf_clear(&out);
    alert_text(&n->alerts[0]->summary, "Größe\r\nBcc: c@example.net");
    render_mail(n, &context, "x@example.net", to, 1, &out);
    assert_non_null(strstr(buf_string(&out),
                           "From: netsonde <x@example.net>\r\nTo: a@example.net\r\n"
                           "Subject: =?UTF-8?B?"));
    assert_null(strstr(buf_string(&out), "\nBcc"));
    notice_unref(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webhook),      cmocka_unit_test(test_digest),
        cmocka_unit_test(test_alertmanager), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_journal),      cmocka_unit_test(test_environment),
        cmocka_unit_test(test_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
