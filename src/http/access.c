/*
 * access.c: the rules that need no token.
 *
 * Host. A page of a stranger can make its own name point to 127.0.0.1 (DNS rebinding) and would
 * then be "same origin" with us. It cannot choose the Host its requests carry, so: only names we
 * know, or the very address the connection came in on. The port is not compared, since a tunnel
 * (ssh -L) changes it and a rebinding page gains nothing by it.
 *
 * Origin. Browsers say where a request comes from; scripts say nothing and are accepted, since a
 * stranger's page cannot make a browser stay silent.
 *
 * Loopback. Whoever connects from this host may look, because he could read /proc himself. That
 * conclusion fails as soon as a proxy stands between: then everybody comes from loopback, so any
 * sign of a proxy ends the exemption. To change things, the peer's socket must belong to root or
 * to the user we run as.
 */
#include "http/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/defs.h"
#include "base/mem.h"

#define HOST_MAX 256 /* a DNS name has at most 253 characters */

struct access {
    char **hosts, **allowed_hosts, **allowed_origins;
    size_t host_count, allowed_host_count, allowed_origin_count;
    enum access_mode mode;
    struct address_range *trusted;
    size_t trusted_count;
    bool behind_proxy;
    uid_t own_uid;
    int (*peer_uid)(void *user, const struct net_address *remote, const struct net_address *local,
                    uid_t *ret);
    void *peer_user;
};

