/*
 * cmd_run.c: `netsonde run`: its steps, in the only safe order:
 *
 *   1. keeper and finder are forked while this process is small and still privileged
 *   2. listeners, database, engines, descriptors: whatever needs rights or names is opened
 *   3. the sandbox closes: from here on nothing can be gained, only lost
 *   4. threads start: hub, store, survey, then core, so that the first tick finds everybody ready
 *   5. this thread waits for signals
 *   6. the same backwards: core first, so that nobody gets ticks any more; the store last
 *
 * struct run (run.h) owns all of it; each part may be missing when starting failed half-way. Steps
 * 2 and 3 are in run_open.c, the wiring for 4 in run_build.c, what is read again in run_reload.c.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/board.h"
#include "alert/courier.h"
#include "base/clock.h"
#include "base/complaints.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/select.h"
#include "daemon/alerting.h"
#include "daemon/comparing.h"
#include "daemon/core.h"
#include "daemon/describe.h"
#include "daemon/engines.h"
#include "daemon/notify.h"
#include "daemon/recorder.h"
#include "daemon/run.h"
#include "daemon/self.h"
#include "daemon/surveyor.h"
#include "daemon/timings.h"
#include "http/keyring.h"
#include "hub/hub.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"
#include "net/admission.h"
#include "net/listener.h"
#include "net/peer.h"
#include "net/ring.h"
#include "net/tls.h"
#include "store/alerts.h"
#include "store/store.h"
#include "version.h"

/* ---- 4: start --------------------------------------------------------------------------- */

static void run_tell_loss(struct run *r, const char *helper, const char *reason)
{
    struct event *e = event_new(EVENT_ERROR, clock_wall_ms());
    event_text(e, "what", helper);
    event_text(e, "reason", reason);
    core_post_event(r->core, e);
}

static void run_tell_keeper(struct run *r, const struct keeper_status *keeper)
{
    bool again = keeper->restarts != r->keeper_restarts, gone = !keeper->alive;
    bool news = again || (gone && !r->keeper_lost);
    r->keeper_restarts = keeper->restarts;
    r->keeper_lost = gone;
    if (!news)
        return;
    if (gone && !keeper->returns)
        log_error("keeper",
                  "%s; engines go on with what they have, nothing new is opened for them until a "
                  "restart",
                  keeper->text);
    else
        log_warning("keeper", "%s%s", keeper->text,
                    gone ? "; engines go on with what they have" : "");
    run_tell_loss(r, "keeper", keeper->text);
}

/* At the start, and whenever a child has ended. */
static void run_tell_sandbox(struct run *r)
{
    struct keeper_status keeper;
    struct finder_status finder;
    keeper_status(r->keeper, &keeper);
    finder_status(r->finder, &finder);
    servers_post_info(r->servers, API_INFO_SANDBOX,
                      describe_sandbox(&r->sandbox, &keeper, &finder));
    if (r->keeper)
        run_tell_keeper(r, &keeper);
    if (r->finder && !finder.alive && !r->finder_lost) {
        r->finder_lost = true;
        log_error("finder", "%s; owners of sockets will be missing until a restart", finder.text);
        run_tell_loss(r, "finder", finder.text);
    }
}

static void run_print_addresses(const struct run *r, const struct net_address *addresses,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[NET_ADDRESS_TEXT_MAX];
        net_address_format(&addresses[i], text);
        printf("netsonde " NETSONDE_VERSION ": http%s://%s%s\n", r->tls ? "s" : "", text,
               r->config->serve.base_path);
    }
    fflush(stdout);
}

static int run_start(struct run *r)
{
    /* The listeners belong to the server's thread once it runs: their addresses are kept before. */
    struct net_address addresses[16];
    const struct listeners *l = r->lanes[0].listeners;
    size_t count = MIN(listeners_count(l), ARRAY_LEN(addresses));
    for (size_t i = 0; i < count; i++)
        addresses[i] = *listeners_address(l, i);
    int err = run_build(r);
    if (!err)
        err = servers_start(r->servers);
    if (!err)
        err = recorder_start(r->recorder);
    if (!err)
        err = surveyor_start(r->surveyor);
    if (!err)
        err = core_start(r->core);
    if (err) {
        log_error("daemon", "cannot start: %s", strerror(-err));
        return err;
    }
    run_tell_sandbox(r);
    servers_post_info(r->servers, API_INFO_CONFIG, describe_config(r->config));
    run_print_addresses(r, addresses, count);
    notify_send(r->notify, "READY=1");
    return 0;
}

