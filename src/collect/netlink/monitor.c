/*
 * monitor.c: the notices of rtnetlink turned into events.
 *
 * A notice shows an object as it is now, not what changed; many change nothing that anybody would
 * want to know. So the monitor keeps its own picture of links and addresses, compares, and speaks
 * only of differences. The picture is changed by notices alone (and by a resync after losses),
 * never by the dump of the tick: a dump may run ahead of the notices, and an event would be lost.
 *
 *   join groups -> dump links, addresses -> notices ... -> ENOBUFS -> dump again, compare, go on
 *
 * Events wait here until the tick takes them. Their number is bounded: 256 of links and addresses
 * and 32 of routes a tick (a routing daemon that loads a full table sends a million); the rest is
 * counted and told in one event. Routes have no picture, losses of theirs are only told.
 *
 * Numbers of network namespaces make no events: of those that were given up it is kept when.
 */
#include "collect/netlink/monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/interfaces.h"
#include "collect/netlink/reuse.h"
#include "wire/rtnetlink.h"

#define EVENTS_MAX 256
#define ROUTE_EVENTS_MAX 32
#define DATAGRAMS_MAX 1024 /* in one round of a drain */
#define ROUNDS_MAX 4       /* of one drain, more than one only after losses */
#define ADDRESSES_MAX 1024 /* of one interface */
#define SOCKET_BYTES (1 << 20)
#define PREFIX_TEXT (INET6_ADDRSTRLEN + 4)

struct known_address {
    uint8_t family, prefix;
    uint8_t address[16];
    bool seen; /* by the resync that runs */
};

struct known_link {
    uint32_t index;
    bool present; /* false: only an address has been heard of */
    bool seen;    /* by the resync that runs */
    bool excluded;
    char name[IF_NAMESIZE];
    const char *state;
    uint32_t mtu_bytes;
    struct known_address *addresses;
    size_t addresses_count;
    char *text; /* the addresses as a list; NULL: has to be made again */
};

struct monitor {
    const struct engine_settings *settings;
    void (*gone)(void *user, uint32_t index);
    void *user;
    struct rtsocket *notices, *requests;
    struct known_link *links;
    size_t links_count, links_capacity;
    size_t hint;        /* where monitor_addresses looks first */
    bool quiet;         /* the first picture: nothing has changed yet */
    bool stale;         /* notices were lost, a resync is due */
    bool lost;          /* since the last tick */
    bool links_changed; /* since somebody asked */
    uint64_t overruns, bad;
    struct reuse nsids;
    struct event *events[EVENTS_MAX + ROUTE_EVENTS_MAX];
    size_t events_count, routes_count;
    uint64_t events_untold, routes_untold;
};

/* ---- events -------------------------------------------------------------------------------- */

/* NULL: nothing to be said, or no room left (counted). */
static struct event *monitor_event(struct monitor *m, enum event_kind kind, const char *change)
{
    if (m->quiet)
        return NULL;
    bool route = kind == EVENT_ROUTE;
    if (route ? m->routes_count == ROUTE_EVENTS_MAX
              : m->events_count - m->routes_count == EVENTS_MAX) {
        *(route ? &m->routes_untold : &m->events_untold) += 1;
        return NULL;
    }
    struct event *e = event_new(kind, clock_wall_ms());
    event_text(e, "change", change);
    m->events[m->events_count++] = e;
    m->routes_count += route;
    return e;
}

static struct event *link_event(struct monitor *m, const struct known_link *link,
                                const char *change)
{
    struct event *e = link->excluded ? NULL : monitor_event(m, EVENT_LINK, change);
    if (e) {
        event_text(e, "device", link->name);
        event_text(e, "state", link->state);
    }
    return e;
}

static void address_event(struct monitor *m, const struct known_link *link,
                          const struct known_address *a, const char *change)
{
    char text[INET6_ADDRSTRLEN], full[PREFIX_TEXT];
    struct event *e =
        link->excluded || !link->present ? NULL : monitor_event(m, EVENT_ADDRESS, change);
    if (!e)
        return;
    inet_ntop(a->family, a->address, text, sizeof(text));
    snprintf(full, sizeof(full), "%s/%u", text, a->prefix);
    event_text(e, "device", link->name);
    event_text(e, "address", full);
    event_text(e, "family", a->family == AF_INET ? "ipv4" : "ipv6");
}

/* ---- the picture --------------------------------------------------------------------------- */

static struct known_link *monitor_find(struct monitor *m, uint32_t index)
{
    for (size_t i = 0; i < m->links_count; i++) {
        if (m->links[i].index == index)
            return &m->links[i];
    }
    return NULL;
}

