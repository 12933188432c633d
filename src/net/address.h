/*
 * address.h: an IP address with its port in 28 bytes (a sockaddr_storage has 128, and every
 * connection holds two). Any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_address {
    uint8_t family;    /* 4, 6 or 0 = none (e.g. a socket pair) */
    uint16_t port;     /* host order */
    uint32_t scope_id; /* link-local IPv6 */
    uint8_t ip[16];    /* network order; the first 4 bytes for IPv4 */
};

#define NET_ADDRESS_TEXT_MAX 64 /* "[fe80::1%4294967295]:65535" and a NUL fit */

struct net_address net_address_from(const struct sockaddr_storage *from);
socklen_t net_address_to(const struct net_address *address, struct sockaddr_storage *ret);

/* An IP literal without port, "127.0.0.1", "::1" or "[::1]"; false for anything else. */
bool net_address_parse_ip(const char *text, struct net_address *ret);

bool net_address_is_loopback(const struct net_address *a); /* also ::ffff:127.0.0.1 */
bool net_address_is_any(const struct net_address *a);      /* 0.0.0.0 or :: */
bool net_address_same_ip(const struct net_address *a, const struct net_address *b);

/* "127.0.0.1:7477", "[::1]:7477"; "-" for none. */
void net_address_format(const struct net_address *a, char out[NET_ADDRESS_TEXT_MAX]);
/* The same without port and brackets. */
void net_address_format_ip(const struct net_address *a, char out[NET_ADDRESS_TEXT_MAX]);
