/*
 * render_text.c: lines of logs, and the variables of a program. A line is made of pairs; the tables
 * below say which, and every rendering walks over the same ones.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/render.h"
#include "alert/render_internal.h"
#include "base/defs.h"
#include "base/mem.h"

/* "This is an alert", to be found with journalctl MESSAGE_ID=… whatever the rule. */
#define JOURNAL_ID "6b0c0f6e0f1d4d0bb1f3a9d2c7e84a51"

enum {
    FACILITY_DAEMON = 3 << 3,
    PRIORITY_CRITICAL = 2,
    PRIORITY_WARNING = 4,
    PRIORITY_NOTICE = 5,
    PRIORITY_INFO = 6,
};

/* ---- pairs ----------------------------------------------------------------------------------- */

struct teller {
    void (*tell)(void *user, const char *key, const char *value);
    void *user;
};

static void tell_number(const struct teller *t, const char *key, double value)
{
    char number[RENDER_NUMBER_MAX];
    if (isfinite(value))
        t->tell(t->user, key, render_number(value, number));
}

static void tell_count(const struct teller *t, const char *key, uint64_t value)
{
    char number[RENDER_NUMBER_MAX];
    snprintf(number, sizeof(number), "%" PRIu64, value);
    t->tell(t->user, key, number);
}

static void tell_text(const struct teller *t, const char *key, const char *value)
{
    CLEANUP(buf_fini) struct buf clean = BUF_INIT;
    render_clean(&clean, value);
    if (clean.len)
        t->tell(t->user, key, buf_string(&clean));
}

static void tell_alert(const struct teller *t, const struct alert *a)
{
    t->tell(t->user, "state", alert_state_name(a->state));
    t->tell(t->user, "severity", alert_severity_name(a->severity));
    tell_text(t, "rule", a->rule);
    tell_text(t, "series", a->series);
    t->tell(t->user, "reason", alert_reason_name(a->reason));
    tell_number(t, "value", a->value);
    tell_number(t, "threshold", a->threshold);
    tell_number(t, "z", a->z);
    tell_text(t, "unit", a->unit);
    tell_text(t, "by", a->by);
    tell_count(t, "id", a->id);
    tell_count(t, "seq", a->seq);
}

static void tell_rest(const struct teller *t, const struct notice *n)
{
    if (n->more)
        tell_count(t, "more", n->more);
    if (n->held_back)
        tell_count(t, "held_back", n->held_back);
}

static void tell_line(const struct teller *t, const struct notice *n, size_t index)
{
    if (index < n->count)
        tell_alert(t, n->alerts[index]);
    else
        tell_rest(t, n);
    if (n->test)
        t->tell(t->user, "test", "true");
}

/* What a person reads of the line. */
static void put_message(struct buf *out, const struct notice *n, size_t index)
{
    if (index >= n->count) {
        notice_title(n, out);
        return;
    }
    const struct alert *a = n->alerts[index];
    buf_printf(out, "%s%s", n->test ? "Test: " : "", render_is_over(a) ? "Resolved: " : "");
    buf_text(out, a->summary);
}

/* ---- logs ------------------------------------------------------------------------------------ */

size_t render_lines(const struct notice *n)
{
    return n->count + (n->more || n->held_back);
}

int render_priority(const struct notice *n, size_t index)
{
    if (n->test)
        return PRIORITY_INFO;
    if (index >= n->count || render_is_over(n->alerts[index]))
        return PRIORITY_NOTICE;
    return n->alerts[index]->severity == ALERT_CRITICAL ? PRIORITY_CRITICAL : PRIORITY_WARNING;
}

static void put_pair(void *user, const char *key, const char *value)
{
    struct buf *out = user;
    bool plain = *value != '\0';
    for (const char *c = value; *c && plain; c++)
        plain = *c > 0x20 && *c != '"' && *c != '=' && *c != '\\';
    if (out->len && out->data[out->len - 1] != ' ')
        buf_char(out, ' ');
    buf_printf(out, "%s=", key);
    if (plain) {
        buf_text(out, value);
        return;
    }
    buf_char(out, '"');
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_char(out, '\\');
        buf_char(out, *c);
    }
    buf_char(out, '"');
}

