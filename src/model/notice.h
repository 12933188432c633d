/*
 * notice.h: what one message on one channel says: one alert or a digest of many. Frozen, counted,
 * any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/alert.h"
#include "model/message.h"

#define NOTICE_ALERTS_MAX 50 /* listed one by one; the others are in `more` */

struct notice {
    struct message msg;
    uint64_t seq;       /* of the newest change in it */
    int64_t t_ms;       /* when it was let through */
    bool test;          /* somebody pressed the button: `alerts` has one made-up alert */
    uint32_t more;      /* further changes that this notice stands for, but does not list */
    uint32_t held_back; /* changes that newer ones overtook while the limits made them wait, since
                           the last notice of this channel ("12 more held back") */
    size_t count;       /* at least 1; the worst first */
    struct alert *alerts[NOTICE_ALERTS_MAX];
};

struct notice *notice_new(void); /* one reference */
struct notice *notice_ref(struct notice *n);
void notice_unref(struct notice *n); /* NULL allowed */
void notice_add(struct notice *n,
                struct alert *a); /* takes its own reference; beyond the most: more */

/* One line: the alert's summary, or "50 alerts: 30 x interface_errors, 20 x dns_slow (12 more held
 * back)". */
struct buf;
void notice_title(const struct notice *n, struct buf *out);
