/*
 * result.c: the tables and numbers of a round, frozen.
 *
 * The connections are the larger part: some ten thousand rows a second. Their words are literals,
 * the names of processes are copied once for each group and shared by the rows, and only addresses
 * are written for each.
 */
#include "collect/census/result.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/census/endpoint.h"
#include "collect/census/internal.h"

/* ---- durations ----------------------------------------------------------------------------- */

static const int64_t bounds_ns[DURATION_BUCKETS] = {
    100000,   250000,    500000,    1000000,   2500000,    5000000,    10000000, 25000000,
    50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, INT64_MAX};

const char *const durations_bounds[DURATION_BUCKETS] = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
    "0.05",   "0.1",     "0.25",   "0.5",   "1",      "2.5",   "+Inf"};

void durations_record(struct durations *s, int64_t ns)
{
    size_t i = 0;
    ns = MAX(ns, INT64_C(0));
    while (ns > bounds_ns[i])
        i++;
    s->buckets[i]++;
    s->count++;
    s->sum_ns += (uint64_t)ns;
}

void durations_add(struct durations *to, const struct durations *from)
{
    for (size_t i = 0; i < DURATION_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
    to->count += from->count;
    to->sum_ns += from->sum_ns;
}

/* ---- tables -------------------------------------------------------------------------------- */

/* Names of a group within one table, copied when a row first needs them. */
struct shared_names {
    const char *process, *unit;
};

static void cell_group(struct census *c, struct table *t, struct shared_names *names,
                       uint32_t number, struct cell *process, struct cell *unit)
{
    const struct group *group = ledger_group(c->ledger, number);
    struct shared_names *shared = &names[number];
    if (!shared->process) {
        shared->process = table_keep(t, group->process);
        shared->unit = group->unit[0] ? table_keep(t, group->unit) : NULL;
    }
    cell_literal(process, shared->process);
    if (shared->unit)
        cell_literal(unit, shared->unit);
}

static void row_end(struct table *t, struct cell *cell, const struct entry *e, bool remote)
{
    char text[ENDPOINT_BYTES];
    size_t len = endpoint_write(text, e->family, remote ? e->remote : e->local,
                                remote ? e->remote_port : e->local_port);
    cell_ascii(t, cell, text, len);
}

static void row_connection(struct census *c, struct table *t, struct shared_names *names,
                           const struct entry *e)
{
    struct cell *row = table_row(t, e->id);
    cell_literal(&row[CONN_PROTOCOL], protocol_name(e->protocol));
    row_end(t, &row[CONN_LOCAL], e, false);
    if (e->remote_port || !address_is_any(e->remote))
        row_end(t, &row[CONN_REMOTE], e, true);
    cell_literal(&row[CONN_STATE], socket_state_name(e->state));
    if (socket_direction_name(e->direction))
        cell_literal(&row[CONN_DIRECTION], socket_direction_name(e->direction));
    if (entry_owner(c, e) != NOBODY) {
        const struct person *owner = people_at(c->people, e->owner);
        if (!pid_is_elsewhere(owner->pid))
            cell_uint(&row[CONN_PID], owner->pid);
        cell_group(c, t, names, owner->group, &row[CONN_PROCESS], &row[CONN_UNIT]);
    }
    bool measured = entry_is_measured(c, e);
    if (e->flags & ENTRY_BYTES && measured) {
        bool now = e->bytes_ns == c->mono_ns;
        cell_uint(&row[CONN_RX_BYTES], e->rx_bytes);
        cell_uint(&row[CONN_TX_BYTES], e->tx_bytes);
        cell_real(&row[CONN_RX_RATE], now ? (double)e->rx_rate : NAN);
        cell_real(&row[CONN_TX_RATE], now ? (double)e->tx_rate : NAN);
    }
    if (e->flags & ENTRY_QUALITY && measured) {
        if (e->rtt_us)
            cell_real(&row[CONN_RTT_MS], (double)e->rtt_us / 1000);
        cell_uint(&row[CONN_RETRANSMITS], e->retransmits);
    }
    cell_uint(&row[CONN_OPENED], (uint64_t)MAX(e->opened_ms, INT64_C(0)));
    cell_literal(&row[CONN_METHOD], entry_method(c, e));
    if (e->remote_name)
        cell_text(t, &row[CONN_REMOTE_NAME], peer_name_text(e->remote_name));
}

static struct table *connections_table(struct census *c, struct census_result *r)
{
    struct table *t = table_new(TABLE_CONNECTIONS, book_count(c->book));
    struct shared_names *names = mem_array(ledger_groups(c->ledger), sizeof(*names));
    memcpy(r->tcp, c->tcp_refused, sizeof(r->tcp));
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        const struct entry *e = book_at(c->book, i);
        if (!e || !(e->flags & ENTRY_SHOWN) || e->flags & (ENTRY_GONE | ENTRY_MISSED))
            continue;
        row_connection(c, t, names, e);
        if (e->protocol == IPPROTO_TCP)
            r->tcp[e->state]++;
        r->has_quality |= (e->flags & ENTRY_QUALITY) != 0;
    }
    free(names);
    return t;
}