static struct known_link *monitor_find_or_add(struct monitor *m, uint32_t index)
{
    struct known_link *link = monitor_find(m, index);
    if (link)
        return link;
    if (m->links_count == m->links_capacity) {
        m->links_capacity = MAX(m->links_capacity * 2, (size_t)16);
        m->links = mem_resize(m->links, m->links_capacity, sizeof(m->links[0]));
    }
    link = &m->links[m->links_count++];
    *link = (struct known_link){.index = index, .state = "unknown"};
    return link;
}

static void monitor_remove(struct monitor *m, struct known_link *link)
{
    if (link->present)
        link_event(m, link, "removed");
    m->gone(m->user, link->index);
    free(link->addresses);
    free(link->text);
    size_t at = (size_t)(link - m->links);
    m->links_count--;
    memmove(link, link + 1, (m->links_count - at) * sizeof(*link));
}

static void monitor_see_link(struct monitor *m, const struct rtnetlink_link *now)
{
    struct known_link *link = monitor_find_or_add(m, now->index);
    const char *state = rtnetlink_operstate_name(now->operstate);
    bool renamed = link->present && strcmp(link->name, now->name) != 0;
    char before[IF_NAMESIZE];
    memcpy(before, link->name, sizeof(before));
    memcpy(link->name, now->name, sizeof(link->name));
    if (!link->present || renamed)
        link->excluded = device_excluded(m->settings, link->name);
    link->seen = true;

    struct event *e;
    if (!link->present) {
        link->present = true;
        link->state = state;
        link->mtu_bytes = now->mtu_bytes;
        e = link_event(m, link, "added");
        if (e && now->kind[0])
            event_text(e, "type", now->kind);
        return;
    }
    if (renamed && (e = link_event(m, link, "renamed")))
        event_text(e, "before", before);
    if (strcmp(link->state, state) != 0) {
        const char *old = link->state;
        link->state = state;
        if ((e = link_event(m, link, "state")))
            event_text(e, "before", old);
    }
    if (link->mtu_bytes != now->mtu_bytes) {
        double old = link->mtu_bytes;
        link->mtu_bytes = now->mtu_bytes;
        if ((e = link_event(m, link, "mtu"))) {
            event_number(e, "mtu", now->mtu_bytes);
            event_number(e, "mtu_before", old);
        }
    }
}

static void link_drop_address(struct monitor *m, struct known_link *link, size_t at)
{
    address_event(m, link, &link->addresses[at], "removed");
    link->addresses_count--;
    memmove(&link->addresses[at], &link->addresses[at + 1],
            (link->addresses_count - at) * sizeof(link->addresses[0]));
    free(TAKE(link->text));
}

static void monitor_see_address(struct monitor *m, const struct rtnetlink_address *now, bool there)
{
    struct known_link *link =
        there ? monitor_find_or_add(m, now->index) : monitor_find(m, now->index);
    if (!link)
        return;
    size_t at = 0;
    while (at < link->addresses_count &&
           !(link->addresses[at].family == now->family &&
             link->addresses[at].prefix == now->prefix &&
             memcmp(link->addresses[at].address, now->address, sizeof(now->address)) == 0))
        at++;
    if (!there) {
        if (at < link->addresses_count)
            link_drop_address(m, link, at);
        return;
    }
    if (at == link->addresses_count) {
        if (at == ADDRESSES_MAX)
            return;
        link->addresses = mem_resize(link->addresses, at + 1, sizeof(link->addresses[0]));
        link->addresses[at] = (struct known_address){.family = now->family, .prefix = now->prefix};
        memcpy(link->addresses[at].address, now->address, sizeof(now->address));
        link->addresses_count++;
        free(TAKE(link->text));
        address_event(m, link, &link->addresses[at], "added");
    }
    link->addresses[at].seen = true;
}

/* ---- routes -------------------------------------------------------------------------------- */

/* The host's own decisions: unicast and refusing routes of the main table, default routes of any;
 * not the many that the kernel keeps for local addresses and neighbourhoods. */
static bool route_matters(const struct rtnetlink_route *r)
{
    if (r->flags & RTM_F_CLONED)
        return false;
    if (r->type != RTN_UNICAST && r->type != RTN_BLACKHOLE && r->type != RTN_UNREACHABLE &&
        r->type != RTN_PROHIBIT)
        return false;
    if (r->family == AF_INET6 && r->prefix > 0 &&
        (r->destination[0] == 0xff || (r->destination[0] == 0xfe && r->destination[1] == 0x80)))
        return false;
    return r->table == RT_TABLE_MAIN || r->prefix == 0;
}

