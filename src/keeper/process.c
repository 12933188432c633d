/*
 * process.c: the keeper: a few capabilities, one socket, five requests.
 *
 * It is what a burglar in main would have to get past, so it does as little as possible: it reads
 * fixed-size packets into one struct, checks every field, does one thing, answers. No allocation,
 * no parser, no file, no network traffic; seccomp kills it for any other system call, and the only
 * sockets it may make are netlink's. What comes with SCM_RIGHTS from main is thrown away by the
 * kernel, because no room is offered for it.
 *
 * Loading BPF programs takes more than that: files, memory, CAP_BPF and CAP_PERFMON. A keeper with
 * these two begins open: until main seals it, which main does before it gives up its own rights
 * and so before any stranger has said a word, it has them and no filter. It then is like the
 * others: what was loaded is main's, by descriptors, and needs no right any more.
 *
 * It ends when the other end of its socket is closed, which the kernel does when main dies; the
 * death signal is a second string to that bow. Signals of the terminal are main's business.
 */
#include "keeper/process.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/log.h"
#include "base/watched.h"
#include "keeper/bpf.h"
#include "keeper/helper.h"
#include "keeper/protocol.h"

/* Until it is sealed. */
#define LOADING (UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_PERFMON)

/* ---- giving up --------------------------------------------------------------------------- */

static _Noreturn void give_up(const char *what, int err)
{
    log_error("keeper", "cannot %s: %s", what, strerror(-err));
    _exit(EXIT_FAILURE);
}

/* All of them are ints: the kernel looks at the lower half only. */
static struct scmp_arg_cmp argument_is(unsigned index, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xffffffff, .datum_b = value};
}

/* A call that is allowed with these arguments alone. */
struct narrow {
    int call;
    unsigned count;
    struct scmp_arg_cmp arguments[2];
};

static int filter_allow(scmp_filter_ctx filter, const int *plain, size_t plain_count,
                        const struct narrow *narrow, size_t narrow_count)
{
    int err = 0;
    for (size_t i = 0; !err && i < plain_count; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    for (size_t i = 0; !err && i < narrow_count; i++)
        err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, narrow[i].call, narrow[i].count,
                                     narrow[i].arguments);
    return err;
}

/* What answering takes. */
static int filter_answering(scmp_filter_ctx filter)
{
    static const int plain[] = {
        SCMP_SYS(recvfrom),     SCMP_SYS(sendmsg),       SCMP_SYS(bind),
        SCMP_SYS(close),        SCMP_SYS(exit),          SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
    };
    const struct narrow narrow[] = {
        {SCMP_SYS(socket), 2, {argument_is(0, AF_NETLINK), argument_is(2, NETLINK_ROUTE)}},
        {SCMP_SYS(socket), 2, {argument_is(0, AF_NETLINK), argument_is(2, NETLINK_SOCK_DIAG)}},
        {SCMP_SYS(setsockopt), 2, {argument_is(1, SOL_SOCKET), argument_is(2, SO_RCVBUFFORCE)}},
        {SCMP_SYS(write), 1, {argument_is(0, STDERR_FILENO)}}, /* log_error */
    };
    return filter_allow(filter, plain, ARRAY_LEN(plain), narrow, ARRAY_LEN(narrow));
}

/* What the nurse needs besides: a child of its own kind and no thread, its end, a word to main, and
 * what the child needs to load the filter above. */
static int filter_nursing(scmp_filter_ctx filter, pid_t parent)
{
    static const int plain[] = {
        SCMP_SYS(wait4),  SCMP_SYS(poll),    SCMP_SYS(ppoll),           SCMP_SYS(getpid),
        SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(set_robust_list), SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(brk),    SCMP_SYS(munmap),  SCMP_SYS(mremap),          SCMP_SYS(madvise),
        SCMP_SYS(prctl),  SCMP_SYS(seccomp), SCMP_SYS(futex),
    };
    const uint64_t not_shared = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_THREAD | CLONE_NEWUSER |
                                CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC |
                                CLONE_NEWUTS | CLONE_NEWCGROUP;
    const struct narrow narrow[] = {
        {SCMP_SYS(clone), 1, {{0, SCMP_CMP_MASKED_EQ, not_shared, 0}}},
        {SCMP_SYS(mmap), 1, {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}}},
        {SCMP_SYS(kill), 2, {argument_is(0, (uint32_t)parent), argument_is(1, SIGCHLD)}},
    };
    return filter_allow(filter, plain, ARRAY_LEN(plain), narrow, ARRAY_LEN(narrow));
}

/* Filters only add up: the child's leaves of the nurse's what both allow. nurse_of: main's pid; 0:
 * the child's filter. */
