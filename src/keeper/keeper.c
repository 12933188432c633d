/*
 * keeper.c: main's end: fork, requests with a deadline, and how the keeper is doing.
 *
 * One request is under way at a time. Answers carry the request's id, so one that comes after its
 * deadline is recognized and thrown away with the descriptor in it. A keeper that breaks the
 * protocol is cut off (the socket is closed, and it ends by that); nothing here ever kills it by
 * signal, which the sandbox of main forbids anyway.
 *
 * While nobody answers and it takes the nurse a second or more to start another one, requests fail
 * at once: who asks need not be held up for that.
 *
 * Two threads may hold the struct: who makes requests, and who looks how the keeper is doing and
 * reaps it. What the latter reads of the former is `cut` alone; the rest of it does not change once
 * the keeper is sealed.
 */
#include "keeper/keeper.h"

#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/helper.h"
#include "keeper/process.h"
#include "keeper/protocol.h"

#define END_TIMEOUT_MS 1000
#define LOOK_EVERY_MS 20 /* while an answer is waited for: whether there is anybody to send it */
#define LOAD_TIMEOUT_MS 15000 /* a slow machine checks programs for seconds */

struct keeper {
    int fd;          /* -1: cut off */
    atomic_bool cut; /* the same, for others to see */
    pid_t pid;
    int pidfd;          /* -1: a kernel without */
    bool reaped;        /* by who looks after it, as the following */
    bool orphan_reaped; /* the nurse's child, that came to this process when the nurse was killed */
    int wait_status;    /* when reaped; HELPER_STATUS_UNKNOWN: somebody else has it */
    uint32_t next_id;
    int timeout_ms;
    uint64_t capabilities;
    struct keeper_pulse *pulse; /* shared with the keeper; NULL: not known */
};

/* ---- requests ---------------------------------------------------------------------------- */

static void keeper_cut_off(struct keeper *k)
{
    if (k->fd >= 0)
        close(k->fd);
    k->fd = -1;
    atomic_store(&k->cut, true);
}

static bool keeper_rests(const struct keeper *k)
{
    return k->pulse && !atomic_load(&k->pulse->pid) && atomic_load(&k->pulse->rests);
}

static int keeper_send(struct keeper *k, const struct keeper_request *request)
{
    if (k->fd < 0)
        return -EPIPE;
    struct pollfd p = {.fd = k->fd};
    if (keeper_rests(k) && poll(&p, 1, 0) == 0)
        return -EAGAIN; /* the nurse lives: somebody is going to read here */
    ssize_t sent = send(k->fd, request, sizeof(*request), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)sizeof(*request))
        return 0;
    if (sent >= 0 || errno == EAGAIN)
        return -ETIMEDOUT; /* it reads nothing: the queue is full of requests that timed out */
    keeper_cut_off(k);
    return -EPIPE;
}

/* The descriptors that came with an answer. */
struct gifts {
    size_t count;
    int fds[KEEPER_FDS_MAX];
};

static void gifts_take(struct gifts *g, struct msghdr *msg)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    g->count = 0;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len >= CMSG_LEN(0)) {
        g->count = MIN((c->cmsg_len - CMSG_LEN(0)) / sizeof(int), (size_t)KEEPER_FDS_MAX);
        memcpy(g->fds, CMSG_DATA(c), g->count * sizeof(int));
    }
}

static void gifts_close(struct gifts *g)
{
    while (g->count > 0)
        close(g->fds[--g->count]);
}

/* Waits for one packet until the deadline. 0 and what came with it, or -errno. */
static int keeper_receive(struct keeper *k, struct keeper_answer *ret, struct gifts *gifts,
                          int64_t deadline_ns)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(KEEPER_FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = ret, .iov_len = sizeof(*ret)};
    for (;;) {
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
        ssize_t len = recvmsg(k->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
            keeper_cut_off(k);
            return -EPIPE;
        }
        if (len > 0) {
            gifts_take(gifts, &msg);
            if (len == (ssize_t)sizeof(*ret) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
                return 0;
            gifts_close(gifts);
            keeper_cut_off(k);
            return -EPROTO;
        }
        int64_t left_ns = deadline_ns - clock_mono_ns();
        if (left_ns <= 0)
            return -ETIMEDOUT;
        if (keeper_rests(k))
            return -EAGAIN;
        struct pollfd p = {.fd = k->fd, .events = POLLIN};
        poll(&p, 1, MIN((int)(left_ns / NS_PER_MS) + 1, LOOK_EVERY_MS));
    }
}

static bool answers(const struct keeper_answer *answer, const struct keeper_request *request,
                    const struct gifts *gifts)
{
    size_t wanted = 0;
    if (answer->error == 0 && request->head.operation == KEEPER_OPEN_NETLINK)
        wanted = 1;
    if (answer->error == 0 && request->head.operation == KEEPER_LOAD_BPF) {
        if (answer->bpf.fds <= BPF_MAPS || (answer->bpf.parts & ~request->bpf_parts))
            return false;
        wanted = answer->bpf.fds;
    }
    return answer->head.version == KEEPER_VERSION &&
           answer->head.operation == request->head.operation && answer->error <= 0 &&
           wanted == gifts->count;
}

