/*
 * netlink.c: the engine that asks rtnetlink.
 *
 *   collect   one dump of all links or of their counters              -> series, table
 *   events    a second socket that hears of changes (monitor.c)      -> events, addresses
 *   survey    sockets, queues, cards, speeds, containers (survey.c)  -> census, series, table
 *
 * All sockets are opened before the sandbox closes and kept: no system call but send and receive
 * is needed afterwards. The loop wakes the monitor between ticks, so that its notices do not pile
 * up in the kernel at long intervals; without a loop it is drained once a tick.
 *
 * At intervals below a second most dumps are of the counters alone; everything else about a link is
 * as the last whole dump said. That is made again once a second, and at once when a notice tells of
 * any change of a link or the counters are not those of the links known.
 *
 * Kernels before 6.9 make a dump under the lock that also covers changes of devices, so a driver
 * that is slow to set up a card can make a tick late; late ticks are counted by whoever calls.
 *
 * A dump that changes interrupted twice, as happens where containers come and go all day, has what
 * it has: links that it missed are a gap in this tick, not gone. A failed dump is a gap for all.
 * Three in a row mean that the engine has lost its source: select.c gives the interfaces to another
 * one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/device_counters.h"
#include "collect/engine.h"
#include "collect/interfaces.h"
#include "collect/netlink/links.h"
#include "collect/netlink/monitor.h"
#include "collect/netlink/socket.h"
#include "collect/netlink/survey.h"
#include "collect/sampler.h"
#include "collect/sysfs.h"

#define CAPABILITIES_HERE                                                                          \
    (CAPABILITY_BIT(CAPABILITY_INTERFACES) | CAPABILITY_BIT(CAPABILITY_LINK_EVENTS))
#define OFFERS (CAPABILITIES_HERE | SURVEY_CAPABILITIES)
#define FAILURES_MAX 3

struct netlink {
    struct engine engine; /* first: engine_class hands it back */
    const struct engine_settings *settings;
    struct sampler sampler;
    struct rtsocket *socket; /* dumps */
    struct monitor *monitor;
    struct links *links;
    struct interfaces *interfaces;
    struct device_counters *qdiscs, *cards;
    struct series *overruns, *errors, *incomplete;
    bool own_asked;    /* for the three series above */
    uint32_t failures; /* in a row */

    uv_poll_t poll;
    bool polling;
    void (*detached)(void *user);
    void *detached_user;

    struct sysfs_links *speeds;   /* newest; NULL: none */
    struct survey_result *result; /* newest survey; NULL: none yet, or its loss was told */
    struct {
        uint64_t errors, overruns, incomplete;
    } surveyed; /* so far: counters stay when the result goes */

    struct survey *survey; /* survey thread */
};

static struct engine *netlink_make(const struct engine_settings *settings)
{
    struct netlink *n = mem_alloc(sizeof(*n));
    n->engine.class = &engine_netlink;
    n->settings = settings;
    n->sampler.method = engine_netlink.name;
    n->links = links_new();
    n->interfaces = interfaces_new(&n->sampler, settings);
    n->survey = survey_new(settings);
    n->qdiscs = device_counters_new(&n->sampler, catalogue_qdisc, QDISC_METRICS);
    n->cards = device_counters_new(&n->sampler, catalogue_nic, CATALOGUE_NIC_METRICS);
    return &n->engine;
}

static void netlink_probe(struct engine *e, struct engine_probe *ret)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    *ret = (struct engine_probe){0};
    struct rtsocket *socket = NULL;
    int err = n->socket ? 0 : rtsocket_open(&socket, 0);
    rtsocket_close(socket);
    if (!err) {
        ret->capabilities = CAPABILITIES_HERE;
        survey_probe(n->survey, ret);
        return;
    }
    probe_missing(ret, OFFERS,
                  "Allow AF_NETLINK, in a systemd unit with RestrictAddressFamilies=AF_NETLINK.",
                  "The kernel refuses a rtnetlink socket: %s.", strerror(-err));
}

static void netlink_gone(void *user, uint32_t index)
{
    struct netlink *n = user;
    interfaces_gone(n->interfaces, index);
}

static int netlink_open(struct engine *e, uint32_t capabilities)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    e->assigned = capabilities & OFFERS;
    int err = n->socket ? 0 : rtsocket_open(&n->socket, 0);
    if (!err && !n->monitor) {
        n->monitor = monitor_new(n->settings, netlink_gone, n);
        err = monitor_open(n->monitor);
        if (err)
            monitor_free(TAKE(n->monitor));
    }
    if (!err)
        err = survey_open(n->survey, e->assigned);
    if (!err && !n->speeds)
        n->speeds = survey_speeds(n->survey); /* the first tick has them, too */
    return err;
}

