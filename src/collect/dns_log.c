/*
 * dns_log.c: see dns_log.h. The latest lookups lie in a ring; a row's id is its number since the
 * start.
 */
#include "collect/dns_log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "wire/dns.h"

#define SERVER_TEXT (INET6_ADDRSTRLEN + 8)

static const struct {
    int64_t ns;
    const char *le;
} buckets[LOOKUP_BUCKETS] = {
    {250000, "0.00025"}, {500000, "0.0005"}, {1000000, "0.001"},  {2500000, "0.0025"},
    {5000000, "0.005"},  {10000000, "0.01"}, {25000000, "0.025"}, {50000000, "0.05"},
    {100000000, "0.1"},  {500000000, "0.5"}, {2500000000, "2.5"}, {INT64_MAX, "+Inf"},
};

struct entry {
    struct dns_lookup lookup; /* its texts are these */
    char name[LOOKUP_NAME_BYTES];
    char process[LOOKUP_PROCESS_BYTES];
};

struct dns_log {
    struct entry *shown;
    size_t shown_max;
    uint64_t total; /* ever */
    struct lookup_counts counts;
};

int64_t lookup_bucket_ns(size_t bucket)
{
    CHECK(bucket < LOOKUP_BUCKETS);
    return buckets[bucket].ns;
}

const char *lookup_bucket_le(size_t bucket)
{
    CHECK(bucket < LOOKUP_BUCKETS);
    return buckets[bucket].le;
}

const char *lookup_outcome_name(size_t outcome)
{
    if (outcome == LOOKUP_NO_ANSWER)
        return "none";
    return outcome == LOOKUP_OTHER ? "other" : dns_rcode_name((uint16_t)outcome);
}

struct dns_log *dns_log_new(size_t shown_max)
{
    struct dns_log *log = mem_alloc(sizeof(*log));
    log->shown_max = shown_max;
    log->shown = mem_array(shown_max, sizeof(*log->shown));
    return log;
}

void dns_log_free(struct dns_log *log)
{
    if (!log)
        return;
    free(log->shown);
    free(log);
}

static void count(struct lookup_counts *c, const struct dns_lookup *l)
{
    size_t outcome = l->answered ? l->rcode : LOOKUP_NO_ANSWER;
    bool named = !l->answered || (l->rcode < LOOKUP_RCODES && lookup_outcome_name(l->rcode));
    c->outcome[named ? outcome : LOOKUP_OTHER]++;
    if (l->latency_ns < 0)
        return;
    size_t i = 0;
    while (buckets[i].ns < l->latency_ns)
        i++;
    c->bucket[i]++;
    c->answered++;
    c->sum_ns += (uint64_t)l->latency_ns;
}

/* Only a name full of bytes that are no letters is longer. */
static void keep(char *into, size_t size, const char *text)
{
    size_t len = text ? strnlen(text, size - 1) : 0;
    memcpy(into, text ? text : "", len);
    into[len] = '\0';
}

void dns_log_add(struct dns_log *log, const struct dns_lookup *lookup)
{
    struct entry *e = &log->shown[log->total++ % log->shown_max];
    count(&log->counts, lookup);
    e->lookup = *lookup;
    keep(e->name, sizeof(e->name), lookup->name);
    keep(e->process, sizeof(e->process), lookup->process);
    e->lookup.name = e->name;
    e->lookup.process = e->process;
}

void dns_log_evicted(struct dns_log *log)
{
    log->counts.evicted++;
}

const struct lookup_counts *dns_log_counts(const struct dns_log *log)
{
    return &log->counts;
}

uint64_t dns_log_total(const struct dns_log *log)
{
    return log->total;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static void put_word(struct table *t, struct cell *cell, const char *name, const char *other,
                     unsigned number)
{
    char text[16];
    snprintf(text, sizeof(text), "%s%u", other, number);
    cell_text(t, cell, name ? name : text);
}

static void put_server(struct table *t, struct cell *cell, const struct dns_lookup *l)
{
    char address[INET6_ADDRSTRLEN] = "?", text[SERVER_TEXT];
    inet_ntop(l->family == 4 ? AF_INET : AF_INET6, l->server, address, sizeof(address));
    snprintf(text, sizeof(text), l->family == 4 ? "%s:%u" : "[%s]:%u", address, l->port);
    cell_text(t, cell, text);
}

struct table *dns_log_table(const struct dns_log *log)
{
    uint64_t rows = MIN(log->total, (uint64_t)log->shown_max);
    struct table *table = table_new(TABLE_DNS, rows);
    for (uint64_t i = 0; i < rows; i++) {
        const struct dns_lookup *l = &log->shown[(log->total - 1 - i) % log->shown_max].lookup;
        struct cell *row = table_row(table, log->total - i);
        cell_uint(&row[DNS_T], (uint64_t)MAX(l->t_ms, INT64_C(0)));
        cell_text(table, &row[DNS_NAME], l->name[0] ? l->name : NULL);
        if (l->type)
            put_word(table, &row[DNS_TYPE], dns_type_name(l->type), "TYPE", l->type);
        if (l->answered)
            put_word(table, &row[DNS_RCODE], dns_rcode_name(l->rcode), "RCODE", l->rcode);
        if (l->latency_ns >= 0)
            cell_real(&row[DNS_LATENCY_MS], (double)l->latency_ns / (double)NS_PER_MS);
        put_server(table, &row[DNS_SERVER], l);
        cell_text(table, &row[DNS_PROCESS], l->process[0] ? l->process : NULL);
    }
    return table;
}
