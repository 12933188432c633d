/*
 * lookups.c: see lookups.h. Questions wait in a ring in the order in which they came: the oldest
 * is at `first`. An index of chains (heads by hash, `next` in each question) finds one. Answered
 * ones stay in the ring, out of their chain, until they are the oldest.
 *
 * A question that comes again (same ends, number and name) is the same lookup: the latency is from
 * the first time, which is how long somebody had to wait. A question with the number and another
 * name is another lookup, and the first one has no answer.
 */
#include "collect/packet/lookups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/load.h"
#include "base/mem.h"

#define NONE UINT32_MAX
#define NAME_KEPT 256

static const struct {
    int64_t ns;
    const char *le;
} buckets[LOOKUP_BUCKETS] = {
    {250000, "0.00025"}, {500000, "0.0005"}, {1000000, "0.001"},  {2500000, "0.0025"},
    {5000000, "0.005"},  {10000000, "0.01"}, {25000000, "0.025"}, {50000000, "0.05"},
    {100000000, "0.1"},  {500000000, "0.5"}, {2500000000, "2.5"}, {INT64_MAX, "+Inf"},
};

struct question {
    struct flow_key key;
    int64_t t_ns;
    uint32_t next; /* of the chain */
    uint16_t id, type;
    uint8_t client; /* side */
    bool waiting;
    char name[NAME_KEPT];
};

/* What is shown. */
struct lookup {
    uint64_t id;
    int64_t t_ns, latency_ns; /* -1: not known */
    uint32_t outcome;         /* the code, or LOOKUP_NO_ANSWER */
    bool answered;
    uint16_t type;
    uint16_t port;
    uint8_t family;
    uint8_t server[16];
    char name[NAME_KEPT];
};

struct lookups {
    struct question *ring;
    uint32_t *heads;
    size_t max, first, count;
    uint64_t seed;
    struct lookup *shown;
    size_t shown_max;
    uint64_t shown_count; /* ever */
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

struct lookups *lookups_new(size_t waiting_max, size_t shown_max)
{
    struct lookups *t = mem_alloc(sizeof(*t));
    t->max = waiting_max;
    t->ring = mem_array(waiting_max, sizeof(*t->ring));
    t->heads = mem_array(waiting_max, sizeof(*t->heads));
    for (size_t i = 0; i < waiting_max; i++)
        t->heads[i] = NONE;
    t->shown_max = shown_max;
    t->shown = mem_array(shown_max, sizeof(*t->shown));
    if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != (ssize_t)sizeof(t->seed))
        t->seed = (uint64_t)(uintptr_t)t;
    return t;
}

void lookups_free(struct lookups *t)
{
    if (!t)
        return;
    free(t->ring);
    free(t->heads);
    free(t->shown);
    free(t);
}

/* ---- questions that wait --------------------------------------------------------------------- */

