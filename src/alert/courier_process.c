/*
 * courier_process.c: the courier itself. It was forked from main before that had threads, holds no
 * capability, cannot gain any, and ends with main. The process that main forked is the nurse
 * (keeper/nurse.h), its child works: one thread, one loop, a desk for each channel.
 *
 * A desk has one notice at a time: it is idle, under way (libcurl or a program has it) or pauses
 * before the next attempt. Pauses double from PAUSE_MS, a quarter more or less by chance so that a
 * receiver that comes back is not met by everybody at once; a receiver that names a time gets it.
 * Nothing here waits for one desk, so a slow receiver holds up its own channel only. What cannot be
 * kept from waiting, files on a server that has gone, is ended by an alarm: the nurse starts
 * another courier, and the third time it happens the notice falls back.
 *
 * What main says was made by the same program, but main can be taken over: a packet that is not of
 * the form ends the process, and main can only name channels, not addresses.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "alert/attempt.h"
#include "alert/courier_confine.h"
#include "alert/courier_protocol.h"
#include "alert/local.h"
#include "alert/packing.h"
#include "alert/program.h"
#include "alert/web.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/watched.h"
#include "keeper/helper.h"
#include "keeper/nurse.h"

#define PAUSE_MS 1000
#define PAUSE_MOST_MS 60000
#define LAST_WORDS_MS 500 /* for what is under way when main leaves */
#define LOOK_MS 50        /* at programs, where the kernel does not tell of their end */
#define FDS_MOST 512
#define STUCK_S 20 /* in one round of the loop: a file system that does not answer, say */
#define ROUND_S 5  /* the longest that is nothing but waiting */

enum desk_state { DESK_IDLE, DESK_PAUSES, DESK_UNDER_WAY };

struct desk {
    const struct channel_spec *spec;
    struct courier_part part; /* of what is coming or is here */
    struct buf packed;        /* as much of it as has come */
    struct notice *notice;
    enum desk_state state;
    uint32_t attempts;
    int64_t due_ns;
    size_t lines_done;
    struct local local;
    struct program program;
};

struct office {
    uint32_t epoch;
    char host[256];
    char confined[40]; /* for people */
    struct web *web;
    int bell; /* an eventfd that threads of local.c ring */
    size_t count;
    struct desk *desks;
    int64_t leave_ns; /* 0: main is there */
};

static _Noreturn void give_up(const char *what, int err)
{
    log_error("courier", "%s: %s", what, strerror(-err));
    _exit(NURSE_TRY_AGAIN);
}

/* ---- telling main ---------------------------------------------------------------------------- */

