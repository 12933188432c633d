/*
 * run_open.c: the daemon's steps 2 and 3 (cmd_run.c): room for descriptors, certificate, listeners,
 * database, tokens, engines, each of which can end the start and says why in the log; then what may
 * be missing. At last the sandbox closes over what is open.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alert/courier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/select.h"
#include "daemon/engines.h"
#include "daemon/notify.h"
#include "daemon/origin.h"
#include "daemon/run.h"
#include "http/token_file.h"
#include "keeper/keeper.h"
#include "net/listener.h"
#include "net/peer.h"
#include "net/ring.h"
#include "net/tls.h"
#include "store/store.h"
#include "wire/json.h"

#define OWN_DESCRIPTORS 112 /* database, engines, readers of the history */
#define LANE_DESCRIPTORS                                                                           \
    16                 /* of a loop: listeners, bells, ring, the question who owns a socket        \
                        */
#define AUTO_THREADS 4 /* more wake up for nothing with less than thousands of viewers */

/* A descriptor for each client, beside our own: a crowd must not take those that engines and
 * history need. The soft limit is usually 1024 for the sake of programs that use select(). */
static void run_reserve_descriptors(struct run *r)
{
    struct rlimit limit;
    uint64_t ours = OWN_DESCRIPTORS + r->lanes_count * LANE_DESCRIPTORS;
    uint64_t wanted = r->config->serve.max_clients + ours;
    r->clients = (unsigned)r->config->serve.max_clients;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)wanted);
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        limit.rlim_cur = before;
    if (limit.rlim_cur >= wanted)
        return;
    uint64_t own = MIN(ours, limit.rlim_cur / 4 * 3);
    r->clients = (unsigned)(limit.rlim_cur - own);
    /* Nobody asked for the default. */
    bool asked = config_is_set(r->config, "serve", "max_clients");
    log_write(asked ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "daemon",
              "no more than %u connections instead of serve.max_clients: the limit for open files "
              "is %llu (ulimit -Hn, or LimitNOFILE= of the unit)",
              r->clients, (unsigned long long)limit.rlim_cur);
}

static int run_open_listeners(struct run *r)
{
    const struct config *c = r->config;
    struct listeners *l = r->lanes[0].listeners = listeners_new(r->lanes_count > 1);
    for (size_t i = 0; i < c->serve.listen.count; i++) {
        char why[256];
        int err = listeners_add(l, c->serve.listen.items[i], why, sizeof(why));
        bool absent = err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT;
        if (err && absent && !config_is_set(c, "serve", "listen")) {
            log_info("daemon", "%s; going on without it", why); /* e.g. a host without IPv6 */
        } else if (err) {
            log_error("daemon", "%s", why);
            return err;
        }
    }
    if (!listeners_count(l)) {
        log_error("daemon", "no address to listen on; name one with --listen ADDR:PORT");
        return -EADDRNOTAVAIL;
    }
    for (size_t i = 1; i < r->lanes_count; i++) {
        r->lanes[i].listeners = listeners_again(l);
        if (!r->lanes[i].listeners) {
            int err = -errno;
            log_error("daemon", "cannot listen with %zu threads: %s; set serve.threads to 1",
                      r->lanes_count, strerror(-err));
            return err;
        }
    }
    return 0;
}

/* Sending in batches, and who owns a loopback client's socket. */
static void run_open_lanes(struct run *r)
{
    int ring_err = 0, peer_err = 0;
    for (size_t i = 0; i < r->lanes_count && !ring_err; i++)
        ring_err = ring_open(&r->lanes[i].ring);
    for (size_t i = 0; i < r->lanes_count && !peer_err; i++)
        peer_err = peer_open(&r->own[i].peer);
    if (ring_err)
        log_info("daemon", "io_uring cannot be used here (%s): one system call for each viewer",
                 strerror(-ring_err));
    if (peer_err)
        log_warning("daemon", "cannot ask who owns a socket (%s): nobody is admin",
                    strerror(-peer_err));
}

static size_t threads_to_serve(const struct config *c)
{
    cpu_set_t cpus;
    if (c->serve.threads)
        return MIN((size_t)c->serve.threads, (size_t)SERVERS_MAX);
    int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return MIN((size_t)MAX(count, 1), (size_t)AUTO_THREADS);
}

/* Who may ask. What can be reached from elsewhere needs somebody who may. */
static int run_open_tokens(struct run *r)
{
    const struct config *c = r->config;
    char why[512];
    int err = token_file_load(c->data_dir, &r->tokens, why, sizeof(why));
    if (err) {
        log_error("access", "%s; nobody is let in by this file", why);
        return err;
    }
    if (c->auth.mode == CONFIG_AUTH_NONE) {
        log_warning("access", "auth.mode is none: WHOEVER CAN REACH THIS DAEMON SEES AND CHANGES "
                              "EVERYTHING, without a token");
        return 0;
    }
    if (listeners_loopback_only(r->lanes[0].listeners))
        return 0;
    if (tokens_good(r->tokens, clock_wall_ms())) {
        if (!r->tls)
            log_warning("access", "what is sent to an address beyond loopback is not encrypted, "
                                  "tokens included; set serve.tls_cert and serve.tls_key, or let a "
                                  "proxy in front do that");
        return 0;
    }
    log_error(
        "access",
        "serve.listen names an address beyond loopback, and %s/tokens has no token that is "
        "good: nobody could come in, or everybody. Make one with `netsonde token new --data-dir "
        "%s`, or listen on 127.0.0.1 and [::1] only",
        c->data_dir, c->data_dir);
    return -EPERM;
}

