/*
 * cmd_baseline.c: `netsonde baseline`: named statistics of the history, and what has changed since.
 *
 *   netsonde baseline save NAME [--from T] [--to T] [--metric GLOB] [--match LABEL=GLOB] …
 *                               [--comment TEXT] [--replace]
 *   netsonde baseline list | show NAME | compare NAME [--from …] | delete NAME
 *
 * Opens the database read-only, beside a daemon or without one; the baselines are documents beside
 * it. What is done is api/baseline_work's; here it is asked for and printed.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "api/baseline_work.h"
#include "base/clock.h"
#include "base/text.h"
#include "daemon/output.h"
#include "version.h"
#include "wire/json.h"

#define EXIT_WORSE 3

struct run {
    const struct options *options;
    const char *data_dir, *name;
    char host[128];
    struct utsname system;
    struct store_reader *reader;
    struct selector selector;
    struct baseline_place place;
    struct baseline_ask ask;
};

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde baseline: %s%s%s; see netsonde help baseline\n", message,
            value ? ": " : "", value ? value : "");
    return EXIT_USAGE;
}

static int failed(const struct store_error *error)
{
    fprintf(stderr, "netsonde baseline: %s\n", error->text);
    return EXIT_FAILURE;
}

/* ---- what is asked for ------------------------------------------------------------------- */

static int read_selector(struct run *r)
{
    const struct options *o = r->options;
    if (o->query.metric && selector_add_glob(&r->selector, o->query.metric) < 0)
        return usage("--metric takes a name or pattern", o->query.metric);
    for (size_t i = 0; i < o->query.matches_count; i++) {
        if (selector_add_match(&r->selector, o->query.matches[i]) < 0)
            return usage("--match takes LABEL=PATTERN", o->query.matches[i]);
    }
    if (o->query.metric || o->query.matches_count)
        r->ask.selector = &r->selector;
    return 0;
}

static int read_range(struct run *r)
{
    static const char form[] = "takes a time: epoch milliseconds, RFC 3339, -60 or now-15m";
    const struct options *o = r->options;
    char what[96];
    r->ask.now_ms = r->ask.to_ms = clock_wall_ms();
    if (o->query.to && text_time_ms(o->query.to, r->ask.now_ms, &r->ask.to_ms) < 0) {
        snprintf(what, sizeof(what), "--to %s", form);
        return usage(what, o->query.to);
    }
    r->ask.from_ms = MAX(r->ask.to_ms - BASELINE_RANGE_MS, INT64_C(0));
    if (o->query.from && text_time_ms(o->query.from, r->ask.now_ms, &r->ask.from_ms) < 0) {
        snprintf(what, sizeof(what), "--from %s", form);
        return usage(what, o->query.from);
    }
    return r->ask.from_ms < r->ask.to_ms ? 0 : usage("--from must be earlier than --to", NULL);
}

/* Options that the action does not know must not look as if they had done something. */
static int read_options(const struct options *o, bool saves, bool ranges)
{
    if (!saves && (o->baseline.comment || o->baseline.replace))
        return usage("--comment and --replace go with save", NULL);
    if (!ranges && (o->query.from || o->query.to || o->query.metric || o->query.matches_count))
        return usage("--from, --to, --metric and --match go with save, compare and show auto",
                     NULL);
    if (o->baseline.comment && strlen(o->baseline.comment) >= BASELINE_COMMENT_MAX)
        return usage("--comment takes up to 255 bytes", NULL);
    return 0;
}

static int open_history(struct run *r)
{
    struct store_error error;
    if (store_reader_open(r->data_dir, &r->reader, &error) < 0)
        return failed(&error);
    r->place.reader = r->reader;
    return 0;
}

/* ---- what is printed --------------------------------------------------------------------- */

static int print_buf(struct buf *out)
{
    buf_char(out, '\n');
    bool good = buf_ok(out) && fwrite(out->data, 1, out->len, stdout) == out->len;
    return output_end(good);
}

static void print_time(int64_t t_ms)
{
    char text[32];
    text_format_time(t_ms, text, sizeof(text));
    fputs(text, stdout);
}

/* name{label="value"} */
static void put_key(struct buf *out, const struct baseline_series *s)
{
    char why[128];
    const char *label;
    json_t *value, *labels = json_parse(s->labels, strlen(s->labels), why, sizeof(why));
    buf_text(out, s->name);
    char before = '{';
    json_object_foreach(labels, label, value)
    {
        CLEANUP(buf_fini) struct buf text = BUF_INIT;
        json_put_string(&text, json_string_value(value));
        buf_printf(out, "%c%s=%s", before, label, buf_string(&text));
        before = ',';
    }
    if (before == ',')
        buf_char(out, '}');
    json_decref(labels);
}

static const char *unit_of(const struct baseline_series *s, char text[96])
{
    snprintf(text, 96, "%s%s", s->unit, s->kind == METRIC_COUNTER ? "/s" : "");
    return text;
}

