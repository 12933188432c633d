/*
 * comparing.c: see comparing.h. Three things may be due: the start, the last change, the hour. Each
 * is a pair of windows that lie in the past when their time has come, with a block in between, so
 * that the disk has all of them. One is read at a time, by one thread of the pool; the database is
 * opened for it and closed again, as what it takes in memory should not stay.
 *
 * A change is compared across it: the blocks before the first one of a row of changes with those
 * after the last one. A side is as long as nothing else changes, up to `blocks_most`: twice what a
 * verdict takes, so that what is sampled now and then has enough blocks, too. A change that comes
 * before a verdict is possible goes on with the row; a later one ends the window after the row and
 * begins the next one. Where they never end (links of containers that come and go) the row is given
 * up after a while and begins anew; the hours are compared all the same.
 *
 * Which kernel and which netsonde ran last time stands in a document, that is read and written with
 * the comparison of the start: a run that was too short for one changes nothing in it. After a
 * change of one of them the last blocks before the start are what is compared with, wherever the
 * run before ended.
 */
#include "daemon/comparing.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "api/baseline_compare.h"
#include "api/baseline_read.h"
#include "api/comparison_log.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/core.h"
#include "hub/hub.h"
#include "store/store.h"
#include "wire/json.h"

#define KIND "comparisons"
#define LAST_RUN "last-run"
#define MESSAGE_METRICS 20
#define CHANGES_WINDOWS 8 /* a row of changes that goes on for longer is given up: least sides */
#define LAST_SEEN_BLOCKS 20160 /* how far back the run before may have ended: two weeks */
#define LAST_SEEN_METRIC "netsonde_ticks_total"

enum reason {
    REASON_START,
    REASON_LINK,
    REASON_ADDRESS,
    REASON_KERNEL,
    REASON_VERSION,
    REASON_HOURLY,
};

static const char *const reason_names[] = {
    [REASON_START] = "start",   [REASON_LINK] = "link",       [REASON_ADDRESS] = "address",
    [REASON_KERNEL] = "kernel", [REASON_VERSION] = "version", [REASON_HOURLY] = "hourly",
};

/* What is to be compared when the blocks after it are there: the start, or a row of changes. */
struct change {
    bool pending;
    enum reason reason;
    int64_t first_ms, last_ms;
    int64_t end_ms; /* something else changed here: what comes after it is left out; 0: nothing */
};

struct comparing {
    struct sink sink;
    struct comparing_settings settings;
    struct utsname system;
    uv_loop_t *uv;
    struct core *core;
    struct hub *hub;
    atomic_bool closing;
    bool running;
    bool begun;
    int64_t hour_ms;                   /* the next end of an hour */
    struct change start, change, next; /* next: what began while `change` waits for its turn */
    int64_t settled_ms;                /* the last change that is not pending; the start */
};

/* One comparison. */
struct comparing_job {
    uv_work_t work;
    struct comparing *comparing;
    enum reason reason;
    bool weeks_before; /* the window before is that of the weeks before */
    struct baseline_window before, after;
    int64_t now_ms;
    int err;
    struct store_error error;
    enum comparison_verdict verdict;
    struct buf members, sentence; /* of the message; for people */
};

static int64_t least_ms(const struct comparing *c)
{
    return c->settings.blocks_least * c->settings.block_ms;
}

static int64_t most_ms(const struct comparing *c)
{
    return c->settings.blocks_most * c->settings.block_ms;
}

static int64_t block_from(const struct comparing *c, int64_t t_ms)
{
    return t_ms - t_ms % c->settings.block_ms;
}

static int64_t block_after(const struct comparing *c, int64_t t_ms)
{
    return block_from(c, t_ms + c->settings.block_ms - 1);
}

/* ---- on the pool ------------------------------------------------------------------------- */

/* What the last run was, against what this one is; the start when nothing has changed. */
static enum reason what_changed(const struct comparing *c)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct store_error error;
    char why[128];
    enum reason reason = REASON_START;
    if (document_read(c->settings.data_dir, KIND, LAST_RUN, &text, &error) < 0)
        return reason;
    json_t *last = json_parse(text.data, text.len, why, sizeof(why));
    const char *version = json_string_value(json_object_get(last, "version"));
    const char *kernel = json_string_value(json_object_get(last, "kernel"));
    if (version && strcmp(version, c->settings.version) != 0)
        reason = REASON_VERSION;
    if (kernel && strcmp(kernel, c->settings.kernel) != 0)
        reason = REASON_KERNEL;
    json_decref(last);
    return reason;
}