void render_line(const struct notice *n, size_t index, struct buf *out)
{
    CLEANUP(buf_fini) struct buf message = BUF_INIT;
    const struct teller pairs = {put_pair, out};
    put_message(&message, n, index);
    tell_line(&pairs, n, index);
    tell_text(&pairs, "summary", buf_string(&message));
}

void render_syslog(const struct notice *n, size_t index, const struct render_context *c,
                   struct buf *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now_s = (time_t)(c->now_ms / MS_PER_S);
    struct tm local = {0};
    localtime_r(&now_s, &local);
    buf_printf(out, "<%d>%s %2d %02d:%02d:%02d netsonde[%u]: ",
               FACILITY_DAEMON | render_priority(n, index), months[local.tm_mon % 12],
               local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, c->pid);
    render_line(n, index, out);
}

/* ---- journald -------------------------------------------------------------------------------- */

/* systemd.io/JOURNAL_NATIVE_PROTOCOL: KEY=value and a line break, or, should the value have one
 * itself, the key alone, the length in 64 bits, the value. */
static void put_field(struct buf *out, const char *key, const char *value)
{
    size_t len = strlen(value);
    buf_text(out, key);
    if (strchr(value, '\n')) {
        unsigned char size[8];
        for (size_t i = 0; i < sizeof(size); i++)
            size[i] = (unsigned char)((uint64_t)len >> 8 * i);
        buf_char(out, '\n');
        buf_append(out, size, sizeof(size));
    } else {
        buf_char(out, '=');
    }
    buf_append(out, value, len);
    buf_char(out, '\n');
}

static void upper_key(char *out, size_t size, const char *key)
{
    int len = snprintf(out, size, "NETSONDE_%s", key);
    for (int i = 0; i < len; i++)
        out[i] = (char)(out[i] >= 'a' && out[i] <= 'z' ? out[i] - 'a' + 'A' : out[i]);
}

static void put_journal_pair(void *user, const char *key, const char *value)
{
    char upper[64];
    upper_key(upper, sizeof(upper), key);
    put_field(user, upper, value);
}

void render_journal(const struct notice *n, size_t index, struct buf *out)
{
    CLEANUP(buf_fini) struct buf message = BUF_INIT, clean = BUF_INIT;
    char priority[4];
    const struct teller pairs = {put_journal_pair, out};
    put_message(&message, n, index);
    render_clean(&clean, buf_string(&message));
    snprintf(priority, sizeof(priority), "%d", render_priority(n, index));
    put_field(out, "MESSAGE", buf_string(&clean));
    put_field(out, "MESSAGE_ID", JOURNAL_ID);
    put_field(out, "PRIORITY", priority);
    put_field(out, "SYSLOG_IDENTIFIER", "netsonde");
    tell_line(&pairs, n, index);
}

/* ---- a program's variables ------------------------------------------------------------------- */

struct assigner {
    void (*tell)(void *user, const char *assignment);
    void *user;
};

static void assign(void *user, const char *key, const char *value)
{
    const struct assigner *a = user;
    char upper[64];
    upper_key(upper, sizeof(upper), key);
    CLEANUP(mem_freep) char *assignment = mem_printf("%s=%s", upper, value);
    a->tell(a->user, assignment);
}

void render_environment(const struct notice *n, const struct render_context *c,
                        void (*tell)(void *user, const char *assignment), void *user)
{
    struct assigner assigner = {tell, user};
    const struct teller t = {assign, &assigner};
    CLEANUP(buf_fini) struct buf title = BUF_INIT;
    char time[RENDER_TIME_MAX];
    notice_title(n, &title);
    tell_text(&t, "summary", buf_string(&title));
    tell_text(&t, "channel", c->receiver);
    tell_text(&t, "host", c->host);
    tell_text(&t, "dashboard", c->dashboard);
    t.tell(t.user, "status", render_status(n));
    tell_count(&t, "count", n->count);
    tell_count(&t, "more", n->more);
    tell_count(&t, "held_back", n->held_back);
    t.tell(t.user, "test", n->test ? "true" : "false");
    t.tell(t.user, "since", render_time(render_begin_ms(n->alerts[0]), time));
    tell_alert(&t, n->alerts[0]);
}
