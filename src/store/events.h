/* events.h: an event's fields as JSON text, the form in which they are stored and read back. */
#pragma once

#include <stdbool.h>

struct event;

/* To be freed; never NULL. !names: without programs, units and hosts (store.record_names). */
char *event_fields_json(const struct event *e, bool names);
