/*
 * capture.c: see capture.h. A loop with a watcher for each device, an idle handle that reads files
 * as fast as they can be read, and a timer. Only two things are shared: numbers that the meter
 * publishes after each batch, and `shown`, the newest tables and what became of the sources, under
 * a slot's lock: replaced, never changed.
 */
#include "collect/packet/capture.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slot.h"
#include "loop/loop.h"
#include "model/message.h"

#define BATCH 16384 /* packets between two looks at the clock */
#define SHOW_EVERY_MS 1000
#define TICK_MS 100

_Static_assert(TAP_BATCH <= METER_BATCH, "what a tap hands on at a time");

struct input {
    struct capture *capture;
    struct tap *source;
    uv_poll_t poll;
    bool polled, over;
    bool down; /* the socket says nothing more when the device is removed now */
};

struct shown {
    struct message msg;
    struct table *flows, *lookups;
    struct heard_names *names; /* NULL: none */
    struct capture_state state;
};

struct capture {
    struct loop loop;
    bool running;
    struct meter *meter;
    struct input input[CAPTURE_SOURCES_MAX];
    struct capture_state state;
    uv_timer_t timer;
    uv_idle_t idle;
    int64_t shown_ns, began_ns;
    bool changed; /* since the tables were made */
    struct slot *shown;
    _Atomic uint64_t names_taken; /* written by who takes them */
    _Atomic uint64_t kernel_drops, interface_drops;
};

/* ---- what others see ---------------------------------------------------------------------------
 */

static void *shown_ref(void *item)
{
    struct shown *shown = item;
    message_ref(&shown->msg);
    return shown;
}

static void shown_unref(void *item)
{
    struct shown *shown = item;
    message_unref(&shown->msg);
}

static void shown_destroy(struct message *msg)
{
    struct shown *shown = CONTAINER_OF(msg, struct shown, msg);
    table_unref(shown->flows);
    table_unref(shown->lookups);
    message_unref(shown->names ? &shown->names->msg : NULL);
    free(shown);
}

static struct shown *shown_make(const struct capture *c)
{
    struct shown *shown = mem_alloc(sizeof(*shown));
    message_init(&shown->msg, shown_destroy);
    shown->state = c->state;
    return shown;
}

static void capture_show(struct capture *c)
{
    struct shown *shown = shown_make(c);
    shown->flows = meter_flows_table(c->meter);
    shown->lookups = meter_lookups_table(c->meter);
    heard_forget(meter_heard(c->meter),
                 atomic_load_explicit(&c->names_taken, memory_order_relaxed));
    shown->names = heard_freeze(meter_heard(c->meter));
    slot_set(c->shown, shown);
    c->changed = false;
    c->shown_ns = clock_mono_ns();
}

static void capture_publish(struct capture *c)
{
    uint64_t kernel = 0, interface = 0;
    for (size_t i = 0; i < c->state.sources; i++) {
        uint64_t k = 0, in = 0;
        tap_drops(c->input[i].source, &k, &in);
        kernel += k;
        interface += in;
    }
    atomic_store_explicit(&c->kernel_drops, kernel, memory_order_relaxed);
    atomic_store_explicit(&c->interface_drops, interface, memory_order_relaxed);
    meter_publish(c->meter);
}

struct table *capture_flows(struct capture *c)
{
    struct shown *shown = slot_get(c->shown);
    struct table *table = shown->flows ? table_ref(shown->flows) : NULL;
    message_unref(&shown->msg);
    return table;
}

struct table *capture_lookups(struct capture *c)
{
    struct shown *shown = slot_get(c->shown);
    struct table *table = shown->lookups ? table_ref(shown->lookups) : NULL;
    message_unref(&shown->msg);
    return table;
}

struct heard_names *capture_names(struct capture *c)
{
    struct shown *shown = slot_get(c->shown);
    struct heard_names *names = shown->names;
    if (names)
        message_ref(&names->msg);
    message_unref(&shown->msg);
    return names;
}

void capture_names_taken(struct capture *c, uint64_t before)
{
    atomic_store_explicit(&c->names_taken, before, memory_order_relaxed);
}

void capture_get_state(struct capture *c, struct capture_state *ret)
{
    struct shown *shown = slot_get(c->shown);
    *ret = shown->state;
    message_unref(&shown->msg);
}

const struct meter *capture_meter(const struct capture *c)
{
    return c->meter;
}