static void note_run(const struct comparing *c)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct store_error error;
    json_open(&text, '{');
    json_put_key(&text, "version");
    json_put_string(&text, c->settings.version);
    json_put_key(&text, "kernel");
    json_put_string(&text, c->settings.kernel);
    json_close(&text, '}');
    buf_char(&text, '\n');
    if (buf_ok(&text) &&
        document_write(c->settings.data_dir, KIND, LAST_RUN, text.data, text.len, true, &error) < 0)
        log_warning("baseline", "which version ran is not kept: %s", error.text);
}

/* The end of the newest block before `end_ms` that counts; 0: none. */
static int last_recorded(const struct comparing_job *job, struct store_reader *reader,
                         int64_t end_ms, int64_t *ret, struct store_error *err)
{
    struct answer *a = NULL;
    int64_t block_ms = job->comparing->settings.block_ms;
    struct query query = {.from_ms = MAX(end_ms - LAST_SEEN_BLOCKS * block_ms, INT64_C(0)),
                          .to_ms = end_ms - 1,
                          .points = QUERY_POINTS_FINEST,
                          .step_ms = block_ms,
                          .aggregate = AGG_AVG,
                          .least_part = 0.5};
    selector_add_exact_name(&query.selector, LAST_SEEN_METRIC);
    int code = store_query(reader, &query, NULL, &a, err);
    selector_fini(&query.selector);
    *ret = 0;
    for (size_t s = 0; !code && s < a->series_count; s++) {
        for (size_t p = 0; p < a->points_count; p++) {
            int64_t block_end_ms = a->from_ms + (int64_t)(p + 1) * a->step_ms;
            if (!isnan(a->series[s].values[p]) && block_end_ms <= end_ms)
                *ret = MAX(*ret, block_end_ms);
        }
    }
    answer_free(a);
    return code;
}

/* A start that is a change: the window before it ends where the run before did. */
static int choose_windows(struct comparing_job *job, struct store_reader *reader)
{
    const struct comparing *c = job->comparing;
    int64_t end_ms;
    if (job->reason != REASON_START)
        return 0;
    job->reason = what_changed(c);
    if (job->reason == REASON_START)
        return 0;
    int err = last_recorded(job, reader, block_from(c, job->before.to_ms), &end_ms, &job->error);
    job->weeks_before = false;
    job->before = (struct baseline_window){end_ms - most_ms(c), end_ms};
    return err;
}

static int read_side(const struct comparing_job *job, struct store_reader *reader, bool before,
                     struct baseline_list *ret, struct store_error *err)
{
    const struct comparing *c = job->comparing;
    struct baseline_reading reading = {
        .reader = reader,
        .windows = {before && !job->weeks_before ? job->before : job->after},
        .windows_count = 1,
        .block_ms = c->settings.block_ms,
        .stop = &c->closing,
    };
    if (before && job->weeks_before)
        baseline_weeks_before(&reading, job->after.from_ms, job->after.to_ms);
    return baseline_read(&reading, ret, err);
}

/* What is told and kept. */
static void report(struct comparing_job *job, const struct comparison_report *r)
{
    const struct comparing *c = job->comparing;
    CLEANUP(buf_fini) struct buf entry = BUF_INIT;
    struct store_error error;
    struct comparison_about about = {
        .baseline = job->weeks_before ? BASELINE_AUTO : "", /* "": no document */
        .reason = reason_names[job->reason],
        .t_ms = job->now_ms,
        .from_ms = job->after.from_ms,
        .to_ms = job->after.to_ms,
    };
    job->verdict = r->verdict;
    /* For weeks after the first start no hour has one to be compared with. */
    if (job->reason == REASON_HOURLY && r->verdict == COMPARISON_NOT_ENOUGH_DATA)
        return;
    comparison_entry_json(&entry, r, &about);
    if (comparison_log_add(c->settings.data_dir, &entry, &error) < 0)
        log_warning("baseline", "a comparison is not kept: %s", error.text);
    about.t_ms = 0; /* the message has it */
    comparison_json(&job->members, r, &about, MESSAGE_METRICS, true);
    comparison_sentence(&job->sentence, r);
}

