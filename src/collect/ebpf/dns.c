/*
 * dns.c: see dns.h. A question waits in a fixed array for the answer that comes from where it went
 * to and goes to where it came from, with the same number, RFC 1035 section 4.1.1. A packet may be
 * seen on several devices on its way; the first time counts. One event for each, when it is
 * answered or given up: name, type, rcode, latency, server, and the process that asked.
 */
#include "collect/ebpf/dns.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/mem.h"
#include "wire/dns.h"

#define WAITING_MAX 512
#define SHOWN_MAX 1000             /* rows of the table */
#define GIVE_UP_NS (10 * NS_PER_S) /* resolvers ask again after 5 s */
#define NAME_BYTES 256             /* of an event's text */

struct question {
    bool waits;
    uint16_t id, type;
    uint8_t family;
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    int64_t asked_ns, asked_ms;
    uint32_t pid;
    char process[BPF_COMMAND_MAX];
    char name[NAME_BYTES], server[INET6_ADDRSTRLEN + 8];
};

struct dns_questions {
    struct question waiting[WAITING_MAX];
    uint32_t count;
    struct dns_log *log;
    struct dns_message message; /* scratch */
};

struct dns_questions *dns_questions_new(void)
{
    struct dns_questions *q = mem_alloc(sizeof(*q));
    q->log = dns_log_new(SHOWN_MAX);
    return q;
}

void dns_questions_free(struct dns_questions *q)
{
    if (!q)
        return;
    dns_log_free(q->log);
    free(q);
}

const struct dns_log *dns_questions_log(const struct dns_questions *q)
{
    return q->log;
}

static void word(char out[16], const char *name, const char *other, unsigned number)
{
    if (name)
        snprintf(out, 16, "%s", name);
    else
        snprintf(out, 16, "%s%u", other, number);
}

static void write_server(const struct bpf_record_dns *r, char *out, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "?";
    inet_ntop(r->family, r->remote, address, sizeof(address));
    snprintf(out, size, r->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address, r->remote_port);
}

/* rcode < 0: there was no answer. */
static void question_over(struct dns_questions *q, const struct question *asked, int64_t t_ms,
                          int rcode, int64_t latency_ns, struct census *census)
{
    struct event *e = event_new(EVENT_DNS, t_ms);
    char type[16], code[16] = "none";
    word(type, dns_type_name(asked->type), "TYPE", asked->type); /* RFC 3597 */
    if (rcode >= 0)
        word(code, dns_rcode_name((uint16_t)rcode), "RCODE", (unsigned)rcode);
    event_text(e, "name", asked->name);
    event_text(e, "type", type);
    event_text(e, "rcode", code);
    if (latency_ns >= 0)
        event_number(e, "latency_ms", (double)latency_ns / (double)NS_PER_MS);
    event_text(e, "server", asked->server);
    if (asked->pid) {
        if (!pid_is_elsewhere(asked->pid))
            event_number(e, "pid", asked->pid);
        event_text(e, "process", asked->process);
    }
    event_text(e, "method", "ebpf");
    census_event(census, e);

    struct dns_lookup lookup = {
        .t_ms = asked->asked_ms,
        .latency_ns = latency_ns,
        .answered = rcode >= 0,
        .rcode = rcode >= 0 ? (uint16_t)rcode : 0,
        .type = asked->type,
        .port = asked->remote_port,
        .family = asked->family == AF_INET ? 4 : 6,
        .name = asked->name,
        .process = asked->pid ? asked->process : NULL,
    };
    memcpy(lookup.server, asked->remote, sizeof(lookup.server));
    dns_log_add(q->log, &lookup);
}

/* Is this message of the question, or the answer to it? */
static bool belongs(const struct question *q, const struct bpf_record_dns *r, uint16_t id)
{
    return q->waits && q->id == id && q->family == r->family && q->local_port == r->local_port &&
           q->remote_port == r->remote_port && memcmp(q->local, r->local, sizeof(q->local)) == 0 &&
           memcmp(q->remote, r->remote, sizeof(q->remote)) == 0;
}

