/*
 * courier_probe.c: the courier with channels and notices of a test's choice, without the daemon.
 *
 *   courier_probe KEY=VALUE … [-- KEY=VALUE …]     a channel, and another one …
 *
 * On standard input one JSON object a line:
 *   {"op":"send","channel":0,"count":1,"notice":{"alerts":[{"rule":…}],"test":…}}   ids grow by one
 * with each of `count` that have none
 *   {"op":"status"}     {"op":"active","ids":[…]}   those that are, from now on (else: all)
 *   {"op":"recall","channel":0,"alert":{…}}         {"op":"renew"}  as if a minute had passed
 * On standard output one a line: {"event":"lost",…}, {"event":"status",…}. At the end of input the
 * courier is stopped, and {"event":"stopped"} said.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "alert/courier_internal.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/json.h"

#define CHANNELS_MAX 64
#define ACTIVE_MAX 64

struct probe {
    uv_loop_t uv;
    uv_poll_t input;
    struct buf line;
    struct courier *courier;
    struct channel_spec *specs[CHANNELS_MAX];
    size_t count;
    uint64_t next_id;
    bool choosy;
    uint64_t active[ACTIVE_MAX];
    size_t active_count;
    uint64_t lost, changes;
};

static void say(struct buf *line)
{
    buf_char(line, '\n');
    for (size_t at = 0; at < line->len;) {
        ssize_t n = write(STDOUT_FILENO, line->data + at, line->len - at);
        if (n < 0 && errno != EINTR)
            _exit(1);
        at += n > 0 ? (size_t)n : 0;
    }
    buf_fini(line);
}

static void put(struct buf *b, const char *key, const char *text)
{
    json_put_key(b, key);
    json_put_string(b, text);
}

static void put_number(struct buf *b, const char *key, uint64_t value)
{
    json_put_key(b, key);
    json_put_u64(b, value);
}

/* ---- notices --------------------------------------------------------------------------------- */

