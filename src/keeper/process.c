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
#include <fcntl.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/log.h"
#include "base/watched.h"
#include "keeper/bpf.h"
#include "keeper/protocol.h"

#define SOCKET_FD 3
#define FDS_MAX 16 /* the socket, 0-2, and what is being handed over */

/* Until it is sealed. */
#define LOADING (UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_PERFMON)

/* ---- giving up --------------------------------------------------------------------------- */

static _Noreturn void give_up(const char *what, int err)
{
    log_error("keeper", "cannot %s: %s", what, strerror(-err));
    _exit(EXIT_FAILURE);
}

static int keep_fds(int fd)
{
    if (fd != SOCKET_FD) {
        if (dup3(fd, SOCKET_FD, O_CLOEXEC) < 0)
            return -errno;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return -errno;
    if (close_range(SOCKET_FD + 1, ~0U, 0) == 0)
        return 0;
    long most = sysconf(_SC_OPEN_MAX); /* an old kernel, or a tool that does not know the call */
    for (int i = SOCKET_FD + 1; i < MIN(most, 65536L); i++)
        close(i);
    return 0;
}

static int keep_capabilities(uint64_t kept)
{
    bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) > 0;
    capng_clear(CAPNG_SELECT_ALL);
    for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (kept & UINT64_C(1) << cap &&
            capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap) < 0)
            return -EPERM;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* The bounding set needs a right of its own; after no_new_privs it gives nothing any more. */
    if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
        return -EPERM;
    return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
}

static int limit_resources(void)
{
    const struct rlimit none = {0, 0}, few = {FDS_MAX, FDS_MAX};
    if (watched_by()) /* it has files of its own */
        return 0;
    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0 ||
        setrlimit(RLIMIT_NOFILE, &few) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

/* All of them are ints: the kernel looks at the lower half only. */
static struct scmp_arg_cmp argument_is(unsigned index, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xffffffff, .datum_b = value};
}

static int filter_rules(scmp_filter_ctx filter)
{
    static const int plain[] = {
        SCMP_SYS(recvfrom),     SCMP_SYS(sendmsg),       SCMP_SYS(bind),
        SCMP_SYS(close),        SCMP_SYS(exit),          SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
    };
    const struct {
        int call;
        unsigned count;
        struct scmp_arg_cmp arguments[2];
    } narrow[] = {
        {SCMP_SYS(socket), 2, {argument_is(0, AF_NETLINK), argument_is(2, NETLINK_ROUTE)}},
        {SCMP_SYS(socket), 2, {argument_is(0, AF_NETLINK), argument_is(2, NETLINK_SOCK_DIAG)}},
        {SCMP_SYS(setsockopt), 2, {argument_is(1, SOL_SOCKET), argument_is(2, SO_RCVBUFFORCE)}},
        {SCMP_SYS(write), 1, {argument_is(0, STDERR_FILENO)}}, /* log_error */
    };
    int err = 0;
    for (size_t i = 0; !err && i < ARRAY_LEN(plain); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    for (size_t i = 0; !err && i < ARRAY_LEN(narrow); i++)
        err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, narrow[i].call, narrow[i].count,
                                     narrow[i].arguments);
    return err;
}

static int filter_calls(void)
{
    if (watched_by())
        return 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return -ENOMEM;
    int err = filter_rules(filter);
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
static void seal(uint64_t capabilities)
{
    int err;
    if ((err = keep_capabilities(capabilities)) < 0)
        give_up("limit the capabilities", err);
    if ((err = limit_resources()) < 0)
        give_up("limit the resources", err);
    tzset(); /* the C library reads the time zone's file once: now */
    if ((err = filter_calls()) < 0)
        give_up("filter system calls", err);
}

static void confine(int fd, pid_t parent, uint64_t capabilities)
{
    int err;
    prctl(PR_SET_NAME, "netsonde-keeper", 0, 0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        give_up("ask for the death signal", -errno);
    if (getppid() != parent)
        _exit(EXIT_SUCCESS); /* main died before the line above */
    static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
    if (chdir("/") < 0) /* no directory is held in use */
        give_up("leave the directory", -errno);
    if ((err = keep_fds(fd)) < 0)
        give_up("close the files of main", err);
    if (!may_load(capabilities))
        seal(capabilities);
    else if ((err = keep_capabilities(capabilities)) < 0)
        give_up("limit the capabilities", err);
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
        sent = sendmsg(SOCKET_FD, &msg, MSG_NOSIGNAL);
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

_Noreturn void keeper_process(int fd, pid_t parent, uint64_t capabilities)
{
    const uint32_t pid = (uint32_t)getpid();
    bool open = may_load(capabilities);
    confine(fd, parent, capabilities);
    for (;;) {
        struct keeper_request request;
        ssize_t len = recv(SOCKET_FD, &request, sizeof(request), MSG_TRUNC);
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
            if (open)
                seal(capabilities &= ~LOADING);
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
    }
}
