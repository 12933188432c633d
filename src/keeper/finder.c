/*
 * finder.c: both halves of the finder. They talk over a SOCK_SEQPACKET pair: a request is its
 * number, the answer repeats the number and has a part of the walk. Both come from one binary by
 * fork; main checks what it is told all the same, and cuts off who breaks the form.
 *
 * The finder's own end: no capability but the two, no new privileges, no files, a filter that kills
 * it for any other system call. openat is let through only with O_DIRECTORY and without anything
 * that writes or makes; there is no read and no connect. What it tells are numbers.
 */
#include "keeper/finder.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/watched.h"
#include "keeper/helper.h"

#define END_TIMEOUT_MS 1000

struct answer_head {
    uint32_t id;
    uint32_t count;  /* of descriptors that follow */
    uint32_t hidden; /* processes */
    uint32_t end;    /* 1: of the walk */
};

struct answer {
    struct answer_head head;
    struct descriptor found[DESCRIPTORS_PART];
};

struct finder {
    int fd; /* -1: cut off */
    pid_t pid;
    uint64_t capabilities;
    bool reaped;            /* by the main thread, then with wait_status */
    int wait_status;        /* HELPER_STATUS_UNKNOWN: somebody else has it */
    atomic_bool broke_form; /* told to the main thread by who reads */
    uint32_t next_id;
    struct answer answer; /* received last */
};

/* ---- the finder's end ---------------------------------------------------------------------- */

static int filter_rules(scmp_filter_ctx filter)
{
    static const int plain[] = {
        SCMP_SYS(recvfrom),      SCMP_SYS(sendto),          SCMP_SYS(getdents64),
        SCMP_SYS(readlinkat),    SCMP_SYS(close),           SCMP_SYS(fstat),
        SCMP_SYS(newfstatat),    SCMP_SYS(fcntl),           SCMP_SYS(brk),
        SCMP_SYS(munmap),        SCMP_SYS(mremap),          SCMP_SYS(madvise),
        SCMP_SYS(exit),          SCMP_SYS(exit_group),      SCMP_SYS(rt_sigreturn),
        SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
    };
    const uint64_t open_bits = O_ACCMODE | O_CREAT | O_TRUNC | O_DIRECTORY;
    const struct {
        int call;
        struct scmp_arg_cmp argument;
    } narrow[] = {
        {SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, open_bits, O_DIRECTORY}},
        {SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
        {SCMP_SYS(write), {0, SCMP_CMP_MASKED_EQ, 0xffffffff, STDERR_FILENO}},
    };
    int err = 0;
    for (size_t i = 0; !err && i < ARRAY_LEN(plain); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    for (size_t i = 0; !err && i < ARRAY_LEN(narrow); i++)
        err =
            seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, narrow[i].call, 1, &narrow[i].argument);
    return err;
}

