/*
 * render_mail.c: a notice as a message: RFC 5322 (headers, folding, dates), RFC 2047 (a subject
 * beyond ASCII), RFC 2045 (quoted-printable, so that no relay has a reason to change the body), RFC
 * 3834 (Auto-Submitted: nobody's answering machine answers).
 *
 * No text of an alert stands in a header as it is: the subject is printable ASCII of a line's
 * length or goes into encoded words; everything else in the headers was checked by channel.c or is
 * made here.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alert/render.h"
#include "alert/render_internal.h"
#include "base/defs.h"
#include "base/mem.h"

#define SUBJECT_PLAIN_MAX 60 /* bytes; the whole line stays under 78 */
#define SUBJECT_MAX 400
#define WORD_BYTES 45 /* 60 characters of base64, 72 with what marks an encoded word */
#define QUOTED_LINE 76

/* ---- headers --------------------------------------------------------------------------------- */

static void put_base64(struct buf *out, const unsigned char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = (uint32_t)data[i] << 16;
        three |= i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0;
        three |= i + 2 < len ? data[i + 2] : 0;
        buf_char(out, digits[three >> 18]);
        buf_char(out, digits[three >> 12 & 63]);
        buf_char(out, i + 1 < len ? digits[three >> 6 & 63] : '=');
        buf_char(out, i + 2 < len ? digits[three & 63] : '=');
    }
}

/* Bytes of the text, `most` at most, that end with a whole character. */
static size_t whole_characters(const char *text, size_t len, size_t most)
{
    if (len <= most)
        return len;
    size_t cut = most;
    while (cut && ((unsigned char)text[cut] & 0xc0) == 0x80)
        cut--;
    return cut ? cut : most;
}

static bool is_plain(const char *text, size_t len)
{
    if (len > SUBJECT_PLAIN_MAX || memmem(text, len, "=?", 2))
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e)
            return false;
    }
    return true;
}

static void put_subject(struct buf *out, const char *text)
{
    size_t len = whole_characters(text, strlen(text), SUBJECT_MAX);
    buf_text(out, "Subject:");
    if (is_plain(text, len)) {
        buf_char(out, ' ');
        buf_append(out, text, len);
        buf_text(out, "\r\n");
        return;
    }
    while (len) {
        size_t part = whole_characters(text, len, WORD_BYTES);
        buf_text(out, " =?UTF-8?B?");
        put_base64(out, (const unsigned char *)text, part);
        buf_text(out, "?=\r\n");
        text += part;
        len -= part;
    }
}

static void put_date(struct buf *out, int64_t now_ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now_s = (time_t)(render_clamp_ms(now_ms) / MS_PER_S);
    struct tm utc = {0};
    gmtime_r(&now_s, &utc);
    buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday % 7],
               utc.tm_mday, months[utc.tm_mon % 12], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
               utc.tm_sec);
}

/* The part of an address or an id behind the @. */
static void put_domain(struct buf *out, const char *host)
{
    size_t from = out->len;
    for (const char *c = host; *c && out->len - from < 200; c++) {
        bool dot = *c == '.' && out->len > from && out->data[out->len - 1] != '.' && c[1];
        if (isalnum((unsigned char)*c) || *c == '-' || dot)
            buf_char(out, *c);
    }
    if (out->len == from)
        buf_text(out, "localhost");
    else if (out->data[out->len - 1] == '.')
        out->len--;
}

char *render_sender(const struct render_context *c)
{
    CLEANUP(buf_fini) struct buf sender = BUF_INIT;
    buf_text(&sender, "netsonde@");
    put_domain(&sender, c->host);
    return mem_string(buf_string(&sender));
}

/* What is the same for the beginning and the end of an alert: programs put them below each other.
 */
static void put_ids(struct buf *out, const struct notice *n, const struct render_context *c)
{
    buf_printf(out, "Message-ID: <netsonde.%" PRIu64 ".%" PRId64 ".", n->seq, c->now_ms);
    for (const char *r = c->receiver; *r; r++)
        buf_char(out, isalnum((unsigned char)*r) ? *r : '-');
    buf_char(out, '@');
    put_domain(out, c->host);
    buf_text(out, ">\r\n");
    if (n->count > 1 || n->test)
        return;
    buf_printf(out, "References: <netsonde.alert.%" PRIu64 "@", n->alerts[0]->id);
    put_domain(out, c->host);
    buf_text(out, ">\r\n");
}

