/*
 * survey.c: see survey.h.
 *
 * Everything here has sockets of its own, opened before the sandbox closes; nothing is shared with
 * what the core thread reads. One round is: closes and dumps of sockets, then links and what needs
 * their names or numbers (queueing disciplines, containers at other ends), then network cards.
 *
 * Counters that were read here are as old as the last survey when a tick shows them: with the
 * default intervals every tick has exactly one new reading, with shorter ones some have none and
 * show no increase, which the next one makes up for.
 *
 * A source that fails FAILURES_MAX times in a row is reported as lost, and asked again once a
 * round: select.c decides what that means.
 */
#include "collect/netlink/survey.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/interfaces.h"
#include "collect/netlink/links.h"
#include "collect/netlink/namespaces.h"
#include "collect/netlink/socket.h"
#include "wire/qdisc.h"

#define ROWS_MAX 16384
#define FAILURES_MAX 3
#define SOCKET_CAPABILITIES                                                                        \
    (CAPABILITY_BIT(CAPABILITY_CONNECTIONS) | CAPABILITY_BIT(CAPABILITY_CONNECTION_QUALITY) |      \
     CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC))

enum source { SOURCE_SOCKETS, SOURCE_QUEUES, SOURCE_NIC, SOURCES };

static const uint32_t source_capabilities[SOURCES] = {
    [SOURCE_SOCKETS] = SOCKET_CAPABILITIES,
    [SOURCE_QUEUES] = CAPABILITY_BIT(CAPABILITY_QUEUES),
    [SOURCE_NIC] = CAPABILITY_BIT(CAPABILITY_NIC),
};

struct survey {
    const struct engine_settings *settings;
    struct sysfs *sysfs;
    struct diag *sockets;
    bool dumps_proven; /* the kernel has told of TCP sockets once */
    bool opened;       /* tried, with the outcomes that follow */
    int dumps_err, closes_err;
    struct rtsocket *routes, *cards; /* NULL: not open */
    uint16_t cards_family;           /* of generic netlink */
    bool cards_probed; /* once: drivers may be slow, and the sandbox lets nobody later */
    int cards_err;
    size_t cards_count; /* that count anything */
    struct links *links;
    struct namespaces *namespaces;
    uint64_t errors;
    uint32_t failures[SOURCES]; /* in a row */

    /* During one round. */
    struct survey_result *result;
    size_t qdiscs_capacity, nics_capacity;
};

static int take_nsid(void *user, const struct nlmsghdr *msg)
{
    return rtnetlink_parse_nsid(msg, user);
}

static int ask_nsid(void *user, uint32_t pid, int32_t *ret_nsid)
{
    struct survey *s = user;
    _Alignas(struct nlmsghdr) char request[RTNETLINK_REQUEST_MAX];
    *ret_nsid = -1;
    rtnetlink_request_nsid(request, pid, 0);
    return rtsocket_ask(s->routes, (struct nlmsghdr *)request, take_nsid, ret_nsid, &s->errors);
}

struct survey *survey_new(const struct engine_settings *settings)
{
    struct survey *s = mem_alloc(sizeof(*s));
    s->settings = settings;
    s->sysfs = sysfs_new(settings->sys_root, SYSFS_SPEED);
    s->sockets = diag_new();
    s->links = links_new();
    s->namespaces = namespaces_new(settings->proc_root, ask_nsid, s);
    return s;
}

void survey_free(struct survey *s)
{
    if (!s)
        return;
    rtsocket_close(s->routes);
    rtsocket_close(s->cards);
    diag_free(s->sockets);
    links_free(s->links);
    namespaces_free(s->namespaces);
    sysfs_free(s->sysfs);
    free(s);
}

struct sysfs_links *survey_speeds(struct survey *s)
{
    return sysfs_read(s->sysfs, NULL, NULL);
}

/* ---- network cards: finding the family ------------------------------------------------------ */

static int take_family(void *user, const struct nlmsghdr *msg)
{
    uint16_t *family = user;
    uint16_t id = genl_parse_family(msg);
    if (id)
        *family = id;
    return id ? 0 : -EBADMSG;
}

