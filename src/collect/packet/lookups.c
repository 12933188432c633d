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
#define NAME_KEPT LOOKUP_NAME_BYTES

struct question {
    struct flow_key key;
    int64_t t_ns;
    uint32_t next; /* of the chain */
    uint16_t id, type;
    uint8_t client; /* side */
    bool waiting;
    char name[NAME_KEPT];
};

struct lookups {
    struct question *ring;
    uint32_t *heads;
    size_t max, first, count;
    uint64_t seed;
    struct dns_log *log;
};

struct lookups *lookups_new(size_t waiting_max, size_t shown_max)
{
    struct lookups *t = mem_alloc(sizeof(*t));
    t->max = waiting_max;
    t->ring = mem_array(waiting_max, sizeof(*t->ring));
    t->heads = mem_array(waiting_max, sizeof(*t->heads));
    for (size_t i = 0; i < waiting_max; i++)
        t->heads[i] = NONE;
    t->log = dns_log_new(shown_max);
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
    dns_log_free(t->log);
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

/* Only a name full of bytes that are no letters is longer. */
static void name_keep(char into[NAME_KEPT], const char *name)
{
    size_t len = strnlen(name, NAME_KEPT - 1);
    memcpy(into, name, len);
    into[len] = '\0';
}

static void show(struct lookups *t, const struct flow_key *key, uint8_t client,
                 struct dns_lookup lookup)
{
    lookup.family = key->family;
    lookup.port = key->port[!client];
    memcpy(lookup.server, key->address[!client], sizeof(lookup.server));
    dns_log_add(t->log, &lookup);
}

static void give_up(struct lookups *t, struct question *q)
{
    take_out(t, q);
    show(t, &q->key, q->client,
         (struct dns_lookup){
             .t_ms = q->t_ns / NS_PER_MS, .latency_ns = -1, .type = q->type, .name = q->name});
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
            dns_log_evicted(t->log);
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

/* The name of the question that it answers, or NULL. */
static const char *answer(struct lookups *t, const struct flow_key *key, uint8_t client,
                          const struct dns_message *m, int64_t t_ns)
{
    struct dns_lookup lookup = {.t_ms = t_ns / NS_PER_MS,
                                .latency_ns = -1,
                                .answered = true,
                                .rcode = m->rcode,
                                .type = m->type,
                                .name = m->name};
    uint32_t *link = find(t, key, client, m->id);
    const char *asked = NULL;
    if (*link != NONE) {
        struct question *q = &t->ring[*link];
        /* The server repeats the question, in whatever case; one about something else answers
         * nothing (a forger's guess, say), and is shown as what it is. */
        bool same =
            !m->type || (q->type == m->type && strncasecmp(q->name, m->name, NAME_KEPT - 1) == 0);
        if (same) {
            take_out(t, q);
            lookup.t_ms = q->t_ns / NS_PER_MS;
            if (t_ns >= q->t_ns)
                lookup.latency_ns = t_ns - q->t_ns;
            lookup.name = asked = q->name;
            lookup.type = q->type;
        }
    }
    show(t, key, client, lookup);
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
    return dns_log_counts(t->log);
}

struct table *lookups_table(const struct lookups *t)
{
    return dns_log_table(t->log);
}
