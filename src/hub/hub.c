/*
 * hub.c: the core side: which feeds exist, who listens to them, what they are sent.
 *
 * A feed lives as long as one station has a member in it: `members` counts memberships per station,
 * granted here and given back by REQUEST_LEAVE. Feeds are found by their canonical key, so viewers
 * who ask for the same thing share one encoding.
 *
 * What strangers can make the core thread do is bounded: how many feeds there are, what they cost a
 * tick, and what new ones and replays cost a second. What is beyond is answered "busy".
 *
 * A station whose queue is full has stood still for a long time: what is lost is counted, and the
 * next tick that gets through tells it to send its viewers away (1013), who come back and know.
 *
 * The channels `alerts`, `performance` and those of documents are the hub's own: hub_news.c.
 *
 * Core thread only, but for hub_settings and hub_hello, which read what never changes.
 */
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/encode.h"
#include "hub/hub_core.h"

#define HUB_INBOX 4096 /* requests of all stations; a refused one is answered "busy" */
#define HUB_REPLAY_BYTES (16U << 20) /* kept for those who come back in the same interval */

static int64_t hub_now_ms(const struct hub *hub)
{
    return (int64_t)uv_now(hub->uv);
}

void hub_count(struct hub *hub, const struct parcels *made)
{
    hub->stats.messages += made->made;
    hub->stats.lost += made->failed;
    hub->stats.bytes += made->made_bytes;
    hub->stats.packed += made->packed;
    if (made->tried_bytes)
        allowance_charge(&hub->packing, (int64_t)made->tried_bytes, hub_now_ms(hub));
}

struct deflater *hub_deflater(struct hub *hub, bool wanted)
{
    return wanted && allowance_take(&hub->packing, 1, hub_now_ms(hub)) ? hub->deflater : NULL;
}

bool hub_deliver(struct hub *hub, uint32_t station, struct delivery *d)
{
    if (mailbox_post(station_inbox(hub->stations[station]), d) == 0)
        return true;
    hub->stats.lost++;
    hub->overrun[station] = true;
    delivery_free(d);
    return false;
}

struct delivery *hub_letter(enum delivery_kind kind, const struct open_feed *of)
{
    struct delivery *d = mem_alloc(sizeof(*d));
    d->kind = kind;
    if (of) {
        d->feed = of->id;
        d->channel = feed_channel(of->feed);
    }
    return d;
}

/* ---- requests ---------------------------------------------------------------------------- */

static struct open_feed *hub_find(struct hub *hub, uint32_t id)
{
    return id < hub->feeds_count ? hub->feeds[id] : NULL;
}

/* A free id. It may be one that was used before: its old members are all gone, and what was sent
 * to them lies before the new members' join in every mailbox. */
static uint32_t hub_free_id(struct hub *hub)
{
    for (uint32_t id = FEED_NONE + 1; id < hub->feeds_count; id++) {
        if (!hub->feeds[id])
            return id;
    }
    uint32_t id = MAX(hub->feeds_count, FEED_NONE + 1U);
    hub->feeds = mem_resize(hub->feeds, id + 1, sizeof(struct open_feed *));
    if (!hub->feeds_count)
        hub->feeds[FEED_NONE] = NULL;
    hub->feeds_count = id + 1;
    return id;
}

/* Whether one more feed can be served, and now. */
static bool hub_has_room(struct hub *hub, const struct feed_spec *spec)
{
    const struct hub_limits *limits = &hub->settings.limits;
    int64_t cost = (int64_t)feed_spec_cost(spec, hub->ring);
    if (hub->stats.feeds >= limits->feeds)
        return false;
    if (hub->stats.feeds >= limits->feeds_free && hub->stats.values + cost > limits->values)
        return false;
    return allowance_take(&hub->opening, cost, hub_now_ms(hub));
}

/* The feed of this spec; NULL: there is none and no room for one. */
static struct open_feed *hub_open_feed(struct hub *hub, struct feed_spec *spec)
{
    char *key = feed_spec_key(spec);
    struct open_feed *of = map_get(&hub->by_key, key);
    if (of || !hub_has_room(hub, spec)) {
        free(key);
        return of;
    }
    hub->stats.values += (int64_t)feed_spec_cost(spec, hub->ring);
    of = mem_alloc(sizeof(*of));
    of->id = hub_free_id(hub);
    of->key = key;
    of->feed = feed_new(spec);
    feed_keep_replays(of->feed, &hub->replays);
    feed_ask_verdicts(of->feed, &hub->settings.verdicts);
    hub->feeds[of->id] = of;
    map_put(&hub->by_key, key, of);
    hub->stats.feeds++;

