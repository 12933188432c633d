/*
 * encode_alert.c: see encode_alert.h. What is told of an alert is told in one place, put_members:
 * a page that has one from the stream and the same from HTTP must not see two things.
 *
 * A message `alert` has the members of its worst alert at the top, so that a client that knows no
 * digests still shows what matters most. Its `seq` is the message's: when a notice had to wait for
 * the limits, newer changes have been told of before, and numbers of a channel only grow.
 */
#include "hub/encode_alert.h"

#include "base/check.h"
#include "hub/encode.h"
#include "wire/json.h"

#define VALUE_DIGITS 9 /* whole numbers stay exact */

static void put_text(struct buf *b, const char *key, const char *text)
{
    json_put_key(b, key);
    json_put_string(b, text);
}

static void put_number(struct buf *b, const char *key, double value)
{
    json_put_key(b, key);
    json_put_rounded(b, value, VALUE_DIGITS);
}

static void put_u64(struct buf *b, const char *key, uint64_t value)
{
    json_put_key(b, key);
    json_put_u64(b, value);
}

/* 0: there is none. */
static void put_id_or_null(struct buf *b, const char *key, uint64_t id)
{
    json_put_key(b, key);
    if (id)
        json_put_u64(b, id);
    else
        json_put_null(b);
}

static void put_time_or_null(struct buf *b, const char *key, int64_t t_ms)
{
    json_put_key(b, key);
    if (t_ms)
        json_put_i64(b, t_ms);
    else
        json_put_null(b);
}

/* All but seq, in this order. */
static void put_members(struct buf *b, const struct alert *a, const char *summary)
{
    put_text(b, "rule", a->rule);
    put_text(b, "state", alert_state_name(a->state));
    put_text(b, "severity", alert_severity_name(a->severity));
    put_text(b, "reason", alert_reason_name(a->reason));
    put_number(b, "value", a->value);
    put_number(b, "threshold", a->threshold);
    put_number(b, "z", a->z);
    put_text(b, "unit", a->unit);
    put_text(b, "series", a->series);
    put_u64(b, "series_id", a->series_id);
    put_text(b, "summary", summary);
    put_time_or_null(b, "changed", a->changed_ms);
    put_time_or_null(b, "pending", a->pending_ms);
    put_time_or_null(b, "started", a->started_ms);
    put_time_or_null(b, "resolved", a->resolved_ms);
    put_text(b, "by", a->by[0] ? a->by : NULL);
    put_id_or_null(b, "silence", a->silence_id);
    put_id_or_null(b, "inhibited_by", a->inhibited_by);
}

void encode_alert_json(struct buf *out, const struct alert *a)
{
    json_open(out, '{');
    put_u64(out, "id", a->id);
    put_u64(out, "seq", a->seq);
    put_members(out, a, a->summary);
    json_close(out, '}');
}

/* The first of them as a list; returns how many. */
static size_t put_list(struct buf *out, struct alert *const *alerts, size_t count)
{
    size_t begin = out->len, i = 0;
    json_open(out, '[');
    for (; i < count && out->len - begin < ENCODE_ALERTS_BYTES; i++)
        encode_alert_json(out, alerts[i]);
    json_close(out, ']');
    return i;
}

static struct buf message_open(const char *type, uint64_t seq, int64_t t_ms)
{
    struct buf b = BUF_INIT;
    json_open(&b, '{');
    put_text(&b, "type", type);
    put_u64(&b, "seq", seq);
    json_put_key(&b, "t");
    json_put_i64(&b, t_ms);
    return b;
}

static struct bytes *message_close(struct buf *b)
{
    json_close(b, '}');
    struct bytes *frame = buf_ok(b) ? encode_text(b->data, b->len) : NULL;
    buf_fini(b);
    return frame;
}

struct bytes *encode_notice(const struct notice *n, uint64_t seq)
{
    CHECK(n->count > 0);
    const struct alert *worst = n->alerts[0];
    bool digest = n->count + n->more > 1;
    CLEANUP(buf_fini) struct buf title = BUF_INIT;
    if (digest)
        notice_title(n, &title);
    struct buf b = message_open("alert", seq, n->t_ms);
    put_u64(&b, "id", worst->id);
    put_members(&b, worst, digest ? buf_string(&title) : worst->summary);
    put_u64(&b, "suppressed", n->held_back);
    if (n->test) {
        json_put_key(&b, "test");
        json_put_bool(&b, true);
    }
    if (digest) {
        json_put_key(&b, "group");
        size_t listed = put_list(&b, n->alerts, n->count);
        put_u64(&b, "more", n->more + (n->count - listed));
    }
    return message_close(&b);
}

struct bytes *encode_alert_state(const struct alert_set *set, uint64_t seq)
{
    struct buf b = message_open("alert_state", seq, set->t_ms);
    put_u64(&b, "total", set->count);
    json_put_key(&b, "alerts");
    put_list(&b, set->alerts, MIN(set->count, (size_t)ENCODE_ALERTS_MAX));
    return message_close(&b);
}
