/*
 * forwarded.h: whom a request comes from when proxies stand between: what X-Forwarded-For and
 * Forwarded (RFC 7239) say, as far as it was written by proxies that are trusted. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"
#include "wire/http.h"

/* An address, or all that begin with the same bits. */
struct address_range {
    struct net_address ip;
    unsigned bits;
};

/* "192.0.2.1", "2001:db8::/32"; bits of the address behind the prefix must be 0. */
bool address_range_parse(const char *text, struct address_range *ret);
bool address_range_has(const struct address_range *range, const struct net_address *a);

struct proxies {
    const struct address_range *ranges;
    size_t count;
};

bool proxies_trust(const struct proxies *proxies, const struct net_address *a);

enum forwarded {
    FORWARDED_NONE,    /* the peer is no trusted proxy, or says nothing: it asks for itself */
    FORWARDED_CLIENT,  /* *ret is the last address that no trusted proxy has */
    FORWARDED_UNCLEAR, /* a trusted proxy says what cannot be read, or two different things */
};

/* *ret: the client, in the other two cases the peer. Without a port. */
enum forwarded forwarded_client(const struct proxies *proxies, const struct http_head *head,
                                const struct net_address *peer, struct net_address *ret);

/* Whether the proxy nearest to us says that it was asked by https. Only meaningful when the peer
 * is believed. */
bool forwarded_https(const struct http_head *head);

/* Any of the headers that proxies add. */
bool forwarded_any(const struct http_head *head);