static char **copy_list(const char *const *list, size_t count)
{
    char **copy = mem_array(count, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = mem_string(list[i]);
    return copy;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

struct access *access_new(const struct access_config *config)
{
    struct access *a = mem_alloc(sizeof(*a));
    a->hosts = copy_list(config->hosts, config->host_count);
    a->host_count = config->host_count;
    a->allowed_hosts = copy_list(config->allowed_hosts, config->allowed_host_count);
    a->allowed_host_count = config->allowed_host_count;
    a->allowed_origins = copy_list(config->allowed_origins, config->allowed_origin_count);
    a->allowed_origin_count = config->allowed_origin_count;
    a->mode = config->mode;
    a->trusted = mem_array(config->trusted_proxy_count, sizeof(*a->trusted));
    for (size_t i = 0; i < config->trusted_proxy_count; i++)
        a->trusted_count +=
            address_range_parse(config->trusted_proxies[i], &a->trusted[a->trusted_count]);
    a->behind_proxy = config->behind_proxy || config->trusted_proxy_count > 0;
    a->own_uid = config->own_uid;
    a->peer_uid = config->peer_uid;
    a->peer_user = config->peer_user;
    return a;
}

void access_free(struct access *a)
{
    if (!a)
        return;
    free_list(a->hosts, a->host_count);
    free_list(a->allowed_hosts, a->allowed_host_count);
    free_list(a->allowed_origins, a->allowed_origin_count);
    free(a->trusted);
    free(a);
}

/* ---- Host ---- */

/* The host of "host:port", without brackets and a final dot. False when it is no authority. */
static bool host_of(const char *authority, char host[HOST_MAX])
{
    const char *end;
    if (*authority == '[') {
        authority++;
        end = strchr(authority, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
    } else {
        end = authority + strcspn(authority, ":");
    }
    size_t len = (size_t)(end - authority);
    if (len && authority[len - 1] == '.')
        len--;
    if (len == 0 || len >= HOST_MAX)
        return false;
    const char *port = strchr(end, ':');
    if (port && port[1 + strspn(port + 1, "0123456789")])
        return false;
    memcpy(host, authority, len);
    host[len] = '\0';
    return true;
}

static bool same_host(const char *configured, const char *host)
{
    struct net_address a, b;
    if (net_address_parse_ip(configured, &a))
        return net_address_parse_ip(host, &b) && net_address_same_ip(&a, &b);
    return strcasecmp(configured, host) == 0;
}

static bool is_listed(char *const *list, size_t count, const char *host)
{
    for (size_t i = 0; i < count; i++) {
        if (same_host(list[i], host))
            return true;
    }
    return false;
}

bool access_host_ok(const struct access *a, const struct http_head *head,
                    const struct net_address *local)
{
    char host[HOST_MAX];
    struct net_address ip;
    if (!host_of(head->authority, host))
        return false;
    if (net_address_parse_ip(host, &ip) &&
        (net_address_is_loopback(&ip) || net_address_same_ip(&ip, local)))
        return true;
    return strcasecmp(host, "localhost") == 0 || is_listed(a->hosts, a->host_count, host) ||
           is_listed(a->allowed_hosts, a->allowed_host_count, host);
}

/* ---- Origin ---- */

/* Is `origin` ("scheme://host[:port]") this authority, with the scheme's own port left out? */
static bool is_same_origin(const char *origin, const char *authority)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t scheme = strlen(schemes[i].scheme);
        size_t port = strlen(schemes[i].port);
        if (strncasecmp(origin, schemes[i].scheme, scheme) != 0)
            continue;
        const char *host = origin + scheme;
        size_t host_len = strlen(host);
        size_t len = strlen(authority);
        if (host_len > port && strcmp(host + host_len - port, schemes[i].port) == 0)
            host_len -= port;
        if (len > port && strcmp(authority + len - port, schemes[i].port) == 0)
            len -= port;
        return len && len == host_len && strncasecmp(host, authority, len) == 0;
    }
    return false;
}

bool access_origin_ok(const struct access *a, const struct http_head *head)
{
    const char *origin = http_header(head, "origin");
    const char *site = http_header(head, "sec-fetch-site");
    if (origin) {
        for (size_t i = 0; i < a->allowed_origin_count; i++) {
            if (strcasecmp(a->allowed_origins[i], origin) == 0)
                return true;
        }
        if (!is_same_origin(origin, head->authority))
            return false;
    }
    return !site || strcmp(site, "same-origin") == 0;
}

bool access_content_type_ok(const struct http_head *head)
{
    if (!head->has_body)
        return true;
    const char *type = http_header(head, "content-type");
    static const char json[] = "application/json";
    if (!type || strncasecmp(type, json, sizeof(json) - 1) != 0)
        return false;
    const char *rest = type + sizeof(json) - 1;
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

/* ---- roles ---- */

enum forwarded access_client(const struct access *a, const struct http_head *head,
                             const struct net_address *peer, struct net_address *ret)
{
    const struct proxies proxies = {a->trusted, a->trusted_count};
    return forwarded_client(&proxies, head, peer, ret);
}

bool access_is_shared(const struct access *a, const struct net_address *peer)
{
    const struct proxies proxies = {a->trusted, a->trusted_count};
    return net_address_is_loopback(peer) || proxies_trust(&proxies, peer);
}

bool access_is_https(const struct http_head *head)
{
    const char *origin = http_header(head, "origin");
    return forwarded_https(head) || (origin && strncasecmp(origin, "https://", 8) == 0);
}

enum access_role access_role(const struct access *a, const struct http_head *head,
                             const struct net_address *remote, const struct net_address *local,
                             enum access_role needed)
{
    uid_t uid;
    if (a->mode == ACCESS_MODE_NONE)
        return ACCESS_ADMIN;
    if (a->mode == ACCESS_MODE_TOKEN)
        return ACCESS_ANYONE;
    if (!net_address_is_loopback(remote) || a->behind_proxy || a->allowed_host_count > 0 ||
        forwarded_any(head))
        return ACCESS_ANYONE;
    if (needed == ACCESS_ADMIN && a->peer_uid &&
        a->peer_uid(a->peer_user, remote, local, &uid) == 0 && (uid == 0 || uid == a->own_uid))
        return ACCESS_ADMIN;
    return ACCESS_VIEWER;
}