static int job_read(struct comparing_job *job, struct store_reader *reader)
{
    struct baseline_list before = {0}, after = {0};
    int err = choose_windows(job, reader);
    if (!err)
        err = read_side(job, reader, true, &before, &job->error);
    if (!err)
        err = read_side(job, reader, false, &after, &job->error);
    if (!err) {
        struct comparison_report r;
        comparison_make(&r, &before, &after, job->comparing->settings.blocks_least);
        report(job, &r);
        comparison_fini(&r);
    }
    baseline_list_fini(&before);
    baseline_list_fini(&after);
    return err;
}

static void job_work(uv_work_t *work)
{
    struct comparing_job *job = CONTAINER_OF(work, struct comparing_job, work);
    struct store_reader *reader = NULL;
    bool start = job->reason == REASON_START;
    job->err = store_reader_open(job->comparing->settings.data_dir, &reader, &job->error);
    if (!job->err)
        job->err = job_read(job, reader);
    store_reader_close(reader);
    if (start && !job->err)
        note_run(job->comparing);
    mem_trim(); /* what reading took is not needed again */
}

/* ---- the core thread --------------------------------------------------------------------- */

static void tell(const struct comparing_job *job)
{
    struct comparing *c = job->comparing;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct bytes *members = bytes_copy(job->members.data, job->members.len);
    if (members)
        hub_publish_document(c->hub, CHANNEL_BASELINE, job->now_ms, members);
    buf_printf(&text, "compared (%s, against %s): ", reason_names[job->reason],
               job->weeks_before ? "the weeks before" : "before the change");
    buf_append(&text, job->sentence.data, job->sentence.len);
    if (job->verdict != COMPARISON_REGRESSED) {
        log_info("baseline", "%s", buf_string(&text));
        return;
    }
    log_warning("baseline", "%s", buf_string(&text));
    struct event *e = event_new(EVENT_ERROR, clock_wall_ms());
    event_text(e, "what", "baseline");
    event_text(e, "reason", buf_string(&text));
    core_post_event(c->core, e);
}

static void job_done(uv_work_t *work, int status)
{
    struct comparing_job *job = CONTAINER_OF(work, struct comparing_job, work);
    struct comparing *c = job->comparing;
    (void)status; /* it is never cancelled */
    c->running = false;
    if (atomic_load(&c->closing)) {
        /* nobody listens any more */
    } else if (job->err) {
        log_warning("baseline", "nothing was compared (%s): %s", reason_names[job->reason],
                    job->error.text);
    } else if (job->members.len && buf_ok(&job->members) && buf_ok(&job->sentence)) {
        tell(job);
    }
    buf_fini(&job->members);
    buf_fini(&job->sentence);
    free(job);
}

static struct comparing_job *job_new(struct comparing *c, enum reason reason, int64_t now_ms)
{
    struct comparing_job *job = mem_alloc(sizeof(*job));
    job->comparing = c;
    job->reason = reason;
    job->now_ms = now_ms;
    return job;
}

static void job_begin(struct comparing_job *job)
{
    struct comparing *c = job->comparing;
    c->running = true;
    CHECK(uv_queue_work(c->uv, &job->work, job_work, job_done) == 0); /* it has a function */
}

static struct baseline_window window_after(const struct comparing *c, const struct change *change)
{
    int64_t from_ms = block_after(c, change->last_ms);
    return (struct baseline_window){from_ms,
                                    change->end_ms ? change->end_ms : from_ms + most_ms(c)};
}

/* Back to the change before this one, but never shorter than a verdict takes. */
static struct baseline_window window_before(const struct comparing *c, const struct change *change)
{
    int64_t end_ms = block_from(c, change->first_ms);
    int64_t from_ms = MAX(end_ms - most_ms(c), block_after(c, c->settled_ms));
    return (struct baseline_window){MIN(from_ms, end_ms - least_ms(c)), end_ms};
}

/* All blocks after it are there, and on the disk. */
static bool is_due(const struct comparing *c, const struct change *change, int64_t now_ms)
{
    return !c->running && change->pending &&
           now_ms >= window_after(c, change).to_ms + c->settings.block_ms;
}

