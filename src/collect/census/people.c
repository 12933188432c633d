/*
 * people.c: see people.h.
 *
 * A process is (pid, start): pids are given away again. Whoever tells of one may know only the pid;
 * /proc/PID/stat then says which start it has, each time: the one that is known may have ended
 * since anybody looked. A pid whose start has become another one is another process, and the former
 * has ended.
 *
 * Ends are noticed in two ways: an engine tells (people_end), or a look into /proc finds nothing.
 * Looking costs some microseconds, so a round looks at CHECKS processes in turn, and first at those
 * that are doubted because a socket of theirs has gone. The same look finds out that a process has
 * become another program or was moved to another unit: it joins another group. The user stands in
 * the largest of the files, but the directory belongs to the same one (fs/proc/base.c,
 * task_dump_owner): the file is read when the command or the directory's owner has changed, in the
 * first looks, in which a server that opened its port as root may become somebody else, and then
 * with every eighth.
 *
 * Who ended keeps the row for settings.ended_keep_ms and is then folded into the row of its group.
 * When all places are taken the one goes early that was noticed first to have ended; one that lives
 * goes only when it has neither bytes nor sockets. On a host of short processes all places are
 * taken all the time, so nothing of that may walk through all: the ended are a list in the order in
 * which they were noticed, the free places another one, both by numbers within the array.
 */
#include "collect/census/people.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"
#include "collect/census/identity.h"
#include "collect/census/names.h"

#define CHECKS 32            /* processes looked at in a round, in turn */
#define CHECKS_OF_DOUBT 1024 /* and because of doubts */
#define LOOKS_WHOLE 8        /* at first, and of so many one later */

struct people {
    const struct census_settings *settings;
    struct ledger *ledger;
    struct units *units;
    uint64_t seed;
    int proc;
    struct lookup by_pid;
    struct person *persons;
    size_t count, capacity;  /* count: all numbers are below */
    uint32_t free;           /* the first free place below count; NOBODY: none */
    uint32_t oldest, newest; /* of the ended; NOBODY: none */
    uint32_t idle_from;      /* from here on this round has not looked for somebody idle */
    uint32_t turn;           /* whose turn it is to be looked at */
    int64_t now_ms;
    bool hides; /* /proc shows nobody who belongs to another user (hidepid=2) */
};

/* The first process is always there. */
static bool proc_hides(int proc)
{
    struct stat st;
    return proc >= 0 && fstatat(proc, "1", &st, 0) < 0;
}

/* hidepid=1 shows directories that cannot be looked into, hidepid=2 not even these. */
static bool is_hidden(const struct people *p, int err)
{
    return err == -EACCES || err == -EPERM || (err == -ENOENT && p->hides);
}

