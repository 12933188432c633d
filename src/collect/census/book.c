/*
 * book.c: see book.h.
 *
 * Entries lie in chunks that never move; a number (chunk and place) is what the two indexes hold.
 * A socket keeps its cookie for life, but not everybody who tells of it knows the cookie, and one
 * thing that people call a connection may be several sockets to the kernel: when a connection is
 * over, a small one without an inode and with another cookie stands in for it in state time-wait.
 * So what is not found by its cookie is looked for by its addresses:
 *
 *   without a cookie     the entry with these addresses whose inode does not contradict
 *   in state time-wait   the connection with these addresses, whatever its cookie
 *   with a cookie        an entry with these addresses that has none yet, as above
 *
 * Addresses do not name a socket where several may have them (SO_REUSEPORT): inodes decide there,
 * and only for a TCP connection is it certain that there is one. For those without a remote end the
 * inode is part of the key, so that ten thousand on one port are not ten thousand comparisons each;
 * and the cookie for those of which nothing else is known yet.
 */
#include "collect/census/book.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"

#define CHUNK 128

struct book {
    size_t max, count;
    uint64_t seed;
    struct lookup by_cookie, by_ends;
    struct entry **chunks;
    size_t chunks_count;
    uint32_t top, free_from; /* numbers in use are below top, free ones not below free_from */
};

struct book *book_new(size_t max, uint64_t seed)
{
    struct book *b = mem_alloc(sizeof(*b));
    b->max = MIN(max, (size_t)1 << 24);
    b->seed = seed;
    b->chunks = mem_array((b->max + CHUNK - 1) / CHUNK, sizeof(struct entry *));
    return b;
}

void book_free(struct book *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->chunks_count; i++)
        free(b->chunks[i]);
    free(b->chunks);
    lookup_fini(&b->by_cookie);
    lookup_fini(&b->by_ends);
    free(b);
}

static struct entry *book_place(const struct book *b, uint32_t number)
{
    return &b->chunks[number / CHUNK][number % CHUNK];
}

struct entry *book_at(struct book *b, uint32_t number)
{
    struct entry *e = book_place(b, number);
    return e->id ? e : NULL;
}

uint32_t book_top(const struct book *b)
{
    return b->top;
}

size_t book_count(const struct book *b)
{
    return b->count;
}

size_t book_bytes(const struct book *b)
{
    return sizeof(*b) + (b->max + CHUNK - 1) / CHUNK * sizeof(struct entry *) +
           b->chunks_count * CHUNK * sizeof(struct entry) +
           (b->by_cookie.capacity + b->by_ends.capacity) * sizeof(struct lookup_slot);
}

/* ---- addresses ----------------------------------------------------------------------------- */

bool address_is_any(const uint8_t address[16])
{
    static const uint8_t any[16];
    return memcmp(address, any, 16) == 0;
}

bool address_is_loopback(uint8_t family, const uint8_t address[16])
{
    static const uint8_t one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (family == AF_INET)
        return address[0] == 127;
    return memcmp(address, one, 16) == 0 ||
           (memcmp(address, mapped, 12) == 0 && address[12] == 127);
}

struct endpoint entry_local(const struct entry *e)
{
    struct endpoint end = {.family = e->family, .port = e->local_port};
    memcpy(end.address, e->local, sizeof(end.address));
    return end;
}

struct endpoint entry_remote(const struct entry *e)
{
    struct endpoint end = {.family = e->family, .port = e->remote_port};
    memcpy(end.address, e->remote, sizeof(end.address));
    return end;
}

static uint64_t mix_end(uint64_t h, const uint8_t address[16], uint16_t port)
{
    uint64_t halves[2];
    memcpy(halves, address, 16);
    return lookup_mix(lookup_mix(h, halves[0] ^ (uint64_t)port << 48), halves[1] ^ port);
}

static uint32_t ends_hash(const struct book *b, uint64_t netns, uint16_t protocol,
                          const uint8_t local[16], uint16_t local_port, const uint8_t remote[16],
                          uint16_t remote_port, uint64_t apart)
{
    uint64_t h = lookup_mix(b->seed, netns ^ (uint64_t)protocol << 48);
    h = lookup_mix(h, apart);
    return lookup_hash(mix_end(mix_end(h, local, local_port), remote, remote_port));
}

