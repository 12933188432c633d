/*
 * flows.c: see flows.h. Three arrays, made once: the flows; `index`, an open-addressing table of
 * places in it with linear probing, half full at most and without tombstones (backward shift);
 * and beside each place some bits of its hash, so that a probe rarely touches a flow that is not
 * the one. Pages of the arrays are the kernel's until they are touched.
 *
 * The hash is keyed with random bytes: who sends the packets cannot choose where flows pile up. It
 * multiplies words into 128 bits and folds the halves, which is as fast as memory here.
 *
 * Free flows are chained by `older`. A flow in use is in the list by age; it is in the index unless
 * it was renewed.
 */
#include "collect/packet/flows.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/load.h"
#include "base/mem.h"

struct place {
    uint32_t flow; /* FLOW_NONE: free */
    uint32_t tag;  /* the hash's upper half */
};

struct flows {
    struct flow *flow;
    size_t max, count, used; /* used: of the array, ever */
    struct place *index;
    uint64_t mask;
    uint64_t seed[2];
    uint32_t newest, oldest, free;
    uint64_t next_id, evicted;
    void (*ended)(void *user, struct flow *f);
    void *user;
};

_Static_assert(sizeof(struct flow_key) == 48, "no holes: it is compared as words");
_Static_assert(offsetof(struct flow, tcp) <= 136, "what every packet touches");

/* ---- keys ---------------------------------------------------------------------------------- */

/* Of constant size, which the compiler turns into a few moves. */
static void key_addresses4(const struct packet_layer *l, const uint16_t ports[2],
                           struct flow_key *ret, uint8_t *ret_sender)
{
    uint32_t from = load_be32(l->address[0]), to = load_be32(l->address[1]);
    uint8_t sender = from != to ? from > to : ports[0] > ports[1];
    memcpy(ret->address[sender], l->address[0], 4);
    memcpy(ret->address[!sender], l->address[1], 4);
    *ret_sender = sender;
}

static void key_addresses6(const struct packet_layer *l, const uint16_t ports[2],
                           struct flow_key *ret, uint8_t *ret_sender)
{
    int order = memcmp(l->address[0], l->address[1], 16);
    uint8_t sender = order ? order > 0 : ports[0] > ports[1];
    memcpy(ret->address[sender], l->address[0], 16);
    memcpy(ret->address[!sender], l->address[1], 16);
    *ret_sender = sender;
}

void flow_key_make(const struct packet *p, size_t layer, const uint16_t ports[2],
                   struct flow_key *ret, uint8_t *ret_sender)
{
    const struct packet_layer *l = &p->layer[layer];
    *ret = (struct flow_key){.family = l->family,
                             .protocol = l->protocol,
                             .tunnel = l->tunnel,
                             .carrier = layer + 1 < p->layers_count,
                             .tunnel_id = l->tunnel_id};
    if (l->family == 4)
        key_addresses4(l, ports, ret, ret_sender);
    else
        key_addresses6(l, ports, ret, ret_sender);
    ret->port[*ret_sender] = ports[0];
    ret->port[!*ret_sender] = ports[1];
    for (size_t i = 0; i < p->vlans_count; i++)
        ret->vlan[i] = p->vlan[i];
}

static bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
    uint64_t x[6], y[6];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) |
             (x[5] ^ y[5]));
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t flows_hash(const struct flows *t, const struct flow_key *key)
{
    uint64_t w[6];
    memcpy(w, key, sizeof(w));
    uint64_t h = fold(w[0] ^ t->seed[0], w[1] ^ 0x9e3779b97f4a7c15ULL);
    h ^= fold(w[2] ^ t->seed[1], w[3] ^ 0xd1b54a32d192ed03ULL);
    h = fold(h ^ w[4] ^ t->seed[0], w[5] ^ 0x8cb92ba72f3d8dd7ULL);
    return fold(h ^ t->seed[1], 0xda942042e4dd58b5ULL);
}

/* ---- the index ----------------------------------------------------------------------------- */

