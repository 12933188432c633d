/*
 * cmd_doctor.c: `netsonde doctor`: what this machine can measure, by which engine, and what is
 * missing. It does what `run` does up to the sandbox (keeper, engines opened, io_uring tried, the
 * sandbox closed over itself) and then, instead of starting threads, prints what came of it: an
 * answer that was tried is worth more than one that was looked up. It opens no database and no
 * listener, so a daemon that runs is not disturbed.
 */
#include "daemon/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "alert/curl_library.h"
#include "base/log.h"
#include "collect/select.h"
#include "daemon/config.h"
#include "daemon/describe.h"
#include "daemon/engines.h"
#include "daemon/output.h"
#include "daemon/privileges.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"
#include "net/ring.h"
#include "version.h"
#include "wire/json.h"

#define EXIT_MISSING 3

struct findings {
    const struct collector_status *engines;
    struct sandbox_report sandbox;
    struct keeper_status keeper;
    struct finder_status finder;
    char io_uring[160];
    char libcurl[320];
    struct utsname host;
    unsigned missing; /* lines of the table */
};

static bool is_missing(enum offer_state state)
{
    return state == OFFER_MISSING || state == OFFER_LIMITED;
}

static void try_io_uring(struct findings *f)
{
    struct ring *ring = NULL;
    int err = ring_open(&ring);
    ring_close(ring);
    if (err)
        snprintf(f->io_uring, sizeof(f->io_uring), "off: %s; one system call for each viewer",
                 strerror(-err));
    else
        snprintf(f->io_uring, sizeof(f->io_uring), "works: one system call for up to %d viewers",
                 RING_BATCH);
}

/* What channels of alerts need that leave this host; the daemon loads it when the first one does.
 */
static void try_libcurl(struct findings *f)
{
    struct curl_library lib = {0};
    char why[192];
    if (curl_library_load(&lib, why, sizeof(why)) == 0)
        snprintf(f->libcurl, sizeof(f->libcurl), "found, %s",
                 lib.version_info(CURLVERSION_NOW)->version);
    else
        snprintf(f->libcurl, sizeof(f->libcurl),
                 "%s; channels of type webhook, alertmanager and email cannot deliver", why);
}

/* The last step of looking: afterwards this process can do little but print. */
static void try_sandbox(struct findings *f, const char *data_dir)
{
    /* Nothing is written by it, so a directory that `run` would make first may be missing. */
    const struct sandbox_paths paths = {.data_dir =
                                            access(data_dir, F_OK) == 0 ? data_dir : "/dev/null"};
    privileges_drop(&paths, &f->sandbox);
}

/* ---- as text ------------------------------------------------------------------------------- */

static void print_offers(const struct findings *f, struct buf *out)
{
    buf_printf(out, "%-20s %-10s %-10s %s\n", "CAPABILITY", "ENGINE", "STATE", "WHY");
    for (size_t i = 0; i < f->engines->offers_count; i++) {
        const struct collector_offer *o = &f->engines->offers[i];
        bool again = i > 0 && o[-1].capability == o->capability;
        size_t before = out->len;
        buf_printf(out, "%-20s %-10s %-10s %s", again ? "" : capability_name(o->capability),
                   o->engine, offer_state_name(o->state), o->reason);
        while (buf_ok(out) && out->len > before && out->data[out->len - 1] == ' ')
            out->len--;
        buf_char(out, '\n');
        if (*o->remedy)
            buf_printf(out, "%-20s -> %s\n", "", o->remedy);
    }
}

static void print_unsupported(const struct findings *f, struct buf *out)
{
    const struct collector_offer *best;
    const char *before = "\nnot in this version: ";
    for (unsigned c = 0; c < CAPABILITIES; c++) {
        if (collector_status_of(f->engines, (enum capability)c, &best) != OFFER_UNSUPPORTED)
            continue;
        buf_printf(out, "%s%s", before, capability_name((enum capability)c));
        before = ", ";
    }
    if (*before == ',')
        buf_char(out, '\n');
}

static void print_text(const struct findings *f, struct buf *out)
{
    buf_printf(out, "netsonde %s on %s, Linux %s, user %u\n\n", NETSONDE_VERSION, f->host.nodename,
               f->host.release, (unsigned)geteuid());
    print_offers(f, out);
    print_unsupported(f, out);
    buf_printf(out, "\nio_uring      %s\n", f->io_uring);
    buf_printf(out, "libcurl       %s\n", f->libcurl);
    buf_printf(out, "keeper        %s\n", f->keeper.text);
    buf_printf(out, "finder        %s\n", f->finder.text);
    buf_printf(out, "Landlock      %s\n", f->sandbox.landlock);
    buf_printf(out, "seccomp       %s\n", f->sandbox.seccomp);
    buf_printf(out, "capabilities  %s kept by the main process\n\n", f->sandbox.capabilities);
    if (f->missing)
        buf_printf(out, "%u %s missing; a line with -> says what adds it.\n", f->missing,
                   f->missing == 1 ? "thing is" : "things are");
    else
        buf_text(out, "Nothing is missing.\n");
}

static void print_json(const struct findings *f, struct buf *out)
{
    json_open(out, '{');
    json_put_key(out, "version");
    json_put_string(out, NETSONDE_VERSION);
    json_put_key(out, "host");
    json_put_string(out, f->host.nodename);
    json_put_key(out, "kernel");
    json_put_string(out, f->host.release);
    json_put_key(out, "user");
    json_put_u64(out, geteuid());
    json_put_key(out, "missing");
    json_put_u64(out, f->missing);
    describe_put_engines(out, f->engines);
    json_put_key(out, "io_uring");
    json_put_string(out, f->io_uring);
    json_put_key(out, "libcurl");
    json_put_string(out, f->libcurl);
    describe_put_sandbox(out, &f->sandbox, &f->keeper, &f->finder);
    json_close(out, '}');
    buf_char(out, '\n');
}

/* ---- all ----------------------------------------------------------------------------------- */

static int print(const struct findings *f, bool json)
{
    struct buf out = BUF_INIT;
    if (json)
        print_json(f, &out);
    else
        print_text(f, &out);
    bool good = buf_ok(&out) && fwrite(out.data, 1, out.len, stdout) == out.len;
    buf_fini(&out);
    int code = output_end(good);
    return !code && f->missing ? EXIT_MISSING : code;
}

int cmd_doctor(const struct config *config, const struct options *options)
{
    struct findings f = {0};
    struct collector *collector = NULL;
    /* What would be a warning stands in the table. */
    if (config->log_level < LOG_LEVEL_DEBUG)
        log_setup(LOG_LEVEL_ERROR);
    uname(&f.host);
    json_setup();
    struct keeper *keeper = engines_start_keeper();
    struct finder *finder = engines_start_finder();
    if (engines_new(config, keeper, finder, &collector) < 0) {
        finder_stop(finder);
        keeper_stop(keeper);
        return EXIT_FAILURE;
    }
    collector_open(collector); /* when nothing works, the table says so */
    f.engines = collector_status(collector);
    for (size_t i = 0; i < f.engines->offers_count; i++)
        f.missing += is_missing(f.engines->offers[i].state);
    try_io_uring(&f);
    try_libcurl(&f);
    if (keeper)
        keeper_seal(keeper); /* what the daemon's looks like when it runs */
    keeper_status(keeper, &f.keeper);
    finder_status(finder, &f.finder);
    try_sandbox(&f, config->data_dir);
    int code = print(&f, options->json);
    collector_free(collector);
    finder_stop(finder);
    keeper_stop(keeper);
    return code;
}
