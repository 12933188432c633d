/* events.h: an event's fields as JSON text, the form in which they are stored and read back. */
#pragma once

struct event;

char *event_fields_json(const struct event *e); /* to be freed; never NULL */
