/*
 * courier.c: main's end. Each channel has a lane: a queue of notices, of which the first may be
 * with the courier. The courier reports what became of it; only then main lets go of it, and hands
 * over the next. So a courier that is killed takes nothing along: the one that the nurse starts
 * next says hello, and what was under way is handed over again (a receiver may see it twice). A
 * notice that three couriers died of is not tried again.
 *
 * What a channel could not deliver goes into its fallback's lane, and at the end of that chain to
 * `lost`. A full queue does not drop what comes: it becomes part of the last notice that waits,
 * with the newest state of each alert once. Memory is bounded by the queues, since main holds
 * references and the courier one notice for each channel.
 *
 * Core thread; courier_state alone reads atomics only.
 */
#include "alert/courier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/courier_internal.h"
#include "alert/courier_protocol.h"
#include "alert/packing.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/helper.h"

#define DEATHS_MOST 3
#define END_TIMEOUT_MS 700 /* the courier gives what is under way half a second */
#define LOOK_MS 5000       /* whether there is a courier */
#define ABSENT_MOST_MS 30000

/* ---- the process ----------------------------------------------------------------------------- */

static void courier_lay_out(struct courier *c, const struct channel_spec *const *channels)
{
    for (size_t i = 0; i < c->count; i++) {
        struct lane *lane = &c->lanes[i];
        list_init(&lane->queue);
        lane->spec = channels[i];
        lane->fallback = NO_LANE;
        for (size_t k = 0; k < c->count; k++) {
            bool meant = strcmp(channels[k]->name, lane->spec->fallback) == 0;
            if (meant && channel_is_courier(channels[k]))
                lane->fallback = k;
        }
        told_init(&lane->told);
    }
}

