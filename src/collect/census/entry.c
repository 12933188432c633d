/*
 * entry.c: what a socket of the book is to others: whose it is, which way and whereto it goes, how
 * its peer is called, what is told of it. How it changes is in sockets.c.
 *
 * Directions. Whoever has a local port on which somebody listens, has been called; the rest call.
 * Dumps come in no order, so this is decided when the round is over.
 *
 * Numbers that nobody reads any more (the engine is gone, or it tells of openings and ends alone)
 * are kept, to count on from them, but not shown.
 *
 * An owner is a number among the people and the id of its row: who was folded need not be told to
 * all sockets that call him their owner.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/defs.h"
#include "base/lookup.h"
#include "collect/census/endpoint.h"
#include "collect/census/internal.h"

#define NAMED_WITHIN_MS 10000 /* after a socket was opened, or got other ends */

/* Are its bytes and what it is like of now, or final? */
bool entry_is_measured(const struct census *c, const struct entry *e)
{
    if (e->state == SOCKET_TIME_WAIT)
        return true;
    uint32_t since = c->round - e->seen[e->method];
    return since == 0 || (c->methods[e->method].completed && since <= SILENT_ROUNDS);
}

const char *entry_method(const struct census *c, const struct entry *e)
{
    size_t latest = e->method;
    for (size_t i = 0; i < c->methods_count && !entry_is_measured(c, e); i++)
        latest = e->seen[i] > e->seen[latest] ? i : latest;
    return c->methods[latest].name;
}

/* ---- whose it is --------------------------------------------------------------------------- */

uint32_t entry_owner(const struct census *c, const struct entry *e)
{
    return e->owner != NOBODY && people_is(c->people, e->owner, e->owner_id) ? e->owner : NOBODY;
}

void entry_own(struct census *c, struct entry *e, uint32_t person)
{
    uint32_t before = entry_owner(c, e);
    if (before == person)
        return;
    if (before != NOBODY)
        people_at(c->people, before)->sockets--;
    e->owner = person;
    if (person == NOBODY)
        return;
    e->owner_id = people_at(c->people, person)->id;
    people_at(c->people, person)->sockets++;
}

/* ---- the event of its opening or its end --------------------------------------------------- */

static void event_end(struct event *e, const char *name, uint8_t family, const uint8_t *address,
                      uint16_t port)
{
    char text[ENDPOINT_BYTES];
    endpoint_write(text, family, address, port);
    event_text(e, name, text);
}

void entry_tell(struct census *c, const struct entry *e, enum event_kind kind, int64_t t_ms)
{
    if (!c->make_events)
        return;
    if (!news_has_room(c->news)) {
        news_missed(c->news);
        return;
    }
    struct event *event = event_new(kind, t_ms);
    event_text(event, "protocol", protocol_name(e->protocol));
    event_end(event, "local", e->family, e->local, e->local_port);
    event_end(event, "remote", e->family, e->remote, e->remote_port);
    if (e->remote_name)
        event_text(event, "remote_name", peer_name_text(e->remote_name));
    if (socket_direction_name(e->direction))
        event_text(event, "direction", socket_direction_name(e->direction));
    if (entry_owner(c, e) != NOBODY) {
        const struct person *owner = people_at(c->people, e->owner);
        const struct group *group = ledger_group(c->ledger, owner->group);
        if (!pid_is_elsewhere(owner->pid))
            event_number(event, "pid", owner->pid);
        event_text(event, "process", group->process);
        if (group->unit[0])
            event_text(event, "unit", group->unit);
    }
    if (e->connect_us)
        event_number(event, "connect_ms", (double)e->connect_us / 1000);
    if (kind == EVENT_CONNECTION_CLOSED) {
        event_number(event, "duration_ms", (double)MAX(t_ms - e->opened_ms, INT64_C(0)));
        bool measured = entry_is_measured(c, e);
        if (e->flags & ENTRY_BYTES && measured) {
            event_number(event, "rx_bytes", (double)e->rx_bytes);
            event_number(event, "tx_bytes", (double)e->tx_bytes);
        }
        if (e->flags & ENTRY_QUALITY && measured) {
            if (e->rtt_us)
                event_number(event, "rtt_ms", (double)e->rtt_us / 1000);
            event_number(event, "retransmits", e->retransmits);
        }
    }
    event_text(event, "method", entry_method(c, e));
    news_event(c->news, event);
}

