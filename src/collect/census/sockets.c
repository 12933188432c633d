/*
 * sockets.c: what engines tell of sockets, and what a round makes of it.
 *
 * Who comes and who was there. A socket that a dump shows for the first time was opened since the
 * dump before, if there was one and if everything in it found a place; it is "born" then: its
 * coming is an event and all its bytes count. Else it was there already, and only what comes from
 * now on counts. Sockets that a complete dump no longer shows are closed: in the round after, where
 * an engine tells of ends, because one that came between that engine's turn and the dump is told
 * then. Meanwhile it is not shown.
 *
 * Bytes. An entry has what was told last and what its owner has on its account. The difference goes
 * over when the owner is known, so what moved before it was found out is not lost; but only in
 * rounds in which sockets count (census_count_sockets). In those in which somebody else has counted
 * the same bytes the account is only kept up to date; and in those in which nobody has, it waits.
 *
 * Ends. A socket may get others: it is bound first and connected later, a datagram socket may be
 * connected elsewhere, and so may one of TCP that was disconnected, which is another connection
 * then. Name, direction and place are found out anew.
 *
 * Openings are told when it is known whose the connection is, or after some rounds without: one
 * that was not accepted yet has no inode, by which owners are found.
 *
 * A connection that is over stays as the kernel's time-wait for a minute. Its end is told when it
 * enters that state, the row stays with the state, and when it goes nothing is told.
 */
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/census/internal.h"

/* In rounds: how long an opening waits for its owner to be found; how long it is remembered whose a
 * socket is that nobody shows. */
#define OPENED_WAITS 2
#define OPENED_WAITS_MOST 50 /* whatever the wall clock says */
#define OPENED_WAITS_MS 2000
#define GHOST_ROUNDS 10
#define OPENED_SLACK_MS 2 /* what two clocks read one after the other may differ by, in ms */

/* ---- methods ------------------------------------------------------------------------------- */

static size_t census_method(struct census *c, const char *name)
{
    for (size_t i = 0; i < c->methods_count; i++) {
        if (c->methods[i].name == name || strcmp(c->methods[i].name, name) == 0)
            return i;
    }
    CHECK(c->methods_count < METHODS_MAX);
    c->methods[c->methods_count] = (struct method){.name = name};
    return c->methods_count++;
}

/* ---- owners -------------------------------------------------------------------------------- */

/* A socket of its has gone: it may have ended. */
static void entry_doubt_owner(struct census *c, const struct entry *e)
{
    uint32_t owner = entry_owner(c, e);
    if (owner != NOBODY)
        people_at(c->people, owner)->doubted = true;
}

