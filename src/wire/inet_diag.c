/*
 * inet_diag.c: decoding of SOCK_DIAG_BY_FAMILY, which is the answer to a dump and, from the groups
 * SKNLGRP_*_DESTROY, the notice of a socket's end.
 *
 * A message is a header, a fixed part (inet_diag_msg) and a chain of attributes. The largest of
 * them, INFO, is the kernel's own struct for the protocol, copied out as it lies in memory: it has
 * grown at its end with nearly every kernel, never changed in front. Its fields are therefore read
 * one by one from their places, each as far as the attribute reaches.
 *
 * One attribute that is too short for its type makes the message bad as a whole, as in rtnetlink.c.
 */
#include "wire/inet_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/defs.h"
#include "wire/attributes.h"

/* struct tcp_info, by offset. Every kernel that answers these requests (3.3 and later) has it up to
 * TCP_OLDEST_END. */
enum tcp_info_offset {
    TCP_CA_STATE = 1,
    TCP_RETRANSMITS = 2,
    TCP_BACKOFF = 4,
    TCP_RTO = 8,
    TCP_SND_MSS = 16,
    TCP_UNACKED = 24,
    TCP_LOST = 32,
    TCP_RETRANS = 36,
    TCP_LAST_ACK_RECV = 56,
    TCP_PMTU = 60,
    TCP_RTT = 68,
    TCP_RTTVAR = 72,
    TCP_SND_SSTHRESH = 76,
    TCP_SND_CWND = 80,
    TCP_TOTAL_RETRANS = 100,
    TCP_OLDEST_END = 104,
    TCP_PACING_RATE = 104,
    TCP_BYTES_ACKED = 120,
    TCP_BYTES_RECEIVED = 128,
    TCP_BYTES_END = 136,
    TCP_SEGS_OUT = 136,
    TCP_SEGS_IN = 140,
    TCP_MIN_RTT = 148,
    TCP_DELIVERY_RATE = 160,
    TCP_DELIVERY_END = 168,
    TCP_BYTES_SENT = 200,
    TCP_BYTES_RETRANS = 208,
    TCP_SENT_END = 216,
};

/* struct mptcp_info, by offset. */
enum mptcp_info_offset {
    MPTCP_SUBFLOWS = 0,
    MPTCP_FLAGS = 8,
    MPTCP_TOKEN = 12,
    MPTCP_OLDEST_END = 16,
    MPTCP_BYTES_SENT = 56,
    MPTCP_BYTES_RECEIVED = 64,
    MPTCP_BYTES_ACKED = 72,
    MPTCP_BYTES_END = 80,
};

/* ---- structs that end where the kernel's age says ------------------------------------------- */

static uint8_t info_u8(const struct attribute *info, size_t offset)
{
    return offset < info->len ? ((const uint8_t *)info->data)[offset] : 0;
}

static uint32_t info_u32(const struct attribute *info, size_t offset)
{
    uint32_t value = 0;
    if (offset + sizeof(value) <= info->len)
        memcpy(&value, (const char *)info->data + offset, sizeof(value));
    return value;
}

static uint64_t info_u64(const struct attribute *info, size_t offset)
{
    uint64_t value = 0;
    if (offset + sizeof(value) <= info->len)
        memcpy(&value, (const char *)info->data + offset, sizeof(value));
    return value;
}

static bool parse_tcp_info(const struct attribute *info, struct inet_diag_socket *ret)
{
    if (info->len < TCP_OLDEST_END)
        return false;
    ret->tcp = (struct inet_diag_tcp){
        .congestion_state = info_u8(info, TCP_CA_STATE),
        .retransmits = info_u8(info, TCP_RETRANSMITS),
        .backoff = info_u8(info, TCP_BACKOFF),
        .rto_us = info_u32(info, TCP_RTO),
        .mss_bytes = info_u32(info, TCP_SND_MSS),
        .unacked = info_u32(info, TCP_UNACKED),
        .lost = info_u32(info, TCP_LOST),
        .retrans = info_u32(info, TCP_RETRANS),
        .last_ack_received_ms = info_u32(info, TCP_LAST_ACK_RECV),
        .pmtu_bytes = info_u32(info, TCP_PMTU),
        .rtt_us = info_u32(info, TCP_RTT),
        .rttvar_us = info_u32(info, TCP_RTTVAR),
        .ssthresh = info_u32(info, TCP_SND_SSTHRESH),
        .cwnd = info_u32(info, TCP_SND_CWND),
        .total_retrans = info_u32(info, TCP_TOTAL_RETRANS),
        .pacing_rate = info_u64(info, TCP_PACING_RATE),
        .bytes_acked = info_u64(info, TCP_BYTES_ACKED),
        .bytes_received = info_u64(info, TCP_BYTES_RECEIVED),
        .segs_out = info_u32(info, TCP_SEGS_OUT),
        .segs_in = info_u32(info, TCP_SEGS_IN),
        .min_rtt_us = info_u32(info, TCP_MIN_RTT),
        .delivery_rate = info_u64(info, TCP_DELIVERY_RATE),
        .bytes_sent = info_u64(info, TCP_BYTES_SENT),
        .bytes_retrans = info_u64(info, TCP_BYTES_RETRANS),
    };
    ret->has |= INET_DIAG_HAS_TCP;
    if (info->len >= TCP_BYTES_END)
        ret->has |= INET_DIAG_HAS_BYTES;
    if (info->len >= TCP_DELIVERY_END)
        ret->has |= INET_DIAG_HAS_DELIVERY;
    if (info->len >= TCP_SENT_END)
        ret->has |= INET_DIAG_HAS_SENT;
    return true;
}