    feed_start(of->feed, hub->ring);
    return of;
}

static void hub_close_feed(struct hub *hub, struct open_feed *of)
{
    int64_t cost = (int64_t)feed_cost(of->feed, hub->ring);
    hub->feeds[of->id] = NULL;
    map_remove(&hub->by_key, of->key);
    parcels_fini(&of->beginning);
    feed_free(of->feed);
    free(of->key);
    free(of);
    hub->stats.feeds--;
    hub->stats.values -= cost;
}

/* What a viewer that joins now begins with: made once a tick, however many join. */
static const struct parcels *hub_beginning(struct hub *hub, struct open_feed *of, bool deflate)
{
    struct tick *newest = tick_ring_newest(hub->ring);
    struct parcels *list = &of->beginning;
    if (list->failed) /* what there is of it would do for nobody */
        parcels_fini(list);
    list->made = list->made_bytes = list->failed = list->packed = list->tried_bytes = 0;
    if (feed_channel(of->feed) == CHANNEL_PERFORMANCE) {
        struct frame *frame = &hub->performance_frames[feed_is_admin(of->feed)];
        if (frame->plain && !list->count)
            parcels_refer(list, frame, hub->performance_seq, PARCEL_LATEST, true);
    } else if (feed_channel(of->feed) == CHANNEL_ALERTS) {
        if (!list->count)
            bulletin_begin(hub->bulletin, list);
    } else if (channel_is_journal(feed_channel(of->feed))) {
        if (!list->count)
            journal_begin(hub->journals[feed_channel(of->feed)], list);
    } else if (newest && !list->count) {
        feed_snapshot(of->feed, newest, list);
    }
    list->deflater = hub_deflater(hub, deflate);
    parcels_pack(list);
    hub_count(hub, list);
    return list;
}

static void hub_leave(struct hub *hub, struct open_feed *of, uint32_t station, bool deflate)
{
    CHECK(of && of->members[station] > 0 && of->members_deflate >= deflate);
    of->members[station]--;
    of->members_deflate -= deflate;
    if (--of->members_total == 0)
        hub_close_feed(hub, of);
}

static void hub_refuse(struct hub *hub, const struct request *r)
{
    struct delivery *d = hub_letter(DELIVERY_REFUSAL, NULL);
    d->viewer = r->viewer;
    d->answer = encode_error(r->has_id, r->id, "busy",
                             "more different subscriptions than the server can serve; try again");
    hub->stats.busy++;
    hub->stats.messages++;
    hub->stats.bytes += d->answer ? d->answer->len : 0;
    hub_deliver(hub, r->station, d);
}

/* Whether there is more to be told than the present state. */
static bool hub_repeats(const struct hub *hub, const struct open_feed *of, const struct request *r)
{
    enum channel channel = feed_channel(of->feed);
    if (!r->has_since)
        return false;
    if (channel == CHANNEL_ALERTS)
        return bulletin_repeats(hub->bulletin, r->since);
    if (channel_is_journal(channel))
        return journal_repeats(hub->journals[channel], r->since);
    return feed_repeats(of->feed, hub->ring, r->since, &hub->run);
}

static void hub_replay(struct hub *hub, struct open_feed *of, const struct request *r,
                       struct parcels *out)
{
    enum channel channel = feed_channel(of->feed);
    out->deflater = hub_deflater(hub, r->deflate);
    if (channel == CHANNEL_ALERTS)
        bulletin_replay(hub->bulletin, r->since, out);
    else if (channel_is_journal(channel))
        journal_replay(hub->journals[channel], r->since, out);
    else
        feed_replay(of->feed, hub->ring, r->since, &hub->run, out);
    hub_count(hub, out);
    allowance_charge(&hub->opening, (int64_t)(out->made_bytes / ENCODE_VALUE_BYTES),
                     hub_now_ms(hub));
}

static void hub_subscribe(struct hub *hub, struct request *r)
{
    struct open_feed *of = hub_open_feed(hub, &r->spec);
    if (!of) {
        hub_refuse(hub, r);
        return;
    }
    of->members[r->station]++;
    of->members_total++;
    of->members_deflate += r->deflate;

    struct delivery *d = hub_letter(DELIVERY_JOIN, of);
    d->viewer = r->viewer;
    d->ticket = r->ticket;
    d->deflate = r->deflate;
    if (r->has_id) {
        d->answer = encode_ok(r->id);
        hub->stats.messages++;
        hub->stats.bytes += d->answer ? d->answer->len : 0;
    }
    if (hub_repeats(hub, of, r))
        hub_replay(hub, of, r, &d->parcels);
    else
        parcels_share(&d->parcels, hub_beginning(hub, of, r->deflate));
    if (!hub_deliver(hub, r->station, d))
        hub_leave(hub, of, r->station, r->deflate);
}