void census_owner(struct census *c, uint64_t netns, uint64_t cookie,
                  const struct process_seen *owner)
{
    struct socket_seen seen = {.netns = netns == c->own_netns ? 0 : netns, .cookie = cookie};
    uint32_t person = people_get(c->people, owner, c->now_ms, &c->next_id);
    if (person == NOBODY) {
        census_lost(c, 1, "owners of sockets");
        return;
    }
    struct entry *e = book_find_cookie(c->book, seen.netns, cookie);
    if (!e && (e = book_add(c->book, &seen))) {
        e->id = c->next_id++;
        e->owner = NOBODY;
        e->round = c->round;
    }
    if (e)
        entry_own(c, e, person);
    else
        census_lost(c, 1, "owners of sockets");
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* Brings the owner's account up to what the socket has. */
static void entry_account_bytes(struct census *c, struct entry *e)
{
    struct amounts increment = {.rx = e->rx_bytes - e->rx_counted,
                                .tx = e->tx_bytes - e->tx_counted};
    uint32_t owner = entry_owner(c, e);
    if ((!increment.rx && !increment.tx) || (c->count_sockets && owner == NOBODY))
        return;
    if (!c->count_sockets && c->traffic_round != c->round)
        return;
    e->rx_counted = e->rx_bytes;
    e->tx_counted = e->tx_bytes;
    if (!c->count_sockets)
        return;
    if (e->flags & ENTRY_LOCAL)
        increment.local = increment.rx + increment.tx;
    people_count(c->people, owner, &increment, c->methods[e->method].name);
}

/* Who sends again is known from the sockets alone, whoever counts the bytes. */
static void entry_account_resent(struct census *c, struct entry *e)
{
    const struct amounts again = {.resent = e->retransmits - e->retransmits_counted};
    uint32_t owner = entry_owner(c, e);
    if (!again.resent || owner == NOBODY)
        return;
    e->retransmits_counted = e->retransmits;
    people_count(c->people, owner, &again, NULL);
}

static void entry_account(struct census *c, struct entry *e)
{
    if (e->flags & ENTRY_BYTES)
        entry_account_bytes(c, e);
    if (e->flags & ENTRY_QUALITY)
        entry_account_resent(c, e);
}

/* Once a round, for those that moved bytes in it: their owner's round trip. Loopback has none worth
 * telling, and would hide the others'. */
static void entry_measure(struct census *c, struct entry *e)
{
    uint32_t owner = entry_owner(c, e);
    if (!(e->flags & ENTRY_MOVED) || !(e->flags & ENTRY_QUALITY) || !e->rtt_us ||
        e->flags & ENTRY_LOCAL || owner == NOBODY)
        return;
    struct person *one = people_at(c->people, owner);
    one->rtt_sum_us += e->rtt_us;
    one->rtt_us = (uint32_t)(one->rtt_sum_us / ++one->rtt_count);
}

static void entry_take_bytes(struct census *c, struct entry *e, const struct socket_seen *seen)
{
    /* Two engines may know them differently well. */
    uint64_t rx = MAX(seen->rx_bytes, e->rx_bytes), tx = MAX(seen->tx_bytes, e->tx_bytes);
    if (!(e->flags & ENTRY_BYTES)) {
        bool born = e->flags & ENTRY_NEW && e->flags & ENTRY_BORN;
        e->flags |= ENTRY_BYTES | (born && (rx || tx) ? ENTRY_MOVED : 0);
        e->rx_counted = born ? 0 : rx;
        e->tx_counted = born ? 0 : tx;
    } else if (c->mono_ns > e->bytes_ns) {
        double elapsed_s = (double)(c->mono_ns - e->bytes_ns) / (double)NS_PER_S;
        e->rx_rate = (float)((double)(rx - e->rx_bytes) / elapsed_s);
        e->tx_rate = (float)((double)(tx - e->tx_bytes) / elapsed_s);
        e->flags |= rx != e->rx_bytes || tx != e->tx_bytes ? ENTRY_MOVED : 0;
    }
    e->rx_bytes = rx;
    e->tx_bytes = tx;
    e->bytes_ns = c->mono_ns;
}

static void entry_take_quality(struct census *c, struct entry *e, const struct socket_quality *q)
{
    if (e->flags & ENTRY_QUALITY)
        c->retransmits += q->retransmits - MIN(q->retransmits, e->retransmits);
    else if (e->flags & ENTRY_BORN)
        c->retransmits += q->retransmits;
    else
        e->retransmits_counted = q->retransmits;
    e->flags |= ENTRY_QUALITY;
    e->retransmits = MAX(q->retransmits, e->retransmits);
    if (q->rtt_us)
        e->rtt_us = q->rtt_us;
}

/* ---- events -------------------------------------------------------------------------------- */

static void entry_tell_opened(struct census *c, struct entry *e)
{
    if (e->flags & ENTRY_BORN && e->flags & ENTRY_CONNECTED && !(e->flags & ENTRY_OPENED)) {
        e->flags |= ENTRY_OPENED;
        if (!(e->flags & ENTRY_CLOSED))
            entry_tell(c, e, EVENT_CONNECTION_OPENED, e->opened_ms);
    }
}

static void entry_tell_closed(struct census *c, struct entry *e, int64_t t_ms)
{
    entry_account(c, e);
    entry_tell_opened(c, e);
    if (e->flags & ENTRY_CONNECTED && !(e->flags & ENTRY_CLOSED))
        entry_tell(c, e, EVENT_CONNECTION_CLOSED, t_ms);
    e->flags |= ENTRY_CLOSED;
}

/* ---- names of peers ------------------------------------------------------------------------ */

void sockets_forget_names(struct census *c)
{
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        struct entry *e = book_at(c->book, i);
        if (e)
            entry_forget_name(c, e);
    }
}

/* ---- coming -------------------------------------------------------------------------------- */

static bool is_connected(const struct entry *e)
{
    if (!e->remote_port)
        return false;
    if (e->protocol != IPPROTO_TCP && e->protocol != IPPROTO_MPTCP)
        return e->state == SOCKET_ESTABLISHED;
    switch (e->state) {
    case SOCKET_SYN_SENT:
    case SOCKET_SYN_RECV:
    case SOCKET_NEW_SYN_RECV:
    case SOCKET_CLOSE:
    case SOCKET_LISTEN:
        return false;
    default:
        return true;
    }
}