static double number_of(json_t *j, const char *key)
{
    json_t *v = json_object_get(j, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static int64_t whole_of(json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

static void text_of(json_t *j, const char *key, char **member)
{
    const char *text = json_string_value(json_object_get(j, key));
    if (text)
        alert_text(member, text);
}

static struct alert *alert_of(struct probe *p, json_t *j)
{
    struct alert *a = alert_new();
    const char *state = json_string_value(json_object_get(j, "state"));
    const char *severity = json_string_value(json_object_get(j, "severity"));
    CHECK(alert_state_parse(state ? state : "firing", &a->state) == 0);
    CHECK(alert_severity_parse(severity ? severity : "warning", &a->severity) == 0);
    text_of(j, "rule", &a->rule);
    text_of(j, "series", &a->series);
    text_of(j, "summary", &a->summary);
    text_of(j, "unit", &a->unit);
    text_of(j, "by", &a->by);
    a->value = number_of(j, "value");
    a->threshold = number_of(j, "threshold");
    a->z = number_of(j, "z");
    a->id = json_object_get(j, "id") ? (uint64_t)whole_of(j, "id") : p->next_id;
    a->seq = json_object_get(j, "seq") ? (uint64_t)whole_of(j, "seq") : p->next_id;
    p->next_id++;
    a->started_ms = json_object_get(j, "started") ? whole_of(j, "started") : clock_wall_ms();
    a->changed_ms = a->started_ms;
    a->resolved_ms = whole_of(j, "resolved");
    return a;
}

static struct notice *notice_of(struct probe *p, json_t *j)
{
    struct notice *n = notice_new();
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(j, "alerts"), i, item)
    {
        struct alert *a = alert_of(p, item);
        notice_add(n, a);
        alert_unref(a);
    }
    CHECK(n->count);
    n->test = json_is_true(json_object_get(j, "test"));
    n->more += (uint32_t)whole_of(j, "more");
    n->held_back = (uint32_t)whole_of(j, "held_back");
    n->t_ms = clock_wall_ms();
    return n;
}

/* ---- what the courier tells ------------------------------------------------------------------ */

static void on_lost(void *user, size_t channel, struct notice *n, const char *why)
{
    struct probe *p = user;
    struct buf line = BUF_INIT, title = BUF_INIT;
    p->lost++;
    notice_title(n, &title);
    json_open(&line, '{');
    put(&line, "event", "lost");
    put_number(&line, "channel", channel);
    put(&line, "why", why);
    put(&line, "title", buf_string(&title));
    put_number(&line, "alerts", n->count + n->more);
    json_close(&line, '}');
    say(&line);
    buf_fini(&title);
}

static void on_changed(void *user)
{
    struct probe *p = user;
    p->changes++;
}

static bool on_active(void *user, uint64_t alert)
{
    const struct probe *p = user;
    bool found = !p->choosy;
    for (size_t i = 0; i < p->active_count; i++)
        found |= p->active[i] == alert;
    return found;
}

static const struct courier_ops ops = {
    .lost = on_lost,
    .changed = on_changed,
    .is_active = on_active,
};

static void tell_status(struct probe *p)
{
    struct buf line = BUF_INIT;
    struct courier_state state;
    courier_state(p->courier, &state);
    json_open(&line, '{');
    put(&line, "event", "status");
    put(&line, "text", state.text);
    json_put_key(&line, "alive");
    json_put_bool(&line, state.alive);
    put_number(&line, "restarts", state.restarts);
    put_number(&line, "pid", atomic_load(&p->courier->pulse->pid));
    put_number(&line, "nurse", (uint64_t)p->courier->nurse);
    put_number(&line, "lost", p->lost);
    json_put_key(&line, "channels");
    json_open(&line, '[');
    for (size_t i = 0; i < p->count; i++) {
        struct channel_status s = {0};
        courier_status(p->courier, i, &s);
        json_open(&line, '{');
        put(&line, "name", s.name);
        put(&line, "target", s.target);
        put(&line, "fallback", s.fallback);
        put(&line, "last_error", s.last_error);
        put_number(&line, "sent", s.sent);
        put_number(&line, "failed", s.failed);
        put_number(&line, "retried", s.retried);
        put_number(&line, "fell_back", s.fell_back);
        put_number(&line, "dropped", s.dropped);
        put_number(&line, "merged", s.merged);
        put_number(&line, "queued", s.queued);
        put_number(&line, "told", p->courier->lanes[i].told.count);
        json_close(&line, '}');
    }
    json_close(&line, ']');
    json_close(&line, '}');
    say(&line);
}

/* ---- what the test says ---------------------------------------------------------------------- */

static void set_active(struct probe *p, json_t *ids)
{
    p->choosy = true;
    p->active_count = MIN(json_array_size(ids), (size_t)ACTIVE_MAX);
    for (size_t i = 0; i < p->active_count; i++)
        p->active[i] = (uint64_t)json_integer_value(json_array_get(ids, i));
}

static void obey(struct probe *p, const char *text, size_t len)
{
    char why[160];
    json_t *j = json_parse(text, len, why, sizeof(why));
    CHECK(j);
    const char *op = json_string_value(json_object_get(j, "op"));
    CHECK(op);
    size_t channel = (size_t)whole_of(j, "channel");
    int64_t count = json_object_get(j, "count") ? whole_of(j, "count") : 1;
    if (strcmp(op, "send") == 0) {
        for (int64_t i = 0; i < count; i++) {
            struct notice *n = notice_of(p, json_object_get(j, "notice"));
            courier_send(p->courier, channel, n);
            notice_unref(n);
        }
    } else if (strcmp(op, "recall") == 0) {
        struct alert *a = alert_of(p, json_object_get(j, "alert"));
        courier_recall(p->courier, channel, a);
        alert_unref(a);
    } else if (strcmp(op, "active") == 0) {
        set_active(p, json_object_get(j, "ids"));
    } else if (strcmp(op, "renew") == 0) {
        p->courier->renewing.timer_cb(&p->courier->renewing);
    } else {
        CHECK(strcmp(op, "status") == 0);
        tell_status(p);
    }
    json_decref(j);
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    struct probe *p = poll->data;
    char *room = buf_reserve(&p->line, 65536);
    ssize_t n = read(STDIN_FILENO, room, 65536);
    (void)status;
    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        courier_detach(p->courier);
        uv_close((uv_handle_t *)poll, NULL);
        return;
    }
    p->line.len += (size_t)n;
    for (char *end; (end = memchr(p->line.data, '\n', p->line.len));) {
        obey(p, p->line.data, (size_t)(end - p->line.data));
        buf_consume(&p->line, (size_t)(end - p->line.data) + 1);
    }
}

/* ---- channels -------------------------------------------------------------------------------- */

static void refuse(const char *key, const char *why)
{
    struct buf line = BUF_INIT;
    json_open(&line, '{');
    put(&line, "event", "refused");
    put(&line, "key", key);
    put(&line, "why", why);
    json_close(&line, '}');
    say(&line);
    exit(2);
}

static void finish(struct probe *p, struct channel_draft *d)
{
    const char *key;
    char why[300];
    CHECK(p->count < CHANNELS_MAX);
    if (channel_draft_finish(d, &p->specs[p->count], &key, why, sizeof(why)) < 0)
        refuse(key, why);
    p->count++;
}

static void read_channels(struct probe *p, char **args, int count)
{
    struct channel_draft *d = channel_draft_new();
    char why[300];
    for (int i = 0; i < count; i++) {
        char *equals = strchr(args[i], '=');
        if (strcmp(args[i], "--") == 0) {
            finish(p, d);
            d = channel_draft_new();
            continue;
        }
        CHECK(equals);
        *equals = '\0';
        if (channel_draft_set(d, args[i], equals + 1, why, sizeof(why)) < 0)
            refuse(args[i], why);
    }
    finish(p, d);
}

int main(int argc, char **argv)
{
    struct probe *p = mem_alloc(sizeof(*p));
    signal(SIGPIPE, SIG_IGN);
    log_setup(LOG_LEVEL_INFO);
    p->next_id = 1;
    read_channels(p, argv + 1, argc - 1);
    int err = courier_start((const struct channel_spec *const *)p->specs, p->count, &p->courier);
    if (err || !p->courier)
        refuse("", err ? strerror(-err) : "nothing to carry");
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    CHECK(uv_loop_init(&p->uv) == 0);
    CHECK(uv_poll_init(&p->uv, &p->input, STDIN_FILENO) == 0);
    p->input.data = p;
    uv_poll_start(&p->input, UV_READABLE, on_input);
    CHECK(courier_attach(p->courier, &p->uv, &ops, p) == 0);
    uv_run(&p->uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&p->uv) == 0);
    courier_stop(p->courier);
    for (size_t i = 0; i < p->count; i++)
        channel_spec_free(p->specs[i]);
    buf_fini(&p->line);
    free(p);
    struct buf line = BUF_INIT;
    json_open(&line, '{');
    put(&line, "event", "stopped");
    json_close(&line, '}');
    say(&line);
    return 0;
}
