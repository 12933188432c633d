/*
 * bench_run.c: see bench_run.h. What can go wrong before the measuring (a name that is none, a
 * baseline that is not there, other settings) is found before it; what goes wrong afterwards is
 * said and costs no figure that was printed. Only what was measured whole is kept or compared.
 */
#include "daemon/bench_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/channel_url.h"
#include "api/benchmark_keep.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/bench_options.h"
#include "daemon/bench_publish.h"
#include "daemon/commands.h"
#include "net/address.h"
#include "store/documents.h"

#define EXIT_REGRESSION 3
#define TELL_EVERY_NS NS_PER_S
#define TOKEN_MOST 512

static int fail(const char *text)
{
    fprintf(stderr, "netsonde bench: %s\n", text);
    return EXIT_FAILURE;
}

bool bench_print(struct buf *out)
{
    bool good = buf_ok(out) && fwrite(out->data, 1, out->len, stdout) == out->len;
    buf_clear(out);
    return fflush(stdout) == 0 && good;
}

/* ---- what was kept ------------------------------------------------------------------------- */

/* A document that is whole, of this subject and done. */
static int read_before(struct bench_run *run, const char *subject)
{
    const char *name = run->options->bench.compare, *member;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct store_error err = {0};
    char why[200];
    if (document_read(run->config->data_dir, DOCUMENT_KIND_BENCHMARKS, name, &text, &err) < 0)
        return fail(err.text);
    run->before = json_parse(text.len ? text.data : "", text.len, why, sizeof(why));
    if (!run->before || benchmark_check(run->before, &member, why, sizeof(why)) < 0) {
        fprintf(stderr, "netsonde bench: %s is no result of a benchmark: %s\n", name, why);
        return EXIT_FAILURE;
    }
    const char *of = json_string_value(json_object_get(run->before, "subject"));
    const char *state = json_string_value(json_object_get(run->before, "state"));
    if (strcmp(of, subject) != 0) {
        fprintf(stderr, "netsonde bench: %s is of %s, this is %s\n", name, of, subject);
        return EXIT_USAGE;
    }
    if (strcmp(state, "done") != 0) {
        fprintf(stderr, "netsonde bench: %s was not measured whole (%s)\n", name, state);
        return EXIT_FAILURE;
    }
    return 0;
}

/* Every run that was measured whole. Where that cannot be it is said and changes no status: the
 * figures are good. */
static void keep(const struct bench_run *run)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct store_error err = {0};
    bool is_new;
    if (run->options->bench.no_keep || !run->config)
        return;
    results_put_json(&text, &run->results, NULL);
    buf_char(&text, '\n');
    if (!buf_ok(&text))
        fprintf(stderr, "netsonde bench: not kept: no memory for the results\n");
    else if (benchmark_keep(run->config->data_dir, run->results.id, text.data, text.len, &is_new,
                            &err) < 0)
        fprintf(stderr, "netsonde bench: not kept: %s\n", err.text);
    else if (isatty(STDERR_FILENO))
        fprintf(stderr, "netsonde bench: kept as %s in %s/" DOCUMENT_KIND_BENCHMARKS "\n",
                run->results.id, run->config->data_dir);
}

static int save(const struct bench_run *run)
{
    const char *name = run->options->bench.save;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct store_error err = {0};
    results_put_json(&text, &run->results, name);
    buf_char(&text, '\n');
    if (!buf_ok(&text))
        return fail("no memory for the results");
    if (document_write(run->config->data_dir, DOCUMENT_KIND_BENCHMARKS, name, text.data, text.len,
                       true, &err) < 0)
        return fail(err.text);
    fprintf(stderr, "netsonde bench: kept as %s in %s/" DOCUMENT_KIND_BENCHMARKS "\n", name,
            run->config->data_dir);
    return 0;
}

/* ---- publishing ---------------------------------------------------------------------------- */

/* The first line of the file; 0 or the exit code. */
static int read_token(const char *path, char token[TOKEN_MOST])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, token, TOKEN_MOST - 1) : -1;
    if (len < 0) {
        fprintf(stderr, "netsonde bench: %s: %s\n", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return EXIT_FAILURE;
    }
    close(fd);
    token[len] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    if (*token)
        return 0;
    fprintf(stderr, "netsonde bench: %s has no token\n", path);
    return EXIT_FAILURE;
}

