/*
 * hub_news.c: what the hub tells by itself and not out of ticks: alerts, as they happen (bulletin.h
 * knows what was said), documents that it is given (journal.h), and how the server is doing: a
 * timer makes the messages of the channel `performance`, one for each role, out of the newest
 * report of every station. A station that has nothing new to report is as it was. Core thread only.
 */
#include <math.h>

#include "base/check.h"
#include "base/clock.h"
#include "hub/encode.h"
#include "hub/hub_core.h"

#define FIRST_PERFORMANCE_MS 1000 /* after the start: soon, so that there is something to show */

/* ---- alerts and documents ---------------------------------------------------------------- */

/* The feed of such a channel: all who listen have the same wish. NULL: nobody does. */
static struct open_feed *hub_only_feed(struct hub *hub, enum channel channel)
{
    for (uint32_t id = 0; id < hub->feeds_count; id++) {
        if (hub->feeds[id] && feed_channel(hub->feeds[id]->feed) == channel)
            return hub->feeds[id];
    }
    return NULL;
}

/* What was made for them, if anybody listens, goes out now; the list is used up. */
static void hub_spread(struct hub *hub, struct open_feed *of, struct parcels *made)
{
    hub_count(hub, made);
    if (of) {
        parcels_fini(&of->beginning);
        hub_send(hub, of, made);
    }
    parcels_fini(made);
}

void hub_publish_notice(struct hub *hub, const struct notice *n)
{
    struct open_feed *of = hub_only_feed(hub, CHANNEL_ALERTS);
    struct parcels made = PARCELS_INIT;
    made.deflater = hub_deflater(hub, of && of->members_deflate > 0);
    bulletin_add(hub->bulletin, n, &made);
    hub_spread(hub, of, &made);
}

void hub_publish_alert_state(struct hub *hub, struct alert_set *set)
{
    struct open_feed *of = hub_only_feed(hub, CHANNEL_ALERTS);
    struct parcels made = PARCELS_INIT;
    made.deflater = hub_deflater(hub, of && of->members_deflate > 0);
    bulletin_state(hub->bulletin, set, &made);
    hub_spread(hub, of, &made);
}

void hub_publish_document(struct hub *hub, enum channel channel, int64_t t_ms,
                          struct bytes *members)
{
    struct open_feed *of = hub_only_feed(hub, channel);
    struct parcels made = PARCELS_INIT;
    made.deflater = hub_deflater(hub, of && of->members_deflate > 0);
    journal_add(hub->journals[channel], t_ms, members, &made);
    hub_spread(hub, of, &made);
    bytes_unref(members);
}

uint64_t hub_next_alert_seq(const struct hub *hub)
{
    return bulletin_next_seq(hub->bulletin);
}

/* ---- the channel `performance` ----------------------------------------------------------- */

struct performance *hub_performance(struct hub *hub)
{
    return &hub->performance;
}

/* The message, but for what depends on the role; what it tells begins anew. */
static struct performance_message hub_measure(struct hub *hub)
{
    const struct hub_settings *settings = &hub->settings;
    int64_t now_ns = clock_mono_ns(), elapsed_ns = MAX(now_ns - hub->performance_ns, INT64_C(1));
    uint64_t cpu_ns = 0;
    struct performance_message m = {
        .t_ms = clock_wall_ms(),
        .elapsed_ms = elapsed_ns / NS_PER_MS,
        .performance = &hub->performance,
        .reports = (const struct report *const *)hub->reports,
        .reports_count = hub->stations_count,
        .lost = hub->stats.lost,
        .cpu_pct = NAN,
        .rss_bytes = NAN,
    };
    /* Grows across restarts, and even when the clock is set back. */
    m.seq = hub->performance_seq = MAX((uint64_t)m.t_ms, hub->performance_seq + 1);
    if (settings->process) {
        settings->process(settings->process_user, &cpu_ns, &m.rss_bytes);
        m.cpu_pct = 100.0 * (double)(cpu_ns - hub->performance_cpu) / (double)elapsed_ns;
    }
    hub->performance_cpu = cpu_ns;
    hub->performance_ns = now_ns;
    return m;
}

static void hub_send_performance(struct hub *hub, struct open_feed *of)
{
    struct parcels made = PARCELS_INIT;
    parcels_fini(&of->beginning);
    struct frame *frame = &hub->performance_frames[feed_is_admin(of->feed)];
    made.deflater = hub_deflater(hub, of->members_deflate > 0);
    parcels_refer(&made, frame, hub->performance_seq, PARCEL_LATEST, true);
    made.made = made.count; /* for this feed, the only one of its role */
    made.made_bytes = frame->plain ? frame->plain->len : 0;
    hub_count(hub, &made);
    hub_send(hub, of, &made);
    parcels_fini(&made);
}

static void hub_on_performance(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    struct performance_message m = hub_measure(hub);
    struct bytes *bodies[2];
    for (int admin = 0; admin < 2; admin++) {
        struct buf b = BUF_INIT;
        performance_put_message(&b, &m, admin);
        bodies[admin] = buf_ok(&b) ? bytes_copy(b.data, b.len) : NULL;
        frame_fini(&hub->performance_frames[admin]);
        hub->performance_frames[admin].plain = bodies[admin] ? encode_text(b.data, b.len) : NULL;
        buf_fini(&b);
    }
    performance_restart(&hub->performance);
    for (uint32_t id = 0; id < hub->feeds_count; id++) {
        if (hub->feeds[id] && feed_channel(hub->feeds[id]->feed) == CHANNEL_PERFORMANCE)
            hub_send_performance(hub, hub->feeds[id]);
    }
    for (uint32_t s = 0; s < hub->stations_count; s++) {
        struct delivery *d = hub_letter(DELIVERY_PERFORMANCE, NULL);
        for (int admin = 0; admin < 2; admin++)
            d->bodies[admin] = bodies[admin] ? bytes_ref(bodies[admin]) : NULL;
        hub_deliver(hub, s, d);
    }
    bytes_unref(bodies[0]);
    bytes_unref(bodies[1]);
}

void hub_start_performance(struct hub *hub)
{
    uint64_t every_ms = (uint64_t)hub->settings.performance_interval_ms;
    int err = uv_timer_init(hub->uv, &hub->performance_timer);
    CHECK(err == 0);
    hub->performance_timer.data = hub;
    hub->performance_ns = clock_mono_ns();
    if (!every_ms)
        return;
    err = uv_timer_start(&hub->performance_timer, hub_on_performance,
                         MIN(every_ms, FIRST_PERFORMANCE_MS), every_ms);
    CHECK(err == 0);
}
