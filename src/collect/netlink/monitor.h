/*
 * monitor.h: what changes: links, addresses and routes, as events; and the addresses that each
 * interface has now. Core thread, but for new and open, which run before the threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/engine.h"
#include "collect/netlink/socket.h"

struct monitor;

/* `gone` is told the index of every link that is removed. Settings are borrowed. */
struct monitor *monitor_new(const struct engine_settings *settings,
                            void (*gone)(void *user, uint32_t index), void *user);
void monitor_free(struct monitor *m); /* NULL allowed */

/* Joins the groups, then reads what is there. 0 or -errno. */
int monitor_open(struct monitor *m);

struct rtsocket *monitor_socket(const struct monitor *m); /* readable: call monitor_drain */

/* Reads the waiting notices; never blocks, reads a bounded number at a time. 0 or -errno. */
int monitor_drain(struct monitor *m);

/* Whether links have been heard of since the last call, or notices may have been lost. */
bool monitor_links_changed(struct monitor *m);

/* Hands the events since the last call to the tick (want_events) or drops them. */
void monitor_flush(struct monitor *m, const struct engine_sink *sink, bool want_events);

/* "10.0.0.1/8\nfe80::1/64", "" when there are none; borrowed until the next drain. */
const char *monitor_addresses(struct monitor *m, uint32_t index);

/* Whether the number of a network namespace means the same since then (monotonic). */
bool monitor_nsid_holds(const struct monitor *m, int32_t nsid, int64_t since_ns);

/* One message of a link, an address, a route or a namespace, as monitor_drain takes it; user is the
 * monitor. 0, or -EBADMSG when it makes no sense. */
int monitor_handle(void *user, const struct nlmsghdr *msg);

uint64_t monitor_overruns(const struct monitor *m);
uint64_t monitor_bad(const struct monitor *m); /* messages that made no sense */
