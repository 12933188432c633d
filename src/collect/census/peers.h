/*
 * peers.h: names of addresses, from DNS answers that were seen. Nothing is ever looked up. Survey
 * thread.
 *
 * An answer's name holds for as long as the answer says, but not shorter than PEER_TTL_LEAST_S
 * (programs keep answers a while whatever these say) and not longer than PEER_TTL_MOST_S (a
 * resolver that says "for ever" is not believed). A connection that has got a name keeps it to its
 * end, whatever is learned of the address later: it was made for that name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"

/* Addresses; and when connections hold as many names that no address has any more, others get none
 * until some have ended (learning goes on). Never more than three times as many names in all. */
#define PEERS_MAX 4096
#define PEER_TTL_LEAST_S 60
#define PEER_TTL_MOST_S 3600

struct peers;
struct peer_name;

struct peers *peers_new(void);
void peers_free(struct peers *p); /* every name was given back; NULL allowed */

/* now_ns: monotonic, as in the other calls. Names are made fit to be shown; an empty one is none.
 */
void peers_learn(struct peers *p, const struct endpoint *address, const char *name, uint32_t ttl_s,
                 int64_t now_ns);

/* The name that holds now, a reference of the caller's for peers_give_back; NULL: unknown. */
struct peer_name *peers_take(struct peers *p, const struct endpoint *address, int64_t now_ns);
void peers_give_back(struct peers *p, struct peer_name *name); /* NULL allowed */
const char *peer_name_text(const struct peer_name *name); /* UTF-8 without control characters */

/* Grows with each name that is learned: nothing else makes a new one known. */
uint64_t peers_learned(const struct peers *p);
size_t peers_count(const struct peers *p, int64_t now_ns); /* that hold now */
/* Names that still held and had to make room. */
uint64_t peers_evicted(const struct peers *p);