static void print_head(const struct baseline *b)
{
    printf("%s: ", b->name);
    print_time(b->from_ms);
    fputs(" to ", stdout);
    print_time(b->to_ms);
    printf(", up to %u blocks of %lld s\n", b->blocks, (long long)(b->block_ms / MS_PER_S));
    printf("host %s, kernel %s, netsonde %s; made by %s, ", b->host, b->kernel, b->version,
           b->made_by);
    print_time(b->made_ms);
    putchar('\n');
    if (*b->comment)
        puts(b->comment);
    if (b->list.truncated)
        puts("there were more series than a baseline has");
}

static void print_baseline(const struct baseline *b)
{
    print_head(b);
    puts("\n     n          mean         sigma           p50           p90           p99  series");
    for (size_t i = 0; i < b->list.count; i++) {
        CLEANUP(buf_fini) struct buf key = BUF_INIT;
        const struct baseline_series *s = &b->list.items[i];
        char unit[96];
        put_key(&key, s);
        printf("%6u %13.6g %13.6g %13.6g %13.6g %13.6g  %s  [%s]\n", s->stats->n, s->stats->mean,
               s->stats->sigma, s->stats->p50, s->stats->p90, s->stats->p99, buf_string(&key),
               unit_of(s, unit));
    }
}

static void print_number(const struct baseline_series *s)
{
    if (s)
        printf(" %12.5g", s->stats->mean);
    else
        printf(" %12s", "-");
}

static void print_report(const struct baseline_comparison *c)
{
    static const char *const words[] = {
        [COMPARISON_REGRESSED] = "worse",
        [COMPARISON_IMPROVED] = "better",
        [COMPARISON_CHANGED] = "different",
    };
    const struct comparison_report *r = &c->report;
    size_t told = r->counts[COMPARISON_REGRESSED] + r->counts[COMPARISON_IMPROVED] +
                  r->counts[COMPARISON_CHANGED];
    if (told)
        puts("                 before        after   change  effect         q  series");
    for (size_t i = 0; i < told; i++) {
        CLEANUP(buf_fini) struct buf key = BUF_INIT;
        const struct compared_series *s = &r->series[i];
        char unit[96], change[32] = "new";
        put_key(&key, s->after);
        if (!isnan(s->comparison.change_ratio))
            snprintf(change, sizeof(change), "%+.1f%%", 100 * s->comparison.change_ratio);
        printf("%-10s", words[s->comparison.verdict]);
        print_number(s->before);
        print_number(s->after);
        printf(" %8s %+7.2f %9.2g  %s  [%s]\n", change, s->comparison.effect, s->comparison.q,
               buf_string(&key), unit_of(s->after, unit));
    }
    printf(
        "%s%s against %s: %zu worse, %zu better, %zu different, %zu as before, %zu without enough "
        "data\n",
        told ? "\n" : "", comparison_verdict_name(r->verdict), c->before.name,
        r->counts[COMPARISON_REGRESSED], r->counts[COMPARISON_IMPROVED],
        r->counts[COMPARISON_CHANGED], r->counts[COMPARISON_UNCHANGED],
        r->counts[COMPARISON_NOT_ENOUGH_DATA]);
}

/* ---- actions ----------------------------------------------------------------------------- */

static int action_save(struct run *r)
{
    struct baseline b;
    struct store_error error;
    if (!baseline_is_name(r->name))
        return usage(
            "NAME must be 1 to 64 letters, digits, dots, dashes and underscores, not begin "
            "with a dot, and not be auto",
            r->name);
    int code = open_history(r);
    if (code)
        return code;
    int err = baseline_make(&r->place, &r->ask, &b, &error);
    if (!err)
        err = baseline_keep(&r->place, &b, r->options->baseline.replace, &error);
    if (err == -EEXIST)
        fprintf(stderr, "netsonde baseline: there is a baseline %s; --replace replaces it\n",
                r->name);
    else if (err)
        failed(&error);
    if (!err && r->options->json) {
        CLEANUP(buf_fini) struct buf out = BUF_INIT;
        baseline_entry_json(&out, &b, b.list.count);
        code = print_buf(&out);
    } else if (!err) {
        printf("%s: %zu series, up to %u minutes each\n", b.name, b.list.count, b.blocks);
        if (b.blocks < COMPARE_BLOCKS_LEAST)
            fprintf(stderr, "netsonde baseline: comparing takes at least %d minutes\n",
                    COMPARE_BLOCKS_LEAST);
        code = output_end(true);
    }
    baseline_fini(&b);
    return err ? EXIT_FAILURE : code;
}

static int action_list(struct run *r)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    struct document_list *documents;
    struct store_error error;
    int err = r->options->json
                  ? baseline_list_json(r->data_dir, &out, &error)
                  : documents_list(r->data_dir, DOCUMENT_KIND_BASELINES, &documents, &error);
    if (err)
        return failed(&error);
    if (r->options->json)
        return print_buf(&out);
    for (size_t i = 0; i < documents->count; i++) {
        struct baseline b;
        size_t count = 0;
        const char *name = documents->entries[i].name;
        if (baseline_load(r->data_dir, name, true, &b, &count, &error) == 0) {
            printf("%-24s ", b.name);
            print_time(b.from_ms);
            fputs("  ", stdout);
            print_time(b.to_ms);
            printf(" %6zu series  %s\n", count, b.comment);
        } else {
            printf("%-24s %s\n", name, error.text);
        }
        baseline_fini(&b);
    }
    free(documents);
    printf("%-24s the same hours of the week in the four weeks before\n", BASELINE_AUTO);
    return output_end(true);
}