static uint32_t *head_of(struct lookups *t, const struct flow_key *key, uint16_t id)
{
    uint64_t words[6], h = t->seed ^ id;
    memcpy(words, key, sizeof(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        h = (h ^ words[i]) * 0xd6e8feb86659fd93ULL;
        h ^= h >> 32;
    }
    return &t->heads[h % t->max];
}

/* The link that points to the question, or to NONE. */
static uint32_t *find(struct lookups *t, const struct flow_key *key, uint8_t client, uint16_t id)
{
    uint32_t *link = head_of(t, key, id);
    while (*link != NONE) {
        struct question *q = &t->ring[*link];
        if (q->id == id && q->client == client && memcmp(&q->key, key, sizeof(*key)) == 0)
            break;
        link = &q->next;
    }
    return link;
}

static void take_out(struct lookups *t, struct question *q)
{
    uint32_t *link = head_of(t, &q->key, q->id);
    while (&t->ring[*link] != q)
        link = &t->ring[*link].next;
    *link = q->next;
    q->waiting = false;
}

static void count_outcome(struct lookups *t, uint32_t code)
{
    bool named = code == LOOKUP_NO_ANSWER || (code < LOOKUP_RCODES && lookup_outcome_name(code));
    t->counts.outcome[named ? code : LOOKUP_OTHER]++;
}

/* Only a name full of bytes that are no letters is longer. */
static void name_keep(char into[NAME_KEPT], const char *name)
{
    size_t len = strnlen(name, NAME_KEPT - 1);
    memcpy(into, name, len);
    into[len] = '\0';
}

static void show(struct lookups *t, const struct flow_key *key, uint8_t client, uint16_t type,
                 const char *name, struct lookup lookup)
{
    lookup.id = t->shown_count + 1;
    lookup.type = type;
    lookup.family = key->family;
    lookup.port = key->port[!client];
    memcpy(lookup.server, key->address[!client], sizeof(lookup.server));
    struct lookup *into = &t->shown[t->shown_count++ % t->shown_max];
    *into = lookup;
    name_keep(into->name, name);
    count_outcome(t, lookup.answered ? lookup.outcome : LOOKUP_NO_ANSWER);
}

static void give_up(struct lookups *t, struct question *q)
{
    take_out(t, q);
    show(t, &q->key, q->client, q->type, q->name,
         (struct lookup){.t_ns = q->t_ns, .latency_ns = -1});
}

static void drop_first(struct lookups *t)
{
    t->first = (t->first + 1) % t->max;
    t->count--;
}

static void ask(struct lookups *t, const struct flow_key *key, uint8_t client,
                const struct dns_message *m, int64_t t_ns)
{
    uint32_t *link = find(t, key, client, m->id);
    if (*link != NONE) {
        struct question *q = &t->ring[*link];
        if (q->type == m->type && strncmp(q->name, m->name, NAME_KEPT - 1) == 0)
            return;
        give_up(t, q);
    }
    if (t->count == t->max) {
        struct question *oldest = &t->ring[t->first];
        if (oldest->waiting) {
            take_out(t, oldest);
            t->counts.evicted++;
        }
        drop_first(t);
    }
    size_t at = (t->first + t->count++) % t->max;
    struct question *q = &t->ring[at];
    q->key = *key;
    q->t_ns = t_ns;
    q->id = m->id;
    q->type = m->type;
    q->client = client;
    q->waiting = true;
    name_keep(q->name, m->name);
    uint32_t *head = head_of(t, key, m->id);
    q->next = *head;
    *head = (uint32_t)at;
}

static void count_latency(struct lookups *t, int64_t ns)
{
    size_t i = 0;
    while (buckets[i].ns < ns)
        i++;
    t->counts.bucket[i]++;
    t->counts.answered++;
    t->counts.sum_ns += (uint64_t)ns;
}

/* The name of the question that it answers, or NULL. */
static const char *answer(struct lookups *t, const struct flow_key *key, uint8_t client,
                          const struct dns_message *m, int64_t t_ns)
{
    struct lookup lookup = {.t_ns = t_ns, .latency_ns = -1, .answered = true, .outcome = m->rcode};
    uint32_t *link = find(t, key, client, m->id);
    const char *name = m->name, *asked = NULL;
    uint16_t type = m->type;
    if (*link != NONE) {
        struct question *q = &t->ring[*link];
        /* The server repeats the question, in whatever case; one about something else answers
         * nothing (a forger's guess, say), and is shown as what it is. */
        bool same =
            !m->type || (q->type == m->type && strncasecmp(q->name, m->name, NAME_KEPT - 1) == 0);
        if (same) {
            take_out(t, q);
            lookup.t_ns = q->t_ns;
            if (t_ns >= q->t_ns) {
                lookup.latency_ns = t_ns - q->t_ns;
                count_latency(t, lookup.latency_ns);
            }
            name = asked = q->name;
            type = q->type;
        }
    }
    show(t, key, client, type, name, lookup);
    return asked;
}

const char *lookups_message(struct lookups *t, const struct flow_key *key, uint8_t sender,
                            const struct dns_message *m, int64_t t_ns)
{
    if (m->response)
        return answer(t, key, !sender, m, t_ns);
    ask(t, key, sender, m, t_ns);
    return NULL;
}

void lookups_expire(struct lookups *t, int64_t before_ns)
{
    while (t->count) {
        struct question *q = &t->ring[t->first];
        if (q->waiting && q->t_ns >= before_ns)
            return;
        if (q->waiting)
            give_up(t, q);
        drop_first(t);
    }
}

const struct lookup_counts *lookups_counts(const struct lookups *t)
{
    return &t->counts;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static void put_word(struct table *t, struct cell *cell, const char *name, const char *other,
                     unsigned number)
{
    char text[16];
    snprintf(text, sizeof(text), "%s%u", other, number);
    cell_text(t, cell, name ? name : text);
}

struct table *lookups_table(const struct lookups *t)
{
    uint64_t rows = MIN(t->shown_count, (uint64_t)t->shown_max);
    struct table *table = table_new(TABLE_DNS, rows);
    for (uint64_t i = 0; i < rows; i++) {
        const struct lookup *l = &t->shown[(t->shown_count - 1 - i) % t->shown_max];
        struct cell *row = table_row(table, l->id);
        cell_uint(&row[DNS_T], (uint64_t)MAX(l->t_ns / NS_PER_MS, 0));
        cell_text(table, &row[DNS_NAME], l->name[0] ? l->name : NULL);
        if (l->type)
            put_word(table, &row[DNS_TYPE], dns_type_name(l->type), "TYPE", l->type);
        if (l->answered)
            put_word(table, &row[DNS_RCODE], dns_rcode_name((uint16_t)l->outcome), "RCODE",
                     l->outcome);
        if (l->latency_ns >= 0)
            cell_real(&row[DNS_LATENCY_MS], (double)l->latency_ns / (double)NS_PER_MS);
        char server[FLOW_ENDPOINT_TEXT];
        flow_endpoint_text(l->family, l->server, l->port, server);
        cell_text(table, &row[DNS_SERVER], server);
    }
    return table;
}