/* ---- the name of its peer ------------------------------------------------------------------ */

void entry_forget_name(struct census *c, struct entry *e)
{
    peers_give_back(c->peers, TAKE(e->remote_name));
}

/* Once it is new, and again when something was learned soon afterwards: the answer may be told
 * after the connection that was made for it. One that the other end made was made for no name. */
void entry_name(struct census *c, struct entry *e)
{
    bool late = !(e->flags & (ENTRY_NEW | ENTRY_TURNED)) &&
                c->now_ms - MAX(e->opened_ms, e->turned_ms) > NAMED_WITHIN_MS;
    if (e->remote_name || !e->remote_port || e->direction == DIRECTION_IN || late)
        return;
    struct endpoint remote = entry_remote(e);
    e->remote_name = peers_take(c->peers, &remote, c->mono_ns);
}

/* ---- which way, which place ----------------------------------------------------------------- */

static uint32_t port_hash(uint64_t netns, uint16_t protocol, const uint8_t local[16], uint16_t port)
{
    uint64_t h = lookup_mix(netns, (uint64_t)protocol << 16 | port);
    return lookup_hash(lookup_mix_bytes(h, local, 16));
}

/* Does somebody listen exactly there? */
static bool has_port(struct census *c, uint64_t netns, uint16_t protocol, const uint8_t local[16],
                     uint16_t port)
{
    struct lookup_walk walk = lookup_walk(&c->ports, port_hash(netns, protocol, local, port));
    for (uint32_t n; lookup_next(&walk, &n);) {
        const struct entry *listener = book_at(c->book, n);
        if (listener && listener->netns == netns && listener->protocol == protocol &&
            listener->local_port == port && !listener->remote_port &&
            memcmp(listener->local, local, 16) == 0)
            return true;
    }
    return false;
}

/* Ports that somebody can be called on: each once, however many share it. */
static void find_ports(struct census *c)
{
    lookup_fini(&c->ports);
    c->ports_round = c->round;
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        const struct entry *e = book_at(c->book, i);
        if (!e || !e->local_port || e->remote_port || e->flags & ENTRY_GONE)
            continue;
        bool tcp = e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_MPTCP;
        if ((tcp ? e->state == SOCKET_LISTEN : e->state == SOCKET_CLOSE) &&
            !has_port(c, e->netns, e->protocol, e->local, e->local_port))
            (void)lookup_add(&c->ports, port_hash(e->netns, e->protocol, e->local, e->local_port),
                             i);
    }
}

static bool is_called(struct census *c, const struct entry *e)
{
    static const uint8_t any[16];
    return has_port(c, e->netns, e->protocol, any, e->local_port) ||
           has_port(c, e->netns, e->protocol, e->local, e->local_port);
}

void entry_settle_direction(struct census *c, struct entry *e)
{
    if (e->direction != DIRECTION_UNKNOWN || !e->remote_port)
        return;
    if (c->ports_round != c->round)
        find_ports(c);
    if (e->state == SOCKET_SYN_SENT)
        e->direction = DIRECTION_OUT;
    else if (e->state == SOCKET_SYN_RECV || e->state == SOCKET_NEW_SYN_RECV)
        e->direction = DIRECTION_IN;
    else
        e->direction = is_called(c, e) ? DIRECTION_IN : DIRECTION_OUT;
}

void entry_settle_place(struct census *c, struct entry *e)
{
    struct entry *opposite = e->remote_port ? book_opposite(c->book, e) : NULL;
    bool local = e->remote_port && (address_is_loopback(e->family, e->remote) ||
                                    memcmp(e->local, e->remote, 16) == 0 || opposite);
    if (opposite) /* which the dump before may have had alone */
        opposite->flags |= ENTRY_LOCAL;
    e->flags = (uint16_t)(local ? e->flags | ENTRY_LOCAL : e->flags & ~ENTRY_LOCAL);
}
