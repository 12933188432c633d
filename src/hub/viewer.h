/*
 * viewer.h: one WebSocket client: its session, its subscriptions, and what happens when it is
 * slow. Private to src/hub; the station's thread only.
 */
#pragma once

#include "base/list.h"
#include "hub/hub.h"
#include "hub/letters.h"
#include "wire/deflate.h"

/* number: of all viewers that this station ever had; in the channel `performance` its name.
 * inflater: of the station, when permessage-deflate was agreed, else NULL. */
struct viewer *viewer_new(struct station *st, uint64_t id, struct conn *conn, uint64_t number,
                          bool admin, struct inflater *inflater);

/* Takes the connection over and says hello; the viewer frees itself when the connection ends.
 * `subscribe`: comma list of channels, or NULL. */
void viewer_greet(struct viewer *v, struct bytes *hello, const char *subscribe);

void viewer_send(struct viewer *v, struct bytes *frame); /* must arrive, or the viewer is closed */

/* A granted subscription: leaves the channel's feed of before, joins this one, takes parcels. */
void viewer_join(struct viewer *v, const struct delivery *d);
/* Parcels for this viewer alone; nothing when it has left the feed meanwhile. */
void viewer_deliver(struct viewer *v, const struct delivery *d);

bool viewer_deflates(const struct viewer *v); /* which form of a parcel it takes */

/* A broadcast in two steps: whoever is ready gets the frame through the fan-out and is told the
 * result; everybody else takes the parcel by itself. */
bool viewer_ready(const struct viewer *v, enum channel channel, const struct parcel *p);
void viewer_sent(struct viewer *v, int result, const struct bytes *frame);
void viewer_take(struct viewer *v, enum channel channel, const struct parcel *p);

#define STATION_BEATS 4 /* in a heartbeat */

/* With each beat: pings whoever will have been silent for a heartbeat before the next one, asks
 * again for lost tables. */
void viewer_beat(struct viewer *v, int64_t now_ms, struct bytes *ping);
void viewer_close(struct viewer *v, uint16_t code, const char *reason);

/* probe.c: sends the ping, which carries `round`, to measure the round trip. False: not now. */
bool viewer_ping(struct viewer *v, struct bytes *frame, uint64_t round);
bool viewer_was_pinged(const struct viewer *v);
void viewer_put_row(const struct viewer *v, struct buf *rows);
/* For qsort over pointers to viewers: those that are worst off first. */
int viewer_compare_trouble(const void *a, const void *b);

struct viewer *viewer_of_member(struct list *node);
struct conn *viewer_conn(struct viewer *v);

/* ---- what a viewer needs of its station -------------------------------------------------- */

int station_request(struct station *st, struct request *r); /* takes it; 0 or -errno */
/* Gives one membership back; deflate: as the viewer's. */
void station_leave(struct station *st, uint32_t feed, bool deflate);
struct list *station_members(struct station *st, uint32_t feed);
void station_viewer_gone(struct station *st, uint64_t id);
struct station_stats *station_counters(struct station *st);
struct station_timings *station_timings(struct station *st);
const struct hub_settings *station_settings(const struct station *st);
int64_t station_now_ms(const struct station *st); /* monotonic */