static int cards_open(struct rtsocket **ret, uint16_t *ret_family)
{
    _Alignas(struct nlmsghdr) char request[ETHTOOL_REQUEST_MAX];
    uint64_t bad = 0;
    *ret_family = 0;
    int err = rtsocket_open_protocol(ret, NETLINK_GENERIC, 0);
    if (err)
        return err;
    ethtool_request_family(request, 0);
    err = rtsocket_ask(*ret, (struct nlmsghdr *)request, take_family, ret_family, &bad);
    if (!err && !*ret_family)
        err = -EBADMSG;
    if (err) {
        rtsocket_close(*ret);
        *ret = NULL;
    }
    return err;
}

static int count_card(void *user, const struct nlmsghdr *msg)
{
    size_t *count = user;
    struct nic_stats stats;
    int err = ethtool_parse_stats(msg, &stats);
    *count += !err && stats.has;
    return err;
}

static int cards_read(struct rtsocket *cards, uint16_t family,
                      int (*each)(void *user, const struct nlmsghdr *msg), void *user,
                      uint64_t *ret_bad)
{
    _Alignas(struct nlmsghdr) char request[ETHTOOL_REQUEST_MAX];
    ethtool_request_stats(request, family, 0);
    return rtsocket_ask(cards, (struct nlmsghdr *)request, each, user, ret_bad);
}

/* ---- probing and opening -------------------------------------------------------------------- */

static void probe_dumps(struct survey *s, struct engine_probe *ret)
{
    int err = s->opened ? s->dumps_err : 0;
    if (!err && !s->dumps_proven)
        err = diag_probe_dumps();
    s->dumps_proven |= !err;
    if (!err)
        ret->capabilities |= SOCKET_CAPABILITIES;
    else if (err == -ENOENT)
        probe_missing(ret, SOCKET_CAPABILITIES, "sudo modprobe tcp_diag udp_diag",
                      "The kernel's sock_diag does not tell of TCP sockets.");
    else
        probe_missing(
            ret, SOCKET_CAPABILITIES,
            "Allow AF_NETLINK, in a systemd unit with RestrictAddressFamilies=AF_NETLINK.",
            "The kernel refuses a sock_diag socket: %s.", strerror(-err));
    if (err)
        return;
    probe_owners(ret, s->settings,
                 CAPABILITY_BIT(CAPABILITY_CONNECTIONS) |
                     CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC));
    probe_missing(ret, CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC), "",
                  "Counts TCP only; what a process moves on connections shorter than "
                  "collect.tables_interval may be missing.");
}

static void probe_closes(const struct survey *s, struct engine_probe *ret)
{
    uint32_t capability = CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS);
    int err = s->opened ? s->closes_err : diag_probe_closes();
    if (err == -EPERM || err == -EACCES) {
        probe_unprivileged(ret, capability, UINT64_C(1) << CAP_NET_ADMIN,
                           "The kernel tells of closed sockets to CAP_NET_ADMIN only.");
        return;
    }
    if (err) {
        probe_missing(ret, capability, "", "The kernel does not tell of closed sockets: %s.",
                      strerror(-err));
        return;
    }
    ret->capabilities |= capability;
    if (!(s->settings->permitted & UINT64_C(1) << CAP_NET_ADMIN))
        probe_unprivileged(ret, capability, UINT64_C(1) << CAP_NET_ADMIN,
                           "Without CAP_NET_ADMIN there is little room for notices: many closes at "
                           "once are lost, which is counted and told.");
}

static void probe_cards(struct survey *s, struct engine_probe *ret)
{
    uint32_t capability = CAPABILITY_BIT(CAPABILITY_NIC);
    if (!s->cards_probed) {
        struct rtsocket *cards = NULL;
        uint16_t family;
        uint64_t bad = 0;
        s->cards_probed = true;
        s->cards_err = cards_open(&cards, &family);
        if (!s->cards_err)
            s->cards_err = cards_read(cards, family, count_card, &s->cards_count, &bad);
        rtsocket_close(cards);
    }
    if (s->cards_err)
        probe_missing(
            ret, capability, "",
            "The kernel does not tell what network cards count (ethtool by netlink, Linux "
            "5.13): %s.",
            strerror(-s->cards_err));
    else if (!s->cards_count)
        probe_off(
            ret, capability, "",
            "No driver here has the standard counters of ethtool (eth-phy, eth-mac, eth-ctrl, "
            "rmon).");
    else
        ret->capabilities |= capability;
}