static int filter_calls(pid_t nurse_of)
{
    if (watched_by())
        return 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return -ENOMEM;
    int err = filter_answering(filter);
    if (!err && nurse_of)
        err = filter_nursing(filter, nurse_of);
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

static bool may_load(uint64_t capabilities)
{
    return (capabilities & LOADING) == LOADING;
}

/* The second half of confine, which an open keeper puts off. */
static void seal(uint64_t capabilities, pid_t parent)
{
    int err;
    if ((err = helper_keep_capabilities(capabilities)) < 0)
        give_up("limit the capabilities", err);
    if ((err = helper_limit()) < 0)
        give_up("limit the resources", err);
    if ((err = filter_calls(parent)) < 0)
        give_up("filter system calls", err);
}

/* The process splits: from here on a child of it answers. Returns its pid, there. */
static uint32_t split(struct keeper_pulse *pulse, pid_t parent)
{
    nurse_watch(pulse, parent, "netsonde-nurse", "netsonde-keeper");
    uint32_t pid = (uint32_t)getpid();
    if (pulse)
        atomic_store(&pulse->pid, pid); /* before the first answer */
    if (pulse)
        munmap(pulse, sizeof(*pulse));
    int err = filter_calls(0);
    if (err) {
        log_error("keeper", "cannot filter system calls: %s; another one tries", strerror(-err));
        _exit(NURSE_TRY_AGAIN);
    }
    return pid;
}

static uint32_t confine(int fd, pid_t parent, uint64_t capabilities, struct keeper_pulse *pulse)
{
    int err = helper_detach("netsonde-keeper", fd, parent);
    if (err)
        give_up("leave what is main's", err);
    if (may_load(capabilities)) {
        if ((err = helper_keep_capabilities(capabilities)) < 0)
            give_up("limit the capabilities", err);
        return (uint32_t)getpid();
    }
    seal(capabilities, parent);
    return split(pulse, parent);
}

/* ---- requests ---------------------------------------------------------------------------- */

/* The new descriptor or -errno. */
static int open_netlink(const struct keeper_open_netlink *ask)
{
    if (ask->protocol != NETLINK_ROUTE && ask->protocol != NETLINK_SOCK_DIAG)
        return -EPROTONOSUPPORT;
    if (ask->receive_bytes > KEEPER_RECEIVE_BYTES_MAX)
        return -ERANGE;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, (int)ask->protocol);
    if (fd < 0)
        return -errno;
    int bytes = (int)ask->receive_bytes;
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = ask->groups};
    if ((bytes && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0) ||
        bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

/* Sends the answer with its descriptors. False: main is gone. */
static bool answer(const struct keeper_answer *a, const int *fds, size_t count)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(KEEPER_FDS_MAX * sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)a, .iov_len = sizeof(*a)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > 0) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(HELPER_FD, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof(*a);
}

/* A request that is not of the form costs main its keeper: it cannot come from our code. */
static bool is_valid(const struct keeper_request *r, ssize_t len)
{
    static const struct keeper_open_netlink zero = {0};
    if (len != (ssize_t)sizeof(*r) || r->head.version != KEEPER_VERSION)
        return false;
    bool netlink = r->head.operation == KEEPER_OPEN_NETLINK;
    bool load = r->head.operation == KEEPER_LOAD_BPF;
    if ((!netlink && memcmp(&r->open_netlink, &zero, sizeof(zero)) != 0) ||
        (!load && r->bpf_parts != 0))
        return false;
    return netlink || load || r->head.operation == KEEPER_HELLO ||
           r->head.operation == KEEPER_PING || r->head.operation == KEEPER_SEAL;
}

/* 0, and descriptors in fds, *ret_count of them; or -errno. */
static int load_bpf(uint32_t parts, bool open, struct keeper_bpf *ret, int *fds, size_t *ret_count)
{
    if (!open)
        return -EPERM;
    if (!parts || parts >= BPF_PART_BIT(BPF_PARTS))
        return -EINVAL;
    int err = bpf_load(parts, ret, fds);
    *ret_count = err ? 0 : ret->fds;
    return err;
}

_Noreturn void keeper_process(int fd, pid_t parent, uint64_t capabilities,
                              struct keeper_pulse *pulse)
{
    bool open = may_load(capabilities), splits = false;
    if (pulse)
        atomic_store(&pulse->pid, (uint32_t)getpid());
    uint32_t pid = confine(fd, parent, capabilities, pulse);
    for (;;) {
        struct keeper_request request;
        ssize_t len = recv(HELPER_FD, &request, sizeof(request), MSG_TRUNC);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            _exit(EXIT_SUCCESS);
        if (!is_valid(&request, len)) {
            log_error("keeper", "a request that is none; ending");
            _exit(EXIT_FAILURE);
        }
        struct keeper_answer a = {.head = request.head};
        int fds[KEEPER_FDS_MAX];
        size_t count = 0;
        switch (request.head.operation) {
        case KEEPER_HELLO:
            a.hello = (struct keeper_hello){.pid = pid, .capabilities = capabilities};
            break;
        case KEEPER_OPEN_NETLINK:
            fds[0] = open_netlink(&request.open_netlink);
            a.error = MIN(fds[0], 0);
            count = fds[0] >= 0;
            break;
        case KEEPER_LOAD_BPF:
            a.error = load_bpf(request.bpf_parts, open, &a.bpf, fds, &count);
            break;
        case KEEPER_SEAL:
            splits = open;
            if (open)
                seal(capabilities &= ~LOADING, parent);
            open = false;
            break;
        default:
            break;
        }
        bool sent = answer(&a, fds, count);
        while (count > 0)
            close(fds[--count]);
        if (!sent)
            _exit(EXIT_SUCCESS);
        if (splits) {
            splits = false;
            pid = split(pulse, parent);
        }
    }
}