static void netlink_forget(struct netlink *n)
{
    interfaces_forget_series(n->interfaces);
    n->overruns = series_unref(n->overruns);
    n->errors = series_unref(n->errors);
    n->incomplete = series_unref(n->incomplete);
    device_counters_forget(n->qdiscs);
    device_counters_forget(n->cards);
    n->own_asked = false;
}

static void netlink_assign(struct engine *e, uint32_t capabilities)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    e->assigned = capabilities & OFFERS;
    n->failures = 0;
    netlink_forget(n);
}

/* ---- between ticks ------------------------------------------------------------------------- */

static void netlink_poll(uv_poll_t *handle, int status, int events)
{
    struct netlink *n = handle->data;
    (void)events;
    if (monitor_drain(n->monitor) < 0)
        n->sampler.errors++;
    /* Lost notices wake the socket with an error, and libuv then stops watching. */
    if (status < 0)
        uv_poll_start(&n->poll, UV_READABLE, netlink_poll);
}

static int netlink_attach(struct engine *e, struct uv_loop_s *loop)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    int err = uv_poll_init(loop, &n->poll, rtsocket_fd(monitor_socket(n->monitor)));
    if (err)
        return err;
    n->poll.data = n;
    n->polling = true;
    return uv_poll_start(&n->poll, UV_READABLE, netlink_poll);
}

static void netlink_closed(uv_handle_t *handle)
{
    struct netlink *n = handle->data;
    n->polling = false;
    n->detached(n->detached_user);
}

static void netlink_detach(struct engine *e, void (*done)(void *user), void *user)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    if (!n->polling) {
        done(user);
        return;
    }
    n->detached = done;
    n->detached_user = user;
    uv_close((uv_handle_t *)&n->poll, netlink_closed);
}

/* ---- a tick -------------------------------------------------------------------------------- */

/* Of the newest survey, as long as what it saw is still what is there: the same link, leading to
 * the same number, and the number not given up meanwhile. */
static const char *netlink_container(const struct netlink *n, const struct rtnetlink_link *link)
{
    int32_t nsid = links_far_nsid(link);
    if (nsid < 0 || !n->result || !monitor_nsid_holds(n->monitor, nsid, n->result->began_ns))
        return NULL;
    return survey_result_container(n->result, link->index, nsid);
}

static void sample_slow(struct link_sample *sample, const struct sysfs_link *slow)
{
    for (size_t g = 0; g < LINK_GAUGES; g++) {
        if (slow->measured & 1U << g)
            link_measure(sample, (enum link_gauge)g, slow->gauges[g]);
    }
    sample->texts.duplex = slow->duplex;
    sample->texts.alias = slow->alias;
}

static void netlink_sample_links(struct netlink *n, const struct engine_sink *sink, bool complete)
{
    interfaces_begin(n->interfaces, sink);
    for (size_t i = 0; i < links_count(n->links); i++) {
        const struct rtnetlink_link *link = links_at(n->links, i);
        struct link_sample sample;
        links_sample(link, &sample);
        sample.addresses = monitor_addresses(n->monitor, link->index);
        const struct sysfs_link *slow = sysfs_links_find(n->speeds, link->index);
        if (slow)
            sample_slow(&sample, slow);
        /* What a survey is to tell of a new link is waited for. */
        if (slow || !n->speeds) {
            sample.texts.address = &link->address;
            sample.texts.broadcast = &link->broadcast;
            sample.texts.state = sample.state;
        }
        /* Kernels before 5.14 do not name the parent device. */
        if (slow && slow->physical && strcmp(sample.kind, "virtual") == 0)
            sample.kind = "physical";
        sample.container = netlink_container(n, link);
        interfaces_sample(n->interfaces, sink, &sample);
    }
    interfaces_end(n->interfaces, sink, complete);
}

static void netlink_drop_result(struct netlink *n)
{
    message_unref(n->result ? &n->result->msg : NULL);
    n->result = NULL;
}

static void netlink_sample_own(struct netlink *n, const struct engine_sink *sink)
{
    if (!n->own_asked) {
        struct label engine = {"engine", engine_netlink.name};
        n->overruns = sampler_series(&n->sampler, sink, &catalogue_netlink_overruns, NULL, 0);
        n->errors = sampler_series(&n->sampler, sink, &catalogue_collect_errors, &engine, 1);
        n->incomplete = sampler_series(&n->sampler, sink, &catalogue_sockets_incomplete, NULL, 0);
        n->own_asked = true;
    }
    uint64_t errors = n->sampler.errors + monitor_bad(n->monitor);
    uint64_t overruns = monitor_overruns(n->monitor);
    draft_counter(sink->draft, n->incomplete, n->surveyed.incomplete, 0);
    draft_counter(sink->draft, n->overruns, overruns + n->surveyed.overruns, 0);
    draft_counter(sink->draft, n->errors, errors + n->surveyed.errors, 0);
}