/* Was it opened since the last dump of this engine? */
static bool is_born(const struct census *c, const struct method *m, const struct socket_seen *seen)
{
    /* opened_ms is when it began to connect; it is told when it has. */
    int64_t since_ms = seen->opened_ms + seen->connect_us / 1000 + OPENED_SLACK_MS;
    if (seen->opened_ms && c->before_ms && since_ms >= c->before_ms)
        return true;
    return m->completed_before && c->round - m->completed_before <= SILENT_ROUNDS &&
           !c->refused_before && !c->refused;
}

static bool has_other_peer(const struct entry *e, const struct socket_seen *seen)
{
    return e->remote_port != seen->remote.port ||
           memcmp(e->remote, seen->remote.address, sizeof(e->remote)) != 0;
}

static void entry_drop(struct census *c, struct entry *e)
{
    for (size_t i = 0; i < c->methods_count; i++) {
        c->methods[i].known -= e->seen[i] != 0;
        c->methods[i].shown -= e->seen[i] == c->round;
    }
    entry_doubt_owner(c, e);
    entry_own(c, e, NOBODY);
    entry_forget_name(c, e);
    book_remove(c->book, e);
}

/* Under the cookie of a connection whose end was told: the socket has connected again. */
static bool is_next_connection(const struct entry *e, const struct socket_seen *seen)
{
    return e->flags & ENTRY_GONE && e->protocol == IPPROTO_TCP &&
           (has_other_peer(e, seen) || (seen->opened_ms && seen->opened_ms > e->opened_ms));
}

static struct entry *census_entry(struct census *c, const struct socket_seen *seen, size_t method)
{
    struct entry *e = book_find(c->book, seen);
    if (e && is_next_connection(e, seen)) {
        entry_drop(c, e);
        e = NULL;
    }
    if (!e) {
        e = book_add(c->book, seen);
        if (!e)
            return NULL;
        e->id = c->next_id++;
        e->owner = NOBODY;
    }
    if (!(e->flags & ENTRY_SHOWN)) {
        bool born = is_born(c, &c->methods[method], seen);
        e->flags |= ENTRY_SHOWN | ENTRY_NEW | (born ? ENTRY_BORN : 0);
        e->flags |= seen->state == SOCKET_TIME_WAIT ? ENTRY_CLOSED : 0;
        e->opened_ms = c->now_ms;
        e->rx_rate = e->tx_rate = NAN;
        e->state = seen->state;
    }
    return e;
}

/* A socket of TCP that has another peer, or none any more, has left its connection. */
static void entry_leave_connection(struct census *c, struct entry *e)
{
    entry_tell_closed(c, e, c->now_ms);
    e->flags &= (uint16_t) ~(ENTRY_CONNECTED | ENTRY_CLOSED | ENTRY_OPENED | ENTRY_QUALITY);
    e->direction = DIRECTION_UNKNOWN;
    e->opened_ms = c->now_ms;
    e->rx_bytes = e->tx_bytes = e->rx_counted = e->tx_counted = 0;
    e->rx_rate = e->tx_rate = NAN;
    e->rtt_us = e->retransmits = e->retransmits_counted = e->connect_us = 0;
    e->waited = 0;
}

static void entry_take(struct census *c, struct entry *e, const struct socket_seen *seen,
                       size_t method)
{
    struct method *m = &c->methods[method];
    if (memcmp(e->remote, seen->remote.address, sizeof(e->remote)) != 0)
        entry_forget_name(c, e);
    if (entry_has_other_ends(e, seen) && !(e->flags & ENTRY_NEW)) {
        e->flags |= ENTRY_TURNED;
        e->turned_ms = c->now_ms;
    }
    if (has_other_peer(e, seen) && seen->protocol != IPPROTO_TCP)
        e->direction = DIRECTION_UNKNOWN;
    book_update(c->book, e, seen);
    e->state = seen->state;
    if (seen->direction != DIRECTION_UNKNOWN)
        e->direction = seen->direction;
    if (seen->opened_ms)
        e->opened_ms = seen->opened_ms;
    if (seen->connect_us)
        e->connect_us = seen->connect_us;
    if (!(e->flags & ENTRY_CONNECTED) && is_connected(e)) {
        /* One that was only trying so far is opened now. */
        e->flags |= ENTRY_CONNECTED | (e->flags & ENTRY_NEW ? 0 : ENTRY_BORN);
    }
    e->flags &= (uint16_t)~ENTRY_MISSED;
    m->known += e->seen[method] == 0;
    m->shown += e->seen[method] != c->round;
    e->seen[method] = c->round;
    e->round = c->round;
    if (seen->has_bytes || e->method == NO_METHOD || !(e->flags & ENTRY_BYTES))
        e->method = (uint8_t)method;
    if (seen->has_bytes)
        entry_take_bytes(c, e, seen);
    if (seen->has_quality)
        entry_take_quality(c, e, &seen->quality);
}