static void monitor_see_route(struct monitor *m, const struct rtnetlink_route *r,
                              const char *change)
{
    const struct known_link *link = r->index ? monitor_find(m, r->index) : NULL;
    if (!route_matters(r) || (link && link->excluded))
        return;
    struct event *e = monitor_event(m, EVENT_ROUTE, change);
    if (!e)
        return;
    char text[INET6_ADDRSTRLEN], full[PREFIX_TEXT];
    inet_ntop(r->family, r->destination, text, sizeof(text));
    snprintf(full, sizeof(full), "%s/%u", text, r->prefix);
    event_text(e, "destination", r->prefix ? full : "default");
    event_text(e, "family", r->family == AF_INET ? "ipv4" : "ipv6");
    if (r->has_gateway && inet_ntop(r->gateway_family, r->gateway, text, sizeof(text)))
        event_text(e, "gateway", text);
    if (link && link->present)
        event_text(e, "device", link->name);
    if (r->nexthops > 1)
        event_number(e, "nexthops", r->nexthops);
    if (r->metric)
        event_number(e, "metric", r->metric);
    if (r->table != RT_TABLE_MAIN)
        event_number(e, "table", r->table);
    if (r->type != RTN_UNICAST)
        event_text(e, "type",
                   r->type == RTN_BLACKHOLE     ? "blackhole"
                   : r->type == RTN_UNREACHABLE ? "unreachable"
                                                : "prohibit");
}

/* ---- messages ------------------------------------------------------------------------------ */

int monitor_handle(void *user, const struct nlmsghdr *msg)
{
    struct monitor *m = user;
    struct rtnetlink_link link;
    struct rtnetlink_address address;
    struct rtnetlink_route route;
    int32_t nsid;
    int err;
    switch (msg->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        m->links_changed = true;
        err = rtnetlink_parse_link(msg, &link);
        if (err || link.family != AF_UNSPEC)
            return err;
        if (msg->nlmsg_type == RTM_NEWLINK)
            monitor_see_link(m, &link);
        else if (monitor_find(m, link.index))
            monitor_remove(m, monitor_find(m, link.index));
        return 0;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        err = rtnetlink_parse_address(msg, &address);
        if (!err)
            monitor_see_address(m, &address, msg->nlmsg_type == RTM_NEWADDR);
        return err == -EAFNOSUPPORT ? 0 : err;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        err = rtnetlink_parse_route(msg, &route);
        if (!err)
            monitor_see_route(m, &route,
                              msg->nlmsg_type == RTM_DELROUTE         ? "removed"
                              : msg->nlmsg_flags & (int)NLM_F_REPLACE ? "replaced"
                                                                      : "added");
        return err == -EAFNOSUPPORT ? 0 : err;
    case RTM_DELNSID:
        m->links_changed = true; /* ends in there are gone */
        err = rtnetlink_parse_nsid(msg, &nsid);
        if (!err)
            reuse_note(&m->nsids, nsid, clock_mono_ns());
        return err;
    default:
        return 0;
    }
}

/* ---- resync -------------------------------------------------------------------------------- */

/* Compares the picture with two dumps. -EINTR leaves it due. Removals are judged only after both
 * dumps are complete. */
static int monitor_resync(struct monitor *m)
{
    for (size_t i = 0; i < m->links_count; i++) {
        m->links[i].seen = false;
        for (size_t a = 0; a < m->links[i].addresses_count; a++)
            m->links[i].addresses[a].seen = false;
    }
    int err = rtsocket_dump(m->requests, RTM_GETLINK, monitor_handle, m, &m->bad);
    if (!err)
        err = rtsocket_dump(m->requests, RTM_GETADDR, monitor_handle, m, &m->bad);
    if (err)
        return err;
    for (size_t i = m->links_count; i-- > 0;) {
        struct known_link *link = &m->links[i];
        for (size_t a = link->addresses_count; a-- > 0;) {
            if (!link->addresses[a].seen)
                link_drop_address(m, link, a);
        }
        if (!link->seen)
            monitor_remove(m, link);
    }
    return 0;
}