/* One request and its answer, with the descriptors that belong to it. */
static int keeper_request(struct keeper *k, struct keeper_request *request, int timeout_ms,
                          struct keeper_answer *ret, struct gifts *gifts)
{
    request->head.version = KEEPER_VERSION;
    request->head.id = k->next_id++;
    int64_t deadline_ns = clock_mono_ns() + timeout_ms * NS_PER_MS;
    int err = keeper_send(k, request);
    while (!err) {
        err = keeper_receive(k, ret, gifts, deadline_ns);
        if (err)
            return err;
        if (ret->head.id == request->head.id)
            break;
        gifts_close(gifts); /* of a request that timed out */
    }
    if (!err && !answers(ret, request, gifts)) {
        gifts_close(gifts);
        keeper_cut_off(k);
        return -EPROTO;
    }
    return err ? err : ret->error;
}

int keeper_ping(struct keeper *k)
{
    struct keeper_request request = {.head.operation = KEEPER_PING};
    struct keeper_answer answer;
    struct gifts gifts;
    return keeper_request(k, &request, k->timeout_ms, &answer, &gifts);
}

int keeper_open_netlink(struct keeper *k, int protocol, uint32_t groups, uint32_t receive_bytes,
                        int *ret_fd)
{
    struct keeper_request request = {
        .head.operation = KEEPER_OPEN_NETLINK,
        .open_netlink = {(uint32_t)protocol, groups, receive_bytes},
    };
    struct keeper_answer answer;
    struct gifts gifts;
    int err = keeper_request(k, &request, k->timeout_ms, &answer, &gifts);
    if (!err)
        *ret_fd = gifts.fds[0];
    return err;
}

bool keeper_can_load(const struct keeper *k)
{
    const uint64_t needed = UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_PERFMON;
    return k && !atomic_load(&k->cut) && (k->capabilities & needed) == needed;
}

int keeper_load_bpf(struct keeper *k, uint32_t parts, struct keeper_programs *ret)
{
    struct keeper_request request = {.head.operation = KEEPER_LOAD_BPF, .bpf_parts = parts};
    struct keeper_answer answer = {0};
    struct gifts gifts;
    int err = keeper_request(k, &request, LOAD_TIMEOUT_MS, &answer, &gifts);
    *ret = (struct keeper_programs){0};
    if (!err || answer.error == err)
        memcpy(ret->error, answer.bpf.error, sizeof(ret->error));
    if (err)
        return err;
    ret->parts = answer.bpf.parts;
    memcpy(ret->maps, gifts.fds, sizeof(ret->maps));
    ret->links_count = gifts.count - BPF_MAPS;
    memcpy(ret->links, gifts.fds + BPF_MAPS, ret->links_count * sizeof(int));
    return 0;
}

static int keeper_greet(struct keeper *k)
{
    struct keeper_request request = {.head.operation = KEEPER_HELLO};
    struct keeper_answer answer;
    struct gifts gifts;
    int err = keeper_request(k, &request, k->timeout_ms, &answer, &gifts);
    if (!err)
        k->capabilities = answer.hello.capabilities;
    return err;
}

int keeper_seal(struct keeper *k)
{
    struct keeper_request request = {.head.operation = KEEPER_SEAL};
    struct keeper_answer answer;
    struct gifts gifts;
    int err = keeper_request(k, &request, k->timeout_ms, &answer, &gifts);
    return err ? err : keeper_greet(k);
}

void keeper_programs_close(struct keeper_programs *p)
{
    for (size_t i = 0; i < p->links_count; i++)
        close(p->links[i]);
    for (size_t i = 0; i < BPF_MAPS && p->parts; i++)
        close(p->maps[i]);
    *p = (struct keeper_programs){0};
}

/* ---- life -------------------------------------------------------------------------------- */

struct keeper *keeper_adopt(int fd, pid_t pid, int timeout_ms, struct keeper_pulse *pulse)
{
    struct keeper *k = mem_alloc(sizeof(*k));
    *k = (struct keeper){
        .fd = fd,
        .pid = pid,
        .pidfd = pidfd_open(pid, 0),
        .next_id = 1,
        .pulse = pulse,
        .timeout_ms = timeout_ms ? timeout_ms : KEEPER_TIMEOUT_MS,
    };
    return k;
}

