/*
 * run.h: the daemon while it is being wired and while it runs: what the files of `netsonde run`
 * share. cmd_run.c has the order of the steps; each of the others is one or two of them. The main
 * thread's; what other threads call back is in run_build.c. Errors are 0 or -errno, and have been
 * said in the log.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "daemon/privileges.h"
#include "daemon/publication.h"
#include "daemon/servers.h"
#include "model/sink.h"

/* Each part may be missing when starting failed half-way. */
struct run {
    const struct config *config;
    struct keeper *keeper;
    struct finder *finder;   /* NULL: owners of sockets are not found */
    struct courier *courier; /* NULL: no channel needs it */
    struct lane {
        struct peer *peer; /* NULL: nobody is admin */
        struct access *access;
    } own[SERVERS_MAX]; /* that the lanes borrow from */
    struct server_lane lanes[SERVERS_MAX];
    size_t lanes_count;
    struct admission *admission;
    struct tls *tls; /* NULL: plain */
    struct store *store;
    struct notify *notify;
    struct registry *registry;
    struct collector *collector;
    const char *config_file; /* SIGHUP reads it again */
    int64_t interval_ms;     /* in force: of `config`, until SIGHUP brings another one */
    char host[256];
    struct sandbox_report sandbox;
    bool keeper_lost;         /* told already */
    bool finder_lost;         /* likewise */
    uint32_t keeper_restarts; /* told already */
    unsigned clients;         /* most connections: serve.max_clients, if the descriptors suffice */
    struct tokens *tokens;    /* until the keyring has them */
    struct keyring *keyring;
    pthread_t main_thread;
    struct complaints *complaints;
    struct timings *timings;
    struct core *core;
    struct hub *hub;
    struct servers *servers;
    struct recorder *recorder;
    struct surveyor *surveyor;
    struct self *self;
    struct board *board;
    struct alerting *alerting;
    struct publications publications;
    struct comparing *comparing;
    struct sink hub_sink;
};

/* run_open.c: a helper, before everything else: it keeps the rights that this process has now. */
int run_start_courier(struct run *r);
/* ... whatever needs rights or names; the helpers have been forked. */
int run_open(struct run *r);
/* ... and then nothing can be gained any more, only lost. */
void run_close_sandbox(struct run *r);

/* run_build.c: makes the parts that have threads and connects them; nothing runs yet. */
int run_build(struct run *r);

/* run_reload.c: what SIGHUP asks for. Of a bad file the old content stays in force. */
void run_reload(struct run *r, const struct config_sources *sources);
void run_reload_tokens(struct run *r);
