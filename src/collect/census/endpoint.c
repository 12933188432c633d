/*
 * endpoint.c: see endpoint.h. Written by hand because a table has two of them in each of some ten
 * thousand rows, every second; inet_ntop formats by snprintf.
 */
#include "collect/census/endpoint.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"

static char *put_decimal(char *at, unsigned value)
{
    char digits[5];
    size_t len = 0;
    do {
        digits[len++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (len)
        *at++ = digits[--len];
    return at;
}

static char *put_hex(char *at, unsigned value)
{
    static const char digits[] = "0123456789abcdef";
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = value >> shift & 0xf;
        begun = begun || digit || shift == 0;
        if (begun)
            *at++ = digits[digit];
    }
    return at;
}

static char *put_ipv4(char *at, const uint8_t *address)
{
    for (int i = 0; i < 4; i++) {
        if (i)
            *at++ = '.';
        at = put_decimal(at, address[i]);
    }
    return at;
}

/* The longest run of two or more zero groups, the first of equals: RFC 5952, section 4.2. */
static void find_zeros(const unsigned groups[8], int count, int *ret_from, int *ret_len)
{
    *ret_from = -1;
    *ret_len = 1;
    for (int i = 0; i < count; i++) {
        int len = 0;
        while (i + len < count && groups[i + len] == 0)
            len++;
        if (len > *ret_len) {
            *ret_from = i;
            *ret_len = len;
        }
        i += len;
    }
}

static char *put_ipv6(char *at, const uint8_t *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
    bool tail = memcmp(address, mapped, sizeof(mapped)) == 0; /* ::ffff:192.0.2.1 */
    int count = tail ? 6 : 8, from, len;
    find_zeros(groups, count, &from, &len);
    for (int i = 0; i < count;) {
        if (i == from) {
            *at++ = ':';
            *at++ = ':';
            i += len;
            continue;
        }
        if (i && i != from + len)
            *at++ = ':';
        at = put_hex(at, groups[i++]);
    }
    if (!tail)
        return at;
    *at++ = ':';
    return put_ipv4(at, address + 12);
}

size_t endpoint_write(char out[ENDPOINT_BYTES], uint8_t family, const uint8_t address[16],
                      uint16_t port)
{
    char *at = out;
    if (family == AF_INET6) {
        *at++ = '[';
        at = put_ipv6(at, address);
        *at++ = ']';
    } else {
        at = put_ipv4(at, address);
    }
    *at++ = ':';
    at = put_decimal(at, port);
    *at = '\0';
    return (size_t)(at - out);
}

const char *protocol_name(uint16_t protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_UDPLITE:
        return "udplite";
    case IPPROTO_RAW:
        return "raw";
    case IPPROTO_ICMP:
        return "icmp";
    case IPPROTO_ICMPV6:
        return "icmp6";
    case IPPROTO_SCTP:
        return "sctp";
    case IPPROTO_MPTCP:
        return "mptcp";
    default:
        return "ip";
    }
}

const char *socket_direction_name(uint8_t direction)
{
    return direction == DIRECTION_IN ? "in" : direction == DIRECTION_OUT ? "out" : NULL;
}

const char *socket_state_name(uint8_t state)
{
    static const char *const names[SOCKET_STATES] = {
        [SOCKET_ESTABLISHED] = "established",
        [SOCKET_SYN_SENT] = "syn_sent",
        [SOCKET_SYN_RECV] = "syn_recv",
        [SOCKET_FIN_WAIT1] = "fin_wait1",
        [SOCKET_FIN_WAIT2] = "fin_wait2",
        [SOCKET_TIME_WAIT] = "time_wait",
        [SOCKET_CLOSE] = "close",
        [SOCKET_CLOSE_WAIT] = "close_wait",
        [SOCKET_LAST_ACK] = "last_ack",
        [SOCKET_LISTEN] = "listen",
        [SOCKET_CLOSING] = "closing",
        [SOCKET_NEW_SYN_RECV] = "new_syn_recv",
    };
    return state < SOCKET_STATES && names[state] ? names[state] : "unknown";
}