static int run_open_store(struct run *r)
{
    const struct config *c = r->config;
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    settings.raw_ms = c->store.raw_ms;
    settings.minute_ms = c->store.minute_ms;
    settings.hour_ms = c->store.hour_ms;
    settings.events_ms = c->store.events_ms;
    settings.connections_ms = c->store.connections_ms;
    settings.record_names = c->store.record_names;
    settings.max_size_bytes = c->store.max_size_bytes;
    settings.durable = c->store.durability == CONFIG_DURABILITY_FULL;
    char origin[ORIGIN_MAX];
    origin_of_counters(origin);
    settings.boot_id = origin;
    struct store_error why;
    int err = store_open(c->data_dir, &settings, &r->store, &why);
    if (err) {
        log_error("store", "%s", why.text);
        return err;
    }
    r->registry = registry_new(c->collect.series_limit, store_next(r->store).series_id);
    return store_restore(r->store, r->registry);
}

/* Whoever names a file wants to see what is in it, and nothing else in its place. */
static int run_check_read(const struct run *r)
{
    const struct collector_status *status = collector_status(r->collector);
    for (size_t i = 0; *r->config->read && i < status->count; i++) {
        if (strcmp(status->engines[i].name, "packet") == 0 &&
            status->engines[i].state != ENGINE_IN_USE) {
            log_error("packet", "--read: %s", status->engines[i].reason);
            return -EINVAL;
        }
    }
    return 0;
}

static int run_open_collector(struct run *r)
{
    int err = engines_new(r->config, r->keeper, r->finder, &r->collector);
    if (err)
        return err;
    err = collector_open(r->collector);
    if (err)
        engines_complain(r->collector);
    return err ? err : run_check_read(r);
}

static int run_open_tls(struct run *r)
{
    const struct config *c = r->config;
    char why[512];
    if (!*c->serve.tls_cert)
        return 0;
    int err = tls_new(c->serve.tls_cert, c->serve.tls_key, &r->tls, why, sizeof(why));
    if (err)
        log_error("daemon", "serve.tls_cert, serve.tls_key: %s", why);
    return err;
}

int run_start_courier(struct run *r)
{
    const struct config *c = r->config;
    int err = courier_start((const struct channel_spec *const *)c->channels, c->channels_count,
                            &r->courier);
    if (err)
        log_error("alert", "the process that carries notices cannot be started: %s",
                  strerror(-err));
    return err;
}

int run_open(struct run *r)
{
    gethostname(r->host, sizeof(r->host) - 1);
    r->lanes_count = threads_to_serve(r->config);
    run_reserve_descriptors(r);
    int err = run_open_tls(r);
    if (!err)
        err = run_open_listeners(r);
    if (!err)
        err = run_open_store(r);
    if (!err)
        err = run_open_tokens(r);
    if (!err)
        err = run_open_collector(r);
    if (err)
        return err;
    run_open_lanes(r);
    r->notify = notify_open();
    json_setup();
    return 0;
}

/* ---- 3: close the sandbox ---------------------------------------------------------------- */

/* The directory of a file: as it is named, and where it really lies when that is a link. NULL: the
 * root, where the file alone would have to be named and a new one could not be read. */
static char *directory_of(const char *file, bool really)
{
    char *path = really ? realpath(file, NULL) : mem_string(file);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || slash == path) {
        free(path);
        return NULL;
    }
    *slash = '\0';
    return path;
}

/* The configuration's directory, because editors put a new file in the place of the old one; but
 * not the whole file system because a file lies at its root. */
void run_close_sandbox(struct run *r)
{
    int err = r->keeper ? keeper_seal(r->keeper) : 0;
    if (err) {
        log_warning("keeper", "does not confine itself (%s): it is stopped", strerror(-err));
        keeper_stop(TAKE(r->keeper));
    }
    const char *file = r->config_file, *slash = strrchr(file, '/');
    char *parent = slash ? mem_string_n(file, (size_t)(slash + 1 - file)) : mem_string(".");
    char *dir = realpath(parent, NULL);
    struct sandbox_paths paths = {
        .data_dir = r->config->data_dir, .config_dir = dir, .config_file = file};
    if (dir && strcmp(dir, "/") == 0)
        paths.config_dir = "/conf.d";
    char *tls_dirs[SANDBOX_TLS_DIRS] = {NULL};
    const char *tls_files[] = {r->config->serve.tls_cert, r->config->serve.tls_key};
    for (size_t i = 0; i < SANDBOX_TLS_DIRS && r->tls; i++)
        paths.tls_dirs[i] = tls_dirs[i] = directory_of(tls_files[i / 2], i % 2);
    privileges_drop(&paths, &r->sandbox);
    for (size_t i = 0; i < SANDBOX_TLS_DIRS; i++)
        free(tls_dirs[i]);
    free(dir);
    free(parent);
}