static void index_put(struct flows *t, uint32_t flow)
{
    uint64_t hash = t->flow[flow].hash, at = hash & t->mask;
    while (t->index[at].flow != FLOW_NONE)
        at = (at + 1) & t->mask;
    t->index[at] = (struct place){flow, (uint32_t)(hash >> 32)};
    t->flow[flow].hashed = true;
}

static void index_remove(struct flows *t, uint32_t flow)
{
    uint64_t at = t->flow[flow].hash & t->mask;
    while (t->index[at].flow != flow)
        at = (at + 1) & t->mask;
    /* Those behind that could not have their own place move up. */
    for (uint64_t next = (at + 1) & t->mask; t->index[next].flow != FLOW_NONE;
         next = (next + 1) & t->mask) {
        uint64_t home = t->flow[t->index[next].flow].hash & t->mask;
        if (((next - home) & t->mask) >= ((next - at) & t->mask)) {
            t->index[at] = t->index[next];
            at = next;
        }
    }
    t->index[at].flow = FLOW_NONE;
    t->flow[flow].hashed = false;
}

/* ---- the list by age ------------------------------------------------------------------------- */

static void list_remove(struct flows *t, uint32_t at)
{
    const struct flow *f = &t->flow[at];
    if (f->newer == FLOW_NONE)
        t->newest = f->older;
    else
        t->flow[f->newer].older = f->older;
    if (f->older == FLOW_NONE)
        t->oldest = f->newer;
    else
        t->flow[f->older].newer = f->newer;
}

static void list_put_first(struct flows *t, uint32_t at)
{
    struct flow *f = &t->flow[at];
    f->newer = FLOW_NONE;
    f->older = t->newest;
    if (t->newest == FLOW_NONE)
        t->oldest = at;
    else
        t->flow[t->newest].newer = at;
    t->newest = at;
}

static void list_move_first(struct flows *t, uint32_t at, int64_t t_ns)
{
    list_remove(t, at);
    list_put_first(t, at);
    t->flow[at].listed_ns = t_ns;
}

/* ---- flows --------------------------------------------------------------------------------- */

struct flows *flows_new(size_t max, void (*ended)(void *user, struct flow *f), void *user)
{
    CHECK(max > 0 && max < FLOW_NONE / 8);
    struct flows *t = mem_alloc(sizeof(*t));
    uint64_t places = 16;
    while (places < max * 2)
        places *= 2;
    t->max = max;
    t->mask = places - 1;
    t->flow = mem_array(max, sizeof(*t->flow));
    t->index = mem_array(places, sizeof(*t->index));
    for (uint64_t i = 0; i < places; i++)
        t->index[i].flow = FLOW_NONE;
    t->newest = t->oldest = t->free = FLOW_NONE;
    t->next_id = 1;
    t->ended = ended;
    t->user = user;
    if (getrandom(t->seed, sizeof(t->seed), GRND_NONBLOCK) != (ssize_t)sizeof(t->seed))
        t->seed[0] = (uint64_t)(uintptr_t)t; /* early boot: the address is random enough */
    return t;
}

void flows_free(struct flows *t)
{
    if (!t)
        return;
    for (uint32_t at = t->oldest; at != FLOW_NONE; at = t->flow[at].newer)
        t->ended(t->user, &t->flow[at]);
    free(t->flow);
    free(t->index);
    free(t);
}

static void flow_end(struct flows *t, uint32_t at)
{
    struct flow *f = &t->flow[at];
    t->ended(t->user, f);
    if (f->hashed)
        index_remove(t, at);
    list_remove(t, at);
    f->older = t->free;
    t->free = at;
    t->count--;
}

uint8_t flow_guess_client(const struct flow_key *key, uint8_t sender)
{
    uint16_t from = key->port[sender], to = key->port[!sender];
    return from && from < 1024 && to >= 1024 ? !sender : sender;
}

/* The oldest in the list goes, but for those that were seen since they came to their place there:
 * each moves up once, so this ends. */
static void make_room(struct flows *t)
{
    const struct flow *oldest = &t->flow[t->oldest];
    while (oldest->seen_ns > oldest->listed_ns && t->oldest != t->newest) {
        list_move_first(t, t->oldest, oldest->seen_ns);
        oldest = &t->flow[t->oldest];
    }
    t->evicted++;
    flow_end(t, t->oldest);
}

