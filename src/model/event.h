/*
 * event.h: something that happened at a moment: a link went down, samples were lost, an engine
 * failed. Immutable once handed to a draft. Fields are flat: text or number under a short name,
 * e.g. {device: "eth0", state: "down"}; the wire and the store write them as a JSON object.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/message.h"

enum event_kind {
    EVENT_LINK,
    EVENT_ADDRESS,
    EVENT_ROUTE,
    EVENT_CONNECTION_OPENED,
    EVENT_CONNECTION_CLOSED,
    EVENT_DNS,
    EVENT_LOSS,  /* something was missed: kernel overrun, late ticks, a full queue */
    EVENT_ERROR, /* a part of netsonde stopped or came back */
    EVENT_KINDS
};

const char *event_kind_name(enum event_kind kind);            /* "link" … */
int event_kind_parse(const char *name, enum event_kind *ret); /* 0 or -EINVAL */

#define EVENT_FIELDS_MAX 20

struct event_field {
    const char *name; /* borrowed: string literals only */
    char *text;       /* owned; NULL: the field is a number */
    double number;
};

struct event {
    struct message msg;
    uint64_t seq; /* per-channel number, across restarts; given when the tick is sealed */
    int64_t t_ms; /* wall time when it was noticed */
    enum event_kind kind;
    size_t fields_count;
    struct event_field fields[EVENT_FIELDS_MAX];
};

struct event *event_new(enum event_kind kind, int64_t t_ms); /* one reference */
struct event *event_ref(struct event *e);
void event_unref(struct event *e); /* NULL allowed */

/* Before sharing only. Text is copied, cut at 256 bytes and made valid UTF-8. */
void event_text(struct event *e, const char *name, const char *value);
void event_number(struct event *e, const char *name, double value);

/* The field's text, or NULL. */
const char *event_get_text(const struct event *e, const char *name);
