/*
 * test_storm.c: the hub as it really runs: a core thread that publishes, two loop threads with
 * their stations, clients that come, ask, read a little and go. Meant to be run under
 * ThreadSanitizer; without it, it still shows that nothing is left behind.
 */
#include "maker.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaints.h"
#include "base/mem.h"
#include "hub/hub.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "net/conn.h"

#define PATIENCE_NS (60 * NS_PER_S)
#define SERVERS 2

/* ---- the core thread --------------------------------------------------------------------- */

struct core {
    struct loop loop;
    struct hub *hub;
    struct maker maker;
    uv_timer_t timer;
    unsigned turn;
    atomic_size_t feeds;
    atomic_uint ticks;
};

static void core_tick(uv_timer_t *timer)
{
    struct core *core = timer->data;
    struct maker *m = &core->maker;
    unsigned turn = core->turn++;
    struct tick *t;
    maker_begin(m);
    m->absolute += 1000;
    for (unsigned i = 0; i < 50 + turn % 20; i++) { /* series come now and then */
        char device[16];
        snprintf(device, sizeof(device), "eth%u", i);
        draft_counter(m->draft, maker_series(m, &maker_bytes, device), m->absolute, 1);
    }
    if (turn % 3 == 0)
        draft_table(m->draft, maker_table(1, 1 + turn % 30, turn % 7));
    if (turn % 5 == 0)
        maker_event(m, "eth0");
    t = maker_end(m);
    if (turn % 50 == 0)
        registry_sweep(m->registry, m->t_ms - 5000);
    hub_publish(core->hub, t);
    tick_unref(t);
    struct hub_stats stats;
    hub_stats(core->hub, &stats);
    atomic_store(&core->feeds, stats.feeds);
    atomic_fetch_add(&core->ticks, 1);
}

static void core_on_stop(struct loop *loop, void *user)
{
    struct core *core = user;
    (void)loop;
    uv_close((uv_handle_t *)&core->timer, NULL);
    hub_close(core->hub);
}

/* ---- a loop thread ----------------------------------------------------------------------- */

struct server {
    struct loop loop;
    struct net *net;
    struct station *station;
    struct mailbox *door; /* struct arrival */
    uv_timer_t timer;
    atomic_uint viewers;
};

struct arrival {
    int fd;
    const char *subscribe;
    struct viewer_terms terms;
};

static void server_receive(void *item, void *user)
{
    struct server *s = user;
    struct arrival *a = item;
    struct conn *conn = conn_new(s->net, a->fd);
    if (conn)
        station_open(s->station, conn, a->subscribe, a->terms);
    free(a);
}

static void server_drop(void *item)
{
    struct arrival *a = item;
    close(a->fd);
    free(a);
}

static const struct mailbox_ops server_ops = {server_receive, server_drop};

static void server_count(uv_timer_t *timer)
{
    struct server *s = timer->data;
    struct station_stats stats;
    station_stats(s->station, &stats);
    atomic_store(&s->viewers, (unsigned)stats.viewers);
}

static void server_on_stop(struct loop *loop, void *user)
{
    struct server *s = user;
    (void)loop;
    mailbox_close(s->door);
    station_close(s->station);
    net_stop(s->net, 50);
    uv_close((uv_handle_t *)&s->timer, NULL);
}

/* ---- all of it --------------------------------------------------------------------------- */

struct world {
    struct complaints *complaints;
    struct core core;
    struct server servers[SERVERS];
};

static struct world *world_new(void)
{
    struct world *w = mem_alloc(sizeof(*w));
    assert_int_equal(loop_init(&w->core.loop, "core", core_on_stop, &w->core), 0);
    w->complaints = complaints_new();
    struct hub_settings settings = {.version = "1",
                                    .limits = HUB_LIMITS_DEFAULT,
                                    .host = "test",
                                    .interval_ms = 1000,
                                    .client_queue_bytes = 65536,
                                    .heartbeat_ms = 40,
                                    .ring_ticks = 30,
                                    .ring_bytes = 16U << 20,
                                    .performance_interval_ms = 5,
                                    .complaints = w->complaints};
    w->core.hub = hub_new(&settings, &w->core.loop.uv);
    assert_non_null(w->core.hub);
    w->core.maker = maker_new(1000);
    uv_timer_init(&w->core.loop.uv, &w->core.timer);
    w->core.timer.data = &w->core;
    uv_timer_start(&w->core.timer, core_tick, 1, 1);
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.linger_ms = 50;
    for (size_t i = 0; i < SERVERS; i++) {
        struct server *s = &w->servers[i];
        assert_int_equal(loop_init(&s->loop, "hub", server_on_stop, s), 0);
        s->net = net_new(&s->loop.uv, &limits);
        assert_non_null(s->station = hub_add_station(w->core.hub, &s->loop.uv));
        assert_non_null(s->door = mailbox_new(&s->loop.uv, 1024, &server_ops, s));
        uv_timer_init(&s->loop.uv, &s->timer);
        s->timer.data = s;
        uv_timer_start(&s->timer, server_count, 1, 1);
    }
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(loop_start(&w->servers[i].loop), 0);
    assert_int_equal(loop_start(&w->core.loop), 0);
    return w;
}