uint64_t capture_drops(const struct capture *c, bool interface)
{
    return atomic_load_explicit(interface ? &c->interface_drops : &c->kernel_drops,
                                memory_order_relaxed);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void capture_packets(void *user, uint32_t link, const struct packet_frame *frames,
                            size_t count)
{
    struct capture *c = user;
    meter_packets(c->meter, link, frames, count);
}

/* False: it is over, for good or for bad. */
static bool input_read(struct input *in)
{
    struct capture *c = in->capture;
    char why[256] = "";
    int count = tap_read(in->source, BATCH, capture_packets, c, why, sizeof(why));
    c->changed |= count > 0;
    if (count >= 0)
        return true;
    in->over = true;
    if (count == -ENODATA) {
        c->state.done++;
        log_info("packet", "%s: read to its end in %.3f s", tap_name(in->source),
                 (double)(clock_mono_ns() - c->began_ns) / (double)NS_PER_S);
    } else {
        c->state.lost++;
        snprintf(c->state.why, sizeof(c->state.why), "%s", why);
        log_warning("packet", "%s No more is read from it", why);
    }
    c->changed = true;
    return false;
}

static void capture_poll(uv_poll_t *handle, int status, int events)
{
    struct input *in = handle->data;
    (void)events;
    in->down = status < 0;
    if (!input_read(in))
        uv_poll_stop(handle);
    else if (in->down)
        /* Reading has found that it is still there. libuv stops watching after an error. */
        uv_poll_start(handle, UV_READABLE, capture_poll);
    capture_publish(in->capture);
}

static void capture_idle(uv_idle_t *idle)
{
    struct capture *c = idle->data;
    bool more = false;
    for (size_t i = 0; i < c->state.sources; i++) {
        struct input *in = &c->input[i];
        if (tap_fd(in->source) < 0 && !in->over)
            more |= input_read(in);
    }
    if (!more) {
        meter_finish(c->meter);
        uv_idle_stop(idle);
    }
    capture_publish(c);
    if (!more)
        capture_show(c);
}

static void capture_timer(uv_timer_t *timer)
{
    struct capture *c = timer->data;
    bool live = false;
    for (size_t i = 0; i < c->state.sources; i++) {
        struct input *in = &c->input[i];
        live |= in->polled;
        if (in->down && !in->over && !input_read(in))
            uv_poll_stop(&in->poll);
    }
    if (live) {
        (void)meter_tidy_due(c->meter, clock_wall_ms() * NS_PER_MS);
        c->changed = true; /* what is silent goes */
    }
    capture_publish(c);
    if (c->changed && clock_mono_ns() - c->shown_ns >= SHOW_EVERY_MS * NS_PER_MS)
        capture_show(c);
}

static void capture_on_stop(struct loop *loop, void *user)
{
    struct capture *c = user;
    (void)loop;
    for (size_t i = 0; i < c->state.sources; i++) {
        if (c->input[i].polled)
            uv_close((uv_handle_t *)&c->input[i].poll, NULL);
    }
    uv_close((uv_handle_t *)&c->timer, NULL);
    uv_close((uv_handle_t *)&c->idle, NULL);
}

int capture_start(struct capture *c)
{
    CHECK(!c->running);
    int err = loop_init(&c->loop, "capture", capture_on_stop, c);
    if (err)
        return err;
    uv_timer_init(&c->loop.uv, &c->timer);
    uv_idle_init(&c->loop.uv, &c->idle);
    c->timer.data = c->idle.data = c;
    bool files = false;
    for (size_t i = 0; i < c->state.sources && !err; i++) {
        struct input *in = &c->input[i];
        int fd = tap_fd(in->source);
        files |= fd < 0;
        if (fd < 0)
            continue;
        err = uv_poll_init(&c->loop.uv, &in->poll, fd);
        if (err)
            break;
        in->polled = true;
        in->poll.data = in;
        err = uv_poll_start(&in->poll, UV_READABLE, capture_poll);
    }
    if (!err)
        err = uv_timer_start(&c->timer, capture_timer, TICK_MS, TICK_MS);
    if (!err && files)
        err = uv_idle_start(&c->idle, capture_idle);
    c->began_ns = clock_mono_ns();
    if (!err)
        err = loop_start(&c->loop);
    if (err)
        loop_fini(&c->loop);
    c->running = !err;
    return err;
}

void capture_stop(struct capture *c)
{
    if (!c->running)
        return;
    loop_stop(&c->loop);
    loop_join(&c->loop);
    c->running = false;
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct capture *capture_new(const struct meter_settings *settings)
{
    struct capture *c = mem_alloc(sizeof(*c));
    c->meter = meter_new(settings);
    c->shown = slot_new(shown_make(c), shown_ref, shown_unref);
    return c;
}

void capture_add(struct capture *c, struct tap *s)
{
    CHECK(!c->running && c->state.sources < CAPTURE_SOURCES_MAX);
    c->input[c->state.sources++] = (struct input){.capture = c, .source = s};
    slot_set(c->shown, shown_make(c));
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    CHECK(!c->running);
    for (size_t i = 0; i < c->state.sources; i++)
        tap_close(c->input[i].source);
    slot_free(c->shown);
    meter_free(c->meter);
    free(c);
}
