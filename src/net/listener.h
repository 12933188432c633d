/*
 * listener.h: the sockets that the daemon listens on. Opened before the sandbox, on the main
 * thread, when names can still be resolved and low ports bound; started on a loop later, from
 * then on the loop's thread alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"
#include "net/conn.h"

struct listeners;

/* share_port: more sets may listen on the same addresses (listeners_again), one per loop; the
 * kernel spreads the clients (SO_REUSEPORT). What other programs listen on is refused all the same.
 */
struct listeners *listeners_new(bool share_port);

/* One more set for the very addresses of `l`, which shares its ports and has not been started. NULL
 * with errno. */
struct listeners *listeners_again(const struct listeners *l);

/* Binds "127.0.0.1:7477", "[::1]:7477", "host.example:7477" (every address of the name) or
 * ":7477" (all addresses, both families). Port 0 lets the kernel choose. 0 or a negative errno,
 * and then in `why` a sentence with the address, the cause and what to do about it.
 * -EAFNOSUPPORT and -EADDRNOTAVAIL tell that this host has no such address, e.g. no IPv6. */
int listeners_add(struct listeners *l, const char *spec, char *why, size_t why_size);

size_t listeners_count(const struct listeners *l);
const struct net_address *listeners_address(const struct listeners *l, size_t index); /* bound */
const char *listeners_name(const struct listeners *l, size_t index); /* host part of the spec */
bool listeners_loopback_only(const struct listeners *l);

/* Accepts on net's loop. `accepted` must give the conn an owner. 0 or a negative errno. */
int listeners_start(struct listeners *l, struct net *net,
                    void (*accepted)(struct conn *conn, void *user), void *user);

/* Closes the sockets; free the set when the loop has run, or at once when it was never started. */
void listeners_stop(struct listeners *l);
void listeners_free(struct listeners *l);
