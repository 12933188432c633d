/*
 * census.c: the life of a census and of a round, and what engines tell of processes; sockets are in
 * sockets.c.
 *
 *   book      sockets, by cookie or addresses           people    processes, by pid and start
 *   ledger    bytes by (process, unit); the wire        owners    inode to process, by /proc
 *   news      events and losses of the round            peers     names of addresses
 *
 * census_end puts the round together in this order: owners of sockets that have none yet; bytes to
 * their owners, directions and events; who has ended; the wire; tables. Nothing is kept of a round
 * but what is in these parts, and a result shares nothing with them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/census/internal.h"

#define USERS_EVERY 16 /* rounds between two looks whether the users have changed */
#define COUNTED_ROUNDS 3
#define ROUND_TRIPS_ROUNDS 10

static uint64_t own_netns(const char *proc_root)
{
    struct stat st;
    char *path = mem_printf("%s/self/ns/net", proc_root);
    uint64_t inode = stat(path, &st) == 0 ? st.st_ino : 0;
    free(path);
    return inode;
}

struct census *census_new(const struct census_settings *settings)
{
    struct census *c = mem_alloc(sizeof(*c));
    uint64_t seed = lookup_seed();
    c->settings = *settings;
    c->next_id = 1;
    c->own_netns = own_netns(settings->proc_root);
    c->born = lookup_seed() >> 16 | 1;
    c->book = book_new(settings->sockets_max, seed);
    c->ledger = ledger_new(settings->process_series_max, settings->processes_max, seed);
    c->people = people_new(&c->settings, c->ledger, seed);
    c->users = users_new(settings->users_file ? settings->users_file : "/etc/passwd");
    c->owners = owners_new(&c->settings);
    c->news = news_new();
    c->peers = peers_new();
    return c;
}

void census_free(struct census *c)
{
    if (!c)
        return;
    sockets_forget_names(c);
    book_free(c->book);
    people_free(c->people);
    ledger_free(c->ledger);
    users_free(c->users);
    owners_free(c->owners);
    news_free(c->news);
    peers_free(c->peers);
    lookup_fini(&c->ports);
    free(c);
}

void census_begin(struct census *c, int64_t now_ms, int64_t mono_ns)
{
    c->before_ms = c->now_ms;
    c->before_ns = c->mono_ns;
    c->now_ms = now_ms;
    c->mono_ns = mono_ns;
    c->round++;
    c->count_sockets = false;
    c->make_events = true;
    c->await_ends = false;
    c->refused_before = c->refused != 0;
    c->refused = 0;
    memset(c->tcp_refused, 0, sizeof(c->tcp_refused));
    c->rtt_now = (struct durations){0};
    for (size_t i = 0; i < c->methods_count; i++) {
        c->methods[i].completed_before = c->methods[i].completed;
        c->methods[i].shown = 0;
    }
    for (uint32_t i = 0; i < people_top(c->people); i++) {
        struct person *one = people_at(c->people, i);
        if (one)
            one->rx_now = one->tx_now = one->rtt_sum_us = one->rtt_count = 0;
    }
    if (c->round % USERS_EVERY == 0)
        users_refresh(c->users);
}

/* ---- what engines tell --------------------------------------------------------------------- */

static void counted_by(struct census *c, const char *method)
{
    c->counted_by = method;
    c->counted_round = c->round;
}

void census_traffic(struct census *c, const struct process_seen *process,
                    const struct traffic *increment, const char *method)
{
    const struct amounts bytes = {
        .rx = increment->rx_bytes,
        .tx = increment->tx_bytes,
        .local = MIN(increment->local_bytes, increment->rx_bytes + increment->tx_bytes),
    };
    counted_by(c, method);
    uint32_t person = people_get(c->people, process, c->now_ms, &c->next_id);
    if (person != NOBODY) {
        people_count(c->people, person, &bytes, method);
        return;
    }
    census_lost(c, 1, "processes");
    ledger_count(c->ledger, LEDGER_OTHER, &bytes);
    ledger_fold(c->ledger, LEDGER_OTHER, &bytes, method, &c->next_id);
}

void census_traffic_complete(struct census *c, const char *method)
{
    counted_by(c, method);
    c->traffic_round = c->round;
}

void census_process_ended(struct census *c, const struct process_seen *process, int64_t t_ms)
{
    people_ended(c->people, process, t_ms);
}

void census_count_sockets(struct census *c, bool on)
{
    c->count_sockets = on;
    if (on)
        counted_by(c, "sock_diag");
}

void census_make_events(struct census *c, bool on)
{
    c->make_events = on;
}

void census_await_ends(struct census *c)
{
    c->await_ends = true;
}

void census_round_trip(struct census *c, int64_t rtt_ns)
{
    durations_record(&c->rtt, rtt_ns);
    c->round_trips_round = c->round;
}

void census_connect_time(struct census *c, int64_t connect_ns)
{
    durations_record(&c->connect, connect_ns);
}

void census_wire(struct census *c, uint64_t rx_bytes, uint64_t tx_bytes)
{
    ledger_wire(c->ledger, rx_bytes, tx_bytes);
}

void census_event(struct census *c, struct event *e)
{
    news_event(c->news, e);
}

void census_lost(struct census *c, uint64_t count, const char *what)
{
    c->lost += count;
    news_lost(c->news, count, what);
}

void census_peer_name(struct census *c, const struct endpoint *address, const char *name,
                      uint32_t ttl_s)
{
    if (!c->settings.nameless)
        peers_learn(c->peers, address, name, ttl_s, c->mono_ns);
}

/* ---- the end of a round -------------------------------------------------------------------- */

struct message *census_end(struct census *c)
{
    owners_round(c->owners, c);
    sockets_settle(c);
    people_round(c->people, c->now_ms, &c->next_id);
    ledger_settle(c->ledger);
    if (c->refused)
        census_lost(c, c->refused, "sockets");
    if (c->counted_by && c->round - c->counted_round > COUNTED_ROUNDS)
        c->counted_by = NULL;
    /* Measured one by one is better than once a round; both would count twice. */
    if (!c->round_trips_round || c->round - c->round_trips_round > ROUND_TRIPS_ROUNDS)
        durations_add(&c->rtt, &c->rtt_now);
    return result_make(c);
}
