/*
 * book.h: the sockets that the census knows, found by cookie or by their addresses. Survey thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"

#define METHODS_MAX 4 /* engines that tell of sockets */
#define NO_METHOD 0xff

enum entry_flag {
    ENTRY_SHOWN = 1 << 0, /* an engine has shown it; else only its owner is known yet */
    ENTRY_NEW = 1 << 1,   /* came in this round */
    ENTRY_BORN = 1 << 2,  /* and was opened since the round before: an event, all bytes count */
    ENTRY_CONNECTED =
        1 << 3,            /* was a connection at some time: a remote end, a handshake behind it */
    ENTRY_CLOSED = 1 << 4, /* its end was told; what is left is the kernel's (time-wait) */
    ENTRY_LOCAL = 1 << 5,  /* stays on loopback */
    ENTRY_BYTES = 1 << 6,  /* has bytes */
    ENTRY_QUALITY = 1 << 7,
    ENTRY_MOVED = 1 << 8,   /* bytes moved in this round */
    ENTRY_OPENED = 1 << 9,  /* its opening was told */
    ENTRY_GONE = 1 << 10,   /* an engine told its end; kept to the next round */
    ENTRY_TURNED = 1 << 11, /* got other ends in this round */
    ENTRY_MISSED = 1 << 12, /* a dump does not have it any more; its end may be told yet */
};

/* One socket, as small as it will go: there may be tens of thousands. */
struct entry {
    uint64_t id; /* of its row, never reused; 0: a free place */
    uint64_t netns, cookie;
    uint64_t rx_bytes, tx_bytes;     /* since it was opened */
    uint64_t rx_counted, tx_counted; /* of these, what its owner has on its account */
    int64_t opened_ms, turned_ms;    /* wall; turned: got other ends, 0: never */
    int64_t bytes_ns;                /* monotonic: when the bytes were read */
    uint64_t owner_id;               /* row of `owner`: another one may have its number */
    struct peer_name *remote_name;   /* a reference; NULL: not known */
    float rx_rate, tx_rate;
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint16_t protocol, flags;
    uint8_t family, state, direction, method;
    uint32_t inode;
    uint32_t owner; /* in people, see entry_owner; NOBODY: not known */
    uint32_t rtt_us, retransmits, connect_us;
    uint32_t retransmits_counted; /* of these, what its owner has on its account */
    uint32_t round;               /* in which it was shown last */
    uint32_t seen[METHODS_MAX];   /* the same by each method; 0: never */
    uint8_t sought;               /* walks over /proc that did not find its owner */
    uint8_t waited; /* rounds that its opening has not been told for want of an owner */
};

struct book;

struct book *book_new(size_t max, uint64_t seed);
void book_free(struct book *b); /* NULL allowed */

/* The entry of what was seen: by cookie, else the one with the same addresses that it must be.
 * NULL: not known. */
struct entry *book_find(struct book *b, const struct socket_seen *seen);
struct entry *book_find_cookie(struct book *b, uint64_t netns, uint64_t cookie);
/* Another one whose ends are these two the other way round, e.g. of the same connection on
 * loopback; NULL: none. */
struct entry *book_opposite(struct book *b, const struct entry *e);
/* Has it other ends than these? */
bool entry_has_other_ends(const struct entry *e, const struct socket_seen *seen);

/* A new one with cookie and addresses of `seen`; the rest is zero. NULL: no room. */
struct entry *book_add(struct book *b, const struct socket_seen *seen);
/* Cookie, addresses, state as they are now. */
void book_update(struct book *b, struct entry *e, const struct socket_seen *seen);
void book_remove(struct book *b, struct entry *e);

/* By number, below book_top; NULL: a free place. Entries stay where they are. */
struct entry *book_at(struct book *b, uint32_t number);
uint32_t book_top(const struct book *b);
size_t book_count(const struct book *b);
size_t book_bytes(const struct book *b); /* memory in use */

/* Passed on by engines: the entry's addresses. */
struct endpoint entry_local(const struct entry *e);
struct endpoint entry_remote(const struct entry *e);
bool address_is_any(const uint8_t address[16]);
bool address_is_loopback(uint8_t family, const uint8_t address[16]);
