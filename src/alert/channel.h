/*
 * channel.h: one channel of CONTRACT section 2 (`channels:`): where notices go. Made from texts
 * like a rule (rule.h), then immutable. "websocket" and "log" exist without being configured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum channel_type {
    CHANNEL_TYPE_WEBSOCKET, /* the stream's channel `alerts` */
    CHANNEL_TYPE_LOG, /* the daemon's log; with `path` a file; journald's fields where it runs */
    CHANNEL_TYPE_SYSLOG,
    CHANNEL_TYPE_WEBHOOK,      /* POST, body compatible with Alertmanager's webhook, version 4 */
    CHANNEL_TYPE_ALERTMANAGER, /* POST to URL/api/v2/alerts */
    CHANNEL_TYPE_EMAIL,
    CHANNEL_TYPE_EXEC, /* a program with arguments, never a shell; the notice on standard input */
    CHANNEL_TYPES
};

const char *channel_type_name(enum channel_type type);

#define CHANNEL_LIST_MAX 32

struct channel_spec {
    char *name;
    enum channel_type type;
    char *url;  /* webhook, alertmanager: http(s)://; email: smtp(s)://HOST[:PORT] */
    char *path; /* log: a file, or journald's socket; syslog: its socket; "": the usual place */
    char *from; /* email; "": netsonde@HOSTNAME */
    char *to[CHANNEL_LIST_MAX]; /* email */
    size_t to_count;
    char *command[CHANNEL_LIST_MAX]; /* exec: path from the root, then arguments */
    size_t command_count;
    char *user;         /* name for authentication */
    char *secret_file;  /* password or bearer token; read by the courier, never printed */
    char *ca_file;      /* certificates to trust instead of the system's */
    char *dashboard;    /* where readers reach the dashboard, for links; "": no links */
    char *fallback;     /* another channel's name; "": log */
    int64_t timeout_ms; /* of one attempt; 10 s */
    uint32_t retries;   /* after the first attempt, with growing pauses; 3 */
    uint32_t queue;     /* notices that wait at most; 100 */
    bool resolved;      /* whether resolutions are told, too; on */
};

struct channel_draft;

struct channel_draft *channel_draft_new(void);
void channel_draft_free(struct channel_draft *d); /* NULL allowed */
int channel_draft_set(struct channel_draft *d, const char *key, const char *text, char *why,
                      size_t why_size); /* as rule_draft_set */
int channel_draft_finish(struct channel_draft *d, struct channel_spec **ret, const char **ret_key,
                         char *why, size_t why_size); /* as rule_draft_finish */
void channel_spec_free(struct channel_spec *c);       /* NULL allowed */

/* Whether the courier carries it: not the stream, and not the daemon's own log. */
bool channel_is_courier(const struct channel_spec *c);

/* All channels together: every name once, every fallback there, and no circle of them. 0 or
 * -EINVAL: *ret_index says whose key *ret_key is at fault. "log" is there without being configured
 * and ends every chain. */
int channel_check_all(const struct channel_spec *const *channels, size_t count, size_t *ret_index,
                      const char **ret_key, char *why, size_t why_size);

/* For people: where it goes, without what could be secret: "https://hooks.example.net/…". */
void channel_target(const struct channel_spec *c, char *out, size_t size);

/* The host of a valid url is this one: what is sent does not leave it. */
bool channel_is_local(const struct channel_spec *c);

/* The keys, for documentation and for telling what exists. NULL: no more. */
struct channel_key {
    const char *name, *expected, *doc;
    bool list;
};
const struct channel_key *channel_key_at(size_t index);
