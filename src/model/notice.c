/* notice.c: see notice.h. */
#include "model/notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void notice_destroy(struct message *msg)
{
    struct notice *n = CONTAINER_OF(msg, struct notice, msg);
    for (size_t i = 0; i < n->count; i++)
        alert_unref(n->alerts[i]);
    free(n);
}

struct notice *notice_new(void)
{
    struct notice *n = mem_alloc(sizeof(*n));
    message_init(&n->msg, notice_destroy);
    return n;
}

struct notice *notice_ref(struct notice *n)
{
    message_ref(&n->msg);
    return n;
}

void notice_unref(struct notice *n)
{
    if (n)
        message_unref(&n->msg);
}

/* What is still wrong comes before what is over, critical before warning. */
static int urgency(const struct alert *a)
{
    return (alert_is_active(a) ? ALERT_SEVERITIES : 0) + (int)a->severity;
}

void notice_add(struct notice *n, struct alert *a)
{
    if (a->seq > n->seq)
        n->seq = a->seq;
    size_t at = n->count;
    while (at > 0 && urgency(n->alerts[at - 1]) < urgency(a))
        at--;
    if (n->count == NOTICE_ALERTS_MAX) {
        n->more++;
        if (at == n->count)
            return;
        alert_unref(n->alerts[--n->count]);
    }
    memmove(&n->alerts[at + 1], &n->alerts[at], (n->count - at) * sizeof(n->alerts[0]));
    n->alerts[at] = alert_ref(a);
    n->count++;
}

/* "30 x interface_errors": the rules of the listed alerts, the most frequent first. */
static void put_rules(const struct notice *n, struct buf *out)
{
    bool told[NOTICE_ALERTS_MAX] = {false};
    for (const char *separator = ": ";; separator = ", ") {
        size_t best = 0, most = 0;
        for (size_t i = 0; i < n->count; i++) {
            size_t same = 0;
            for (size_t k = i; !told[i] && k < n->count; k++)
                same += strcmp(n->alerts[i]->rule, n->alerts[k]->rule) == 0;
            if (same > most) {
                most = same;
                best = i;
            }
        }
        if (!most)
            return;
        buf_printf(out, "%s%zu x %s", separator, most, n->alerts[best]->rule);
        for (size_t k = best; k < n->count; k++)
            told[k] |= strcmp(n->alerts[best]->rule, n->alerts[k]->rule) == 0;
    }
}

void notice_title(const struct notice *n, struct buf *out)
{
    size_t all = n->count + n->more, over = 0;
    for (size_t i = 0; i < n->count; i++)
        over += !alert_is_active(n->alerts[i]);
    if (n->test)
        buf_text(out, "Test: ");
    if (all == 1) {
        buf_printf(out, "%s%s", over ? "Resolved: " : "", n->alerts[0]->summary);
    } else {
        buf_printf(out, "%zu alerts", all);
        if (over == n->count && !n->more)
            buf_text(out, " resolved");
        else if (over)
            buf_printf(out, " (%zu of the listed ones resolved)", over);
        put_rules(n, out);
    }
    if (n->held_back)
        buf_printf(out, " (%u more held back)", n->held_back);
}