/* As the census has them: this namespace is 0, states are those that there are. */
static struct socket_seen normal(const struct census *c, const struct socket_seen *seen)
{
    struct socket_seen normal = *seen;
    if (normal.netns == c->own_netns)
        normal.netns = 0;
    if (normal.state == 0 || normal.state >= SOCKET_STATES)
        normal.state = SOCKET_CLOSE;
    return normal;
}

void census_socket(struct census *c, const struct socket_seen *given)
{
    struct socket_seen seen = normal(c, given);
    size_t method = census_method(c, seen.method);
    struct entry *e = census_entry(c, &seen, method);
    if (!e) {
        c->refused++;
        if (seen.protocol == IPPROTO_TCP)
            c->tcp_refused[seen.state]++;
        return;
    }
    /* Its end was told already; what a dump that began earlier says is late. */
    if (e->flags & ENTRY_GONE && seen.state != SOCKET_TIME_WAIT)
        return;
    e->flags &= (uint16_t)~ENTRY_GONE;
    if (e->flags & ENTRY_CONNECTED && e->protocol == IPPROTO_TCP && has_other_peer(e, &seen))
        entry_leave_connection(c, e);
    entry_take(c, e, &seen, method);
}

/* ---- going --------------------------------------------------------------------------------- */

/* Are there sockets of engines that have no dumps? */
static bool has_undumped(const struct census *c)
{
    for (size_t i = 0; i < c->methods_count; i++) {
        if (c->methods[i].known && !c->methods[i].completed)
            return true;
    }
    return false;
}

/* Should this dump have shown it? One that no dump ever did has been told of in a round before. */
static bool is_missing(const struct census *c, const struct entry *e, size_t method)
{
    if (!(e->flags & ENTRY_SHOWN) || e->flags & ENTRY_GONE)
        return false;
    if (e->seen[method])
        return e->seen[method] != c->round;
    for (size_t i = 0; i < c->methods_count; i++) {
        if (e->seen[i] && c->methods[i].completed)
            return false;
    }
    return !e->netns && e->protocol == IPPROTO_TCP && e->round != c->round;
}

void census_sockets_complete(struct census *c, const char *method)
{
    size_t number = census_method(c, method);
    struct method *m = &c->methods[number];
    m->completed = c->round;
    bool undumped = has_undumped(c);
    for (uint32_t i = 0; i < book_top(c->book) && (undumped || m->shown < m->known); i++) {
        struct entry *e = book_at(c->book, i);
        if (!e || !is_missing(c, e, number))
            continue;
        if (c->await_ends && !(e->flags & ENTRY_MISSED)) {
            e->flags |= ENTRY_MISSED;
            continue;
        }
        entry_tell_closed(c, e, c->now_ms);
        e->flags |= ENTRY_GONE; /* until the round ends, at least */
    }
}

/* The dump already had the time-wait that stands in for it: only the last numbers are news, and,
 * when the dump was the first to show it, that there was a connection at all. */
static void entry_take_last(struct census *c, struct entry *e, const struct socket_seen *seen)
{
    if (e->flags & ENTRY_NEW && !(e->flags & ENTRY_OPENED))
        e->flags &= (uint16_t)~ENTRY_CLOSED; /* told when the round ends */
    if (seen->has_bytes)
        entry_take_bytes(c, e, seen);
    if (seen->has_quality)
        entry_take_quality(c, e, &seen->quality);
}