static struct keeper_pulse *pulse_new(void)
{
    void *pulse = mmap(NULL, sizeof(struct keeper_pulse), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return pulse == MAP_FAILED ? NULL : pulse;
}

static void pulse_free(struct keeper_pulse *pulse)
{
    if (pulse)
        munmap(pulse, sizeof(*pulse));
}

struct beginning {
    uint64_t capabilities;
    struct keeper_pulse *pulse;
};

static void run_process(void *user, int fd, pid_t parent)
{
    const struct beginning *b = user;
    keeper_process(fd, parent, b->capabilities, b->pulse);
}

int keeper_start(const struct keeper_settings *settings, struct keeper **ret)
{
    struct beginning b = {.capabilities = helper_capabilities(settings->capabilities)};
    int fd;
    pid_t pid;
    *ret = NULL;
    if (!b.capabilities)
        return -EPERM;
    b.pulse = pulse_new();
    int err = helper_fork(run_process, &b, &fd, &pid);
    if (err) {
        pulse_free(b.pulse);
        return err;
    }
    if (b.pulse) /* no business of the helpers that are forked after it */
        (void)madvise(b.pulse, sizeof(*b.pulse), MADV_DONTFORK);
    struct keeper *k = keeper_adopt(fd, pid, settings->timeout_ms, b.pulse);
    err = keeper_greet(k);
    if (err) {
        keeper_stop(k);
        return err;
    }
    *ret = k;
    return 0;
}

/* Where main reaps what is left alone, as the first process of a container does, it gets the
 * nurse's child as well. */
static void keeper_reap_orphan(struct keeper *k)
{
    uint32_t pid = k->pulse ? atomic_load(&k->pulse->pid) : 0;
    if (!k->orphan_reaped)
        k->orphan_reaped = !pid || waitpid((pid_t)pid, NULL, WNOHANG) != 0;
}

static bool keeper_reaped(struct keeper *k)
{
    if (!k->reaped) {
        pid_t pid = waitpid(k->pid, &k->wait_status, WNOHANG);
        k->reaped = pid != 0;
        if (pid < 0) /* where SIGCHLD is ignored nobody is told more than that it has ended */
            k->wait_status = HELPER_STATUS_UNKNOWN;
    }
    if (k->reaped)
        keeper_reap_orphan(k);
    return k->reaped;
}

/* Waits until the process has ended, but not for ever. */
static bool keeper_ended(struct keeper *k)
{
    struct pollfd p = {.fd = k->pidfd, .events = POLLIN};
    int64_t deadline_ns = clock_mono_ns() + END_TIMEOUT_MS * NS_PER_MS;
    while (!keeper_reaped(k) && clock_mono_ns() < deadline_ns) {
        if (k->pidfd >= 0)
            poll(&p, 1, END_TIMEOUT_MS);
        else
            poll(NULL, 0, 1); /* before Linux 5.3 nothing tells */
    }
    return k->reaped;
}

void keeper_stop(struct keeper *k)
{
    if (!k)
        return;
    keeper_cut_off(k);
    if (!keeper_ended(k))
        log_warning("keeper", "process %d does not end; it will with this one", (int)k->pid);
    if (k->pidfd >= 0)
        close(k->pidfd);
    pulse_free(k->pulse);
    free(k);
}

/* How the last one ended that was started again, or is to be. */
static void describe_last(const struct keeper *k, char *out, size_t size)
{
    int killed_by = k->pulse ? atomic_load(&k->pulse->signal) : 0;
    if (killed_by)
        snprintf(out, size, "was killed by signal %d", killed_by);
    else
        snprintf(out, size, "could not confine itself");
}

static void describe_running(const struct keeper *k, struct keeper_status *ret, const char *last)
{
    size_t size = sizeof(ret->text);
    snprintf(ret->text, size, "running, pid %d, keeps", ret->pid);
    helper_add_capabilities(k->capabilities, ret->text, size);
    size_t len = strlen(ret->text);
    if (ret->restarts)
        snprintf(ret->text + len, size - len, "; started again %u times, the last one %s",
                 ret->restarts, last);
}

void keeper_status(struct keeper *k, struct keeper_status *ret)
{
    char last[64];
    *ret = (struct keeper_status){0};
    if (!k) {
        snprintf(ret->text, sizeof(ret->text), "off: there are no capabilities to keep");
        return;
    }
    keeper_reaped(k);
    /* pid before the rest, which the nurse sets before it (nurse.c). */
    uint32_t answers = k->pulse ? atomic_load(&k->pulse->pid) : (uint32_t)k->pid;
    describe_last(k, last, sizeof(last));
    bool cut = atomic_load(&k->cut);
    ret->pid = (int)answers;
    ret->restarts = keeper_restarts(k);
    ret->alive = !k->reaped && !cut && answers;
    ret->returns = !k->reaped && !cut;
    ret->capabilities = k->capabilities;
    if (k->reaped) {
        helper_describe_end(k->wait_status, ret->text, sizeof(ret->text));
    } else if (cut) {
        snprintf(ret->text, sizeof(ret->text), "off: it was cut off for breaking the protocol");
    } else if (!answers) {
        snprintf(ret->text, sizeof(ret->text), "off: it %s; it is started again within %d s", last,
                 NURSE_WAIT_MOST_MS / 1000);
    } else {
        describe_running(k, ret, last);
    }
}

uint32_t keeper_restarts(const struct keeper *k)
{
    return k && k->pulse ? atomic_load(&k->pulse->restarts) : 0;
}