static void put_headers(const struct notice *n, const struct render_context *c, const char *from,
                        char *const *to, size_t to_count, struct buf *out)
{
    CLEANUP(buf_fini) struct buf title = BUF_INIT, subject = BUF_INIT;
    put_date(out, c->now_ms);
    buf_printf(out, "From: netsonde <%s>\r\nTo:", from);
    for (size_t i = 0; i < to_count; i++)
        buf_printf(out, " %s%s\r\n", to[i], i + 1 < to_count ? "," : "");
    const struct alert *worst = n->alerts[0];
    notice_title(n, &title);
    render_clean(&subject, c->host);
    if (!render_is_over(worst))
        buf_printf(&subject, " %s", worst->severity == ALERT_CRITICAL ? "CRITICAL" : "warning");
    buf_text(&subject, ": ");
    render_clean(&subject, buf_string(&title));
    put_subject(out, buf_string(&subject));
    put_ids(out, n, c);
    buf_text(out, "Auto-Submitted: auto-generated\r\n"
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n"
                  "\r\n");
}

/* ---- body ------------------------------------------------------------------------------------ */

static void put_row(struct buf *body, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_printf(body, "  %-10s ", name);
    render_clean(body, value);
    buf_char(body, '\n');
}

static void put_value(struct buf *body, const struct alert *a)
{
    char number[RENDER_NUMBER_MAX];
    CLEANUP(buf_fini) struct buf row = BUF_INIT;
    if (isfinite(a->value))
        buf_printf(&row, "%s %s", render_number(a->value, number), a->unit);
    put_row(body, "value", buf_string(&row));
    put_row(body, "threshold", render_number(a->threshold, number));
    put_row(body, "z", render_number(a->z, number));
}

static void put_alert(struct buf *body, const struct alert *a)
{
    char time[RENDER_TIME_MAX];
    buf_printf(body, "%s (%s): ", render_is_over(a) ? "Resolved" : "Firing",
               alert_severity_name(a->severity));
    render_clean(body, a->summary);
    buf_char(body, '\n');
    put_row(body, "rule", a->rule);
    put_row(body, "series", a->series);
    put_value(body, a);
    put_row(body, "since", render_time(render_begin_ms(a), time));
    if (render_is_over(a))
        put_row(body, "until", render_time(a->resolved_ms ? a->resolved_ms : a->changed_ms, time));
    put_row(body, "noted by", a->by);
    buf_char(body, '\n');
}

/* RFC 2045, 6.7; lines of `text` end with \n. */
static void put_quoted(struct buf *out, const char *text)
{
    size_t column = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '\n') {
            buf_text(out, "\r\n");
            column = 0;
            continue;
        }
        bool last = c[1] == '\n' || !c[1];
        bool plain = (*c > 0x20 && *c < 0x7f && *c != '=') || (*c == ' ' && !last);
        size_t width = plain ? 1 : 3;
        if (column + width > QUOTED_LINE - 1) {
            buf_text(out, "=\r\n");
            column = 0;
        }
        if (plain)
            buf_char(out, (char)*c);
        else
            buf_printf(out, "=%02X", *c);
        column += width;
    }
}

void render_mail(const struct notice *n, const struct render_context *c, const char *from,
                 char *const *to, size_t to_count, struct buf *out)
{
    CLEANUP(buf_fini) struct buf body = BUF_INIT;
    put_headers(n, c, from, to, to_count, out);
    if (n->test)
        buf_text(&body, "This is a test of this channel: nothing is wrong.\n\n");
    for (size_t i = 0; i < n->count; i++)
        put_alert(&body, n->alerts[i]);
    if (n->more)
        buf_printf(&body, "%u more are not listed here.\n", n->more);
    if (n->held_back)
        buf_printf(&body, "%u more were held back by the limits.\n", n->held_back);
    if (*c->dashboard)
        buf_printf(&body, "%s\n", c->dashboard);
    buf_text(&body, "netsonde on ");
    render_clean(&body, c->host);
    buf_char(&body, '\n');
    put_quoted(out, buf_string(&body));
}