/* The first listener; where it listens everywhere, by loopback. To be freed. */
static char *listener_url(const struct config *config)
{
    const char *listen = config->serve.listen.count ? config->serve.listen.items[0] : "";
    const char *port = strrchr(listen, ':');
    const char *scheme = *config->serve.tls_cert ? "https" : "http";
    struct net_address address;
    char *host CLEANUP(mem_freep) = mem_string_n(listen, port ? (size_t)(port - listen) : 0);
    const char *to = host;
    if (!*host)
        to = "127.0.0.1";
    else if (net_address_parse_ip(host, &address) && net_address_is_any(&address))
        to = address.family == 4 ? "127.0.0.1" : "[::1]";
    return mem_printf("%s://%s%s%s", scheme, to, port ? port : "", config->serve.base_path);
}

static int start_publishing(struct bench_run *run)
{
    const struct options *o = run->options;
    struct publish_settings settings = {0};
    struct channel_url parts;
    char token[TOKEN_MOST], why[PUBLISH_WHY_MAX], ca[PATH_MAX];
    const char *environment = getenv("NETSONDE_TOKEN");
    char *url CLEANUP(mem_freep) =
        o->bench.publish_url ? mem_string(o->bench.publish_url) : listener_url(run->config);
    if (!channel_url_read(url, &parts) || !channel_url_is_http(&parts) || parts.query)
        return bench_usage("--publish takes the address of a daemon, http://HOST:PORT", url);
    if (o->bench.token_file) {
        int code = read_token(o->bench.token_file, token);
        if (code)
            return code;
        settings.token = token;
    } else if (environment && *environment) {
        settings.token = environment;
    }
    if (settings.token && parts.scheme == CHANNEL_HTTP && !parts.local)
        return bench_usage("a token is only sent by https, or on this host", url);
    settings.url = url;
    if (!o->bench.publish_url && *run->config->serve.tls_cert &&
        realpath(run->config->serve.tls_cert, ca)) {
        settings.ca_file = ca;
        settings.any_name = true;
    }
    run->publisher = publisher_start(&settings, why, sizeof(why));
    if (!run->publisher)
        fprintf(stderr, "netsonde bench: nothing is published: %s\n", why);
    return 0;
}

static void publish_end(struct bench_run *run)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    char why[PUBLISH_WHY_MAX];
    struct publisher *p = TAKE(run->publisher);
    if (!p)
        return;
    results_put_json(&text, &run->results, run->options->bench.save);
    if (publisher_end(p, &text, why, sizeof(why)) < 0)
        fprintf(stderr, "netsonde bench: not published: %s\n", why);
}

void bench_run_tell(void *user, double part)
{
    struct bench_run *run = user;
    int64_t now_ns = clock_mono_ns();
    run->results.progress = part;
    if (!run->publisher || (run->told_ns && now_ns - run->told_ns < TELL_EVERY_NS))
        return;
    run->told_ns = now_ns;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    results_put_json(&text, &run->results, NULL);
    publisher_tell(run->publisher, &text);
}

/* ---- the beginning ------------------------------------------------------------------------- */

static int check_options(struct bench_run *run)
{
    const struct options *o = run->options;
    bool needs_config = o->bench.save || o->bench.compare || o->bench.publish;
    const char *const names[] = {o->bench.save, o->bench.compare};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] && !document_is_name(names[i]))
            return bench_usage("a name has 1 to 64 characters of A-Z a-z 0-9 . _ - and does not "
                               "begin with a dot",
                               names[i]);
    }
    if (o->bench.no_keep && !needs_config && (o->sources.file || o->sources.flags_count))
        return bench_usage("with --no-keep, --config and --data-dir go with --save-baseline, "
                           "--compare and --publish",
                           NULL);
    if (!o->bench.compare && (o->bench.limits_count || o->bench.force))
        return bench_usage("--threshold and --force go with --compare", NULL);
    if (!o->bench.publish && o->bench.token_file)
        return bench_usage("--token-file goes with --publish", NULL);
    run->limits = rerun_limits_default();
    for (size_t i = 0; i < o->bench.limits_count; i++) {
        if (rerun_limits_set(&run->limits, o->bench.limits[i]) < 0)
            return bench_usage("--threshold takes KIND=PCT: duration, memory, cpu, throughput, "
                               "size or count, and per cent above 0",
                               o->bench.limits[i]);
    }
    if (!needs_config && o->bench.no_keep)
        return 0;
    int err = config_load(&o->sources, &run->config, stderr);
    if (err && !needs_config && !o->sources.file && !o->sources.flags_count) {
        fprintf(stderr, "netsonde bench: the results will not be kept: see the configuration\n");
        return 0;
    }
    return err ? EXIT_FAILURE : 0;
}

