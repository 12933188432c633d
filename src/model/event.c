/* event.c: see event.h. */
#include "model/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "model/series_internal.h"

static const char *const event_names[EVENT_KINDS] = {
    [EVENT_LINK] = "link",
    [EVENT_ADDRESS] = "address",
    [EVENT_ROUTE] = "route",
    [EVENT_CONNECTION_OPENED] = "connection_opened",
    [EVENT_CONNECTION_CLOSED] = "connection_closed",
    [EVENT_DNS] = "dns",
    [EVENT_LOSS] = "loss",
    [EVENT_ERROR] = "error",
};

const char *event_kind_name(enum event_kind kind)
{
    return event_names[kind];
}

int event_kind_parse(const char *name, enum event_kind *ret)
{
    for (size_t i = 0; i < EVENT_KINDS; i++) {
        if (strcmp(name, event_names[i]) == 0) {
            *ret = (enum event_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}

static void event_destroy(struct message *msg)
{
    struct event *e = CONTAINER_OF(msg, struct event, msg);
    for (size_t i = 0; i < e->fields_count; i++)
        free(e->fields[i].text);
    free(e);
}

struct event *event_new(enum event_kind kind, int64_t t_ms)
{
    struct event *e = mem_alloc(sizeof(*e));
    message_init(&e->msg, event_destroy);
    e->kind = kind;
    e->t_ms = t_ms;
    return e;
}

struct event *event_ref(struct event *e)
{
    message_ref(&e->msg);
    return e;
}

void event_unref(struct event *e)
{
    if (e)
        message_unref(&e->msg);
}

static struct event_field *event_field_new(struct event *e, const char *name)
{
    CHECK(e->fields_count < EVENT_FIELDS_MAX);
    struct event_field *field = &e->fields[e->fields_count++];
    field->name = name;
    return field;
}

void event_text(struct event *e, const char *name, const char *value)
{
    struct buf clean = BUF_INIT;
    text_append_clean(&clean, value, SERIES_TEXT_MAX);
    event_field_new(e, name)->text = mem_string(buf_string(&clean));
    buf_fini(&clean);
}

void event_number(struct event *e, const char *name, double value)
{
    event_field_new(e, name)->number = value;
}

const char *event_get_text(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->fields_count; i++) {
        if (strcmp(e->fields[i].name, name) == 0)
            return e->fields[i].text;
    }
    return NULL;
}
