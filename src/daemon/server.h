/*
 * server.h: one hub loop: a thread with its listeners, HTTP server, station and api.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "base/bytes.h"
#include "http/access.h"
#include "hub/hub.h"
#include "net/listener.h"
#include "net/net.h"

struct admission;
struct ring;
struct server;
struct tls;

/* What one loop has for itself. */
struct server_lane {
    struct listeners *listeners; /* taken by server_new */
    struct ring *ring;           /* borrowed; NULL: the kernel allows none */
    const struct access *access; /* borrowed; asks the kernel on this loop's thread */
};

struct server_settings {
    struct hub *hub;
    struct admission *admission; /* borrowed: the clients of all loops */
    struct tls *tls;             /* borrowed; NULL: plain */
    struct keyring *keyring;     /* borrowed; all loops share it */
    struct net_limits limits;
    const char *base_path;
    struct complaints *complaints; /* borrowed, shared by all loops */
    bool compress;                 /* serve.compression */
    /* api.command: takes commands of all loops to the core thread, which runs each by
     * api_command_run and gives it to server_post_reply. What it accepted (0) comes back in any
     * case: a queue that closes with commands inside gives them back as they are. */
    struct api_settings api;
};

struct server_stats {
    struct net_counters net;
    struct http_counters http;
    struct station_stats station;
};

/* Before the threads start. NULL: no memory or descriptors. */
struct server *server_new(const struct server_settings *settings, struct server_lane *lane);
int server_start(struct server *s);

/* Any thread: a part of /api/v1/info from now on; takes the reference, NULL allowed. */
void server_post_info(struct server *s, enum api_info_part part, struct bytes *members);

/* Any thread: the certificate for those who come from now on; takes a reference of its own. */
void server_post_tls(struct server *s, struct tls *tls);

/* Any thread, before server_free: a command that is done, or never will be. Takes it; the loop that
 * it came from answers. */
struct api_command;
void server_post_reply(struct api_command *cmd);

/* Any thread; as of the last second. */
void server_stats(struct server *s, struct server_stats *ret);

/* Any thread: clients get 1001, answers under way go out, within STOP_GRACE_MS. */
void server_stop(struct server *s);
void server_join(struct server *s);
void server_free(struct server *s); /* after join, before hub_free; NULL allowed */
