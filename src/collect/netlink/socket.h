/*
 * socket.h: a non-blocking netlink socket, mostly of rtnetlink: dumps on request, notices of the
 * groups it joined. One thread. Errors are -errno.
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct keeper;
struct rtsocket;

/* groups: RTMGRP_* of the notices it wants, 0 for a socket that only asks. */
int rtsocket_open(struct rtsocket **ret, uint32_t groups);
/* The same of another protocol: NETLINK_SOCK_DIAG, NETLINK_GENERIC. */
int rtsocket_open_protocol(struct rtsocket **ret, int protocol, uint32_t groups);
void rtsocket_close(struct rtsocket *s); /* NULL allowed */
int rtsocket_fd(const struct rtsocket *s);

/* The same through the keeper, which may give the socket a receive buffer beyond the limit for
 * everybody else. Without a keeper, or when it fails, opened here with what the system allows. */
int rtsocket_open_roomy(struct rtsocket **ret, struct keeper *keeper, int protocol, uint32_t groups,
                        uint32_t bytes);

/* Room in the kernel for notices; more than the system allows takes a privilege and is cut. */
void rtsocket_set_buffer(struct rtsocket *s, int bytes);

/*
 * Asks for all objects of one kind (RTM_GETLINK, RTM_GETSTATS, RTM_GETADDR) and hands each message
 * to `each`, whose negative answers are counted in *ret_bad, not fatal. The kernel fills a dump
 * while it is read, so this never waits for anything but the kernel's own locks. -EINTR: the
 * objects changed meanwhile and some may be missing or doubled; ask again. -E2BIG: there are more
 * than some 400,000, and the rest of them, rtsocket_left_out, was not handed out.
 */
int rtsocket_dump(struct rtsocket *s, uint16_t type,
                  int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                  uint64_t *ret_bad);

/* The same for a request of any protocol, whose sequence number is set here. */
int rtsocket_ask(struct rtsocket *s, struct nlmsghdr *request,
                 int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                 uint64_t *ret_bad);

/* Messages of the last dump that were beyond what is handed out. */
uint64_t rtsocket_left_out(const struct rtsocket *s);

/* Hands out the notices that wait, at most `datagrams` of them. 0, -EAGAIN when none is left,
 * -ENOBUFS when some were lost: read on after a resync. */
int rtsocket_notices(struct rtsocket *s, size_t datagrams,
                     int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                     uint64_t *ret_bad);