/* As the newest survey has them. */
static void netlink_sample_survey(struct netlink *n, const struct engine_sink *sink)
{
    const struct survey_result *r = n->result;
    if (!r)
        return;
    device_counters_begin(n->qdiscs);
    for (size_t i = 0; i < r->qdiscs_count; i++) {
        const struct survey_qdisc *q = &r->qdiscs[i];
        device_counters_row(n->qdiscs, sink, q->device, q->kind, q->source, q->has, q->values);
    }
    device_counters_end(n->qdiscs);
    device_counters_begin(n->cards);
    for (size_t i = 0; i < r->nics_count; i++) {
        const struct nic_stats *c = &r->nics[i];
        device_counters_row(n->cards, sink, c->name, NULL, c->index, c->has, c->values);
    }
    device_counters_end(n->cards);
}

/* First the dump, then the notices, then the samples: a link that was removed and came back under
 * its index before the dump is known to be another one when it is sampled. 0 or -errno, -EINTR for
 * a dump that has only part of the links. */
static int netlink_read_links(struct netlink *n, bool counts_only, int *ret_notices_err)
{
    bool changed = monitor_links_changed(n->monitor);
    if (counts_only && !changed &&
        links_read_counters(n->links, n->socket, &n->sampler.errors) == 0) {
        *ret_notices_err = monitor_drain(n->monitor);
        if (!monitor_links_changed(n->monitor))
            return 0;
    }
    int err = links_read(n->links, n->socket, &n->sampler.errors);
    *ret_notices_err = monitor_drain(n->monitor);
    return err;
}

static int netlink_collect(struct engine *e, const struct engine_sink *sink, uint32_t *ret_lost)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    if (sampler_retry(&n->sampler))
        netlink_forget(n);

    bool links = e->assigned & CAPABILITY_BIT(CAPABILITY_INTERFACES);
    int err = 0, notices_err = 0;
    if (links)
        err = netlink_read_links(n, sink->counts_only, &notices_err);
    else
        notices_err = monitor_drain(n->monitor);
    bool interrupted = err == -EINTR;
    if (links && (!err || interrupted))
        netlink_sample_links(n, sink, !interrupted);
    if (interrupted) {
        n->sampler.errors++; /* what it missed is a gap; the source is there */
        err = 0;
    }
    if (!err)
        err = notices_err;
    monitor_flush(n->monitor, sink, e->assigned & CAPABILITY_BIT(CAPABILITY_LINK_EVENTS));
    n->failures = err ? n->failures + 1 : 0;
    if (err)
        n->sampler.errors++;
    netlink_sample_own(n, sink);
    netlink_sample_survey(n, sink);
    if (n->failures >= FAILURES_MAX) {
        *ret_lost = e->assigned & CAPABILITIES_HERE;
        return err;
    }
    if (n->result && n->result->lost & e->assigned) {
        *ret_lost = n->result->lost & e->assigned;
        err = n->result->lost_err;
        netlink_drop_result(n); /* told once; the next survey is to say so again */
        return err;
    }
    return 0;
}

/* ---- survey -------------------------------------------------------------------------------- */

static struct message *netlink_survey(struct engine *e, struct census *census)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    return &survey_round(n->survey, e->round, census)->msg;
}

static void netlink_take_survey(struct engine *e, struct message *result)
{
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    struct sysfs_links *before = n->speeds;
    netlink_drop_result(n);
    n->result = CONTAINER_OF(result, struct survey_result, msg);
    n->surveyed.errors = n->result->errors + n->result->sockets.bad;
    n->surveyed.overruns = n->result->sockets.overruns;
    n->surveyed.incomplete = n->result->sockets.incomplete;
    n->speeds = n->result->speeds;
    if (n->speeds)
        message_ref(&n->speeds->msg);
    message_unref(before ? &before->msg : NULL);
}

static void netlink_free(struct engine *e)
{
    if (!e)
        return;
    struct netlink *n = CONTAINER_OF(e, struct netlink, engine);
    CHECK(!n->polling);
    netlink_forget(n);
    interfaces_free(n->interfaces);
    links_free(n->links);
    monitor_free(n->monitor);
    rtsocket_close(n->socket);
    message_unref(n->speeds ? &n->speeds->msg : NULL);
    netlink_drop_result(n);
    device_counters_free(n->qdiscs);
    device_counters_free(n->cards);
    survey_free(n->survey);
    free(n);
}

const struct engine_class engine_netlink = {
    .name = "netlink",
    .preference = 20,
    .offers = OFFERS,
    .make = netlink_make,
    .probe = netlink_probe,
    .open = netlink_open,
    .attach = netlink_attach,
    .collect = netlink_collect,
    .assign = netlink_assign,
    .survey = netlink_survey,
    .surveyed = CAPABILITY_BIT(CAPABILITY_INTERFACES) | SURVEY_CAPABILITIES,
    .take_survey = netlink_take_survey,
    .detach = netlink_detach,
    .free = netlink_free,
};
