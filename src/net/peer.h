/*
 * peer.h: which user owns the other end of a connection within this host, asked of the kernel
 * (sock_diag). Opened before the sandbox; afterwards one thread. The question is answered by the
 * kernel while it is asked, so nothing blocks.
 */
#pragma once

#include <sys/types.h>

#include "net/address.h"

struct peer;

int peer_open(struct peer **ret);   /* 0 or a negative errno */
void peer_close(struct peer *peer); /* NULL is allowed */

/* The user that made the socket whose own address is `remote` and whose peer is `local`, i.e. both
 * as our connection sees them. 0, -ENOENT: no such living socket (other host, already closed), or
 * another negative errno; *ret is then untouched. */
int peer_uid(struct peer *peer, const struct net_address *remote, const struct net_address *local,
             uid_t *ret);