static int filter_calls(void)
{
    if (watched_by())
        return 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err = filter ? filter_rules(filter) : -ENOMEM;
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

static int confine(uint64_t capabilities, int fd, pid_t parent)
{
    int err = helper_detach("netsonde-finder", fd, parent);
    if (!err)
        err = helper_keep_capabilities(capabilities);
    if (!err)
        err = helper_limit();
    return err ? err : filter_calls();
}

static void finder_process(void *user, int fd, pid_t parent)
{
    const uint64_t *capabilities = user;
    int err = confine(*capabilities, fd, parent);
    if (err) {
        log_error("finder", "cannot confine itself: %s", strerror(-err));
        _exit(EXIT_FAILURE);
    }
    struct descriptors *descriptors = descriptors_new("/proc");
    struct answer *answer = mem_alloc(sizeof(*answer));
    for (;;) {
        uint32_t id;
        ssize_t len = recv(HELPER_FD, &id, sizeof(id), MSG_TRUNC);
        if (len < 0 && errno == EINTR)
            continue;
        if (len != (ssize_t)sizeof(id))
            _exit(len <= 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        answer->head = (struct answer_head){.id = id};
        if (id) { /* 0 is the greeting */
            bool end;
            answer->head.count =
                (uint32_t)descriptors_read(descriptors, answer->found, &end, &answer->head.hidden);
            answer->head.end = end;
        }
        size_t size = sizeof(answer->head) + answer->head.count * sizeof(answer->found[0]);
        if (send(HELPER_FD, answer, size, MSG_NOSIGNAL) != (ssize_t)size)
            _exit(EXIT_SUCCESS); /* main is gone */
    }
}

/* ---- main's end ---------------------------------------------------------------------------- */

static void finder_cut_off(struct finder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static bool is_valid(const struct answer *a, size_t len)
{
    return len >= sizeof(a->head) && a->head.count <= DESCRIPTORS_PART && a->head.end <= 1 &&
           len == sizeof(a->head) + a->head.count * sizeof(a->found[0]);
}

/* One packet, whatever it answers. */
static int finder_receive(struct finder *f, int64_t deadline_ns)
{
    for (;;) {
        ssize_t len = recv(f->fd, &f->answer, sizeof(f->answer), MSG_DONTWAIT | MSG_TRUNC);
        if (len > 0 && is_valid(&f->answer, (size_t)len))
            return 0;
        if (len >= 0 || (errno != EAGAIN && errno != EINTR)) {
            if (len > 0)
                atomic_store(&f->broke_form, true);
            finder_cut_off(f);
            return len > 0 ? -EPROTO : -EPIPE;
        }
        int64_t left_ns = deadline_ns - clock_mono_ns();
        if (left_ns <= 0)
            return -ETIMEDOUT;
        struct pollfd p = {.fd = f->fd, .events = POLLIN};
        poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1);
    }
}

static int finder_ask(struct finder *f, uint32_t id)
{
    int64_t deadline_ns = clock_mono_ns() + FINDER_TIMEOUT_MS * NS_PER_MS;
    if (f->fd < 0)
        return -EPIPE;
    if (send(f->fd, &id, sizeof(id), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(id)) {
        if (errno == EAGAIN)
            return -ETIMEDOUT; /* it reads nothing */
        finder_cut_off(f);
        return -EPIPE;
    }
    int err;
    do
        err = finder_receive(f, deadline_ns);
    while (!err && f->answer.head.id != id); /* of a request that timed out */
    return err;
}

static bool finder_reaped(struct finder *f)
{
    if (!f->reaped) {
        pid_t pid = waitpid(f->pid, &f->wait_status, WNOHANG);
        f->reaped = pid != 0;
        if (pid < 0) /* where SIGCHLD is ignored nobody is told more than that it has ended */
            f->wait_status = HELPER_STATUS_UNKNOWN;
    }
    return f->reaped;
}

int finder_start(struct finder **ret)
{
    static const unsigned kept[] = {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH};
    struct finder *f = mem_alloc(sizeof(*f));
    f->next_id = 1;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        f->capabilities |= helper_capabilities(UINT64_C(1) << kept[i]);
    int err = helper_fork(finder_process, &f->capabilities, &f->fd, &f->pid);
    if (err) {
        free(f);
        return err;
    }
    err = finder_ask(f, 0);
    if (err) {
        finder_stop(f);
        return err;
    }
    *ret = f;
    return 0;
}

void finder_stop(struct finder *f)
{
    if (!f)
        return;
    finder_cut_off(f);
    /* It ends when it reads the end of its socket; should it hang, it ends with main. */
    int64_t deadline_ns = clock_mono_ns() + END_TIMEOUT_MS * NS_PER_MS;
    while (!finder_reaped(f) && clock_mono_ns() < deadline_ns)
        poll(NULL, 0, 1);
    free(f);
}

int finder_pid(const struct finder *f)
{
    return (int)f->pid;
}

void finder_status(struct finder *f, struct finder_status *ret)
{
    *ret = (struct finder_status){0};
    if (!f) {
        snprintf(ret->text, sizeof(ret->text), "off: it could not be started");
        return;
    }
    bool reaped = finder_reaped(f);
    if (atomic_load(&f->broke_form)) {
        snprintf(ret->text, sizeof(ret->text), "off: it was cut off for breaking the protocol");
    } else if (reaped) {
        helper_describe_end(f->wait_status, ret->text, sizeof(ret->text));
    } else {
        ret->alive = true;
        snprintf(ret->text, sizeof(ret->text), "running, pid %d, %s", (int)f->pid,
                 f->capabilities ? "keeps" : "looks into processes of its own user only");
        helper_add_capabilities(f->capabilities, ret->text, sizeof(ret->text));
    }
}

int finder_read(struct finder *f, struct descriptor out[DESCRIPTORS_PART], size_t *ret_count,
                bool *ret_end, uint32_t *ret_hidden)
{
    f->next_id = f->next_id == UINT32_MAX ? 1 : f->next_id + 1;
    int err = finder_ask(f, f->next_id);
    if (err)
        return err;
    *ret_count = f->answer.head.count;
    *ret_end = f->answer.head.end;
    *ret_hidden = f->answer.head.hidden;
    memcpy(out, f->answer.found, *ret_count * sizeof(*out));
    return 0;
}