int courier_start(const struct channel_spec *const *channels, size_t count, struct courier **ret)
{
    size_t carried = 0, index;
    const char *key;
    char why[160];
    for (size_t i = 0; i < count; i++)
        carried += channel_is_courier(channels[i]);
    *ret = NULL;
    if (!carried)
        return 0;
    if (channel_check_all(channels, count, &index, &key, why, sizeof(why)) < 0)
        return -EINVAL;
    struct courier *c = mem_alloc(sizeof(*c));
    c->lanes = mem_array(count, sizeof(*c->lanes));
    c->count = count;
    c->next_id = 1;
    c->wait_status = HELPER_STATUS_UNKNOWN;
    courier_lay_out(c, channels);
    c->pulse =
        mmap(NULL, sizeof(*c->pulse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int err = c->pulse == MAP_FAILED ? -errno : 0;
    if (!err) {
        struct courier_process p = {channels, count, c->pulse};
        err = helper_fork(courier_run, &p, &c->fd, &c->nurse);
    }
    if (err) {
        if (c->pulse != MAP_FAILED)
            munmap(c->pulse, sizeof(*c->pulse));
        free(c->lanes);
        free(c);
        return err;
    }
    *ret = c;
    return 0;
}

void courier_state(const struct courier *c, struct courier_state *ret)
{
    *ret = (struct courier_state){0};
    if (!c) {
        snprintf(ret->text, sizeof(ret->text), "off: no channel needs it");
        return;
    }
    uint32_t pid = atomic_load(&c->pulse->pid);
    int32_t killed_by = atomic_load(&c->pulse->signal);
    ret->restarts = atomic_load(&c->pulse->restarts);
    if (atomic_load(&c->gone)) {
        helper_describe_end(c->wait_status, ret->text, sizeof(ret->text));
    } else if (!pid) {
        snprintf(ret->text, sizeof(ret->text), "off: it is started again (signal %d ended it)",
                 killed_by);
    } else {
        ret->alive = true;
        snprintf(ret->text, sizeof(ret->text), "running, pid %u%s%s", pid,
                 c->confined[0] ? ", confined: " : "", c->confined);
    }
}

/* Its child, too, where main is the first process of a container and inherits it. */
static bool courier_reap(struct courier *c)
{
    uint32_t child = atomic_load(&c->pulse->pid);
    if (!c->reaped) {
        pid_t pid = waitpid(c->nurse, &c->wait_status, WNOHANG);
        c->reaped = pid != 0;
        if (pid < 0) /* somebody else has had it */
            c->wait_status = HELPER_STATUS_UNKNOWN;
    }
    if (c->reaped && (pid_t)child > 0) /* the courier writes it: -1 would be any child */
        waitpid((pid_t)child, NULL, WNOHANG);
    return c->reaped;
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void courier_watch(struct courier *c);

static void courier_lose(struct courier *c)
{
    if (atomic_exchange(&c->gone, true))
        return;
    log_error("alert", "the courier has ended: nothing but the log and the stream tells of alerts");
    c->epoch = 0;
    c->out.lane = NULL;
    buf_clear(&c->out.packed);
    courier_watch(c);
    for (size_t i = 0; i < c->count; i++) {
        while (!list_empty(&c->lanes[i].queue))
            lane_return(c, &c->lanes[i], "the courier has ended");
    }
    if (c->ops)
        c->ops->changed(c->user);
}

/* A courier ended while it had this one. */
static bool is_suspect(struct lane *lane)
{
    return !list_empty(&lane->queue) && lane_first(lane)->deaths;
}

/* The next lane whose turn it is, so that a busy one does not keep others waiting. Of those that a
 * courier may have ended for one goes at a time: the innocent are not to go down with the guilty.
 */
static struct lane *courier_next(struct courier *c)
{
    bool suspect_out = false;
    for (size_t i = 0; i < c->count; i++)
        suspect_out |= c->lanes[i].under_way && is_suspect(&c->lanes[i]);
    for (size_t i = 0; i < c->count; i++) {
        struct lane *lane = &c->lanes[(c->turn + i) % c->count];
        if (!lane->under_way && !list_empty(&lane->queue) && !(suspect_out && is_suspect(lane))) {
            c->turn = (c->turn + i + 1) % c->count;
            return lane;
        }
    }
    return NULL;
}

static bool courier_load(struct courier *c)
{
    struct lane *lane = courier_next(c);
    if (!lane)
        return false;
    struct errand *e = lane_first(lane);
    CLEANUP(told_release) struct notice *full = told_complete(&lane->told, lane->spec, e->notice);
    packing_put(full, &c->out.packed);
    CHECK(buf_ok(&c->out.packed) && c->out.packed.len <= PACKING_MAX);
    c->out.lane = lane;
    c->out.part = (struct courier_part){
        .epoch = c->epoch,
        .channel = (uint32_t)(lane - c->lanes),
        .id = e->id,
        .renewal = e->renewal,
        .only_once = lane->failing,
        .total = (uint32_t)c->out.packed.len,
    };
    lane->under_way = true;
    return true;
}

/* 0: all that could be sent was, or the socket is full. */
static void courier_pump(struct courier *c)
{
    while (c->epoch && (c->out.lane || courier_load(c))) {
        struct courier_part *part = &c->out.part;
        size_t len = MIN((size_t)(part->total - part->offset), (size_t)COURIER_PART_MAX);
        struct iovec pieces[] = {{part, sizeof(*part)}, {c->out.packed.data + part->offset, len}};
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = ARRAY_LEN(pieces)};
        ssize_t sent = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
            break;
        if (sent < 0) {
            courier_lose(c);
            return;
        }
        part->offset += (uint32_t)len;
        if (part->offset == part->total) {
            buf_clear(&c->out.packed);
            c->out.lane = NULL;
        }
    }
    courier_watch(c);
}

/* Another one than before: what that one had is handed over again. */
static void courier_greeted(struct courier *c, const struct courier_report *hello)
{
    c->epoch = hello->epoch;
    memcpy(c->confined, hello->why, sizeof(c->confined));
    c->out.lane = NULL;
    buf_clear(&c->out.packed);
    for (size_t i = 0; i < c->count; i++) {
        struct lane *lane = &c->lanes[i];
        if (!lane->under_way)
            continue;
        lane->under_way = false;
        lane->retried++;
        if (++lane_first(lane)->deaths >= DEATHS_MOST)
            lane_fail(c, lane, "the courier was killed three times while it had this notice");
    }
}

static void courier_reported(struct courier *c, const struct courier_report *r)
{
    struct lane *lane = &c->lanes[r->channel];
    struct errand *e = lane_first(lane);
    switch (r->say) {
    case COURIER_AGAIN:
        lane->retried++;
        lane_note(lane, r->why);
        break;
    case COURIER_DELIVERED:
        if (!e->renewal)
            lane->sent++;
        lane->failing = false;
        lane_note(lane, "");
        told_note(&lane->told, lane->spec, e->notice);
        lane_pass(c, lane);
        break;
    default:
        lane_fail(c, lane, r->why);
        break;
    }
}

static bool is_valid(const struct courier *c, const struct courier_report *r, ssize_t len)
{
    if (len != (ssize_t)sizeof(*r) || r->say >= COURIER_SAYS || !r->epoch ||
        !memchr(r->why, '\0', sizeof(r->why)))
        return false;
    if (r->say == COURIER_HELLO)
        return true;
    if (r->epoch != c->epoch || r->channel >= c->count)
        return false;
    struct lane *lane = &c->lanes[r->channel];
    return lane->under_way && lane_first(lane)->id == r->id;
}

/* True: there was one. */
static bool courier_receive(struct courier *c)
{
    struct courier_report r;
    ssize_t len = recv(c->fd, &r, sizeof(r), MSG_DONTWAIT | MSG_TRUNC);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (len <= 0) {
        courier_lose(c);
        return false;
    }
    if (!is_valid(c, &r, len)) {
        log_error("alert", "the courier breaks the protocol and is cut off");
        shutdown(c->fd, SHUT_RDWR); /* both ends of it: courier and nurse leave */
        courier_lose(c);
        return false;
    }
    if (r.say == COURIER_HELLO)
        courier_greeted(c, &r);
    else
        courier_reported(c, &r);
    return !atomic_load(&c->gone);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void courier_ready(uv_poll_t *poll, int status, int events)
{
    struct courier *c = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < 256 && courier_receive(c); i++)
        continue;
    if (!atomic_load(&c->gone)) {
        courier_pump(c);
        if (c->ops)
            c->ops->changed(c->user);
    }
}

static void courier_watch(struct courier *c)
{
    if (!c->attached)
        return;
    int events = UV_READABLE | (c->epoch && c->out.lane ? UV_WRITABLE : 0);
    if (atomic_load(&c->gone))
        uv_poll_stop(&c->poll);
    else if (events != c->events)
        uv_poll_start(&c->poll, events, courier_ready);
    c->events = events;
}

/* When nobody has been there for long, its killer is quicker than the nurse: people are not to wait
 * for that. */
static void courier_look(uv_timer_t *timer)
{
    struct courier *c = timer->data;
    if (atomic_load(&c->gone))
        courier_reap(c);
    if (atomic_load(&c->gone) || atomic_load(&c->pulse->pid)) {
        c->absent_ns = 0;
        return;
    }
    int64_t now_ns = clock_mono_ns();
    if (!c->absent_ns)
        c->absent_ns = now_ns;
    if (now_ns - c->absent_ns < ABSENT_MOST_MS * NS_PER_MS)
        return;
    c->epoch = 0;
    for (size_t i = 0; i < c->count; i++) {
        /* Not the fallbacks' lanes: nothing is carried at all. */
        while (!list_empty(&c->lanes[i].queue))
            lane_return(c, &c->lanes[i], "no courier has been there for 30 s");
    }
    c->ops->changed(c->user);
}

/* Each Alertmanager hears of what is firing before it forgets. */
static void courier_renew(uv_timer_t *timer)
{
    struct courier *c = timer->data;
    for (size_t i = 0; i < c->count && !atomic_load(&c->gone); i++) {
        struct lane *lane = &c->lanes[i];
        for (size_t at = 0; list_empty(&lane->queue) || at;) {
            struct notice *n = told_renewal(&lane->told, &at, c->ops->is_active, c->user);
            if (!n)
                break;
            lane_add(c, lane, n, i, true);
            notice_unref(n);
        }
    }
    if (!atomic_load(&c->gone))
        courier_pump(c);
}

int courier_attach(struct courier *c, uv_loop_t *uv, const struct courier_ops *ops, void *user)
{
    int err = uv_poll_init(uv, &c->poll, c->fd);
    if (err)
        return err;
    uv_timer_init(uv, &c->renewing);
    uv_timer_init(uv, &c->looking);
    c->poll.data = c->renewing.data = c->looking.data = c;
    c->ops = ops;
    c->user = user;
    c->attached = true;
    uv_timer_start(&c->renewing, courier_renew, TOLD_AGAIN_MS, TOLD_AGAIN_MS);
    uv_timer_start(&c->looking, courier_look, LOOK_MS, LOOK_MS);
    courier_watch(c);
    return 0;
}

void courier_detach(struct courier *c)
{
    if (!c || !c->attached)
        return;
    c->attached = false;
    c->ops = NULL;
    uv_close((uv_handle_t *)&c->poll, NULL);
    uv_close((uv_handle_t *)&c->renewing, NULL);
    uv_close((uv_handle_t *)&c->looking, NULL);
}

/* ---- what callers do ------------------------------------------------------------------------- */

void courier_send(struct courier *c, size_t channel, struct notice *n)
{
    CHECK(channel < c->count && channel_is_courier(c->lanes[channel].spec));
    struct lane *lane = &c->lanes[channel];
    CLEANUP(told_release) struct notice *meant = told_select(lane->spec, n);
    if (!meant)
        return;
    lane_add(c, lane, meant, channel, false);
    if (atomic_load(&c->gone))
        lane_return(c, lane, "the courier has ended");
    else
        courier_pump(c);
}

void courier_recall(struct courier *c, size_t channel, struct alert *a)
{
    CHECK(channel < c->count);
    told_recall(&c->lanes[channel].told, c->lanes[channel].spec, a);
}

void courier_status(const struct courier *c, size_t channel, struct channel_status *ret)
{
    CHECK(channel < c->count);
    const struct lane *lane = &c->lanes[channel];
    const struct channel_spec *spec = lane->spec;
    snprintf(ret->name, sizeof(ret->name), "%s", spec->name);
    snprintf(ret->type, sizeof(ret->type), "%s", channel_type_name(spec->type));
    snprintf(ret->fallback, sizeof(ret->fallback), "%s",
             spec->fallback[0] ? spec->fallback : "log");
    channel_target(spec, ret->target, sizeof(ret->target));
    ret->sent = lane->sent;
    ret->failed = lane->failed;
    ret->retried = lane->retried;
    ret->fell_back = lane->fell_back;
    ret->dropped = lane->dropped;
    ret->merged = lane->merged;
    ret->queued = lane->queued;
    ret->last_ms = lane->last_ms;
    snprintf(ret->last_error, sizeof(ret->last_error), "%s", lane->last_error);
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool courier_await(struct courier *c, int64_t deadline_ns)
{
    while (!courier_reap(c)) {
        if (clock_mono_ns() >= deadline_ns)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

void courier_stop(struct courier *c)
{
    if (!c)
        return;
    courier_detach(c);
    int64_t deadline_ns = clock_mono_ns() + END_TIMEOUT_MS * NS_PER_MS;
    shutdown(c->fd, SHUT_WR);
    while (!atomic_load(&c->gone) && clock_mono_ns() < deadline_ns) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        poll(&p, 1, (int)((deadline_ns - clock_mono_ns()) / NS_PER_MS) + 1);
        bool any = true;
        while (any && !atomic_load(&c->gone)) {
            struct courier_report r;
            ssize_t len = recv(c->fd, &r, sizeof(r), MSG_DONTWAIT | MSG_TRUNC);
            any = len > 0 && is_valid(c, &r, len);
            if (any && r.say != COURIER_HELLO)
                courier_reported(c, &r);
            else if (len == 0)
                atomic_store(&c->gone, true);
        }
    }
    close(c->fd);
    if (!courier_await(c, deadline_ns)) {
        kill(c->nurse,
             SIGKILL); /* and its child ends with it; where that is not allowed, with main */
        courier_await(c, clock_mono_ns() + NS_PER_S / 10);
    }
    for (size_t i = 0; i < c->count; i++) {
        struct lane *lane = &c->lanes[i];
        while (!list_empty(&lane->queue)) {
            struct errand *e = lane_first(lane);
            if (!e->renewal)
                lane_bury(c, e->origin, e->notice);
            errand_free(e);
        }
        told_fini(&lane->told);
    }
    if (c->undelivered)
        log_warning("alert", "%llu notices were not delivered before the end",
                    (unsigned long long)c->undelivered);
    buf_fini(&c->out.packed);
    munmap(c->pulse, sizeof(*c->pulse));
    free(c->lanes);
    free(c);
}
