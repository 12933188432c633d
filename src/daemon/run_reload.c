/*
 * run_reload.c: SIGHUP: configuration, certificates and tokens are read again, on the main thread
 * and behind the sandbox. Of the configuration only what can change while everything runs applies;
 * the service manager is told when it begins and ends.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/alerting.h"
#include "daemon/core.h"
#include "daemon/notify.h"
#include "daemon/run.h"
#include "http/keyring.h"
#include "http/token_file.h"
#include "net/tls.h"

static void run_reload_interval(struct run *r, int64_t interval_ms)
{
    if (interval_ms == r->interval_ms)
        return;
    if (core_post_interval(r->core, interval_ms) == 0)
        r->interval_ms = interval_ms;
    else
        log_error("daemon", "collect.interval was not changed: the collecting thread is too busy "
                            "to be told; try again");
}

/* Those who are connected go on with the old certificate. Other files than at the start may lie
 * where the sandbox lets nobody look. */
static void run_reload_tls(struct run *r, const struct config *now)
{
    const struct config *c = r->config;
    struct tls *fresh = NULL;
    char why[512];
    if (strcmp(now->serve.tls_cert, c->serve.tls_cert) != 0 ||
        strcmp(now->serve.tls_key, c->serve.tls_key) != 0)
        log_warning("daemon", "serve.tls_cert and serve.tls_key name other files than at the "
                              "start: they apply at the next start");
    if (!r->tls)
        return;
    if (tls_new(c->serve.tls_cert, c->serve.tls_key, &fresh, why, sizeof(why)) < 0) {
        log_error("daemon", "%s; the old certificate stays in force", why);
        return;
    }
    servers_post_tls(r->servers, fresh);
    tls_unref(r->tls);
    r->tls = fresh;
}

void run_reload_tokens(struct run *r)
{
    struct tokens *fresh = NULL;
    char why[512];
    if (token_file_load(r->config->data_dir, &fresh, why, sizeof(why)) < 0)
        log_error("access", "%s; the tokens of before stay in force, and no others", why);
    else
        keyring_set_tokens(r->keyring, fresh);
}

void run_reload(struct run *r, const struct config_sources *sources)
{
    struct config *fresh = NULL;
    char state[64];
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)(clock_mono_ns() / 1000));
    notify_send(r->notify, state);
    if (config_load(sources, &fresh, stderr) < 0) {
        log_error("daemon", "the configuration was not reloaded; the old one stays in force");
    } else {
        run_reload_interval(r, fresh->collect.interval_ms);
        run_reload_tls(r, fresh);
        bool rules = alerting_post_rules(r->alerting, fresh) == 0;
        if (!rules)
            log_error("daemon",
                      "the rules were not changed: the collecting thread is too busy to be "
                      "told; try again");
        log_info("daemon",
                 "the configuration was read again: of its keys collect.interval%s and the "
                 "certificates apply now (a longer interval after one more tick), all others at "
                 "the next start",
                 rules ? ", the rules of alerts" : "");
        config_free(fresh);
    }
    notify_send(r->notify, "READY=1");
}