static void look_at_start(struct comparing *c, int64_t now_ms)
{
    if (!is_due(c, &c->start, now_ms))
        return;
    struct comparing_job *job = job_new(c, REASON_START, now_ms);
    job->weeks_before = true;
    job->before.to_ms = c->start.first_ms; /* should it turn out to be a change */
    job->after = window_after(c, &c->start);
    c->start.pending = false;
    job_begin(job);
}

static void look_at_change(struct comparing *c, int64_t now_ms)
{
    if (!is_due(c, &c->change, now_ms))
        return;
    struct comparing_job *job = job_new(c, c->change.reason, now_ms);
    job->before = window_before(c, &c->change);
    job->after = window_after(c, &c->change);
    c->settled_ms = c->change.last_ms;
    c->change = c->next;
    c->next = (struct change){0};
    job_begin(job);
}

static void look_at_hour(struct comparing *c, int64_t now_ms)
{
    int64_t hour_ms = c->settings.hour_ms;
    if (!c->hour_ms || c->hour_ms > now_ms + 2 * hour_ms) /* or the clock was set back */
        c->hour_ms = now_ms - now_ms % hour_ms + hour_ms;
    if (c->running || now_ms < c->hour_ms + c->settings.block_ms)
        return;
    struct comparing_job *job = job_new(c, REASON_HOURLY, now_ms);
    int64_t end_ms = now_ms - now_ms % hour_ms;
    job->weeks_before = true;
    job->after = (struct baseline_window){end_ms - hour_ms, end_ms};
    c->hour_ms = end_ms + hour_ms;
    job_begin(job);
}

/* Something changed: the window after an earlier change ends, where it has what a verdict takes. */
static void end_window(const struct comparing *c, struct change *change, int64_t t_ms)
{
    int64_t from_ms = block_after(c, change->last_ms);
    if (change->pending && !change->end_ms)
        change->end_ms = MAX(block_from(c, t_ms), from_ms + least_ms(c));
}

static void note_change(struct comparing *c, enum reason reason, int64_t t_ms)
{
    struct change *row = &c->change;
    end_window(c, &c->start, t_ms);
    if (row->pending && t_ms >= block_after(c, row->last_ms) + least_ms(c)) {
        end_window(c, row, t_ms);
        row = &c->next;
    }
    bool goes_on = row->pending && t_ms >= row->first_ms &&
                   t_ms - row->first_ms <= CHANGES_WINDOWS * least_ms(c);
    if (!goes_on) {
        if (row->pending && row == &c->change)
            c->settled_ms = row->last_ms; /* given up */
        *row = (struct change){.pending = true, .reason = reason, .first_ms = t_ms};
    }
    /* A link that comes brings its addresses: the row is about the link. */
    if (reason == REASON_LINK)
        row->reason = reason;
    row->last_ms = t_ms;
}

static void comparing_push(struct sink *sink, struct tick *t)
{
    struct comparing *c = CONTAINER_OF(sink, struct comparing, sink);
    if (!c->begun) {
        c->begun = true;
        c->settled_ms = t->t_ms;
        c->start = (struct change){
            .pending = true, .reason = REASON_START, .first_ms = t->t_ms, .last_ms = t->t_ms};
    }
    for (size_t i = 0; i < t->events_count; i++) {
        if (t->events[i]->kind == EVENT_LINK)
            note_change(c, REASON_LINK, t->t_ms);
        else if (t->events[i]->kind == EVENT_ADDRESS)
            note_change(c, REASON_ADDRESS, t->t_ms);
    }
    look_at_start(c, t->t_ms);
    look_at_change(c, t->t_ms);
    look_at_hour(c, t->t_ms);
}

struct comparing *comparing_new(uv_loop_t *uv, const struct comparing_settings *settings)
{
    struct comparing *c = mem_alloc(sizeof(*c));
    c->sink = (struct sink){.name = "comparing", .push = comparing_push};
    c->settings = *settings;
    c->uv = uv;
    uname(&c->system);
    if (!c->settings.kernel)
        c->settings.kernel = c->system.release;
    return c;
}

void comparing_connect(struct comparing *c, struct core *core, struct hub *hub)
{
    c->core = core;
    c->hub = hub;
}

struct sink *comparing_sink(struct comparing *c)
{
    return &c->sink;
}

void comparing_close(struct comparing *c)
{
    atomic_store(&c->closing, true);
}

void comparing_free(struct comparing *c)
{
    free(c);
}