static struct flow *flow_make(struct flows *t, const struct flow_key *key, uint64_t hash,
                              int64_t t_ns)
{
    if (t->count == t->max) {
        make_room(t);
    }
    uint32_t at = t->free;
    if (at == FLOW_NONE)
        at = (uint32_t)t->used++;
    else
        t->free = t->flow[at].older;
    t->count++;
    struct flow *f = &t->flow[at];
    *f = (struct flow){.key = *key,
                       .hash = hash,
                       .id = t->next_id++,
                       .opened_ns = t_ns,
                       .seen_ns = t_ns,
                       .listed_ns = t_ns};
    list_put_first(t, at);
    index_put(t, at);
    return f;
}

void flows_fetch_index(const struct flows *t, uint64_t hash)
{
    __builtin_prefetch(&t->index[hash & t->mask]);
}

/* The first place is the flow's own more often than not. */
void flows_fetch_flow(const struct flows *t, uint64_t hash)
{
    uint32_t flow = t->index[hash & t->mask].flow;
    if (flow == FLOW_NONE)
        return;
    __builtin_prefetch(&t->flow[flow]);
    __builtin_prefetch(&t->flow[flow].seen_ns, 1);
    __builtin_prefetch(&t->flow[flow].tcp, 1);
}

struct flow *flows_get(struct flows *t, const struct flow_key *key, int64_t t_ns, bool *ret_made)
{
    return flows_get_hashed(t, key, flows_hash(t, key), t_ns, ret_made);
}

struct flow *flows_get_hashed(struct flows *t, const struct flow_key *key, uint64_t hash,
                              int64_t t_ns, bool *ret_made)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (uint64_t at = hash & t->mask; t->index[at].flow != FLOW_NONE; at = (at + 1) & t->mask) {
        if (t->index[at].tag != tag)
            continue;
        uint32_t number = t->index[at].flow;
        struct flow *f = &t->flow[number];
        if (!key_equal(&f->key, key))
            continue;
        if (t_ns - f->listed_ns >= FLOW_LAG_NS)
            list_move_first(t, number, t_ns);
        f->seen_ns = MAX(f->seen_ns, t_ns);
        *ret_made = false;
        return f;
    }
    *ret_made = true;
    return flow_make(t, key, hash, t_ns);
}

struct flow *flows_renew(struct flows *t, struct flow *old, int64_t t_ns)
{
    struct flow_key key = old->key;
    uint64_t hash = old->hash;
    index_remove(t, (uint32_t)(old - t->flow));
    return flow_make(t, &key, hash, t_ns);
}

void flows_expire(struct flows *t, int64_t before_ns, int64_t closed_before_ns)
{
    for (uint32_t at = t->oldest; at != FLOW_NONE;) {
        const struct flow *f = &t->flow[at];
        uint32_t next = f->newer;
        bool closed = tcp_closed(&f->tcp) || !f->hashed;
        if (f->listed_ns >= before_ns && f->listed_ns >= closed_before_ns)
            return;
        if (f->seen_ns < (closed ? MAX(closed_before_ns, before_ns) : before_ns))
            flow_end(t, at);
        at = next;
    }
}

size_t flows_count(const struct flows *t)
{
    return t->count;
}

uint64_t flows_evicted(const struct flows *t)
{
    return t->evicted;
}

struct flow *flows_newest(struct flows *t)
{
    return t->newest == FLOW_NONE ? NULL : &t->flow[t->newest];
}

struct flow *flows_older(struct flows *t, const struct flow *f)
{
    return f->older == FLOW_NONE ? NULL : &t->flow[f->older];
}

void flow_endpoint_text(uint8_t family, const uint8_t address[16], uint16_t port,
                        char out[FLOW_ENDPOINT_TEXT])
{
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
    if (!port)
        snprintf(out, FLOW_ENDPOINT_TEXT, "%s", text);
    else
        snprintf(out, FLOW_ENDPOINT_TEXT, family == 4 ? "%s:%u" : "[%s]:%u", text, port);
}