static bool parse_mptcp_info(const struct attribute *info, struct inet_diag_socket *ret)
{
    if (info->len < MPTCP_OLDEST_END)
        return false;
    ret->mptcp = (struct inet_diag_mptcp){
        .subflows = info_u8(info, MPTCP_SUBFLOWS),
        .flags = info_u32(info, MPTCP_FLAGS),
        .token = info_u32(info, MPTCP_TOKEN),
        .bytes_sent = info_u64(info, MPTCP_BYTES_SENT),
        .bytes_received = info_u64(info, MPTCP_BYTES_RECEIVED),
        .bytes_acked = info_u64(info, MPTCP_BYTES_ACKED),
    };
    ret->has |= INET_DIAG_HAS_MPTCP;
    if (info->len >= MPTCP_BYTES_END)
        ret->has |= INET_DIAG_HAS_MPTCP_BYTES;
    return true;
}

/* ---- attributes ---------------------------------------------------------------------------- */

static void parse_socket_memory(struct attributes *all, const struct attribute *at,
                                struct inet_diag_socket *ret)
{
    uint32_t values[SK_MEMINFO_DROPS + 1] = {0};
    /* Drops came later than the rest. */
    if (!attribute_copy(all, at, values, SK_MEMINFO_DROPS * sizeof(values[0])))
        return;
    memcpy(values, at->data, MIN(at->len, sizeof(values)));
    ret->socket_memory = (struct inet_diag_socket_memory){
        .rmem = values[SK_MEMINFO_RMEM_ALLOC],
        .rcvbuf = values[SK_MEMINFO_RCVBUF],
        .wmem = values[SK_MEMINFO_WMEM_ALLOC],
        .sndbuf = values[SK_MEMINFO_SNDBUF],
        .forward = values[SK_MEMINFO_FWD_ALLOC],
        .queued = values[SK_MEMINFO_WMEM_QUEUED],
        .options = values[SK_MEMINFO_OPTMEM],
        .backlog = values[SK_MEMINFO_BACKLOG],
        .drops = values[SK_MEMINFO_DROPS],
    };
    ret->has |= INET_DIAG_HAS_SOCKET_MEMORY;
}

static void parse_ulp(struct attributes *outer, const struct attribute *nest,
                      struct inet_diag_socket *ret)
{
    struct attributes inner = attributes_in(nest);
    struct attribute at;
    while (attributes_next(&inner, &at)) {
        if (at.type == INET_ULP_INFO_NAME) {
            attribute_text(&inner, &at, ret->ulp, sizeof(ret->ulp));
            ret->has |= INET_DIAG_HAS_ULP;
        }
    }
    outer->bad |= inner.bad;
}

/* All but INFO, which cannot be read before the protocol is known. */
static void parse_attribute(struct attributes *all, const struct attribute *at,
                            struct inet_diag_socket *ret)
{
    static const struct {
        uint16_t type;
        uint8_t size;
        uint32_t has;
        size_t offset;
    } plain[] = {
        {INET_DIAG_MEMINFO, sizeof(ret->memory), INET_DIAG_HAS_MEMORY,
         offsetof(struct inet_diag_socket, memory)},
        {INET_DIAG_SHUTDOWN, 1, INET_DIAG_HAS_SHUTDOWN,
         offsetof(struct inet_diag_socket, shutdown)},
        {INET_DIAG_PROTOCOL, 1, INET_DIAG_HAS_PROTOCOL,
         offsetof(struct inet_diag_socket, protocol)},
        {INET_DIAG_MARK, 4, INET_DIAG_HAS_MARK, offsetof(struct inet_diag_socket, mark)},
        {INET_DIAG_CLASS_ID, 4, INET_DIAG_HAS_CLASS, offsetof(struct inet_diag_socket, class_id)},
        {INET_DIAG_CGROUP_ID, 8, INET_DIAG_HAS_CGROUP,
         offsetof(struct inet_diag_socket, cgroup_id)},
    };
    switch (at->type) {
    case INET_DIAG_SKMEMINFO:
        parse_socket_memory(all, at, ret);
        return;
    case INET_DIAG_CONG:
        attribute_text(all, at, ret->congestion, sizeof(ret->congestion));
        return;
    case INET_DIAG_ULP_INFO:
        parse_ulp(all, at, ret);
        return;
    default:
        break;
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].type == at->type &&
            attribute_copy(all, at, (char *)ret + plain[i].offset, plain[i].size))
            ret->has |= plain[i].has;
    }
}

