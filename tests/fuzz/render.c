/*
 * render.c: notices with any bytes in their texts, in every form that leaves the host. What comes
 * out can be read by whoever reads such a thing, and has no line, header, field or variable that
 * the texts brought along.
 *
 * The input is a list of texts, each ended by a zero byte, that are dealt out to the alerts of one
 * notice; its first bytes choose numbers and states.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert/render.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
    const uint8_t *data;
    size_t size;
};

static uint8_t next_byte(struct source *s)
{
    if (!s->size)
        return 0;
    s->size--;
    return *s->data++;
}

static void next_text(struct source *s, char **member)
{
    size_t len = strnlen((const char *)s->data, s->size);
    free(*member);
    *member = mem_string_n((const char *)s->data, len); /* not alert_text: as bad as can be */
    s->data += len;
    s->size -= len;
    next_byte(s);
}

static double next_number(struct source *s)
{
    static const double some[] = {NAN, 0, -1.5, 1e300, INFINITY, 12.25, 1e-300, 123456789};
    return some[next_byte(s) % ARRAY_LEN(some)];
}

static int64_t next_time(struct source *s)
{
    static const int64_t some[] = {0, 1764000000000, INT64_MIN, INT64_MAX, -1, 1764000000001};
    return some[next_byte(s) % ARRAY_LEN(some)];
}

static struct notice *next_notice(struct source *s)
{
    struct notice *n = notice_new();
    uint8_t flags = next_byte(s);
    n->test = flags & 1;
    n->held_back = flags & 2 ? 12 : 0;
    do {
        struct alert *a = alert_new();
        uint8_t kinds = next_byte(s);
        a->state = (enum alert_state)(kinds % ALERT_STATES);
        a->severity = (enum alert_severity)(kinds / 8 % ALERT_SEVERITIES);
        a->reason = (enum alert_reason)(kinds / 16 % ALERT_REASONS);
        a->value = next_number(s);
        a->threshold = next_number(s);
        a->z = next_number(s);
        a->changed_ms = next_time(s);
        a->started_ms = next_time(s);
        a->resolved_ms = next_time(s);
        next_text(s, &a->rule);
        next_text(s, &a->series);
        next_text(s, &a->unit);
        next_text(s, &a->summary);
        next_text(s, &a->by);
        notice_add(n, a);
        alert_unref(a);
    } while (s->size && n->count + n->more < 60);
    return n;
}

static void check_clean(const char *text, size_t len, const char *allowed)
{
    CHECK(text_utf8_valid(text, len) == len);
    for (size_t i = 0; i < len; i++)
        CHECK((text[i] & 0x80) || isprint((unsigned char)text[i]) || strchr(allowed, text[i]));
}

static void check_json(const struct buf *out, json_t *(*alerts_of)(json_t *), size_t count)
{
    char why[160];
    check_clean(out->data, out->len, "");
    json_t *parsed = json_parse(out->data, out->len, why, sizeof(why));
    CHECK(parsed);
    json_t *alerts = alerts_of(parsed), *alert;
    CHECK(json_array_size(alerts) == count);
    size_t i;
    json_array_foreach(alerts, i, alert)
    {
        const char *name;
        json_t *value;
        CHECK(json_object_size(json_object_get(alert, "labels")) >= 1);
        json_object_foreach(json_object_get(alert, "labels"), name, value)
        {
            CHECK(*name && !isdigit((unsigned char)*name) && json_is_string(value));
            for (const char *c = name; *c; c++)
                CHECK(isalnum((unsigned char)*c) || *c == '_');
        }
        CHECK(strcmp(json_string_value(json_object_get(alert, "startsAt")),
                     json_string_value(json_object_get(alert, "endsAt"))) <= 0 ||
              strcmp(json_string_value(json_object_get(alert, "endsAt")), "0001-01-01T00:00:00Z") ==
                  0);
    }
    json_decref(parsed);
}