static void report(const struct office *o, const struct desk *d, enum courier_say say,
                   const char *why)
{
    struct courier_report r = {
        .say = say,
        .epoch = o->epoch,
        .channel = d ? d->part.channel : 0,
        .id = d ? d->part.id : 0,
    };
    snprintf(r.why, sizeof(r.why), "%s", why);
    ssize_t sent;
    do
        sent = send(HELPER_FD, &r, sizeof(r), MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        _exit(EXIT_SUCCESS); /* main is gone */
}

static void desk_close(const struct office *o, struct desk *d, enum courier_say say,
                       const char *why)
{
    report(o, d, say, why);
    notice_unref(d->notice);
    d->notice = NULL;
    d->state = DESK_IDLE;
    buf_fini(&d->packed);
}

/* ---- attempts -------------------------------------------------------------------------------- */

static int64_t pause_ms(uint32_t attempts)
{
    uint32_t chance;
    int64_t ms = MIN((int64_t)PAUSE_MS << MIN(attempts - 1, 10U), (int64_t)PAUSE_MOST_MS);
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
        chance = UINT32_MAX / 2;
    return ms * 3 / 4 + (int64_t)((uint64_t)(ms / 2) * chance / UINT32_MAX);
}

static void desk_ended(const struct office *o, struct desk *d, const struct attempt_result *r)
{
    bool last = d->part.only_once || d->part.renewal || d->attempts > d->spec->retries;
    if (r->end == ATTEMPT_DELIVERED) {
        desk_close(o, d, COURIER_DELIVERED, "");
    } else if (r->end == ATTEMPT_REFUSED || last || o->leave_ns) {
        desk_close(o, d, COURIER_FAILED, r->why);
    } else {
        d->state = DESK_PAUSES;
        d->due_ns = clock_mono_ns() + MAX(pause_ms(d->attempts), r->wait_ms) * NS_PER_MS;
        report(o, d, COURIER_AGAIN, r->why);
    }
}

static void desk_try(struct office *o, struct desk *d)
{
    struct attempt_result r = {.end = ATTEMPT_AGAIN};
    const struct attempt a = {
        .spec = d->spec,
        .notice = d->notice,
        .context = {.receiver = d->spec->name,
                    .host = o->host,
                    .dashboard = d->spec->dashboard,
                    .now_ms = clock_wall_ms(),
                    .pid = (uint32_t)getpid()},
        .lines_done = &d->lines_done,
    };
    bool begun = false;
    d->attempts++;
    switch (d->spec->type) {
    case CHANNEL_TYPE_WEBHOOK:
    case CHANNEL_TYPE_ALERTMANAGER:
    case CHANNEL_TYPE_EMAIL:
        begun = web_start(o->web, &a, d, &r);
        break;
    case CHANNEL_TYPE_EXEC:
        begun = program_start(&d->program, &a, &r) == 0;
        break;
    default:
        begun = local_start(&d->local, &a, o->bell, &r) == 0;
        break;
    }
    if (begun)
        d->state = DESK_UNDER_WAY;
    else
        desk_ended(o, d, &r);
}

/* ---- listening to main ----------------------------------------------------------------------- */

static _Noreturn void cut_off(void)
{
    log_error("courier", "main breaks the protocol");
    _exit(EXIT_FAILURE);
}

static void desk_take(struct office *o, struct desk *d, const struct courier_part *p,
                      const char *data, size_t len)
{
    if (d->state != DESK_IDLE || !p->total || p->total > PACKING_MAX || len > p->total ||
        p->offset > p->total - len || (p->offset && p->id != d->part.id) ||
        p->offset != (p->offset ? d->packed.len : 0) || !len)
        cut_off();
    if (!p->offset)
        buf_clear(&d->packed);
    d->part = *p;
    buf_append(&d->packed, data, len);
    if (d->packed.len < p->total)
        return;
    if (!buf_ok(&d->packed) || packing_take(d->packed.data, d->packed.len, &d->notice) < 0)
        cut_off();
    d->attempts = 0;
    d->lines_done = 0;
    desk_try(o, d);
}

static void office_leave(struct office *o)
{
    o->leave_ns = clock_mono_ns() + LAST_WORDS_MS * NS_PER_MS;
    for (size_t i = 0; i < o->count; i++) {
        if (o->desks[i].state == DESK_PAUSES)
            desk_close(o, &o->desks[i], COURIER_FAILED, "netsonde ends");
    }
}

static void office_listen(struct office *o)
{
    static _Alignas(8) char packet[sizeof(struct courier_part) + COURIER_PART_MAX];
    struct courier_part p;
    while (!o->leave_ns) {
        ssize_t len = recv(HELPER_FD, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return;
        if (len <= 0) {
            office_leave(o);
            return;
        }
        if ((size_t)len > sizeof(packet) || (size_t)len < sizeof(p))
            cut_off();
        memcpy(&p, packet, sizeof(p));
        if (p.epoch != o->epoch)
            continue; /* meant for the one before */
        if (p.channel >= o->count || !channel_is_courier(o->desks[p.channel].spec))
            cut_off();
        desk_take(o, &o->desks[p.channel], &p, packet + sizeof(p), (size_t)len - sizeof(p));
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void office_look(struct office *o)
{
    void *owner;
    uint64_t rings;
    struct attempt_result r = {.end = ATTEMPT_AGAIN};
    ssize_t rung = read(o->bell, &rings, sizeof(rings)); /* it tells no more than that */
    (void)rung;
    while (web_ended(o->web, &owner, &r))
        desk_ended(o, owner, &r);
    for (size_t i = 0; i < o->count; i++) {
        struct desk *d = &o->desks[i];
        if ((d->program.pid && program_look(&d->program, &r)) ||
            local_look(&d->local, &d->lines_done, &r))
            desk_ended(o, d, &r);
        if (d->state == DESK_PAUSES && clock_mono_ns() >= d->due_ns)
            desk_try(o, d);
    }
}

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return b_ns && b_ns < a_ns ? b_ns : a_ns;
}

/* What to wait for, and until when. */
static size_t office_fds(const struct office *o, struct pollfd fds[WEB_FDS_MAX], int *ret_ms)
{
    size_t count = 0;
    fds[count++] = (struct pollfd){.fd = o->bell, .events = POLLIN};
    int64_t now_ns = clock_mono_ns(), until_ns = sooner(now_ns + ROUND_S * NS_PER_S, o->leave_ns);
    if (!o->leave_ns)
        fds[count++] = (struct pollfd){.fd = HELPER_FD, .events = POLLIN};
    for (size_t i = 0; i < o->count; i++) {
        const struct desk *d = &o->desks[i];
        if (d->state == DESK_PAUSES)
            until_ns = sooner(until_ns, d->due_ns);
        if (d->local.job && !d->local.given_up)
            until_ns = sooner(until_ns, d->local.deadline_ns);
        if (!d->program.pid)
            continue;
        if (!d->program.killed)
            until_ns = sooner(until_ns, d->program.deadline_ns);
        bool room = count + 2 <= WEB_FDS_MAX;
        if (d->program.pidfd >= 0 && room)
            fds[count++] = (struct pollfd){.fd = d->program.pidfd, .events = POLLIN};
        else
            until_ns = sooner(until_ns, now_ns + LOOK_MS * NS_PER_MS);
        if (d->program.output >= 0 && room)
            fds[count++] = (struct pollfd){.fd = d->program.output, .events = POLLIN};
    }
    *ret_ms = (int)((MAX(until_ns - now_ns, 0) + NS_PER_MS - 1) / NS_PER_MS);
    return count;
}

static bool is_busy(const struct office *o)
{
    bool busy = false;
    for (size_t i = 0; i < o->count; i++)
        busy |= o->desks[i].state != DESK_IDLE;
    return busy;
}

/* What main hears no more of counts as not delivered there. */
static _Noreturn void office_close(struct office *o)
{
    bool all = true;
    web_free(o->web);
    for (size_t i = 0; i < o->count; i++) {
        struct desk *d = &o->desks[i];
        if (d->program.pid)
            kill(-d->program.pid, SIGKILL);
        notice_unref(d->notice);
        buf_fini(&d->packed);
        all &= local_close(&d->local);
    }
    if (all)
        free(o->desks);
    if (all && watched_by())
        exit(EXIT_SUCCESS); /* who watches says now what was not freed */
    _exit(EXIT_SUCCESS);
}

static _Noreturn void office_run(struct office *o)
{
    report(o, NULL, COURIER_HELLO, o->confined);
    for (;;) {
        struct pollfd fds[WEB_FDS_MAX];
        int timeout_ms;
        alarm(STUCK_S); /* instead of the one of the round before */
        size_t count = office_fds(o, fds, &timeout_ms);
        web_wait(o->web, fds, count, timeout_ms);
        office_look(o);
        office_listen(o);
        if (o->leave_ns && (!is_busy(o) || clock_mono_ns() >= o->leave_ns))
            office_close(o);
    }
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* Like helper_limit, but with files that may grow and connections. */
static int limit(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit files;
    tzset();
    if (watched_by())
        return 0;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    files.rlim_cur = files.rlim_max = MIN(files.rlim_max, (rlim_t)FDS_MOST);
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

void courier_run(void *user, int fd, pid_t parent)
{
    const struct courier_process *p = user;
    int err;
    if ((err = helper_detach("netsonde-courier", fd, parent)) < 0)
        give_up("cannot leave what is main's", err);
    if ((err = helper_keep_capabilities(0)) < 0)
        give_up("cannot give up its capabilities", err);
    if ((err = limit()) < 0)
        give_up("cannot limit itself", err);
    struct courier_confined confined;
    courier_confine(p->channels, p->count, &confined);
    nurse_watch(p->pulse, parent, "netsonde-nurse", "netsonde-courier");
    if ((err = courier_confine_child(&confined)) < 0)
        give_up("cannot filter system calls", err);

    struct office o = {.epoch = (uint32_t)getpid(), .count = p->count, .web = web_new()};
    o.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (o.bell < 0)
        give_up("cannot make its bell", -errno);
    o.desks = mem_array(o.count, sizeof(*o.desks));
    for (size_t i = 0; i < o.count; i++) {
        o.desks[i].spec = p->channels[i];
        o.desks[i].local = LOCAL_INIT;
    }
    if (gethostname(o.host, sizeof(o.host) - 1) < 0)
        snprintf(o.host, sizeof(o.host), "localhost");
    snprintf(o.confined, sizeof(o.confined), "%s%s%s", confined.files ? "files" : "",
             confined.files && confined.calls ? ", " : "", confined.calls ? "system calls" : "");
    office_run(&o);
}