static void row_amounts(struct cell *row, const struct amounts *all, double rx_rate, double tx_rate)
{
    cell_uint(&row[PROC_RX_BYTES], all->rx);
    cell_uint(&row[PROC_TX_BYTES], all->tx);
    cell_uint(&row[PROC_LOCAL_BYTES], all->local);
    cell_real(&row[PROC_RX_RATE], rx_rate);
    cell_real(&row[PROC_TX_RATE], tx_rate);
}

/* Rates of this round, from what came in it; NAN: the first. */
static double rate(const struct census *c, uint64_t bytes)
{
    if (!c->before_ns || c->mono_ns <= c->before_ns)
        return NAN;
    return (double)bytes * (double)NS_PER_S / (double)(c->mono_ns - c->before_ns);
}

static void row_person(struct census *c, struct table *t, struct shared_names *names,
                       const struct person *one)
{
    struct cell *row = table_row(t, one->id);
    if (!pid_is_elsewhere(one->pid))
        cell_uint(&row[PROC_PID], one->pid);
    cell_group(c, t, names, one->group, &row[PROC_PROCESS], &row[PROC_UNIT]);
    if (one->uid != UINT32_MAX)
        cell_text(t, &row[PROC_USER], users_name(c->users, one->uid));
    cell_literal(&row[PROC_STATE], one->ended_ms ? "ended" : "running");
    if (one->method || c->counted_by)
        row_amounts(row, &one->all, rate(c, one->rx_now), rate(c, one->tx_now));
    cell_uint(&row[PROC_CONNECTIONS], one->sockets);
    if (one->rtt_us)
        cell_real(&row[PROC_RTT_MS], (double)one->rtt_us / 1000);
    if (c->has_quality)
        cell_uint(&row[PROC_RETRANSMITS], one->all.resent);
    cell_literal(&row[PROC_METHOD], one->method     ? one->method
                                    : c->counted_by ? c->counted_by
                                                    : "procfs");
}

static void row_fold(struct census *c, struct table *t, struct shared_names *names, uint32_t number)
{
    const struct group *group = ledger_group(c->ledger, number);
    struct cell *row = table_row(t, group->fold_id);
    cell_group(c, t, names, number, &row[PROC_PROCESS], &row[PROC_UNIT]);
    cell_literal(&row[PROC_STATE], "ended");
    row_amounts(row, &group->fold, 0, 0);
    cell_uint(&row[PROC_CONNECTIONS], 0);
    if (c->has_quality)
        cell_uint(&row[PROC_RETRANSMITS], group->fold.resent);
    if (group->method)
        cell_literal(&row[PROC_METHOD], group->method);
}

static void row_unattributed(struct census *c, struct table *t, const struct census_result *r)
{
    const struct unattributed *u = ledger_unattributed(c->ledger);
    struct amounts all = {.rx = u->rx, .tx = u->tx};
    struct cell *row = table_row(t, c->unattributed_id);
    cell_literal(&row[PROC_PROCESS], "(unattributed)");
    row_amounts(row, &all, rate(c, u->rx - c->unattributed_rx),
                rate(c, u->tx - c->unattributed_tx));
    row[PROC_LOCAL_BYTES] = (struct cell){0};
    c->unattributed_rx = r->unattributed_rx;
    c->unattributed_tx = r->unattributed_tx;
}

