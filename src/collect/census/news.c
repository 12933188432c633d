/*
 * news.c: see news.h.
 *
 * Losses are added up by what was lost (the literal's address tells them apart) and told at most
 * once in TELL_EVERY_MS each: a table that is full stays full, and one line a second would bury the
 * other events. Names of addresses are kept in a ring, so what is not asked for is forgotten first.
 */
#include "collect/census/news.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"
#include "collect/census/names.h"

#define LOSSES_MAX 16
#define TELL_EVERY_MS 10000
#define PEERS_MAX 4096
#define PEER_NAME_BYTES 256

struct loss {
    const char *what;
    uint64_t count; /* not told yet */
    int64_t told_ms;
    bool told;
};

struct news {
    struct event *events[NEWS_MAX];
    size_t count;
    uint64_t missed;
    struct loss losses[LOSSES_MAX];
    size_t losses_count;
};

struct news *news_new(void)
{
    return mem_alloc(sizeof(struct news));
}

void news_free(struct news *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->count; i++)
        event_unref(n->events[i]);
    free(n);
}

bool news_has_room(const struct news *n)
{
    return n->count < NEWS_MAX;
}

void news_event(struct news *n, struct event *e)
{
    if (news_has_room(n)) {
        n->events[n->count++] = e;
    } else {
        event_unref(e);
        n->missed++;
    }
}

void news_missed(struct news *n)
{
    n->missed++;
}

void news_lost(struct news *n, uint64_t count, const char *what)
{
    size_t at = 0;
    while (at < n->losses_count && strcmp(n->losses[at].what, what) != 0)
        at++;
    if (at == LOSSES_MAX)
        at--; /* more kinds of loss than there are in the program: told under the last one's name */
    else if (at == n->losses_count)
        n->losses[n->losses_count++] = (struct loss){.what = what};
    n->losses[at].count += count;
}

static struct event *loss_event(const char *what, uint64_t count, int64_t now_ms)
{
    struct event *e = event_new(EVENT_LOSS, now_ms);
    event_text(e, "what", what);
    event_number(e, "count", (double)count);
    return e;
}

struct event **news_take(struct news *n, int64_t now_ms, size_t *ret_count)
{
    size_t count = 0;
    struct event **events = mem_array(n->count + n->losses_count + 1, sizeof(struct event *));
    for (size_t i = 0; i < n->count; i++)
        events[count++] = n->events[i];
    if (n->missed)
        events[count++] = loss_event("connection events", n->missed, now_ms);
    for (size_t i = 0; i < n->losses_count; i++) {
        struct loss *l = &n->losses[i];
        int64_t since_ms = now_ms - l->told_ms;
        if (!l->count || (l->told && since_ms >= 0 && since_ms < TELL_EVERY_MS))
            continue;
        events[count++] = loss_event(l->what, l->count, now_ms);
        l->count = 0;
        l->told = true;
        l->told_ms = now_ms;
    }
    n->count = 0;
    n->missed = 0;
    *ret_count = count;
    if (!count) {
        free(events);
        events = NULL;
    }
    return events;
}

/* ---- names --------------------------------------------------------------------------------- */

struct peer {
    uint8_t family; /* 0: free */
    uint8_t address[16];
    char *name;
};

struct peers {
    uint64_t seed;
    struct lookup by_address;
    struct peer *ring;
    uint32_t next;
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
        free(p->ring[i].name);
    free(p->ring);
    lookup_fini(&p->by_address);
    free(p);
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

void peers_learn(struct peers *p, const struct endpoint *address, const char *name)
{
    char tame[PEER_NAME_BYTES];
    name_tame(tame, sizeof(tame), name, strlen(name));
    if (!tame[0] || !address->family)
        return;
    struct peer *known = peers_get(p, address);
    if (known) {
        if (strcmp(known->name, tame) != 0) {
            free(known->name);
            known->name = mem_string(tame);
        }
        return;
    }
    if (!p->ring)
        p->ring = mem_array(PEERS_MAX, sizeof(*p->ring));
    struct peer *place = &p->ring[p->next];
    if (place->family)
        lookup_remove(&p->by_address, peer_hash(p, place->family, place->address), p->next);
    free(place->name);
    *place = (struct peer){0};
    if (!lookup_add(&p->by_address, peer_hash(p, address->family, address->address), p->next))
        return;
    place->family = address->family;
    memcpy(place->address, address->address, sizeof(place->address));
    place->name = mem_string(tame);
    p->next = (p->next + 1) % PEERS_MAX;
}

const char *peers_find(const struct peers *p, const struct endpoint *address)
{
    const struct peer *peer = address->family ? peers_get(p, address) : NULL;
    return peer ? peer->name : NULL;
}
