/* hub_internal.h: what hub.c and station.c know of each other. */
#pragma once

#include "hub/hub.h"
#include "hub/letters.h"
#include "loop/mailbox.h"

struct station *station_new(struct hub *hub, uint32_t index, uv_loop_t *uv);
void station_free(struct station *st);
struct mailbox *station_inbox(struct station *st);

size_t hub_stations(const struct hub *hub); /* any thread, once they have started */
struct mailbox *hub_inbox(struct hub *hub);
const struct hub_settings *hub_settings(const struct hub *hub);
/* Any thread: the newest table of a kind. One reference; NULL: none yet. */
struct tick_table *hub_table(const struct hub *hub, enum table_kind kind);
/* Any thread. One reference; NULL: no memory. */
struct bytes *hub_hello(const struct hub *hub, int64_t interval_ms);