static struct table *processes_table(struct census *c, const struct census_result *r)
{
    struct table *t = table_new(TABLE_PROCESSES, people_top(c->people) + 1);
    struct shared_names *names = mem_array(ledger_groups(c->ledger), sizeof(*names));
    if (r->has_wire)
        row_unattributed(c, t, r);
    for (uint32_t i = 0; i < people_top(c->people); i++) {
        const struct person *one = people_at(c->people, i);
        if (one && (one->sockets || one->all.rx || one->all.tx || one->all.resent))
            row_person(c, t, names, one);
    }
    for (uint32_t i = 0; i < ledger_groups(c->ledger); i++) {
        const struct group *group = ledger_group(c->ledger, i);
        if (group && group->fold_id)
            row_fold(c, t, names, i);
    }
    free(names);
    return t;
}

/* ---- the series ---------------------------------------------------------------------------- */

static void result_groups(struct census *c, struct census_result *r)
{
    struct buf texts = BUF_INIT;
    size_t count = ledger_series(c->ledger);
    r->groups_count = count;
    r->groups = mem_array(count, sizeof(*r->groups));
    size_t *places = mem_array(2 * count, sizeof(*places));
    for (size_t i = 0; i < ledger_groups(c->ledger); i++) {
        const struct group *group = ledger_group(c->ledger, i);
        if (!group || group->series < 0)
            continue;
        size_t at = (size_t)group->series;
        CHECK(at < count);
        r->groups[at].rx = group->rx;
        r->groups[at].tx = group->tx;
        r->groups[at].resent = group->resent;
        places[2 * at] = texts.len;
        buf_append(&texts, group->process, strlen(group->process) + 1);
        places[2 * at + 1] = texts.len;
        buf_append(&texts, group->unit, strlen(group->unit) + 1);
    }
    if (!buf_ok(&texts)) {
        buf_fini(&texts);
        r->groups_count = 0; /* the series keep what they had */
    }
    r->texts = texts.data;
    for (size_t i = 0; i < r->groups_count; i++) {
        r->groups[i].process = r->texts + places[2 * i];
        r->groups[i].unit = r->texts + places[2 * i + 1];
    }
    free(places);
}

static void result_destroy(struct message *msg)
{
    struct census_result *r = CONTAINER_OF(msg, struct census_result, msg);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        table_unref(r->tables[i]);
    for (size_t i = 0; i < r->events_count; i++)
        event_unref(r->events[i]);
    free(r->events);
    free(r->groups);
    free(r->texts);
    free(r);
}

/* Dumps that came to an end lately, of whatever engine. */
static bool has_dumps(const struct census *c)
{
    for (size_t i = 0; i < c->methods_count; i++) {
        if (c->methods[i].completed && c->round - c->methods[i].completed <= 3)
            return true;
    }
    return false;
}

struct message *result_make(struct census *c)
{
    struct census_result *r = mem_alloc(sizeof(*r));
    message_init(&r->msg, result_destroy);
    const struct unattributed *u = ledger_unattributed(c->ledger);
    r->born = c->born;
    r->has_wire = u->known;
    r->unattributed_rx = u->rx;
    r->unattributed_tx = u->tx;
    if (r->has_wire && !c->unattributed_id)
        c->unattributed_id = c->next_id++;
    r->tables[TABLE_CONNECTIONS] = connections_table(c, r);
    c->has_quality |= r->has_quality || c->rtt.count || c->retransmits;
    r->has_quality = c->has_quality;
    r->tables[TABLE_PROCESSES] = processes_table(c, r);
    result_groups(c, r);
    r->has_tcp = has_dumps(c);
    r->rtt = c->rtt;
    r->connect = c->connect;
    r->retransmits = c->retransmits;
    r->lost = c->lost;
    r->unreadable = owners_unreadable(c->owners);
    r->peer_names = peers_count(c->peers, c->mono_ns);
    r->peer_names_evicted = peers_evicted(c->peers);
    r->events = news_take(c->news, c->now_ms, &r->events_count);
    return &r->msg;
}