static void hub_resend(struct hub *hub, const struct request *r)
{
    struct open_feed *of = hub_find(hub, r->feed);
    if (!of)
        return;
    struct delivery *d = hub_letter(DELIVERY_VIEWER, of);
    d->viewer = r->viewer;
    parcels_share(&d->parcels, hub_beginning(hub, of, r->deflate));
    hub_deliver(hub, r->station, d);
}

/* Keeps the report; its timings are added up. */
static void hub_take_report(struct hub *hub, struct request *r)
{
    struct report *now = TAKE(r->report), *before = hub->reports[r->station];
    struct performance *p = &hub->performance;
    timing_merge(&p->stages[STAGE_FANOUT], &now->timings.fanout);
    timing_merge(&p->delivery, &now->timings.delivery);
    timing_merge(&p->round_trip, &now->timings.round_trip);
    if (before && !now->has_rows) {
        now->rows = before->rows;
        before->rows = BUF_INIT;
    }
    report_free(before);
    hub->reports[r->station] = now;
}

static void hub_receive(void *item, void *user)
{
    struct hub *hub = user;
    struct request *r = item;
    switch (r->kind) {
    case REQUEST_SUBSCRIBE:
        hub_subscribe(hub, r);
        break;
    case REQUEST_LEAVE:
        hub_leave(hub, hub_find(hub, r->feed), r->station, r->deflate);
        break;
    case REQUEST_RESEND:
        hub_resend(hub, r);
        break;
    case REQUEST_REPORT:
        hub_take_report(hub, r);
        break;
    }
    hub_request_free(r);
}

static void hub_drop_request(void *item)
{
    hub_request_free(item);
}

static const struct mailbox_ops hub_mailbox_ops = {hub_receive, hub_drop_request};

/* ---- ticks ------------------------------------------------------------------------------- */

void hub_send(struct hub *hub, const struct open_feed *of, const struct parcels *made)
{
    for (uint32_t s = 0; s < hub->stations_count && made->count; s++) {
        if (!of->members[s])
            continue;
        struct delivery *d = hub_letter(DELIVERY_FEED, of);
        parcels_share(&d->parcels, made);
        hub_deliver(hub, s, d);
    }
}

static void hub_broadcast(struct hub *hub, struct open_feed *of, struct tick *tick)
{
    struct parcels made = PARCELS_INIT;
    parcels_fini(&of->beginning); /* that of the tick before */
    made.deflater = hub_deflater(hub, of->members_deflate > 0);
    feed_step(of->feed, tick, &made);
    hub_count(hub, &made);
    hub_send(hub, of, &made);
    parcels_fini(&made);
}

static void hub_number(struct hub *hub, const struct tick *tick)
{
    if (!hub->run.first_tick)
        hub->run.first_tick = tick->seq;
    if (!tick->events_count)
        return;
    if (!hub->run.first_event)
        hub->run.first_event = tick->events[0]->seq;
    hub->run.last_event = tick->events[tick->events_count - 1]->seq;
}

static void *table_get(void *item)
{
    return item ? tick_table_ref(item) : NULL;
}

static void table_put(void *item)
{
    tick_table_unref(item);
}

/* Tables do not travel with ticks to the stations, whose queues may be long: all look here. */
static void hub_keep_tables(struct hub *hub, const struct tick *tick)
{
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        if (tick->tables[kind])
            slot_set(hub->tables[kind],
                     tick_table_ref(tick_ring_table(hub->ring, (enum table_kind)kind)));
    }
}

struct tick_table *hub_table(const struct hub *hub, enum table_kind kind)
{
    return slot_get(hub->tables[kind]);
}

void hub_publish(struct hub *hub, struct tick *tick)
{
    int64_t began_ns = clock_mono_ns();
    hub_number(hub, tick);
    tick_ring_push(hub->ring, tick);
    hub_keep_tables(hub, tick);
    hub->stats.values = 0;
    for (uint32_t id = 0; id < hub->feeds_count; id++) {
        if (!hub->feeds[id])
            continue;
        hub_broadcast(hub, hub->feeds[id], tick);
        hub->stats.values += (int64_t)feed_cost(hub->feeds[id]->feed, hub->ring);
    }
    for (uint32_t s = 0; s < hub->stations_count; s++) {
        struct delivery *d = hub_letter(DELIVERY_TICK, NULL);
        d->tick = tick_ref(tick_bare(tick)); /* a queue of tables would be a queue of 25 MB each */
        d->overrun = hub->overrun[s];
        if (hub_deliver(hub, s, d))
            hub->overrun[s] = false;
    }
    timing_record(&hub->performance.stages[STAGE_ENCODE], clock_mono_ns() - began_ns);
}

