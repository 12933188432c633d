/*
 * links.h: the interfaces' numbers in one dump: RTM_GETLINK for everything, RTM_GETSTATS for the
 * counters alone, at a third of the cost. Core thread.
 */
#pragma once

#include <linux/netlink.h>

#include "collect/interfaces.h"
#include "collect/netlink/socket.h"
#include "wire/rtnetlink.h"

struct links;

struct links *links_new(void);
void links_free(struct links *links); /* NULL allowed */

/* Reads all links; asks a second time when the first dump was interrupted. 0 or -errno, -EINTR
 * when the second one was too: then some links may be missing or there twice. */
int links_read(struct links *links, struct rtsocket *socket, uint64_t *ret_bad);

/* Reads the counters again of the links that are there; the rest of them stays as it was. 0 or
 * -errno; -ESTALE when the kernel has others than these. After an error read all. */
int links_read_counters(struct links *links, struct rtsocket *socket, uint64_t *ret_bad);

size_t links_count(const struct links *links);
const struct rtnetlink_link *links_at(const struct links *links, size_t index);

/* What the link with this number is called, borrowed until the next dump; NULL: there is none. A
 * dump that was interrupted may have missed it: then it has the name that it had before. */
const char *links_name(struct links *links, uint32_t index);

/* What this namespace calls the one that the other end of a pair is in; -1: in this one, or the
 * link is no pair, or the kernel does not say. */
int32_t links_far_nsid(const struct rtnetlink_link *link);

/* For tests with recorded dumps: what links_read does with each message; user is the links. */
void links_clear(struct links *links);
int links_add(void *user, const struct nlmsghdr *msg);
void links_end(struct links *links, bool whole);

/* node_network_* as /proc/net/dev sums them up, and what else the message has. Texts are borrowed
 * from `link`. */
void links_sample(const struct rtnetlink_link *link, struct link_sample *ret);