static int action_show(struct run *r)
{
    struct baseline b = {0};
    struct store_error error;
    bool automatic = strcmp(r->name, BASELINE_AUTO) == 0;
    int code = automatic ? open_history(r) : 0;
    if (code)
        return code;
    int err = automatic ? baseline_make(&r->place, &r->ask, &b, &error)
                        : baseline_load(r->data_dir, r->name, false, &b, NULL, &error);
    if (err) {
        code = failed(&error);
    } else if (r->options->json) {
        CLEANUP(buf_fini) struct buf out = BUF_INIT;
        baseline_json(&out, &b);
        code = print_buf(&out);
    } else {
        print_baseline(&b);
        code = output_end(true);
    }
    baseline_fini(&b);
    return code;
}

/* Any metric that both sides have. */
static bool has_common(const struct comparison_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->series[i].before && report->series[i].after)
            return true;
    }
    return false;
}

static int judge(const struct baseline_comparison *c)
{
    if (c->report.verdict == COMPARISON_REGRESSED)
        return EXIT_WORSE;
    if (c->report.verdict != COMPARISON_NOT_ENOUGH_DATA)
        return EXIT_SUCCESS;
    if (!has_common(&c->report)) {
        fputs("netsonde baseline: nothing could be compared: no series is on both sides\n", stderr);
        return EXIT_FAILURE;
    }
    fprintf(
        stderr,
        "netsonde baseline: not enough data: a verdict takes at least %d minutes on each side\n",
        COMPARE_BLOCKS_LEAST);
    return EXIT_FAILURE; /* 0 would say that it is the same, and a script would go on */
}

static int action_compare(struct run *r)
{
    struct baseline_comparison c;
    struct store_error error;
    int code = open_history(r);
    if (code)
        return code;
    int err = baseline_compare(&r->place, &r->ask, COMPARE_BLOCKS_LEAST, &c, &error);
    if (err) {
        code = failed(&error);
    } else if (r->options->json) {
        CLEANUP(buf_fini) struct buf out = BUF_INIT;
        struct comparison_about about = {r->name, "asked", r->ask.now_ms, r->ask.from_ms,
                                         r->ask.to_ms};
        json_open(&out, '{');
        comparison_json(&out, &c.report, &about, SIZE_MAX, false);
        json_close(&out, '}');
        code = print_buf(&out);
    } else {
        print_report(&c);
        code = output_end(true);
    }
    if (!err && !code)
        code = judge(&c);
    baseline_comparison_fini(&c);
    return code;
}

static int action_delete(struct run *r)
{
    struct store_error error;
    if (!baseline_is_name(r->name))
        return usage("there can be no baseline of that name to delete", r->name);
    return document_delete(r->data_dir, DOCUMENT_KIND_BASELINES, r->name, &error) < 0
               ? failed(&error)
               : EXIT_SUCCESS;
}

int cmd_baseline(const struct config *config, const struct options *options)
{
    static const struct {
        const char *word;
        bool named, saves, ranges;
        int (*run)(struct run *r);
    } actions[] = {
        {"save", true, true, true, action_save},
        {"list", false, false, false, action_list},
        {"show", true, false, true, action_show},
        {"compare", true, false, true, action_compare},
        {"delete", true, false, false, action_delete},
    };
    struct run r = {.options = options,
                    .data_dir = config->data_dir,
                    .name = options->arguments[1],
                    .ask = {.name = options->arguments[1],
                            .comment = options->baseline.comment,
                            .made_by = "command line"}};
    const char *word = options->arguments[0];
    size_t i = 0;
    while (i < ARRAY_LEN(actions) && (!word || strcmp(word, actions[i].word) != 0))
        i++;
    if (i == ARRAY_LEN(actions))
        return usage("say what to do: save, list, show, compare or delete", word);
    if (actions[i].named != (r.name != NULL))
        return usage(actions[i].named ? "say which: NAME" : "list takes no NAME", r.name);
    bool ranges =
        actions[i].ranges && (actions[i].run != action_show || strcmp(r.name, BASELINE_AUTO) == 0);
    uname(&r.system);
    gethostname(r.host, sizeof(r.host) - 1);
    r.place = (struct baseline_place){.data_dir = r.data_dir,
                                      .version = NETSONDE_VERSION,
                                      .host = r.host,
                                      .kernel = r.system.release};
    int code = read_options(options, actions[i].saves, ranges);
    if (!code)
        code = read_selector(&r);
    if (!code)
        code = read_range(&r);
    if (!code)
        code = actions[i].run(&r);
    store_reader_close(r.reader);
    selector_fini(&r.selector);
    return code;
}
