/*
 * servers.h: all hub loops as one: each a thread of its own that owns its connections. What is said
 * to one is said to all; what they count is added up.
 */
#pragma once

#include "daemon/server.h"

#define SERVERS_MAX 64 /* as many stations has a hub */

struct servers;

/* One server a lane. Before the threads start. NULL: no memory or descriptors. */
struct servers *servers_new(const struct server_settings *settings, struct server_lane *lanes,
                            size_t count);
int servers_start(struct servers *all);

/* Any thread; takes the reference, NULL allowed. */
void servers_post_info(struct servers *all, enum api_info_part part, struct bytes *members);

void servers_post_tls(struct servers *all, struct tls *tls); /* any thread; see server_post_tls */

/* Any thread: the sums, as of the last second. */
void servers_stats(struct servers *all, struct server_stats *ret);

void servers_stop(struct servers *all); /* any thread */
void servers_join(struct servers *all);
void servers_free(struct servers *all); /* after join, before hub_free; NULL allowed */