void census_socket_closed(struct census *c, const struct socket_seen *given, int64_t t_ms)
{
    struct socket_seen seen = normal(c, given);
    seen.state = SOCKET_CLOSE; /* whichever was its last */
    size_t method = census_method(c, seen.method);
    struct entry *e = census_entry(c, &seen, method);
    if (!e) {
        c->refused++;
        return;
    }
    if (e->flags & ENTRY_GONE)
        return;
    if (e->state == SOCKET_TIME_WAIT) {
        entry_take_last(c, e, &seen);
        return;
    }
    if (e->flags & ENTRY_NEW && !(e->flags & ENTRY_CONNECTED) && seen.remote.port) {
        /* Opened and closed between two looks: its state is that of a closed one, but it was a
         * connection if anything went through it. */
        bool moved = seen.has_bytes && (seen.rx_bytes || seen.tx_bytes);
        e->flags |= moved ? ENTRY_CONNECTED : 0;
    }
    /* It stays until the next round: a time-wait may take its place. */
    entry_take(c, e, &seen, method);
    entry_settle_direction(c, e);
    entry_name(c, e);
    if (e->flags & (ENTRY_NEW | ENTRY_TURNED))
        entry_settle_place(c, e);
    entry_tell_closed(c, e, t_ms);
    e->flags |= ENTRY_GONE; /* the rest when the round ends */
    entry_doubt_owner(c, e);
}

/* ---- the end of a round -------------------------------------------------------------------- */

/* Does any engine that is at work still vouch for it? Those that never dump always do. */
static bool is_vouched(const struct census *c, const struct entry *e)
{
    for (size_t i = 0; i < c->methods_count; i++) {
        const struct method *m = &c->methods[i];
        if (e->seen[i] && (!m->completed || c->round - m->completed <= SILENT_ROUNDS))
            return true;
    }
    return false;
}

static bool has_silent_method(const struct census *c)
{
    for (size_t i = 0; i < c->methods_count; i++) {
        const struct method *m = &c->methods[i];
        if (m->known && m->completed && c->round - m->completed > SILENT_ROUNDS)
            return true;
    }
    return false;
}

/* Long enough for its owner: some rounds and some time, both, because rounds may be short. */
static bool has_waited(const struct census *c, const struct entry *e)
{
    return e->waited >= OPENED_WAITS_MOST ||
           (e->waited >= OPENED_WAITS && c->now_ms - e->opened_ms >= OPENED_WAITS_MS);
}

static void entry_settle(struct census *c, struct entry *e)
{
    if (e->flags & (ENTRY_NEW | ENTRY_TURNED))
        entry_settle_place(c, e);
    entry_account(c, e);
    if (e->state == SOCKET_TIME_WAIT && !(e->flags & ENTRY_CLOSED))
        entry_tell_closed(c, e, c->now_ms);
    /* One that was not accepted yet, or whose process the walk has not reached, will have an owner.
     */
    if (entry_owner(c, e) != NOBODY || has_waited(c, e))
        entry_tell_opened(c, e);
    else
        e->waited++;
    if (e->flags & ENTRY_MOVED && e->flags & ENTRY_QUALITY && e->rtt_us)
        durations_record(&c->rtt_now, (int64_t)e->rtt_us * 1000);
    entry_measure(c, e);
    e->flags &= (uint16_t) ~(ENTRY_NEW | ENTRY_TURNED | ENTRY_MOVED);
}

/* One that has gone: its last bytes go to its owner's account, in this round or, while nobody
 * counts, in one of the next. Is it done with? */
static bool entry_settle_gone(struct census *c, struct entry *e)
{
    entry_account(c, e);
    entry_measure(c, e);
    e->flags &= (uint16_t)~ENTRY_MOVED;
    bool owes = e->flags & ENTRY_BYTES && entry_owner(c, e) != NOBODY &&
                (e->rx_bytes != e->rx_counted || e->tx_bytes != e->tx_counted);
    return e->round != c->round && (!owes || c->round - e->round > GHOST_ROUNDS);
}

void sockets_settle(struct census *c)
{
    bool silent = has_silent_method(c), learned = c->peers_asked != peers_learned(c->peers);
    c->ports_round = 0; /* listeners may have come after somebody asked */
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        struct entry *e = book_at(c->book, i);
        if (!e)
            continue;
        bool shown = e->flags & ENTRY_SHOWN, gone = e->flags & ENTRY_GONE;
        if ((!shown && c->round - e->round > GHOST_ROUNDS) || (gone && entry_settle_gone(c, e))) {
            entry_drop(c, e);
            continue;
        }
        if (shown && !gone && silent && !is_vouched(c, e)) {
            entry_account(c, e);
            entry_drop(c, e); /* no event: perhaps it is still there */
            continue;
        }
        if (!shown || gone || e->flags & ENTRY_MISSED)
            continue;
        entry_settle_direction(c, e);
        if (learned || e->flags & (ENTRY_NEW | ENTRY_TURNED))
            entry_name(c, e);
        entry_settle(c, e);
    }
    c->peers_asked = peers_learned(c->peers);
}