void survey_probe(struct survey *s, struct engine_probe *ret)
{
    ret->capabilities |= CAPABILITY_BIT(CAPABILITY_QUEUES); /* rtnetlink, which the engine probes */
    probe_dumps(s, ret);
    probe_closes(s, ret);
    probe_cards(s, ret);
}

int survey_open(struct survey *s, uint32_t capabilities)
{
    int err = s->routes ? 0 : rtsocket_open(&s->routes, 0);
    if (err)
        return err;
    s->dumps_err = diag_open_dumps(s->sockets);
    s->closes_err = diag_open_closes(s->sockets, s->settings->keeper);
    if (s->cards_count && !s->cards)
        s->cards_err = cards_open(&s->cards, &s->cards_family);
    s->opened = true;
    if (s->dumps_err && capabilities & SOCKET_CAPABILITIES)
        return s->dumps_err;
    if (s->closes_err && capabilities & CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS))
        return s->closes_err;
    return capabilities & CAPABILITY_BIT(CAPABILITY_NIC) ? s->cards_err : 0;
}

/* ---- results -------------------------------------------------------------------------------- */

static void result_destroy(struct message *msg)
{
    struct survey_result *r = CONTAINER_OF(msg, struct survey_result, msg);
    message_unref(r->speeds ? &r->speeds->msg : NULL);
    free(r->qdiscs);
    free(r->nics);
    free(r->ends);
    free(r);
}

const char *survey_result_container(const struct survey_result *r, uint32_t index, int32_t nsid)
{
    size_t low = 0, high = r->ends_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct survey_end *end = &r->ends[middle];
        if (end->index == index)
            return end->nsid == nsid ? end->container : NULL;
        if (end->index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Of an interface with several queues the root one (mq) has the sums of all. */
static int add_qdisc(void *user, const struct nlmsghdr *msg)
{
    struct survey *s = user;
    struct survey_result *r = s->result;
    struct qdisc q;
    int err = qdisc_parse(msg, &q);
    if (err || q.parent != TC_H_ROOT)
        return err;
    const char *device = links_name(s->links, q.index);
    if (!device || device_excluded(s->settings, device) || r->qdiscs_count == ROWS_MAX)
        return 0;
    if (r->qdiscs_count == s->qdiscs_capacity) {
        s->qdiscs_capacity = MAX(s->qdiscs_capacity * 2, (size_t)16);
        r->qdiscs = mem_resize(r->qdiscs, s->qdiscs_capacity, sizeof(r->qdiscs[0]));
    }
    struct survey_qdisc *to = &r->qdiscs[r->qdiscs_count++];
    *to = (struct survey_qdisc){
        .source = (uint64_t)q.index << 32 | q.handle,
        .values = {[QDISC_BYTES] = q.bytes,
                   [QDISC_PACKETS] = q.packets,
                   [QDISC_DROPS] = q.drops,
                   [QDISC_REQUEUES] = q.requeues,
                   [QDISC_OVERLIMITS] = q.overlimits,
                   [QDISC_QUEUE_LENGTH] = q.queue_packets,
                   [QDISC_BACKLOG] = q.backlog_bytes},
    };
    if (q.has & QDISC_HAS_BASIC)
        to->has |= 1U << QDISC_BYTES | 1U << QDISC_PACKETS;
    if (q.has & QDISC_HAS_QUEUE)
        to->has |= 1U << QDISC_DROPS | 1U << QDISC_REQUEUES | 1U << QDISC_OVERLIMITS |
                   1U << QDISC_QUEUE_LENGTH | 1U << QDISC_BACKLOG;
    memcpy(to->device, device, sizeof(to->device));
    memcpy(to->kind, q.kind, sizeof(to->kind));
    return 0;
}

static int add_card(void *user, const struct nlmsghdr *msg)
{
    struct survey *s = user;
    struct survey_result *r = s->result;
    struct nic_stats stats;
    int err = ethtool_parse_stats(msg, &stats);
    if (err || !stats.has || device_excluded(s->settings, stats.name) || r->nics_count == ROWS_MAX)
        return err;
    if (r->nics_count == s->nics_capacity) {
        s->nics_capacity = MAX(s->nics_capacity * 2, (size_t)4);
        r->nics = mem_resize(r->nics, s->nics_capacity, sizeof(r->nics[0]));
    }
    r->nics[r->nics_count++] = stats;
    return 0;
}

/* ---- a round -------------------------------------------------------------------------------- */

static void judge(struct survey *s, enum source source, int err)
{
    s->failures[source] = err ? s->failures[source] + 1 : 0;
    if (!err)
        return;
    s->errors++;
    if (s->failures[source] >= FAILURES_MAX) {
        s->result->lost |= source_capabilities[source];
        s->result->lost_err = err;
    }
}

static void read_sockets(struct survey *s, uint32_t capabilities, struct census *census)
{
    struct diag_wanted wanted = {
        .dumps = census && capabilities & SOCKET_CAPABILITIES,
        .round_trips = capabilities & CAPABILITY_BIT(CAPABILITY_CONNECTION_QUALITY),
        .closes = census && capabilities & CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS),
    };
    if (census && capabilities & CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC))
        census_count_sockets(census, true);
    /* Also when nothing is wanted: notices must not pile up in the kernel. */
    int err = diag_survey(s->sockets, census, wanted, clock_wall_ms(), clock_mono_ns());
    diag_counts(s->sockets, &s->result->sockets);
    judge(s, SOURCE_SOCKETS, err);
}

