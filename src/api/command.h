/*
 * command.h: a change of alerting that somebody asks for over HTTP.
 *
 *   loop's thread                                core thread
 *   handler: command_new, command_ask ── post ─► api_command_run(cmd, alerts, now)
 *   api_take_reply ◄──────────────────── post ── (server_post_reply)
 *
 * It crosses twice and belongs to one thread at a time, but for the members below "the loop's",
 * which the core thread must not touch. Whoever has got one hands it back exactly once, run or not:
 * the client waits for the answer, and is told by `err` when nothing was done. A client that leaves
 * meanwhile changes nothing but that nobody is answered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/rule.h"
#include "base/list.h"
#include "model/silence.h"

struct alerts;
struct api;
struct http_request;

/* Of one loop under way; more are answered 503. As many replies a loop must be able to hold. */
#define COMMANDS_MAX 256

#define COMMAND_NAME_MAX 65 /* with the NUL */

enum command_kind {
    COMMAND_ACKNOWLEDGE,
    COMMAND_ADD_SILENCE,
    COMMAND_END_SILENCE,
    COMMAND_PUT_RULE,
    COMMAND_DELETE_RULE,
    COMMAND_TEST_CHANNEL,
};

struct api_command {
    enum command_kind kind;
    uint64_t id;                 /* ACKNOWLEDGE: of the alert; END_SILENCE */
    char name[COMMAND_NAME_MAX]; /* DELETE_RULE, TEST_CHANNEL */
    char by[COMMAND_NAME_MAX];   /* ACKNOWLEDGE: who */
    struct silence silence;      /* ADD_SILENCE */
    struct rule *rule;           /* PUT_RULE: one reference */
    bool replace;                /* PUT_RULE: there may be one of that name */

    /* The outcome: 0 or what alerts.h says. -ECANCELED, as it is made: nobody has run it. */
    int err;
    uint64_t ret_id; /* ADD_SILENCE */

    void *carrier; /* of who carries it, for the way back */

    /* The loop's. */
    struct list node;
    struct api *api;
    struct http_request *request; /* NULL: the client has left, or was answered */
};

/* Core thread: does it. Everything but the way back. */
void api_command_run(struct api_command *cmd, struct alerts *alerts, int64_t now_ms);

/* Any thread: the end of one that no loop waits for any more (see server_post_reply). */
void api_command_free(struct api_command *cmd); /* NULL allowed */
