/*
 * socket.c: talking to the kernel through libmnl.
 *
 * A dump is produced while it is read: the first part when the request is sent, each further part
 * when the one before has been received. On a non-blocking socket EAGAIN in the middle of one
 * therefore does not happen; should it, the dump counts as failed and its rest, recognised by the
 * old sequence number, is skipped when the next one is read.
 *
 * A dump that is larger than anybody has use for is read to its end all the same, because the
 * kernel refuses another one before; what comes after DUMP_PARTS_MAX is counted and not looked at.
 */
#include "collect/netlink/socket.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "keeper/keeper.h"
#include "wire/rtnetlink.h"

/* The kernel makes no larger parts of a dump than 32 KiB, and smaller ones for smaller buffers. */
#define RECEIVE_BYTES 32768
#define DUMP_PARTS_MAX 4096
#define DUMP_PARTS_READ (1U << 20)

struct rtsocket {
    struct mnl_socket *mnl;
    uint32_t seq;
    uint64_t left_out; /* messages of the last dump */
    _Alignas(struct nlmsghdr) char buffer[RECEIVE_BYTES];
};

static struct rtsocket *rtsocket_of(struct mnl_socket *mnl)
{
    struct rtsocket *s = mem_alloc(sizeof(*s));
    s->mnl = mnl;
    return s;
}

int rtsocket_open(struct rtsocket **ret, uint32_t groups)
{
    return rtsocket_open_protocol(ret, NETLINK_ROUTE, groups);
}

int rtsocket_open_protocol(struct rtsocket **ret, int protocol, uint32_t groups)
{
    struct mnl_socket *mnl = mnl_socket_open2(protocol, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (!mnl)
        return -errno;
    if (mnl_socket_bind(mnl, groups, MNL_SOCKET_AUTOPID) < 0) {
        int err = -errno;
        mnl_socket_close(mnl);
        return err;
    }
    *ret = rtsocket_of(mnl);
    return 0;
}

int rtsocket_open_roomy(struct rtsocket **ret, struct keeper *keeper, int protocol, uint32_t groups,
                        uint32_t bytes)
{
    int fd = -1;
    if (keeper && keeper_open_netlink(keeper, protocol, groups, bytes, &fd) == 0) {
        struct mnl_socket *mnl = mnl_socket_fdopen(fd);
        if (mnl) {
            *ret = rtsocket_of(mnl);
            return 0;
        }
        close(fd);
    }
    int err = rtsocket_open_protocol(ret, protocol, groups);
    if (!err)
        rtsocket_set_buffer(*ret, (int)bytes);
    return err;
}

void rtsocket_close(struct rtsocket *s)
{
    if (!s)
        return;
    mnl_socket_close(s->mnl);
    free(s);
}

int rtsocket_fd(const struct rtsocket *s)
{
    return mnl_socket_get_fd(s->mnl);
}

void rtsocket_set_buffer(struct rtsocket *s, int bytes)
{
    int fd = rtsocket_fd(s);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

struct dump {
    bool done, interrupted;
    int err;
};

/* One received part of a dump. each NULL: nobody has use for it. */
static void dump_part(struct rtsocket *s, size_t len, struct dump *dump,
                      int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                      uint64_t *ret_bad)
{
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(s->buffer, len, &msg, &bad)) {
        if (msg->nlmsg_seq != s->seq)
            continue;
        if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
            dump->interrupted = true;
        if (msg->nlmsg_type == NLMSG_DONE || msg->nlmsg_type == NLMSG_ERROR) {
            dump->done = true;
            dump->err = rtnetlink_error(msg);
        } else if (!each) {
            s->left_out++;
        } else if (each(user, msg) < 0) {
            (*ret_bad)++;
        }
    }
    if (bad)
        (*ret_bad)++;
}

int rtsocket_dump(struct rtsocket *s, uint16_t type,
                  int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                  uint64_t *ret_bad)
{
    _Alignas(struct nlmsghdr) char request[RTNETLINK_REQUEST_MAX];
    rtnetlink_request_dump(request, type, 0);
    return rtsocket_ask(s, (struct nlmsghdr *)request, each, user, ret_bad);
}

int rtsocket_ask(struct rtsocket *s, struct nlmsghdr *request,
                 int (*each)(void *user, const struct nlmsghdr *msg), void *user, uint64_t *ret_bad)
{
    request->nlmsg_seq = ++s->seq;
    s->left_out = 0;
    if (mnl_socket_sendto(s->mnl, request, request->nlmsg_len) < 0)
        return -errno;
    struct dump dump = {0};
    for (size_t parts = 0; !dump.done; parts++) {
        if (parts == DUMP_PARTS_READ)
            return -E2BIG;
        ssize_t got = mnl_socket_recvfrom(s->mnl, s->buffer, sizeof(s->buffer));
        if (got < 0)
            return -errno;
        dump_part(s, (size_t)got, &dump, parts < DUMP_PARTS_MAX ? each : NULL, user, ret_bad);
    }
    if (dump.err)
        return dump.err;
    if (s->left_out)
        return -E2BIG;
    return dump.interrupted ? -EINTR : 0;
}

uint64_t rtsocket_left_out(const struct rtsocket *s)
{
    return s->left_out;
}

int rtsocket_notices(struct rtsocket *s, size_t datagrams,
                     int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                     uint64_t *ret_bad)
{
    for (size_t i = 0; i < datagrams; i++) {
        ssize_t got = mnl_socket_recvfrom(s->mnl, s->buffer, sizeof(s->buffer));
        if (got < 0 && errno == ENOSPC) {
            (*ret_bad)++; /* larger than the buffer: no notice is */
            continue;
        }
        if (got < 0)
            return -errno;
        const struct nlmsghdr *msg = NULL;
        bool bad = false;
        while (rtnetlink_next(s->buffer, (size_t)got, &msg, &bad)) {
            if (each(user, msg) < 0)
                (*ret_bad)++;
        }
        if (bad)
            (*ret_bad)++;
    }
    return 0;
}