struct people *people_new(const struct census_settings *settings, struct ledger *ledger,
                          uint64_t seed)
{
    struct people *p = mem_alloc(sizeof(*p));
    p->settings = settings;
    p->ledger = ledger;
    p->seed = seed;
    p->free = p->oldest = p->newest = NOBODY;
    p->units = units_new(settings->proc_root);
    p->proc = open(settings->proc_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p->hides = proc_hides(p->proc);
    return p;
}

void people_free(struct people *p)
{
    if (!p)
        return;
    if (p->proc >= 0)
        close(p->proc);
    units_free(p->units);
    lookup_fini(&p->by_pid);
    free(p->persons);
    free(p);
}

int people_proc(const struct people *p)
{
    return p->proc;
}

struct person *people_at(struct people *p, uint32_t number)
{
    CHECK(number < p->count);
    return p->persons[number].id ? &p->persons[number] : NULL;
}

uint32_t people_top(const struct people *p)
{
    return (uint32_t)p->count;
}

bool people_is(const struct people *p, uint32_t number, uint64_t id)
{
    return number < p->count && p->persons[number].id == id;
}

static uint32_t pid_hash(const struct people *p, uint32_t pid)
{
    return lookup_hash(lookup_mix(p->seed, pid));
}

/* ---- coming and going ---------------------------------------------------------------------- */

static void people_list_ended(struct people *p, uint32_t number)
{
    struct person *one = &p->persons[number];
    one->before = p->newest;
    one->after = NOBODY;
    if (p->newest != NOBODY)
        p->persons[p->newest].after = number;
    else
        p->oldest = number;
    p->newest = number;
}

static void people_unlist_ended(struct people *p, uint32_t number)
{
    const struct person *one = &p->persons[number];
    if (one->before != NOBODY)
        p->persons[one->before].after = one->after;
    else
        p->oldest = one->after;
    if (one->after != NOBODY)
        p->persons[one->after].before = one->before;
    else
        p->newest = one->before;
}

static void people_fold(struct people *p, uint32_t number, uint64_t *next_id)
{
    struct person *one = &p->persons[number];
    if (one->ended_ms)
        people_unlist_ended(p, number);
    ledger_fold(p->ledger, one->group, &one->all, one->method, next_id);
    ledger_leave(p->ledger, one->group);
    lookup_remove(&p->by_pid, pid_hash(p, one->pid), number);
    *one = (struct person){.after = p->free};
    p->free = number;
}

/* Somebody who has to go so that another one can come; NOBODY: all are needed. */
static uint32_t people_dispensable(struct people *p)
{
    while (p->idle_from < p->count) {
        const struct person *one = &p->persons[p->idle_from++];
        if (one->id && !one->ended_ms && !one->all.rx && !one->all.tx && !one->all.resent &&
            !one->sockets)
            return (uint32_t)(one - p->persons);
    }
    return p->oldest;
}

/* A place for somebody; NOBODY: none. The caller takes it. */
static uint32_t people_place(struct people *p, uint64_t *next_id)
{
    if (p->free == NOBODY && p->count == p->settings->processes_max) {
        uint32_t goes = people_dispensable(p);
        if (goes == NOBODY)
            return NOBODY;
        people_fold(p, goes, next_id);
    }
    if (p->free != NOBODY)
        return p->free;
    if (p->count == p->capacity) {
        p->capacity = MIN(MAX(p->capacity * 2, (size_t)64), p->settings->processes_max);
        p->persons = mem_resize(p->persons, p->capacity, sizeof(*p->persons));
    }
    return (uint32_t)p->count;
}

static void people_take_place(struct people *p, uint32_t number)
{
    if (number == p->free)
        p->free = p->persons[number].after;
    else
        p->count++;
}

void people_end(struct people *p, uint32_t number, int64_t t_ms)
{
    struct person *one = &p->persons[number];
    CHECK(number < p->count && one->id);
    if (one->ended_ms || !one->pid)
        return;
    one->ended_ms = MAX(t_ms, INT64_C(1));
    people_list_ended(p, number);
}

/* Command and unit, as well as they can be known. */
static void people_describe(struct people *p, const struct process_seen *seen,
                            const struct identity *identity, bool shown,
                            char command[COMMAND_BYTES], char unit[UNIT_BYTES])
{
    unit[0] = '\0';
    if (identity->command[0])
        memcpy(command, identity->command, COMMAND_BYTES);
    else if (seen->pid == 0)
        name_tame(command, COMMAND_BYTES, "kernel", 6);
    else
        name_tame(command, COMMAND_BYTES, seen->command,
                  strnlen(seen->command, sizeof(seen->command)));
    bool asked = shown && identity_unit(p->proc, seen->pid, unit) == 0;
    if (asked)
        units_learn(p->units, seen->cgroup_id, unit);
    else if (seen->cgroup_id)
        memccpy(unit, units_find(p->units, seen->cgroup_id, p->now_ms), '\0', UNIT_BYTES);
}

/* With *start == 0: the living one of this pid, whatever its start. */
static uint32_t people_find(const struct people *p, uint32_t pid, uint64_t start)
{
    struct lookup_walk walk = lookup_walk(&p->by_pid, pid_hash(p, pid));
    for (uint32_t n; lookup_next(&walk, &n);) {
        const struct person *one = &p->persons[n];
        if (one->pid == pid && (start ? one->start_ticks == start : !one->ended_ms))
            return n;
    }
    return NOBODY;
}

/* The one that was told of before by its pid alone and could not be found in /proc either. Whether
 * it is the same nobody can tell; a row for each time would be worse. */
static uint32_t people_find_startless(const struct people *p, uint32_t pid)
{
    struct lookup_walk walk = lookup_walk(&p->by_pid, pid_hash(p, pid));
    for (uint32_t n; lookup_next(&walk, &n);) {
        const struct person *one = &p->persons[n];
        if (one->pid == pid && !one->start_ticks)
            return n;
    }
    return NOBODY;
}

static uint32_t people_add(struct people *p, const struct process_seen *seen, int64_t now_ms,
                           uint64_t *next_id)
{
    struct identity identity = {0};
    bool lives = true, found = false;
    p->now_ms = now_ms;
    if (seen->pid && !pid_is_elsewhere(seen->pid)) {
        int err = p->proc >= 0 ? identity_read(p->proc, seen->pid, &identity) : -ENOENT;
        found = !err;
        if (found && seen->start_ticks && identity.start_ticks != seen->start_ticks) {
            identity = (struct identity){0}; /* another one has the pid by now */
            found = false;
        }
        lives = found || (is_hidden(p, err) && seen->start_ticks);
        /* Without a start it could have been meant all the same. */
        uint32_t known = people_find(p, seen->pid, identity.start_ticks);
        if (!lives && !seen->start_ticks)
            known = people_find_startless(p, seen->pid);
        if (known != NOBODY && (found || !seen->start_ticks))
            return known;
        uint32_t predecessor = lives ? people_find(p, seen->pid, 0) : NOBODY;
        if (predecessor != NOBODY)
            people_end(p, predecessor, now_ms);
    }
    uint32_t number = people_place(p, next_id);
    if (number == NOBODY || !lookup_add(&p->by_pid, pid_hash(p, seen->pid), number))
        return NOBODY;
    people_take_place(p, number);
    char command[COMMAND_BYTES], unit[UNIT_BYTES];
    people_describe(p, seen, &identity, found, command, unit);
    uint32_t uid = seen->uid;
    if (uid == UINT32_MAX && found)
        (void)identity_uid(p->proc, seen->pid, &uid);
    p->persons[number] = (struct person){
        .id = (*next_id)++,
        .start_ticks = seen->start_ticks ? seen->start_ticks : identity.start_ticks,
        .cgroup_id = seen->cgroup_id,
        .pid = seen->pid,
        .uid = seen->pid ? uid : 0,
        .group = ledger_join(p->ledger, command, unit),
        .told_ms = now_ms,
    };
    if (!lives)
        people_end(p, number, now_ms);
    return number;
}

static uint32_t people_known(const struct people *p, const struct process_seen *seen)
{
    return people_find(p, seen->pid, seen->pid ? seen->start_ticks : 0);
}

/* Told of by its pid alone: has another one got that by now? */
static bool is_given_away(const struct people *p, const struct process_seen *seen, uint32_t known)
{
    const struct person *one = &p->persons[known];
    struct identity identity;
    return !seen->start_ticks && person_is_here(one) && one->start_ticks && p->proc >= 0 &&
           identity_read(p->proc, one->pid, &identity) == 0 &&
           identity.start_ticks != one->start_ticks;
}

uint32_t people_get(struct people *p, const struct process_seen *seen, int64_t now_ms,
                    uint64_t *next_id)
{
    uint32_t known = people_known(p, seen);
    if (known == NOBODY || is_given_away(p, seen, known))
        return people_add(p, seen, now_ms, next_id);
    struct person *one = &p->persons[known];
    one->told_ms = now_ms;
    if (one->ended_ms && one->fell_silent) {
        one->fell_silent = false;
        people_unlist_ended(p, known);
        one->ended_ms = 0;
    }
    return known;
}

void people_ended(struct people *p, const struct process_seen *seen, int64_t t_ms)
{
    uint32_t known = people_known(p, seen);
    if (known == NOBODY)
        return;
    /* By its pid alone: it may be the end of one before. */
    if (!seen->start_ticks && person_is_here(&p->persons[known]))
        p->persons[known].doubted = true;
    else
        people_end(p, known, t_ms);
}

void people_count(struct people *p, uint32_t number, const struct amounts *increment,
                  const char *method)
{
    struct person *one = &p->persons[number];
    CHECK(number < p->count && one->id);
    one->all.rx += increment->rx;
    one->all.tx += increment->tx;
    one->all.local += increment->local;
    one->all.resent += increment->resent;
    one->rx_now += increment->rx;
    one->tx_now += increment->tx;
    if (method)
        one->method = method;
    ledger_count(p->ledger, one->group, increment);
}

/* ---- a round ------------------------------------------------------------------------------- */

static void person_look_at_user(struct people *p, struct person *one, bool renamed)
{
    uint32_t owner = one->directory_uid;
    (void)identity_owner(p->proc, one->pid, &owner);
    one->looks = renamed ? 0 : one->looks + 1;
    if (one->looks == 2 * LOOKS_WHOLE)
        one->looks = LOOKS_WHOLE;
    if (one->looks <= LOOKS_WHOLE || owner != one->directory_uid)
        (void)identity_uid(p->proc, one->pid, &one->uid);
    one->directory_uid = owner;
}

static void person_look_at_group(struct people *p, struct person *one, const char *command)
{
    char unit[UNIT_BYTES];
    const struct group *group = ledger_group(p->ledger, one->group);
    if (identity_unit(p->proc, one->pid, unit) < 0)
        memccpy(unit, group->unit, '\0', UNIT_BYTES);
    else if (strcmp(group->unit, unit) != 0)
        one->cgroup_id = 0; /* that was the cgroup it has left */
    else
        units_learn(p->units, one->cgroup_id, unit);
    if (strcmp(group->process, command) == 0 && strcmp(group->unit, unit) == 0)
        return;
    uint32_t before = one->group;
    one->group = ledger_join(p->ledger, command, unit);
    ledger_leave(p->ledger, before);
}

/* The end of one that /proc does not show may never be told: the engine is gone, or did not count
 * it. */
static void person_check_unseen(struct people *p, uint32_t number)
{
    struct person *one = &p->persons[number];
    if (one->ended_ms || one->sockets || p->now_ms - one->told_ms < p->settings->ended_keep_ms)
        return;
    people_end(p, number, p->now_ms);
    one->fell_silent = true;
}

static void person_check(struct people *p, uint32_t number)
{
    struct person *one = &p->persons[number];
    struct identity identity;
    one->doubted = false;
    if (pid_is_elsewhere(one->pid))
        person_check_unseen(p, number);
    if (!person_is_here(one) || one->ended_ms || p->proc < 0)
        return;
    int err = identity_read(p->proc, one->pid, &identity);
    if (err == -ENOENT && p->hides) {
        person_check_unseen(p, number);
        return;
    }
    if (err == -ENOENT || err == -ESRCH ||
        (!err && one->start_ticks && identity.start_ticks != one->start_ticks)) {
        people_end(p, number, p->now_ms);
        return;
    }
    if (err)
        return;
    one->start_ticks = identity.start_ticks;
    bool renamed = strcmp(ledger_group(p->ledger, one->group)->process, identity.command) != 0;
    person_look_at_user(p, one, renamed);
    person_look_at_group(p, one, identity.command);
}

void people_round(struct people *p, int64_t now_ms, uint64_t *next_id)
{
    p->now_ms = now_ms;
    p->hides = proc_hides(p->proc);
    size_t doubts = 0;
    for (uint32_t i = 0; i < p->count && doubts < CHECKS_OF_DOUBT; i++) {
        if (p->persons[i].id && p->persons[i].doubted) {
            person_check(p, i);
            doubts++;
        }
    }
    for (size_t i = 0; i < MIN(p->count, (size_t)CHECKS); i++) {
        p->turn = p->turn + 1 < p->count ? p->turn + 1 : 0;
        if (p->persons[p->turn].id)
            person_check(p, p->turn);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        struct person *one = &p->persons[i];
        /* A wall clock that was set back starts the time anew. */
        if (one->id && one->ended_ms > now_ms)
            one->ended_ms = MAX(now_ms, INT64_C(1));
        if (one->id && one->ended_ms && now_ms - one->ended_ms >= p->settings->ended_keep_ms)
            people_fold(p, i, next_id);
    }
    while (p->count && !p->persons[p->count - 1].id)
        p->count--;
    p->idle_from = 0;
    p->free = NOBODY;
    for (uint32_t i = (uint32_t)p->count; i-- > 0;) {
        if (p->persons[i].id)
            continue;
        p->persons[i].after = p->free;
        p->free = i;
    }
}
