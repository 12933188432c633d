/*
 * net.c: what the connections of a loop share.
 *
 * Time-outs. Tens of thousands of connections wait for something, and nearly always it happens, so
 * starting and ending a wait must cost next to nothing. Each kind of wait has one duration, and so
 * one list in which the newest goes to the end: the list is ordered by deadline by itself, and a
 * coarse timer looks at the heads only. A wait ends late by one tick of that timer at most. With
 * nobody waiting the timer is off: an idle program does not wake up.
 */
#include "net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "net/net_internal.h"
#include "net/tls.h"

#define TICK_MAX_MS 250
#define TICK_MIN_MS 10

/* ---- waits ---- */

static uint64_t duration_ms(const struct net *net, enum wait_list list)
{
    switch (list) {
    case WAIT_HANDSHAKE:
        return net->limits.handshake_ms;
    case WAIT_KEEPALIVE:
        return net->limits.keepalive_ms;
    case WAIT_IDLE:
        return net->limits.idle_ms;
    case WAIT_TAKE:
        return net->limits.take_ms;
    case WAIT_LINGER:
        return net->limits.linger_ms;
    case WAIT_STALL:
        return net->limits.stall_ms;
    default:
        CHECK(list != WAIT_NONE && list != WAIT_LISTS);
        return 0;
    }
}

static void close_timer(struct net *net)
{
    if (!net->timer_closed)
        uv_close((uv_handle_t *)&net->timer, NULL);
    net->timer_closed = true;
}

static void on_tick(uv_timer_t *timer)
{
    struct net *net = timer->data;
    uint64_t now_ms = uv_now(net->loop);
    bool waiting = false;
    for (enum wait_list list = WAIT_NONE + 1; list < WAIT_LISTS; list++) {
        /* Whatever an expired wait starts anew ends later than now: this loop comes to an end. */
        while (!list_empty(&net->waits[list])) {
            struct wait *wait = LIST_ENTRY(net->waits[list].next, struct wait, node);
            if (wait->deadline_ms > now_ms) {
                waiting = true;
                break;
            }
            struct conn *conn = conn_of_wait(wait);
            wait_end(wait);
            conn_wait_expired(conn, list);
        }
    }
    if (net->stopping && now_ms >= net->stop_ms) {
        LIST_EACH(node, &net->conns)
        conn_abort(conn_of_node(node));
    } else if (!waiting && !net->stopping) {
        uv_timer_stop(&net->timer);
    }
}

static void run_timer(struct net *net)
{
    if (!net->timer_closed && !uv_is_active((uv_handle_t *)&net->timer))
        CHECK(uv_timer_start(&net->timer, on_tick, net->tick_ms, net->tick_ms) == 0);
}

void wait_init(struct wait *wait)
{
    list_init(&wait->node);
    wait->list = WAIT_NONE;
}

void wait_end(struct wait *wait)
{
    list_remove(&wait->node);
    wait->list = WAIT_NONE;
}

void wait_start(struct net *net, struct wait *wait, enum wait_list list)
{
    wait_end(wait);
    if (list == WAIT_NONE)
        return;
    wait->list = list;
    wait->deadline_ms = uv_now(net->loop) + MAX(duration_ms(net, list), 1);
    list_append(&net->waits[list], &wait->node);
    run_timer(net);
}

/* ---- limits ---- */

/* Whoever connects for others has no limit of his own: those others have. */
static bool is_counted(const struct net *net, const struct net_address *remote)
{
    return remote->family && !net_address_is_loopback(remote) &&
           !(net->exempt && net->exempt(net->exempt_user, remote));
}

bool net_count_address(struct net *net, const struct net_address *remote)
{
    if (!is_counted(net, remote) || admission_count(net->admission, remote))
        return true;
    net->counters.refused_address++;
    return false;
}

void net_uncount_address(struct net *net, const struct net_address *remote)
{
    if (is_counted(net, remote))
        admission_uncount(net->admission, remote);
}

bool net_admit(struct net *net, const struct net_address *remote)
{
    if (!admission_enter(net->admission)) {
        net->counters.refused_clients++;
        return false;
    }
    if (!net_count_address(net, remote)) {
        admission_leave(net->admission);
        return false;
    }
    net->counters.open++;
    return true;
}

void net_release(struct net *net, const struct net_address *remote)
{
    net->counters.open--;
    net_uncount_address(net, remote);
    admission_leave(net->admission);
}

/* ---- life ---- */

struct net *net_new(uv_loop_t *loop, const struct net_limits *limits)
{
    struct net *net = mem_alloc(sizeof(*net));
    net->loop = loop;
    net->limits = *limits;
    net->read_buffer = mem_alloc(READ_BUFFER_BYTES);
    list_init(&net->conns);
    for (size_t i = 0; i < WAIT_LISTS; i++)
        list_init(&net->waits[i]);
    net->admission = net->own_admission =
        admission_new(limits->max_clients, limits->max_clients_per_address);

    uint64_t shortest = TICK_MAX_MS * 4;
    for (enum wait_list list = WAIT_NONE + 1; list < WAIT_LISTS; list++)
        shortest = MIN(shortest, duration_ms(net, list));
    net->tick_ms = MAX(shortest / 4, TICK_MIN_MS);
    CHECK(uv_timer_init(loop, &net->timer) == 0);
    net->timer.data = net;
    return net;
}

void net_set_exempt(struct net *net, bool (*exempt)(void *user, const struct net_address *remote),
                    void *user)
{
    CHECK(net->counters.open == 0);
    net->exempt = exempt;
    net->exempt_user = user;
}

void net_set_refusal(struct net *net, const char *text)
{
    net->refusal = text;
}

void net_join(struct net *net, struct admission *admission)
{
    CHECK(!net->counters.open);
    net->admission = admission;
}

void net_set_tls(struct net *net, struct tls *tls, const char *plain_refusal)
{
    tls_unref(net->tls);
    net->tls = tls ? tls_ref(tls) : NULL;
    net->plain_refusal = plain_refusal;
}

void net_set_ring(struct net *net, struct ring *ring)
{
    net->ring = ring;
}

const struct net_counters *net_counters(const struct net *net)
{
    return &net->counters;
}

const struct net_limits *net_limits(const struct net *net)
{
    return &net->limits;
}

uv_loop_t *net_loop(const struct net *net)
{
    return net->loop;
}

void net_conn_gone(struct net *net)
{
    if (net->stopping && list_empty(&net->conns))
        close_timer(net);
}

void net_stop(struct net *net, uint32_t grace_ms)
{
    CHECK(!net->stopping);
    net->stopping = true;
    net->stop_ms = uv_now(net->loop) + grace_ms;
    LIST_EACH(node, &net->conns)
    {
        struct conn *conn = conn_of_node(node);
        if (!grace_ms)
            conn_abort(conn);
        else if (!conn_is_paused(conn))
            conn_close(conn);
    }
    if (list_empty(&net->conns))
        close_timer(net);
    else
        run_timer(net);
}

void net_free(struct net *net)
{
    CHECK(list_empty(&net->conns));
    admission_free(net->own_admission);
    tls_unref(net->tls);
    free(net->read_buffer);
    free(net);
}
