/*
 * peers.c: see peers.h.
 *
 * Addresses lie in a ring of places with an index beside it. A new one takes the place at the hand:
 * one that was learned again since the hand came by last is passed over once, so an address that is
 * asked for again and again outlives a crowd that is not. A name is counted: by its place and by
 * each connection that shows it, so it may outlive its place. How many do is bounded, because who
 * answers may be who connects: beyond it nothing new is learned.
 */
#include "collect/census/peers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"
#include "collect/census/names.h"

#define PEER_NAME_BYTES 256

struct peer_name {
    uint32_t users;
    char text[];
};

struct peer {
    uint8_t family; /* 0: free */
    bool again;     /* learned again since the hand came by */
    uint8_t address[16];
    int64_t until_ns;
    struct peer_name *name;
};

struct peers {
    uint64_t seed;
    struct lookup by_address;
    struct peer *ring; /* NULL until the first */
    uint32_t hand;
    size_t names;  /* that are in memory */
    size_t placed; /* of these, in the ring: the others are held by connections alone */
    uint64_t learned, evicted;
};

struct peers *peers_new(void)
{
    struct peers *p = mem_alloc(sizeof(*p));
    p->seed = lookup_seed();
    return p;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->ring && i < PEERS_MAX; i++)
        peers_give_back(p, p->ring[i].name);
    CHECK(p->names == 0);
    free(p->ring);
    lookup_fini(&p->by_address);
    free(p);
}

/* ---- names --------------------------------------------------------------------------------- */

static struct peer_name *name_new(struct peers *p, const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct peer_name *name = mem_alloc(sizeof(*name) + bytes);
    name->users = 1;
    memcpy(name->text, text, bytes);
    p->names++;
    return name;
}

void peers_give_back(struct peers *p, struct peer_name *name)
{
    if (!name || --name->users)
        return;
    p->names--;
    free(name);
}

const char *peer_name_text(const struct peer_name *name)
{
    return name->text;
}

/* ---- places -------------------------------------------------------------------------------- */

/* A socket of both families has IPv4 peers as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2. */
static struct endpoint plain(const struct endpoint *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct endpoint e = {.family = address->family};
    if (address->family == AF_INET6 && memcmp(address->address, mapped, sizeof(mapped)) == 0) {
        e.family = AF_INET;
        memcpy(e.address, address->address + sizeof(mapped), 4);
    } else {
        memcpy(e.address, address->address, address->family == AF_INET ? 4 : 16);
    }
    return e;
}

static uint32_t peer_hash(const struct peers *p, uint8_t family, const uint8_t address[16])
{
    return lookup_hash(lookup_mix_bytes(lookup_mix(p->seed, family), address, 16));
}

static struct peer *peers_get(const struct peers *p, const struct endpoint *address)
{
    struct lookup_walk walk =
        lookup_walk(&p->by_address, peer_hash(p, address->family, address->address));
    for (uint32_t n; lookup_next(&walk, &n);) {
        struct peer *peer = &p->ring[n];
        if (peer->family == address->family && memcmp(peer->address, address->address, 16) == 0)
            return peer;
    }
    return NULL;
}

static void peer_clear(struct peers *p, struct peer *peer, int64_t now_ns)
{
    if (!peer->family)
        return;
    p->evicted += peer->until_ns > now_ns;
    lookup_remove(&p->by_address, peer_hash(p, peer->family, peer->address),
                  (uint32_t)(peer - p->ring));
    peers_give_back(p, peer->name);
    p->placed--;
    *peer = (struct peer){0};
}

/* A place for another address: free afterwards. Twice around at most. */
static struct peer *peers_make_room(struct peers *p, int64_t now_ns)
{
    if (!p->ring)
        p->ring = mem_array(PEERS_MAX, sizeof(*p->ring));
    for (;;) {
        struct peer *peer = &p->ring[p->hand];
        p->hand = (p->hand + 1) % PEERS_MAX;
        if (peer->again && peer->until_ns > now_ns) {
            peer->again = false;
            continue;
        }
        peer_clear(p, peer, now_ns);
        return peer;
    }
}

/* No other host: what a filter of advertisements answers, say, and then every service here would
 * have that name. */
static bool is_nobody(const struct endpoint *e)
{
    static const uint8_t none[16], self4[4] = {127, 0, 0, 1}, self6[16] = {[15] = 1};
    return memcmp(e->address, none, sizeof(none)) == 0 ||
           (e->family == AF_INET ? memcmp(e->address, self4, sizeof(self4)) == 0
                                 : memcmp(e->address, self6, sizeof(self6)) == 0);
}

/* Letters of one case: resolvers mix them to make forging harder (0x20). */
static void lower(char *name)
{
    for (; *name; name++) {
        if (*name >= 'A' && *name <= 'Z')
            *name = (char)(*name - 'A' + 'a');
    }
}

void peers_learn(struct peers *p, const struct endpoint *address, const char *name, uint32_t ttl_s,
                 int64_t now_ns)
{
    char tame[PEER_NAME_BYTES];
    name_tame(tame, sizeof(tame), name, strlen(name));
    lower(tame);
    if (!tame[0] || !address->family)
        return;
    uint32_t held_s = MIN(MAX(ttl_s, (uint32_t)PEER_TTL_LEAST_S), (uint32_t)PEER_TTL_MOST_S);
    struct endpoint e = plain(address);
    if (is_nobody(&e))
        return;
    struct peer *peer = peers_get(p, &e);
    bool same = peer && strcmp(peer->name->text, tame) == 0;
    if (!peer) {
        peer = peers_make_room(p, now_ns);
        if (!lookup_add(&p->by_address, peer_hash(p, e.family, e.address),
                        (uint32_t)(peer - p->ring))) {
            p->evicted++;
            return;
        }
        p->placed++;
        peer->family = e.family;
        memcpy(peer->address, e.address, sizeof(peer->address));
    } else {
        peer->again = true;
    }
    if (!same) {
        peers_give_back(p, peer->name);
        peer->name = name_new(p, tame);
    }
    peer->until_ns = now_ns + held_s * NS_PER_S;
    p->learned++;
}

struct peer_name *peers_take(struct peers *p, const struct endpoint *address, int64_t now_ns)
{
    if (!address->family || !p->ring)
        return NULL;
    struct endpoint e = plain(address);
    struct peer *peer = peers_get(p, &e);
    if (!peer || peer->until_ns <= now_ns || p->names - p->placed >= PEERS_MAX)
        return NULL;
    peer->name->users++;
    return peer->name;
}

uint64_t peers_learned(const struct peers *p)
{
    return p->learned;
}

size_t peers_count(const struct peers *p, int64_t now_ns)
{
    size_t count = 0;
    for (size_t i = 0; p->ring && i < PEERS_MAX; i++)
        count += p->ring[i].family && p->ring[i].until_ns > now_ns;
    return count;
}

uint64_t peers_evicted(const struct peers *p)
{
    return p->evicted;
}
