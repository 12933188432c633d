/*
 * server.c: see server.h. Everything but what is posted (info, certificate) and the statistics
 * belongs to the loop's thread.
 *
 * Of what is posted only the newest counts, so it waits in a slot and not in a queue, which could
 * be full of older ones. The bell is a mailbox with one place: whoever finds it taken has put his
 * thing where the loop will look when that one is received. Commands that are back (api/command.h)
 * are a queue, each of which has a client waiting: it has room for as many as can be under way.
 * Statistics are copied out once a second
 * under a lock that is held for the copy alone, so the core thread can sample them without asking
 * the loop.
 */
#include "daemon/server.h"

#include <stdlib.h>

#include "api/command.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/complaints.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slot.h"
#include "http/assets.h"
#include "http/server.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "net/tls.h"

#define STOP_GRACE_MS 1000 /* CONTRACT section 1: everything ends within two seconds */
#define STATS_EVERY_MS 1000
#define LOOK_EVERY_MS                                                                              \
    500 /* streams whose right has ended close within a second: docs/SECURITY.md */

struct server {
    struct loop loop;
    struct net *net;
    struct listeners *listeners;
    struct http_server *http;
    struct station *station;
    struct api *api;
    struct slot *info[API_INFO_PARTS]; /* struct bytes; NULL inside: nothing was posted */
    struct slot *tls;                  /* the same */
    struct mailbox *bell;              /* one of them has changed; what it carries is the server */
    struct mailbox *replies;
    int (*command)(void *user, struct api_command *cmd); /* as server_settings.api has it */
    void *command_user;
    uv_timer_t stats_timer, look_timer;
    uv_mutex_t lock; /* guards stats */
    struct server_stats stats;
    struct complaints *complaints;
    struct net_counters complained; /* as of the last look */
};

/* The dashboard's pages of this version: each is index.html. */
static const char *const server_pages[] = {
    "/",       "/interfaces", "/connections", "/processes", "/flows",       "/dns",     "/tcp",
    "/events", "/alerts",     "/explore",     "/baselines", "/performance", "/settings"};

static void server_copy_stats(struct server *s)
{
    struct server_stats now = {.net = *net_counters(s->net),
                               .http = *http_server_counters(s->http)};
    station_stats(s->station, &now.station);
    uv_mutex_lock(&s->lock);
    s->stats = now;
    uv_mutex_unlock(&s->lock);
}

/* What the listeners had to turn away. They only count it: there may be thousands a second. */
static void server_complain(struct server *s)
{
    const struct net_counters now = *net_counters(s->net), *before = &s->complained;
    const struct {
        const char *cause;
        uint64_t count;
    } causes[] = {
        {"turned connections away: serve.max_clients is reached",
         now.refused_clients - before->refused_clients},
        {"turned connections away: serve.max_clients_per_address is reached",
         now.refused_address - before->refused_address},
        {"turned connections away: no descriptors are left",
         now.refused_descriptors - before->refused_descriptors},
        {"connections spoke no TLS, or none that is understood",
         now.tls_errors - before->tls_errors},
        {"connections could not be accepted", now.accept_errors - before->accept_errors},
        {"closed connections that took no byte of what was sent to them",
         now.expired_stall - before->expired_stall},
    };
    int64_t now_ns = clock_mono_ns();
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        complaints_add(s->complaints, "net", causes[i].cause, causes[i].count, NULL, now_ns);
    complaints_flush(s->complaints, now_ns);
    s->complained = now;
}

static void server_on_stats(uv_timer_t *timer)
{
    struct server *s = timer->data;
    server_copy_stats(s);
    server_complain(s);
}

static void server_on_look(uv_timer_t *timer)
{
    struct server *s = timer->data;
    api_look_at_streams(s->api);
}

static void *bytes_ref_posted(void *item)
{
    return item ? bytes_ref(item) : NULL;
}

static void bytes_unref_posted(void *item)
{
    bytes_unref(item);
}

static void *tls_ref_posted(void *item)
{
    return item ? tls_ref(item) : NULL;
}

static void tls_unref_posted(void *item)
{
    tls_unref(item);
}

/* What has not changed is set again, which changes nothing. */
static void server_receive(void *item, void *user)
{
    struct server *s = user;
    (void)item;
    for (int part = 0; part < API_INFO_PARTS; part++) {
        struct bytes *members = slot_get(s->info[part]);
        if (members)
            api_set_info(s->api, (enum api_info_part)part, members);
    }
    struct tls *tls = slot_get(s->tls);
    if (tls)
        net_set_tls(s->net, tls, http_plain_refusal);
    tls_unref(tls);
}

static void server_drop(void *item)
{
    (void)item; /* the server itself: it is not the bell's */
}

static const struct mailbox_ops server_bell_ops = {server_receive, server_drop};

static void server_take_reply(void *item, void *user)
{
    struct server *s = user;
    api_take_reply(s->api, item);
}

/* The loop ends: its clients have been told. */
static void server_drop_reply(void *item)
{
    api_command_free(item);
}