/* ---- questions ----------------------------------------------------------------------------- */

static struct question *place_for(struct dns_questions *q, const struct bpf_record_dns *r,
                                  uint16_t id)
{
    struct question *best = &q->waiting[0];
    for (size_t i = 0; i < WAITING_MAX; i++) {
        struct question *at = &q->waiting[i];
        if (belongs(at, r, id))
            return at;
        if (best->waits && (!at->waits || at->asked_ns < best->asked_ns))
            best = at;
    }
    return best;
}

static void question_asked(struct dns_questions *q, const struct bpf_record_dns *r, int64_t t_ms,
                           struct census *census)
{
    const struct dns_message *m = &q->message;
    struct question *at = place_for(q, r, m->id);
    if (belongs(at, r, m->id))
        return;
    if (at->waits)
        census_lost(census, 1, "DNS questions");
    *at = (struct question){
        .waits = true,
        .id = m->id,
        .type = m->type,
        .family = r->family,
        .local_port = r->local_port,
        .remote_port = r->remote_port,
        .asked_ns = (int64_t)r->head.time_ns,
        .asked_ms = t_ms,
        .pid = r->owner.process.pid,
    };
    memcpy(at->local, r->local, sizeof(at->local));
    memcpy(at->remote, r->remote, sizeof(at->remote));
    memcpy(at->process, r->owner.command, sizeof(at->process));
    snprintf(at->name, sizeof(at->name), "%.*s", (int)sizeof(at->name) - 1, m->name);
    write_server(r, at->server, sizeof(at->server));
}

/* ---- answers ------------------------------------------------------------------------------- */

/* Only answers to what was asked here, and that say so, name anything: others can be sent by
 * anybody. */
static void names_told(const struct bpf_record_dns *r, const char *name, struct census *census)
{
    struct dns_walk walk;
    struct dns_address address;
    dns_walk_begin(&walk, r->message, r->kept_bytes);
    while (dns_walk_next(&walk, &address)) {
        struct endpoint e = {.family = address.family == 4 ? AF_INET : AF_INET6};
        memcpy(e.address, address.address, address.family == 4 ? 4 : 16);
        census_peer_name(census, &e, name, address.ttl_s);
    }
}

/* The server repeats the question, in whatever case. One about something else answers nothing: a
 * forger's guess, say. The capture may have ended within it, or the server left it out. */
static bool repeats(const struct question *q, const struct dns_message *m)
{
    return !m->type || (m->type == q->type && strncasecmp(q->name, m->name, NAME_BYTES - 1) == 0);
}

static void question_answered(struct dns_questions *q, const struct bpf_record_dns *r, int64_t t_ms,
                              struct census *census)
{
    const struct dns_message *m = &q->message;
    for (size_t i = 0; i < WAITING_MAX; i++) {
        struct question *at = &q->waiting[i];
        if (!belongs(at, r, m->id) || !repeats(at, m))
            continue;
        question_over(q, at, t_ms, m->rcode, (int64_t)r->head.time_ns - at->asked_ns, census);
        if (m->type)
            names_told(r, at->name, census);
        at->waits = false;
        return;
    }
}

void dns_questions_take(struct dns_questions *q, const struct bpf_record_dns *r, int64_t wall_ms,
                        struct census *census)
{
    if (dns_parse(r->message, r->kept_bytes, r->message_bytes, &q->message) < 0)
        return;
    if (q->message.response && r->answer)
        question_answered(q, r, wall_ms, census);
    else if (!q->message.response && !r->answer && q->message.questions)
        question_asked(q, r, wall_ms, census);
}

void dns_questions_expire(struct dns_questions *q, int64_t mono_ns, struct census *census)
{
    for (size_t i = 0; i < WAITING_MAX; i++) {
        struct question *at = &q->waiting[i];
        if (!at->waits || mono_ns - at->asked_ns < GIVE_UP_NS)
            continue;
        question_over(q, at, at->asked_ms, -1, -1, census);
        at->waits = false;
    }
}