/* ---- 5: wait ----------------------------------------------------------------------------- */

/* Until told to stop. */
static void run_wait(struct run *r, const struct config_sources *sources, const sigset_t *signals)
{
    for (;;) {
        int sig = 0;
        if (sigwait(signals, &sig) != 0)
            continue;
        switch (sig) {
        case SIGHUP:
            run_reload_tokens(r);
            run_reload(r, sources);
            break;
        case SIGUSR1:
            run_reload_tokens(r);
            break;
        case SIGCHLD:
            run_tell_sandbox(r);
            break;
        default:
            log_info("daemon", "stopping on %s", sig == SIGINT ? "SIGINT" : "SIGTERM");
            return;
        }
    }
}

/* ---- 6: stop ----------------------------------------------------------------------------- */

static void run_stop(struct run *r)
{
    notify_send(r->notify, "STOPPING=1");
    servers_stop(r->servers); /* clients say goodbye while the rest winds down */
    core_stop(r->core);
    surveyor_stop(r->surveyor);
    core_join(r->core);
    recorder_stop(r->recorder); /* after the last tick: it writes what is queued */
    surveyor_join(r->surveyor);
    recorder_join(r->recorder);
    servers_join(r->servers);

    struct store_numbers next;
    core_numbers(r->core, &next.tick_seq, &next.event_seq, &next.series_id);
    /* The stream numbers its messages by the alerts' changes, and may be ahead of them. */
    struct store_alert_numbers alerts = alerting_end(r->alerting);
    alerts.seq = MAX(alerts.seq, hub_next_alert_seq(r->hub));
    store_set_alert_numbers(r->store, &alerts);
    comparing_free(TAKE(r->comparing));
    alerting_free(TAKE(r->alerting)); /* it may have the database open, for reading */
    store_close(r->store, &next);
}

static void run_free(struct run *r)
{
    servers_free(r->servers);
    hub_free(r->hub);
    recorder_free(r->recorder);
    surveyor_free(r->surveyor);
    core_free(r->core);
    board_free(r->board);
    self_free(r->self);
    timings_free(r->timings);
    complaints_free(r->complaints);
    for (size_t i = 0; i < r->lanes_count; i++) {
        access_free(r->own[i].access);
        peer_close(r->own[i].peer);
        ring_close(r->lanes[i].ring);
    }
    admission_free(r->admission);
    tls_unref(r->tls);
    keyring_free(r->keyring);
    finder_stop(r->finder);
    courier_stop(r->courier);
    keeper_stop(r->keeper);
    notify_close(r->notify);
}

int cmd_run(const struct config *config, const struct config_sources *sources)
{
    struct run run = {.config = config,
                      .interval_ms = config->collect.interval_ms,
                      .main_thread = pthread_self()};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1); /* run_tokens_changed */
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond LimitFSIZE= fails as on a full disk */
    signal(SIGCHLD, SIG_DFL); /* ignored, as it may be handed down, ends of helpers are not told */

    run.config_file = sources->file ? sources->file : CONFIG_FILE_DEFAULT;
    mem_setup();
    run.keeper = engines_start_keeper();
    run.finder = engines_start_finder();
    if (run_start_courier(&run) < 0)
        return EXIT_FAILURE;
    /* Nothing has to be undone by hand when starting fails: the process ends and its locks,
     * sockets and helpers end with it. */
    if (run_open(&run) < 0)
        return EXIT_FAILURE;
    run_close_sandbox(&run);
    if (run_start(&run) < 0)
        return EXIT_FAILURE;
    run_wait(&run, sources, &signals);
    run_stop(&run);
    run_free(&run);
    return EXIT_SUCCESS;
}
