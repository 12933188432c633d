/*
 * peer.c: one question to the kernel: whose socket is this?
 *
 * A sock_diag request for exactly one TCP socket, named by its two ends, is looked up in the
 * kernel's own table while sendto runs, so the answer is there when it returns. Only sockets that
 * live and have an inode count: what remains of a closed connection (TIME_WAIT, orphans) is
 * reported as belonging to user 0, and that must not make anybody root.
 */
#include "net/peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"

struct peer {
    int fd;
    uint32_t sequence;
};

int peer_open(struct peer **ret)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    struct peer *peer = mem_alloc(sizeof(*peer));
    peer->fd = fd;
    *ret = peer;
    return 0;
}

void peer_close(struct peer *peer)
{
    if (!peer)
        return;
    close(peer->fd);
    free(peer);
}

static int ask(struct peer *peer, const struct net_address *remote, const struct net_address *local)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 query;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST,
                   .nlmsg_seq = ++peer->sequence},
        .query = {.sdiag_family = remote->family == 4 ? AF_INET : AF_INET6,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = UINT32_MAX},
    };
    struct inet_diag_sockid *id = &request.query.id;
    id->idiag_sport = htons(remote->port); /* as the socket we look for sees it: it is the source */
    id->idiag_dport = htons(local->port);
    memcpy(id->idiag_src, remote->ip, sizeof(id->idiag_src));
    memcpy(id->idiag_dst, local->ip, sizeof(id->idiag_dst));
    id->idiag_if = remote->scope_id;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;

    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t n =
        sendto(peer->fd, &request, sizeof(request), 0, (struct sockaddr *)&kernel, sizeof(kernel));
    return n < 0 ? -errno : 0;
}

/* Judges one message. 1: not the answer, read on. */
static int judge(const struct peer *peer, const struct nlmsghdr *header, uid_t *ret)
{
    if (header->nlmsg_seq != peer->sequence)
        return 1;
    if (header->nlmsg_type == NLMSG_ERROR) {
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
            return -EPROTO;
        const struct nlmsgerr *error = NLMSG_DATA(header);
        return error->error < 0 ? error->error : -EPROTO;
    }
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return -EPROTO;
    const struct inet_diag_msg *socket = NLMSG_DATA(header);
    switch (socket->idiag_state) {
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
    case TCP_CLOSE_WAIT:
        break;
    default:
        return -ENOENT;
    }
    if (socket->idiag_inode == 0)
        return -ENOENT;
    *ret = socket->idiag_uid;
    return 0;
}

int peer_uid(struct peer *peer, const struct net_address *remote, const struct net_address *local,
             uid_t *ret)
{
    if (remote->family == 0 || remote->family != local->family)
        return -ENOENT;
    int error = ask(peer, remote, local);
    if (error)
        return error;
    for (;;) {
        _Alignas(struct nlmsghdr) char answer[4096];
        struct sockaddr_nl from = {.nl_pid = UINT32_MAX}; /* until recvfrom tells */
        socklen_t from_len = sizeof(from);
        ssize_t n =
            recvfrom(peer->fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &from_len);
        if (n < 0)
            return -errno;
        if (from.nl_pid != 0) /* not from the kernel */
            continue;
        const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
        if (!NLMSG_OK(header, (uint32_t)n))
            return -EPROTO;
        int verdict = judge(peer, header, ret); /* one question, one message, one datagram */
        if (verdict != 1)
            return verdict;
    }
}
