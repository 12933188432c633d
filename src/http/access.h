/*
 * access.h: who may ask for what: the rules that need no token (keyring.h has those that do). Pure
 * decisions over a request's head and the two addresses; the server turns them into answers and
 * counts them. Built once before the threads and then only read: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "http/forwarded.h"
#include "net/address.h"
#include "wire/http.h"

enum access_role {
    ACCESS_ANYONE, /* as a requirement: open to all; as a result: nobody known */
    ACCESS_VIEWER,
    ACCESS_ADMIN,
};

enum access_mode {
    ACCESS_MODE_AUTO,  /* who connects from this host may look */
    ACCESS_MODE_TOKEN, /* everybody needs a token */
    ACCESS_MODE_NONE,  /* nobody does: everybody may do everything */
};

struct access_config {
    enum access_mode mode;
    const char *const *trusted_proxies; /* serve.trusted_proxies, of the form that
                                           address_range_parse takes */
    size_t trusted_proxy_count;
    const char *const *hosts; /* names and IP literals of the listeners, and the host's name */
    size_t host_count;
    const char *const *allowed_hosts; /* serve.allowed_hosts */
    size_t allowed_host_count;
    const char *const *allowed_origins; /* serve.allowed_origins, "https://host[:port]" */
    size_t allowed_origin_count;
    bool behind_proxy; /* base_path is set: loopback is not the user himself, nor is he with
                          trusted_proxies or allowed_hosts */
    uid_t own_uid;
    /* The user of a loopback peer's socket: 0 or a negative errno, as peer_uid. May be NULL:
     * nobody is admin then. */
    int (*peer_uid)(void *user, const struct net_address *remote, const struct net_address *local,
                    uid_t *ret);
    void *peer_user;
};

struct access;

struct access *access_new(const struct access_config *config); /* copies all lists */
void access_free(struct access *a);

/* Is the authority that the client names one of ours? Guards against DNS rebinding: answer 421. */
bool access_host_ok(const struct access *a, const struct http_head *head,
                    const struct net_address *local);

/* For upgrades and methods that change something: does it come from our own page, from an allowed
 * one, or from no page at all (scripts)? Otherwise 403. */
bool access_origin_ok(const struct access *a, const struct http_head *head);

/* True when the body, if any, is application/json: otherwise 415. */
bool access_content_type_ok(const struct http_head *head);

/* Whom a request comes from, and whether that is known: the forwarded address, when a trusted
 * proxy names one. */
enum forwarded access_client(const struct access *a, const struct http_head *head,
                             const struct net_address *peer, struct net_address *ret);

/* Loopback or a trusted proxy: everybody may stand behind that address. */
bool access_is_shared(const struct access *a, const struct net_address *peer);

/* Was the page asked for by https, as a proxy or the browser itself says? For the cookie alone:
 * who lies about it harms himself. */
bool access_is_https(const struct http_head *head);

/* What this peer may do without a token. Asks the kernel only when `needed` is ACCESS_ADMIN and
 * the peer would be a viewer otherwise. */
enum access_role access_role(const struct access *a, const struct http_head *head,
                             const struct net_address *remote, const struct net_address *local,
                             enum access_role needed);
