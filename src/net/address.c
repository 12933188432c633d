/*
 * address.c: IP addresses without the padding of sockaddr_storage. An IPv4 address mapped into
 * IPv6 is not unwrapped: our sockets are of one family each (IPV6_V6ONLY), so it never is a peer.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"

struct net_address net_address_from(const struct sockaddr_storage *from)
{
    struct net_address a = {0};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        a.family = 4;
        a.port = ntohs(in->sin_port);
        memcpy(a.ip, &in->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        a.family = 6;
        a.port = ntohs(in6->sin6_port);
        a.scope_id = in6->sin6_scope_id;
        memcpy(a.ip, &in6->sin6_addr, 16);
    }
    return a;
}

socklen_t net_address_to(const struct net_address *address, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, 4);
        return sizeof(*in);
    }
    if (address->family == 6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->scope_id;
        memcpy(&in6->sin6_addr, address->ip, 16);
        return sizeof(*in6);
    }
    return 0;
}

bool net_address_parse_ip(const char *text, struct net_address *ret)
{
    struct net_address a = {0};
    char bare[NET_ADDRESS_TEXT_MAX];
    size_t len = strlen(text);
    bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (brackets) {
        text++;
        len -= 2;
    }
    if (len >= sizeof(bare))
        return false;
    memcpy(bare, text, len);
    bare[len] = '\0';

    char *zone = strchr(bare, '%');
    if (zone) {
        *zone++ = '\0';
        a.scope_id = if_nametoindex(zone);
        if (a.scope_id == 0)
            a.scope_id = (uint32_t)strtoul(zone, NULL, 10);
    }
    if (inet_pton(AF_INET6, bare, a.ip) == 1) {
        a.family = 6;
    } else if (!brackets && !zone && inet_pton(AF_INET, bare, a.ip) == 1) {
        a.family = 4;
    } else {
        return false;
    }
    *ret = a;
    return true;
}

static bool is_mapped(const struct net_address *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return a->family == 6 && memcmp(a->ip, prefix, sizeof(prefix)) == 0;
}

bool net_address_is_loopback(const struct net_address *a)
{
    if (a->family == 4)
        return a->ip[0] == 127;
    if (is_mapped(a))
        return a->ip[12] == 127;
    return a->family == 6 && memcmp(a->ip, &in6addr_loopback, 16) == 0;
}

bool net_address_is_any(const struct net_address *a)
{
    static const uint8_t zero[16] = {0};
    return a->family && memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

bool net_address_same_ip(const struct net_address *a, const struct net_address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

void net_address_format_ip(const struct net_address *a, char out[NET_ADDRESS_TEXT_MAX])
{
    if (!a->family ||
        !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, out, NET_ADDRESS_TEXT_MAX)) {
        snprintf(out, NET_ADDRESS_TEXT_MAX, "-");
        return;
    }
    size_t len = strlen(out);
    if (a->family == 6 && a->scope_id)
        snprintf(out + len, NET_ADDRESS_TEXT_MAX - len, "%%%u", a->scope_id);
}

void net_address_format(const struct net_address *a, char out[NET_ADDRESS_TEXT_MAX])
{
    char ip[NET_ADDRESS_TEXT_MAX];
    net_address_format_ip(a, ip);
    if (!a->family)
        snprintf(out, NET_ADDRESS_TEXT_MAX, "%s", ip);
    else
        snprintf(out, NET_ADDRESS_TEXT_MAX, a->family == 6 ? "[%.50s]:%u" : "%.50s:%u", ip,
                 a->port);
}