static const struct mailbox_ops server_reply_ops = {server_take_reply, server_drop_reply};

/* On its way to the core thread it bears where to come back to. */
static int server_on_command(void *user, struct api_command *cmd)
{
    struct server *s = user;
    cmd->carrier = s;
    return s->command(s->command_user, cmd);
}

void server_post_reply(struct api_command *cmd)
{
    struct server *s = cmd->carrier;
    /* As many places as commands can be under way: refused means that the loop ends. */
    if (mailbox_post(s->replies, cmd) < 0)
        api_command_free(cmd);
}

static void server_on_stop(struct loop *loop, void *user)
{
    struct server *s = user;
    (void)loop;
    listeners_stop(s->listeners);
    station_close(s->station);
    api_close(s->api);
    http_server_stop(s->http);
    net_stop(s->net, STOP_GRACE_MS);
    mailbox_close(s->bell);
    mailbox_close(s->replies);
    uv_close((uv_handle_t *)&s->stats_timer, NULL);
    uv_close((uv_handle_t *)&s->look_timer, NULL);
}

struct server *server_new(const struct server_settings *settings, struct server_lane *lane)
{
    struct server *s = mem_alloc(sizeof(*s));
    if (loop_init(&s->loop, "hub", server_on_stop, s) < 0) {
        free(s);
        return NULL;
    }
    uv_loop_t *uv = &s->loop.uv;
    int err = uv_mutex_init(&s->lock);
    CHECK(err == 0);
    err = uv_timer_init(uv, &s->stats_timer);
    CHECK(err == 0);
    err = uv_timer_init(uv, &s->look_timer);
    CHECK(err == 0);
    s->stats_timer.data = s->look_timer.data = s;
    s->complaints = settings->complaints;
    s->net = net_new(uv, &settings->limits);
    net_join(s->net, settings->admission);
    net_set_ring(s->net, lane->ring);
    if (settings->tls)
        net_set_tls(s->net, settings->tls, http_plain_refusal);
    s->station = hub_add_station(settings->hub, uv);
    for (int part = 0; part < API_INFO_PARTS; part++)
        s->info[part] = slot_new(NULL, bytes_ref_posted, bytes_unref_posted);
    s->tls = slot_new(NULL, tls_ref_posted, tls_unref_posted);
    s->bell = mailbox_new(uv, 1, &server_bell_ops, s);
    s->replies = mailbox_new(uv, COMMANDS_MAX, &server_reply_ops, s);
    CHECK(s->net && s->station && s->bell &&
          s->replies); /* nothing runs yet: no memory, no service */
    s->listeners = TAKE(lane->listeners);
    server_complain(s);
    struct http_config http = {
        .assets = assets,
        .asset_count = assets_count,
        .pages = server_pages,
        .page_count = ARRAY_LEN(server_pages),
        .base_path = settings->base_path,
        .access = lane->access,
        .keyring = settings->keyring,
        .limits = HTTP_LIMITS_DEFAULT,
        .complaints = settings->complaints,
        .compress = settings->compress,
    };
    s->http = http_server_new(s->net, &http);
    struct api_settings api = settings->api;
    api.keyring = settings->keyring;
    s->command = api.command;
    s->command_user = api.command_user;
    if (api.command) {
        api.command = server_on_command;
        api.command_user = s;
    }
    s->api = api_new(&api, s->station, uv);
    api_routes(s->api, s->http);
    return s;
}

int server_start(struct server *s)
{
    int err = listeners_start(s->listeners, s->net, http_server_accept, s->http);
    if (!err)
        err = uv_timer_start(&s->stats_timer, server_on_stats, 0, STATS_EVERY_MS);
    if (!err)
        err = uv_timer_start(&s->look_timer, server_on_look, LOOK_EVERY_MS, LOOK_EVERY_MS);
    return err ? err : loop_start(&s->loop);
}

/* Refused: it rings already, or the loop ends. */
static void server_ring(struct server *s)
{
    (void)mailbox_post(s->bell, s);
}

void server_post_info(struct server *s, enum api_info_part part, struct bytes *members)
{
    if (!members)
        return;
    slot_set(s->info[part], members);
    server_ring(s);
}

void server_post_tls(struct server *s, struct tls *tls)
{
    slot_set(s->tls, tls_ref(tls));
    server_ring(s);
}

void server_stats(struct server *s, struct server_stats *ret)
{
    uv_mutex_lock(&s->lock);
    *ret = s->stats;
    uv_mutex_unlock(&s->lock);
}

void server_stop(struct server *s)
{
    loop_stop(&s->loop);
}

void server_join(struct server *s)
{
    loop_join(&s->loop);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    api_free(s->api);
    http_server_free(s->http);
    net_free(s->net);
    listeners_free(s->listeners);
    mailbox_free(s->bell);
    mailbox_free(s->replies);
    for (int part = 0; part < API_INFO_PARTS; part++)
        slot_free(s->info[part]);
    slot_free(s->tls);
    uv_mutex_destroy(&s->lock);
    free(s);
}