/* What tells sockets apart whose addresses are the same. */
static uint64_t apart(uint8_t family, uint16_t remote_port, uint32_t inode, uint64_t cookie)
{
    return !family ? cookie : remote_port ? 0 : inode;
}

static uint8_t seen_family(const struct socket_seen *seen)
{
    return seen->local.family ? seen->local.family : seen->remote.family;
}

static uint32_t entry_ends_hash(const struct book *b, const struct entry *e)
{
    return ends_hash(b, e->netns, e->protocol, e->local, e->local_port, e->remote, e->remote_port,
                     apart(e->family, e->remote_port, e->inode, e->cookie));
}

static uint32_t cookie_hash(const struct book *b, uint64_t netns, uint64_t cookie)
{
    return lookup_hash(lookup_mix(lookup_mix(b->seed, netns), cookie));
}

/* ---- finding ------------------------------------------------------------------------------- */

struct entry *book_find_cookie(struct book *b, uint64_t netns, uint64_t cookie)
{
    struct lookup_walk walk = lookup_walk(&b->by_cookie, cookie_hash(b, netns, cookie));
    for (uint32_t n; lookup_next(&walk, &n);) {
        struct entry *e = book_place(b, n);
        if (e->cookie == cookie && e->netns == netns)
            return e;
    }
    return NULL;
}

bool entry_has_other_ends(const struct entry *e, const struct socket_seen *seen)
{
    return e->local_port != seen->local.port || e->remote_port != seen->remote.port ||
           memcmp(e->local, seen->local.address, 16) != 0 ||
           memcmp(e->remote, seen->remote.address, 16) != 0;
}

static bool same_ends(const struct entry *e, const struct socket_seen *seen)
{
    return e->protocol == seen->protocol && e->netns == seen->netns &&
           !entry_has_other_ends(e, seen);
}

static bool can_be(const struct entry *e, const struct socket_seen *seen)
{
    bool tcp = seen->protocol == IPPROTO_TCP && seen->remote.port;
    bool waiting = tcp && seen->state == SOCKET_TIME_WAIT;
    if (!(e->flags & ENTRY_SHOWN) || !same_ends(e, seen))
        return false;
    /* Two cookies, and book_find_cookie did not find this one: only the two that a connection has
     * one after the other are the same, whichever of them is told of last. */
    bool closed = tcp && e->state == SOCKET_TIME_WAIT && seen->state == SOCKET_CLOSE;
    if (e->cookie && seen->cookie && !waiting && !closed)
        return false;
    if (e->state == SOCKET_TIME_WAIT && !waiting && !closed)
        return false; /* a new connection between the same ends */
    if (e->inode && seen->inode)
        return e->inode == seen->inode;
    return tcp || e->inode == seen->inode;
}

struct entry *book_find(struct book *b, const struct socket_seen *seen)
{
    struct entry *e = seen->cookie ? book_find_cookie(b, seen->netns, seen->cookie) : NULL;
    if (e)
        return e;
    uint32_t hash = ends_hash(
        b, seen->netns, seen->protocol, seen->local.address, seen->local.port, seen->remote.address,
        seen->remote.port, apart(seen_family(seen), seen->remote.port, seen->inode, seen->cookie));
    struct lookup_walk walk = lookup_walk(&b->by_ends, hash);
    for (uint32_t n; lookup_next(&walk, &n);) {
        if (can_be(book_place(b, n), seen))
            return book_place(b, n);
    }
    return NULL;
}

struct entry *book_opposite(struct book *b, const struct entry *e)
{
    uint32_t hash = ends_hash(b, e->netns, e->protocol, e->remote, e->remote_port, e->local,
                              e->local_port, apart(e->family, e->local_port, e->inode, e->cookie));
    struct lookup_walk walk = lookup_walk(&b->by_ends, hash);
    for (uint32_t n; lookup_next(&walk, &n);) {
        struct entry *other = book_place(b, n);
        if (other != e && other->protocol == e->protocol && other->netns == e->netns &&
            other->local_port == e->remote_port && other->remote_port == e->local_port &&
            memcmp(other->local, e->remote, 16) == 0 && memcmp(other->remote, e->local, 16) == 0)
            return other;
    }
    return NULL;
}

