/*
 * message.h: what crosses threads. A message is built by one thread, frozen when it is first
 * shared, and freed by whoever drops the last reference. struct tick, event, table and
 * series_set embed it as their first member.
 */
#pragma once

#include <stdatomic.h>

struct message {
    atomic_uint refs;
    void (*destroy)(struct message *msg); /* runs once, on the thread that drops the last one */
};

void message_init(struct message *msg, void (*destroy)(struct message *msg)); /* one reference */
void message_ref(struct message *msg);
void message_unref(struct message *msg); /* NULL is allowed */