static int parse_head(const struct nlmsghdr *msg, struct inet_diag_socket *ret)
{
    struct inet_diag_msg head;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    if (head.idiag_family != AF_INET && head.idiag_family != AF_INET6)
        return -EAFNOSUPPORT;
    size_t address = head.idiag_family == AF_INET ? 4 : 16;
    ret->family = head.idiag_family;
    ret->state = head.idiag_state;
    ret->timer = head.idiag_timer;
    ret->timer_tries = head.idiag_retrans;
    ret->local_port = ntohs(head.id.idiag_sport);
    ret->remote_port = ntohs(head.id.idiag_dport);
    memcpy(ret->local, head.id.idiag_src, address);
    memcpy(ret->remote, head.id.idiag_dst, address);
    ret->interface = head.id.idiag_if;
    ret->cookie = (uint64_t)head.id.idiag_cookie[1] << 32 | head.id.idiag_cookie[0];
    ret->expires_ms = head.idiag_expires;
    ret->receive_queue = head.idiag_rqueue;
    ret->send_queue = head.idiag_wqueue;
    ret->uid = head.idiag_uid;
    ret->inode = head.idiag_inode;
    return 0;
}

int inet_diag_parse(const struct nlmsghdr *msg, unsigned protocol, struct inet_diag_socket *ret)
{
    struct attributes all;
    if ((msg->nlmsg_type != SOCK_DIAG_BY_FAMILY && msg->nlmsg_type != TCPDIAG_GETSOCK) ||
        !attributes_of(msg, sizeof(struct inet_diag_msg), &all))
        return -EBADMSG;
    *ret = (struct inet_diag_socket){0};
    int err = parse_head(msg, ret);
    if (err)
        return err;
    struct attribute at, info = {0};
    while (attributes_next(&all, &at)) {
        if (at.type == INET_DIAG_INFO)
            info = at;
        else
            parse_attribute(&all, &at, ret);
    }
    if (!protocol && ret->has & INET_DIAG_HAS_PROTOCOL)
        protocol = ret->protocol;
    if (info.data && protocol == IPPROTO_TCP && !parse_tcp_info(&info, ret))
        return -EBADMSG;
    if (info.data && protocol == IPPROTO_MPTCP && !parse_mptcp_info(&info, ret))
        return -EBADMSG;
    return all.bad ? -EBADMSG : 0;
}

/* ---- requests ------------------------------------------------------------------------------ */

static uint8_t extensions_of(unsigned ask)
{
    static const struct {
        enum inet_diag_ask ask;
        unsigned extension;
    } extensions[] = {
        {INET_DIAG_ASK_INFO, INET_DIAG_INFO},
        {INET_DIAG_ASK_MEMORY, INET_DIAG_MEMINFO},
        {INET_DIAG_ASK_SOCKET_MEMORY, INET_DIAG_SKMEMINFO},
        {INET_DIAG_ASK_CONGESTION, INET_DIAG_CONG},
        {INET_DIAG_ASK_CLASS, INET_DIAG_TCLASS},
    };
    unsigned bits = 0;
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        if (ask & extensions[i].ask)
            bits |= 1U << (extensions[i].extension - 1);
    }
    return (uint8_t)bits;
}

/* The request of before Linux 3.3, which every kernel since understands and none limits to one
 * family. It is answered under its own number. */
static void request_both(struct nlmsghdr *msg, uint32_t states, unsigned ask)
{
    msg->nlmsg_type = TCPDIAG_GETSOCK;
    struct inet_diag_req *query = mnl_nlmsg_put_extra_header(msg, sizeof(*query));
    query->idiag_family = AF_INET; /* not looked at */
    query->idiag_states = states;
    query->idiag_ext = extensions_of(ask);
}

size_t inet_diag_request_dump(void *buf, uint8_t family, unsigned protocol, uint32_t states,
                              unsigned ask, uint32_t seq)
{
    CHECK(family == AF_INET || family == AF_INET6 ||
          (family == AF_UNSPEC && protocol == IPPROTO_TCP));
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    msg->nlmsg_seq = seq;
    if (family == AF_UNSPEC) {
        request_both(msg, states, ask);
        return msg->nlmsg_len;
    }
    msg->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    struct inet_diag_req_v2 *query = mnl_nlmsg_put_extra_header(msg, sizeof(*query));
    query->sdiag_family = family;
    query->idiag_states = states;
    query->idiag_ext = extensions_of(ask);
    /* Protocols past eight bits have an attribute of their own. */
    query->sdiag_protocol = protocol <= UINT8_MAX ? (uint8_t)protocol : IPPROTO_RAW;
    if (protocol > UINT8_MAX)
        mnl_attr_put_u32(msg, INET_DIAG_REQ_PROTOCOL, protocol);
    return msg->nlmsg_len;
}