/* ---- changing ------------------------------------------------------------------------------ */

static uint32_t entry_number(const struct book *b, const struct entry *e)
{
    struct lookup_walk walk = lookup_walk(&b->by_ends, entry_ends_hash(b, e));
    uint32_t n = 0;
    bool found = false;
    while (!found && (found = lookup_next(&walk, &n)))
        found = book_place(b, n) == e;
    CHECK(found); /* whatever is in the book is in this index */
    return n;
}

static void entry_set_ends(struct entry *e, const struct socket_seen *seen)
{
    if (seen->inode) /* who is orphaned keeps the number that it had */
        e->inode = seen->inode;
    e->family = seen_family(seen);
    e->protocol = seen->protocol;
    e->local_port = seen->local.port;
    e->remote_port = seen->remote.port;
    memcpy(e->local, seen->local.address, 16);
    memcpy(e->remote, seen->remote.address, 16);
}

/* A free place below max; false: none. */
static bool book_make_room(struct book *b, uint32_t *ret)
{
    uint32_t at = b->free_from;
    while (at < b->top && book_place(b, at)->id)
        at++;
    b->free_from = at;
    if (at >= b->max)
        return false;
    if (at / CHUNK >= b->chunks_count) {
        struct entry *chunk = mem_try_array(CHUNK, sizeof(*chunk));
        if (!chunk)
            return false;
        b->chunks[b->chunks_count++] = chunk;
    }
    *ret = at;
    return true;
}

struct entry *book_add(struct book *b, const struct socket_seen *seen)
{
    uint32_t number;
    if (!book_make_room(b, &number))
        return NULL;
    struct entry *e = book_place(b, number);
    *e = (struct entry){.netns = seen->netns, .cookie = seen->cookie, .method = NO_METHOD};
    entry_set_ends(e, seen);
    uint32_t hash = entry_ends_hash(b, e);
    bool added = lookup_add(&b->by_ends, hash, number);
    if (added && seen->cookie &&
        !lookup_add(&b->by_cookie, cookie_hash(b, e->netns, e->cookie), number)) {
        lookup_remove(&b->by_ends, hash, number);
        added = false;
    }
    if (!added)
        return NULL;
    e->id = UINT64_MAX; /* the caller's to choose, but not free */
    b->free_from = number + 1;
    b->top = MAX(b->top, number + 1);
    b->count++;
    return e;
}

void book_update(struct book *b, struct entry *e, const struct socket_seen *seen)
{
    bool other_cookie = seen->cookie && seen->cookie != e->cookie;
    bool other_inode = seen->inode && seen->inode != e->inode;
    if (!other_cookie && !other_inode && same_ends(e, seen))
        return;
    uint32_t number = entry_number(b, e), hash = entry_ends_hash(b, e);
    if (other_cookie) {
        if (e->cookie)
            lookup_remove(&b->by_cookie, cookie_hash(b, e->netns, e->cookie), number);
        bool added = lookup_add(&b->by_cookie, cookie_hash(b, e->netns, seen->cookie), number);
        e->cookie = added ? seen->cookie : 0;
    }
    struct entry before = *e;
    entry_set_ends(e, seen);
    if (entry_ends_hash(b, e) == hash)
        return;
    if (lookup_add(&b->by_ends, entry_ends_hash(b, e), number))
        lookup_remove(&b->by_ends, hash, number);
    else
        *e = before; /* no memory: as it was */
}

void book_remove(struct book *b, struct entry *e)
{
    uint32_t number = entry_number(b, e);
    lookup_remove(&b->by_ends, entry_ends_hash(b, e), number);
    if (e->cookie)
        lookup_remove(&b->by_cookie, cookie_hash(b, e->netns, e->cookie), number);
    *e = (struct entry){0};
    b->count--;
    b->free_from = MIN(b->free_from, number);
    while (b->top && !book_place(b, b->top - 1)->id)
        b->top--;
    /* Memory of a crowd that has gone; one chunk stays for those that come and go. */
    while (b->chunks_count > b->top / CHUNK + 2) {
        b->chunks_count--;
        free(TAKE(b->chunks[b->chunks_count]));
    }
}