static void read_qdiscs(struct survey *s)
{
    _Alignas(struct nlmsghdr) char request[QDISC_REQUEST_MAX];
    int err = -EINTR;
    for (int attempt = 0; attempt < 2 && err == -EINTR; attempt++) {
        s->result->qdiscs_count = 0;
        qdisc_request_dump(request, 0);
        err = rtsocket_ask(s->routes, (struct nlmsghdr *)request, add_qdisc, s, &s->errors);
    }
    judge(s, SOURCE_QUEUES, err == -EINTR ? 0 : err); /* what it has is true */
}

static int compare_ends(const void *a, const void *b)
{
    const struct survey_end *one = a, *two = b;
    return (one->index > two->index) - (one->index < two->index);
}

static void read_ends(struct survey *s, bool whole)
{
    struct survey_result *r = s->result;
    size_t room = 0;
    s->errors += namespaces_round(s->namespaces, s->links, whole) < 0;
    for (size_t i = 0; i < links_count(s->links); i++) {
        const struct rtnetlink_link *link = links_at(s->links, i);
        int32_t nsid = links_far_nsid(link);
        const char *container = nsid < 0 ? NULL : namespaces_container(s->namespaces, nsid);
        if (!container)
            continue;
        if (r->ends_count == room) {
            room = MAX(room * 2, (size_t)16);
            r->ends = mem_resize(r->ends, room, sizeof(r->ends[0]));
        }
        struct survey_end *end = &r->ends[r->ends_count++];
        *end = (struct survey_end){.index = link->index, .nsid = nsid};
        memccpy(end->container, container, '\0', sizeof(end->container));
    }
    if (r->ends_count)
        qsort(r->ends, r->ends_count, sizeof(r->ends[0]), compare_ends);
}

static void read_links(struct survey *s, uint32_t capabilities)
{
    bool queues = capabilities & CAPABILITY_BIT(CAPABILITY_QUEUES);
    bool ends = capabilities & CAPABILITY_BIT(CAPABILITY_INTERFACES);
    if (!queues && !ends)
        return;
    int err = links_read(s->links, s->routes, &s->errors);
    if (err && err != -EINTR) {
        if (queues)
            judge(s, SOURCE_QUEUES, err);
        else
            s->errors++;
        return;
    }
    if (ends)
        read_ends(s, !err);
    if (queues)
        read_qdiscs(s);
}

struct survey_result *survey_round(struct survey *s, uint32_t capabilities, struct census *census)
{
    struct survey_result *r = s->result = mem_alloc(sizeof(*r));
    message_init(&r->msg, result_destroy);
    r->began_ns = clock_mono_ns();
    s->qdiscs_capacity = s->nics_capacity = 0;
    r->speeds = sysfs_read(s->sysfs, NULL, NULL);
    read_sockets(s, capabilities, census);
    read_links(s, capabilities);
    if (capabilities & CAPABILITY_BIT(CAPABILITY_NIC) && s->cards)
        judge(s, SOURCE_NIC, cards_read(s->cards, s->cards_family, add_card, s, &s->errors));
    r->errors = s->errors;
    s->result = NULL;
    return r;
}