int monitor_drain(struct monitor *m)
{
    /* A loss is reported once, in front of what is still queued: read on, then compare. While the
     * kernel is faster than we are there is no point in that; the next drain goes on. */
    int err = -ENOBUFS;
    for (int round = 0; round < ROUNDS_MAX && err == -ENOBUFS; round++) {
        err = rtsocket_notices(m->notices, DATAGRAMS_MAX, monitor_handle, m, &m->bad);
        if (err == -ENOBUFS) {
            m->overruns++;
            m->stale = m->lost = true;
            reuse_note_any(&m->nsids, clock_mono_ns());
        }
    }
    if (err == -EAGAIN && m->stale) {
        err = monitor_resync(m);
        m->stale = err != 0;
    }
    if (err != -EAGAIN)
        m->links_changed = true; /* perhaps: there may be more to read */
    return err == -EAGAIN || err == -EINTR || err == -ENOBUFS ? 0 : err;
}

bool monitor_links_changed(struct monitor *m)
{
    bool changed = m->links_changed || m->stale;
    m->links_changed = false;
    return changed;
}

/* ---- life ---------------------------------------------------------------------------------- */

struct monitor *monitor_new(const struct engine_settings *settings,
                            void (*gone)(void *user, uint32_t index), void *user)
{
    struct monitor *m = mem_alloc(sizeof(*m));
    m->settings = settings;
    m->gone = gone;
    m->user = user;
    return m;
}

int monitor_open(struct monitor *m)
{
    const uint32_t groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                            RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | 1U << (RTNLGRP_NSID - 1);
    int err =
        rtsocket_open_roomy(&m->notices, m->settings->keeper, NETLINK_ROUTE, groups, SOCKET_BYTES);
    if (!err)
        err = rtsocket_open(&m->requests, 0);
    if (err)
        return err;
    m->quiet = true;
    err = monitor_resync(m);
    m->quiet = false;
    m->stale = err == -EINTR; /* completed by the first drain, with an event for the rest */
    return err == -EINTR ? 0 : err;
}

void monitor_free(struct monitor *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->events_count; i++)
        event_unref(m->events[i]);
    for (size_t i = 0; i < m->links_count; i++) {
        free(m->links[i].addresses);
        free(m->links[i].text);
    }
    rtsocket_close(m->notices);
    rtsocket_close(m->requests);
    free(m->links);
    free(m);
}

struct rtsocket *monitor_socket(const struct monitor *m)
{
    return m->notices;
}

void monitor_flush(struct monitor *m, const struct engine_sink *sink, bool want_events)
{
    struct event *e;
    for (size_t i = 0; i < m->events_count; i++) {
        if (want_events)
            draft_event(sink->draft, m->events[i]);
        else
            event_unref(m->events[i]);
    }
    if (want_events && m->routes_untold) {
        e = event_new(EVENT_ROUTE, sink->now_ms);
        event_text(e, "change", "more");
        event_number(e, "count", (double)m->routes_untold);
        draft_event(sink->draft, e);
    }
    if (want_events && (m->events_untold || m->lost)) {
        e = event_new(EVENT_LOSS, sink->now_ms);
        event_text(e, "what", "link, address and route events");
        event_text(e, "reason", m->lost ? "kernel" : "too many in one tick");
        if (m->events_untold)
            event_number(e, "count", (double)m->events_untold);
        draft_event(sink->draft, e);
    }
    m->events_count = m->routes_count = 0;
    m->events_untold = m->routes_untold = 0;
    m->lost = false;
}

static const char *link_text(struct known_link *link)
{
    if (link->text)
        return link->text;
    struct buf text = BUF_INIT;
    static const uint8_t families[] = {AF_INET, AF_INET6};
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        for (size_t i = 0; i < link->addresses_count; i++) {
            const struct known_address *a = &link->addresses[i];
            char one[INET6_ADDRSTRLEN];
            if (a->family != families[f] || !inet_ntop(a->family, a->address, one, sizeof(one)))
                continue;
            buf_printf(&text, "%s%s/%u", text.len ? "\n" : "", one, a->prefix);
        }
    }
    link->text = mem_string(buf_string(&text));
    buf_fini(&text);
    return link->text;
}

const char *monitor_addresses(struct monitor *m, uint32_t index)
{
    /* Asked for in the order of a dump, which is the order of the picture, too. */
    if (m->hint >= m->links_count || m->links[m->hint].index != index) {
        const struct known_link *link = monitor_find(m, index);
        if (!link)
            return "";
        m->hint = (size_t)(link - m->links);
    }
    return link_text(&m->links[m->hint++]);
}

bool monitor_nsid_holds(const struct monitor *m, int32_t nsid, int64_t since_ns)
{
    return reuse_holds(&m->nsids, nsid, since_ns);
}

uint64_t monitor_overruns(const struct monitor *m)
{
    return m->overruns;
}

uint64_t monitor_bad(const struct monitor *m)
{
    return m->bad;
}