static json_t *alerts_of_webhook(json_t *parsed)
{
    CHECK(strcmp(json_string_value(json_object_get(parsed, "version")), "4") == 0);
    return json_object_get(parsed, "alerts");
}

static json_t *alerts_of_push(json_t *parsed)
{
    return parsed;
}

/* Headers, each once, of printable ASCII, no longer than the RFC's 998 bytes; then a body of short
 * lines. */
static void check_mail(const struct buf *out)
{
    static const char *const once[] = {
        "Date: ", "From: ", "To:", "Subject:", "Message-ID: ", "Auto-Submitted: "};
    size_t seen[ARRAY_LEN(once)] = {0}, headers = 0, at = 0;
    bool body = false;
    while (at < out->len) {
        const char *line = out->data + at, *end = memmem(line, out->len - at, "\r\n", 2);
        CHECK(end);
        size_t len = (size_t)(end - line);
        for (size_t i = 0; i < len; i++)
            CHECK(line[i] >= 0x20 && line[i] <= 0x7e);
        CHECK(len <= (body ? 76 : 998));
        for (size_t i = 0; i < ARRAY_LEN(once) && !body; i++)
            seen[i] += strncmp(line, once[i], strlen(once[i])) == 0;
        headers += !body && len && *line != ' ';
        body |= len == 0;
        at += len + 2;
    }
    CHECK(body && headers >= 9 && headers <= 10);
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        CHECK(seen[i] == 1);
}

static void check_journal(const struct buf *out)
{
    size_t at = 0, fields = 0;
    while (at < out->len) {
        const char *field = out->data + at, *end = memchr(field, '\n', out->len - at);
        CHECK(end);
        const char *equals = memchr(field, '=', (size_t)(end - field));
        CHECK(equals && equals > field);
        for (const char *c = field; c < equals; c++)
            CHECK(isupper((unsigned char)*c) || *c == '_');
        check_clean(equals, (size_t)(end - equals), "");
        at = (size_t)(end + 1 - out->data);
        fields++;
    }
    CHECK(fields >= 4 && fields <= 20);
}

static void check_assignment(void *user, const char *assignment)
{
    size_t *count = user;
    CHECK(strncmp(assignment, "NETSONDE_", 9) == 0);
    check_clean(assignment, strlen(assignment), "");
    ++*count;
}

static void check_lines(const struct notice *n, const struct render_context *c)
{
    CHECK(render_lines(n) >= n->count);
    for (size_t i = 0; i < render_lines(n); i++) {
        CLEANUP(buf_fini) struct buf line = BUF_INIT, syslog = BUF_INIT, journal = BUF_INIT;
        render_line(n, i, &line);
        check_clean(line.data, line.len, "");
        CHECK(i >= n->count || strncmp(line.data, "state=", 6) == 0);
        render_syslog(n, i, c, &syslog);
        check_clean(syslog.data, syslog.len, "");
        render_journal(n, i, &journal);
        check_journal(&journal);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = {data, size};
    char *host = mem_string("");
    next_text(&s, &host);
    const struct render_context c = {
        .receiver = "ops",
        .host = host,
        .dashboard = next_byte(&s) & 1 ? "https://d.example.net/" : "",
        .now_ms = MAX(next_time(&s), 0),
        .pid = 8,
    };
    struct notice *n = next_notice(&s);
    char to[] = "a@example.net", *const tos[] = {to, to};
    CLEANUP(buf_fini) struct buf webhook = BUF_INIT, push = BUF_INIT, mail = BUF_INIT;
    render_webhook(n, &c, &webhook);
    check_json(&webhook, alerts_of_webhook, n->count);
    render_alertmanager(n, &c, &push);
    check_json(&push, alerts_of_push, n->count);
    char *sender = render_sender(&c);
    render_mail(n, &c, sender, tos, ARRAY_LEN(tos), &mail);
    check_mail(&mail);
    check_lines(n, &c);
    size_t count = 0;
    render_environment(n, &c, check_assignment, &count);
    CHECK(count >= 12);
    notice_unref(n);
    free(sender);
    free(host);
    return 0;
}