/* ---- life -------------------------------------------------------------------------------- */

static void hub_make_session(struct hub *hub)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        log_warning("hub", "no random bytes for the session's name; it is all zeros");
    snprintf(hub->session, sizeof(hub->session), "%016llx", (unsigned long long)random);
}

struct hub *hub_new(const struct hub_settings *settings, uv_loop_t *core_uv)
{
    struct hub *hub = mem_alloc(sizeof(*hub));
    hub->settings = *settings;
    hub->run = (struct feed_run){
        .first_tick = settings->next_tick_seq,
        .first_event = settings->next_event_seq,
        .last_event = settings->next_event_seq ? settings->next_event_seq - 1 : 0,
    };
    map_init(&hub->by_key);
    hub->uv = core_uv;
    allowance_init(&hub->opening, settings->limits.opening_burst, settings->limits.opening_per_s,
                   hub_now_ms(hub));
    allowance_init(&hub->packing, settings->limits.packing_burst, settings->limits.packing_per_s,
                   hub_now_ms(hub));
    hub->deflater = deflater_new();
    hub->replays.most_bytes = HUB_REPLAY_BYTES;
    hub->ring = tick_ring_new(settings->ring_ticks, settings->ring_bytes);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        hub->tables[i] = slot_new(NULL, table_get, table_put);
    hub_make_session(hub);
    performance_init(&hub->performance);
    hub->bulletin = bulletin_new(settings->next_alert_seq);
    for (int c = 0; c < CHANNELS; c++) {
        if (channel_is_journal((enum channel)c))
            hub->journals[c] = journal_new((enum channel)c, clock_wall_ms());
    }
    /* Last: an open mailbox could not be freed here. */
    hub->inbox = mailbox_new(core_uv, HUB_INBOX, &hub_mailbox_ops, hub);
    if (!hub->inbox) {
        hub_free(hub);
        return NULL;
    }
    hub_start_performance(hub);
    return hub;
}

struct station *hub_add_station(struct hub *hub, uv_loop_t *uv)
{
    CHECK(hub->stations_count < HUB_STATIONS_MAX);
    struct station *st = station_new(hub, hub->stations_count, uv);
    if (st)
        hub->stations[hub->stations_count++] = st;
    return st;
}

void hub_stats(const struct hub *hub, struct hub_stats *ret)
{
    *ret = hub->stats;
    ret->replay_bytes = hub->replays.used_bytes;
}

void hub_close(struct hub *hub)
{
    mailbox_close(hub->inbox);
    uv_close((uv_handle_t *)&hub->performance_timer, NULL);
    for (uint32_t id = 0; id < hub->feeds_count; id++) {
        if (hub->feeds[id])
            hub_close_feed(hub, hub->feeds[id]);
    }
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    for (uint32_t i = 0; i < hub->stations_count; i++)
        station_free(hub->stations[i]);
    for (uint32_t i = 0; i < HUB_STATIONS_MAX; i++)
        report_free(hub->reports[i]);
    frame_fini(&hub->performance_frames[0]);
    frame_fini(&hub->performance_frames[1]);
    mailbox_free(hub->inbox);
    tick_ring_free(hub->ring);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        slot_free(hub->tables[i]);
    bulletin_free(hub->bulletin);
    for (int c = 0; c < CHANNELS; c++)
        journal_free(hub->journals[c]);
    deflater_free(hub->deflater);
    map_fini(&hub->by_key);
    free(hub->feeds);
    free(hub);
}

size_t hub_stations(const struct hub *hub)
{
    return hub->stations_count;
}

struct mailbox *hub_inbox(struct hub *hub)
{
    return hub->inbox;
}

const struct hub_settings *hub_settings(const struct hub *hub)
{
    return &hub->settings;
}

struct bytes *hub_hello(const struct hub *hub, int64_t interval_ms)
{
    return encode_hello(&(struct encode_hello){.version = hub->settings.version,
                                               .host = hub->settings.host,
                                               .session = hub->session,
                                               .interval_ms = interval_ms});
}
