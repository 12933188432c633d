/*
 * inet_diag.c: any bytes as datagrams of sock_diag, read as sockets of every protocol and as
 * notices, and as what the census would hear of them.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "collect/netlink/diag.h"
#include "wire/inet_diag.h"
#include "wire/rtnetlink.h"

static void look(const struct nlmsghdr *msg, uint16_t protocol)
{
    struct inet_diag_socket socket;
    struct socket_seen seen;
    if (inet_diag_parse(msg, protocol, &socket) < 0)
        return;
    CHECK(socket.family == AF_INET || socket.family == AF_INET6);
    CHECK(memchr(socket.congestion, '\0', sizeof(socket.congestion)));
    CHECK(memchr(socket.ulp, '\0', sizeof(socket.ulp)));
    CHECK(socket.has & INET_DIAG_HAS_TCP || socket.tcp.bytes_acked == 0);
    CHECK(socket.has & INET_DIAG_HAS_MPTCP || socket.mptcp.bytes_acked == 0);
    diag_seen(&socket, protocol, &seen);
    CHECK(seen.cookie == socket.cookie && seen.local.port == socket.local_port);
    CHECK(!seen.has_bytes || protocol == IPPROTO_TCP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW, IPPROTO_MPTCP};
    /* Datagrams arrive in aligned buffers. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(copy, size, &msg, &bad)) {
        CHECK((const uint8_t *)msg + msg->nlmsg_len <= copy + size);
        for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
            look(msg, protocols[i]);
    }
    free(copy);
    return 0;
}