static void world_free(struct world *w, bool core_first)
{
    if (core_first) {
        loop_stop(&w->core.loop);
        loop_join(&w->core.loop);
    }
    for (size_t i = 0; i < SERVERS; i++)
        loop_stop(&w->servers[i].loop);
    for (size_t i = 0; i < SERVERS; i++)
        loop_join(&w->servers[i].loop);
    if (!core_first) {
        loop_stop(&w->core.loop);
        loop_join(&w->core.loop);
    }
    for (size_t i = 0; i < SERVERS; i++) {
        mailbox_free(w->servers[i].door);
        net_free(w->servers[i].net);
    }
    hub_free(w->core.hub);
    maker_free(&w->core.maker);
    complaints_free(w->complaints);
    free(w);
}

/* ---- clients ----------------------------------------------------------------------------- */

static unsigned dice(uint64_t *seed, unsigned sides)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % sides;
}

static int arrive(struct world *w, uint64_t *seed)
{
    static const char *const subscribe[] = {NULL, "metrics", "metrics,events", "interfaces",
                                            "performance,metrics"};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    struct arrival *a = mem_alloc(sizeof(*a));
    *a = (struct arrival){pair[0],
                          subscribe[dice(seed, ARRAY_LEN(subscribe))],
                          {.admin = dice(seed, 2), .deflate = dice(seed, 2)}};
    if (mailbox_post(w->servers[dice(seed, SERVERS)].door, a) < 0)
        server_drop(a);
    return pair[1];
}

static void act(int fd, uint64_t *seed)
{
    static const char *const texts[] = {
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\"}",
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"interval_ms\":5000}",
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"metric\":\"n*\",\"since\":150}",
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"interfaces\"}",
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"events\",\"since\":2}",
        "{\"op\":\"unsubscribe\",\"id\":1,\"channel\":\"metrics\"}",
        "{\"op\":\"unsubscribe\",\"id\":1,\"channel\":\"interfaces\"}",
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"performance\"}",
        "{\"op\":\"unsubscribe\",\"id\":1,\"channel\":\"performance\"}",
        "{\"op\":\"ack\",\"seq\":200}",
        "{\"op\":\"ping\",\"id\":1}",
    };
    static const uint8_t mask[4] = {1, 2, 3, 4};
    char read_here[65536];
    struct buf b = BUF_INIT;
    if (dice(seed, 2)) {
        ssize_t n = recv(fd, read_here, dice(seed, sizeof(read_here)), MSG_DONTWAIT);
        (void)n; /* whatever there is; nothing is as good */
        return;
    }
    const char *text = texts[dice(seed, ARRAY_LEN(texts))];
    ws_client_frame(&b, true, WS_TEXT, mask, text, strlen(text));
    ssize_t n = send(fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n; /* a part of a frame is a client's way to misbehave, too */
    buf_fini(&b);
}

static void wait_for_ticks(struct world *w, unsigned count)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    unsigned ticks = atomic_load(&w->core.ticks);
    while (atomic_load(&w->core.ticks) - ticks < count && clock_mono_ns() < until_ns)
        sched_yield();
}

static void storm(struct world *w, int *fds, size_t count, unsigned steps, uint64_t seed)
{
    for (unsigned i = 0; i < steps; i++) {
        int *fd = &fds[dice(&seed, (unsigned)count)];
        if (*fd < 0) {
            *fd = arrive(w, &seed);
        } else if (dice(&seed, 10) == 0) {
            close(*fd);
            *fd = -1;
        } else {
            act(*fd, &seed);
        }
        if (i % 40 == 0)
            wait_for_ticks(w, 1); /* or it would be over before the others have woken up */
    }
}

static void wait_until_empty(struct world *w)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    for (;;) {
        unsigned viewers = 0;
        wait_for_ticks(w, 3); /* the counts are those of before, by a tick at most */
        for (size_t i = 0; i < SERVERS; i++)
            viewers += atomic_load(&w->servers[i].viewers);
        if (viewers == 0 && atomic_load(&w->core.feeds) == 0)
            return;
        if (clock_mono_ns() > until_ns)
            fail_msg("%u viewers and %zu feeds are left", viewers, atomic_load(&w->core.feeds));
    }
}

static void test_nothing_left(void **state)
{
    struct world *w = world_new();
    int fds[40];
    (void)state;
    memset(fds, 0xff, sizeof(fds));
    for (uint64_t seed = 1; seed <= 3; seed++) {
        storm(w, fds, ARRAY_LEN(fds), 4000, seed);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
            if (fds[i] >= 0)
                close(fds[i]);
            fds[i] = -1;
        }
        wait_until_empty(w);
    }
    world_free(w, false);
}

static void test_stop_any_time(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct world *w = world_new();
        int fds[20];
        memset(fds, 0xff, sizeof(fds));
        storm(w, fds, ARRAY_LEN(fds), 800, seed);
        world_free(w, seed % 2);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
            if (fds[i] >= 0)
                close(fds[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_left),
        cmocka_unit_test(test_stop_any_time),
    };
    return cmocka_run_group_tests_name("hub/storm", tests, NULL, NULL);
}