int bench_run_open(struct bench_run *run, const struct options *options, const char *subject)
{
    *run = (struct bench_run){.options = options};
    results_init(&run->results, subject, clock_wall_ms());
    machine_read(&MACHINE_ROOTS, &run->results.machine);
    int code = check_options(run);
    if (!code && options->bench.compare)
        code = read_before(run, subject);
    return code;
}

int bench_run_begin(struct bench_run *run)
{
    CLEANUP(buf_fini) struct buf names = BUF_INIT;
    if (run->before) {
        rerun_settings(&names, run->before, &run->results);
        if (names.len && !run->options->bench.force) {
            fprintf(stderr,
                    "netsonde bench: %s was measured with other settings: %s; use the same, or "
                    "--force\n",
                    run->options->bench.compare, buf_string(&names));
            return EXIT_USAGE;
        }
        if (names.len)
            fprintf(stderr, "netsonde bench: %s was measured with other settings: %s\n",
                    run->options->bench.compare, buf_string(&names));
        buf_clear(&names);
        rerun_machine(&names, run->before, &run->results);
        if (names.len)
            fprintf(stderr, "netsonde bench: %s was measured on another machine: %s\n",
                    run->options->bench.compare, buf_string(&names));
    }
    int code = run->options->bench.publish ? start_publishing(run) : 0;
    bench_run_tell(run, 0);
    return code;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* The subject's object, with two members more. */
static void add_members(struct buf *json, const struct bench_run *run, const struct rerun *c)
{
    if (!buf_ok(json))
        return;
    CHECK(json->len >= 2 && memcmp(json->data + json->len - 2, "}\n", 2) == 0);
    json->len -= 2;
    json_put_key(json, "document");
    results_put_json(json, &run->results, run->options->bench.save);
    if (c) {
        json_put_key(json, "comparison");
        rerun_put_json(json, c, run->options->bench.compare);
    }
    buf_text(json, "}\n");
}

static int verdict_code(const struct rerun *c)
{
    const char *word = rerun_word(c);
    if (strcmp(word, "regressed") == 0)
        return EXIT_REGRESSION;
    return strcmp(word, "nothing_compared") == 0 ? fail("no figure could be compared")
                                                 : EXIT_SUCCESS;
}

int bench_run_end(struct bench_run *run, struct buf *json, bool written, bool good, const char *why)
{
    CLEANUP(buf_fini) struct buf table = BUF_INIT;
    struct rerun c = {0};
    bool compare = good && run->before;
    int code = good ? EXIT_SUCCESS : EXIT_FAILURE;
    results_add_usage(&run->results);
    results_end(&run->results, good, why);
    if (compare)
        rerun_make(&c, run->before, &run->results, &run->limits);
    if (json) {
        add_members(json, run, compare ? &c : NULL);
        written = bench_print(json);
    } else if (compare && written) {
        buf_printf(&table, "\ncompared with %s\n", run->options->bench.compare);
        rerun_put_table(&table, &c);
        written = bench_print(&table);
    }
    if (compare)
        code = verdict_code(&c);
    rerun_fini(&c);
    if (good)
        keep(run);
    if (good && run->options->bench.save && save(run))
        code = EXIT_FAILURE;
    publish_end(run);
    return written ? code : fail("the result cannot be written");
}

void bench_run_close(struct bench_run *run)
{
    publisher_stop(run->publisher);
    json_decref(run->before);
    results_fini(&run->results);
    config_free(run->config);
}
