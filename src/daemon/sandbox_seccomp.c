/*
 * sandbox_seccomp.c: which system calls this process may make, by seccomp.
 *
 * A list of what is allowed; everything else fails with EPERM, which libraries take as "not here".
 * A few calls that only somebody else's code in this process would make end it at once. Calls are
 * listed by name, because not every architecture and not every libseccomp knows all of them, and
 * by what they are for. Most are allowed whatever their arguments: the kernel then looks at a bit
 * map instead of running the filter, and the calls that matter for speed are among them.
 *
 * Adding an engine or a library may mean adding a call: run the tests, then the daemon with
 * `strace -f -e status=failed` and look for EPERM.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/watched.h"
#include "daemon/sandbox.h"

/* clang-format off */
static const char *const allowed[] = {
    /* memory (mmap and mprotect: below) */
    "brk", "madvise", "mincore", "mlock", "mremap", "munlock", "munmap",
    /* threads (clone, prctl: below) */
    "arch_prctl", "exit", "exit_group", "futex", "futex_wait", "futex_waitv", "futex_wake",
    "get_robust_list", "getcpu", "getpriority", "gettid", "membarrier", "restart_syscall", "rseq",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_setaffinity", "sched_yield", "set_robust_list",
    "set_tid_address", "tgkill",
    /* signals */
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "sigreturn", "signalfd4",
    /* time */
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "timerfd_create", "timerfd_gettime", "timerfd_settime",
    /* waiting */
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2",
    "pipe2", "poll", "ppoll", "pselect6", "select",
    /* reading and writing */
    "close", "close_range", "dup", "dup2", "dup3", "fcntl", "lseek", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readv", "sendfile", "write", "writev",
    /* sockets that are open (socket and ioctl: below; connect is missing on purpose) */
    "accept", "accept4", "bind", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    /* rings that are open and can do nothing but send (net/ring.c); none can be made */
    "io_uring_enter",
    /* files, as far as Landlock lets */
    "access", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchmod", "fchown",
    "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64",
    "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "readlink", "readlinkat",
    "rename", "renameat", "renameat2", "stat", "statfs", "statx", "sync_file_range", "umask",
    "unlink", "unlinkat", "utimensat",
    /* this process and its keeper (prlimit64: below) */
    "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid", "getrandom",
    "getrlimit", "getrusage", "getuid", "pidfd_open", "sysinfo", "times", "uname", "wait4",
    "waitid",
};
/* clang-format on */

/* Nobody calls these by mistake. */
/* clang-format off */
static const char *const deadly[] = {
    "delete_module", "execve", "execveat", "finit_module", "init_module",
    "kexec_file_load", "kexec_load", "mount", "pivot_root", "process_vm_readv",
    "process_vm_writev", "ptrace", "setns", "umount2", "unshare", "userfaultfd",
};
/* clang-format on */

/* Of bpf() only reading and clearing maps whose descriptors are here: what the ebpf engine does. */
/* clang-format off */
static const int bpf_allowed[] = {
    BPF_MAP_LOOKUP_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_LOOKUP_BATCH,
};
/* clang-format on */
#define BPF_COMMANDS_END 64 /* beyond what any kernel knows; from here on all are deadly */

/* argument & mask == value */
struct condition {
    unsigned argument;
    uint64_t mask, value;
};

/* The kernel looks at the lower half of an int only: so must the filter. */
#define INT 0xffffffff
#define NAMESPACES                                                                                 \
    (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER |  \
     CLONE_NEWUTS)

static const struct {
    const char *name;
    unsigned count;
    struct condition conditions[3];
} narrow[] = {
    /* Memory is written or run, never both; and what was written is not made to run. */
    {"mmap", 1, {{2, PROT_WRITE | PROT_EXEC, 0}}},
    {"mmap", 1, {{2, PROT_WRITE | PROT_EXEC, PROT_WRITE}}},
    {"mmap", 1, {{2, PROT_WRITE | PROT_EXEC, PROT_EXEC}}},
    {"mprotect", 1, {{2, PROT_EXEC, 0}}},

    /* Threads, but no namespaces of their own. */
    {"clone", 1, {{0, NAMESPACES, 0}}},

    {"prctl", 1, {{0, INT, PR_SET_NAME}}},
    {"prctl", 1, {{0, INT, PR_GET_NAME}}},
    {"prctl", 1, {{0, INT, PR_GET_DUMPABLE}}},
    {"prctl", 1, {{0, INT, 0x53564d41}}},   /* PR_SET_VMA: glibc names its memory */
    {"prlimit64", 1, {{2, UINT64_MAX, 0}}}, /* reading, not setting */

    /* Netlink for the engines; datagram sockets only as a handle for the ioctls below. */
    {"socket", 2, {{0, INT, AF_NETLINK}, {2, INT, NETLINK_ROUTE}}},
    {"socket", 2, {{0, INT, AF_NETLINK}, {2, INT, NETLINK_SOCK_DIAG}}},
    {"socket", 2, {{0, INT, AF_INET}, {1, 0xf, SOCK_DGRAM}}},
    {"socketpair", 1, {{0, INT, AF_UNIX}}},

    {"ioctl", 1, {{1, INT, FIONBIO}}},
    {"ioctl", 1, {{1, INT, FIONREAD}}},
    {"ioctl", 1, {{1, INT, FIOCLEX}}},
    {"ioctl", 1, {{1, INT, TCGETS}}},
    {"ioctl", 1, {{1, INT, SIOCGIFADDR}}},
    {"ioctl", 1, {{1, INT, SIOCGIFCONF}}},
    {"ioctl", 1, {{1, INT, SIOCGIFFLAGS}}},
    {"ioctl", 1, {{1, INT, SIOCGIFINDEX}}},
    {"ioctl", 1, {{1, INT, SIOCGIFMTU}}},
    {"ioctl", 1, {{1, INT, SIOCGIFNAME}}},
    {"ioctl", 1, {{1, INT, SIOCGIFNETMASK}}},
    {"ioctl", 1, {{1, INT, SIOCETHTOOL}}},
};

/* The call's number; negative when there is none here. */
static int number_of(const char *name)
{
    return seccomp_syscall_resolve_name(name);
}

static int add_narrow(scmp_filter_ctx filter, size_t i)
{
    struct scmp_arg_cmp arguments[ARRAY_LEN(narrow[0].conditions)] = {0};
    for (unsigned j = 0; j < narrow[i].count; j++) {
        const struct condition *c = &narrow[i].conditions[j];
        arguments[j] = (struct scmp_arg_cmp){
            .arg = c->argument,
            .op = SCMP_CMP_MASKED_EQ,
            .datum_a = c->mask,
            .datum_b = c->value,
        };
    }
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number_of(narrow[i].name),
                                  narrow[i].count, arguments);
}

static int add_bpf(scmp_filter_ctx filter)
{
    int call = number_of("bpf"), err = 0;
    for (unsigned command = 0; !err && call >= 0 && command < BPF_COMMANDS_END; command++) {
        uint32_t action = SCMP_ACT_KILL_PROCESS;
        for (size_t i = 0; i < ARRAY_LEN(bpf_allowed); i++) {
            if ((unsigned)bpf_allowed[i] == command)
                action = SCMP_ACT_ALLOW;
        }
        err = seccomp_rule_add(filter, action, call, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, INT, command));
    }
    if (!err && call >= 0)
        err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 1,
                               SCMP_A0(SCMP_CMP_GE, BPF_COMMANDS_END, 0));
    return err;
}

static int add_rules(scmp_filter_ctx filter, unsigned *ret_calls)
{
    unsigned calls = 0;
    int err = 0;
    for (size_t i = 0; !err && i < ARRAY_LEN(allowed); i++) {
        if (number_of(allowed[i]) < 0)
            continue;
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number_of(allowed[i]), 0);
        calls++;
    }
    for (size_t i = 0; !err && i < ARRAY_LEN(narrow); i++) {
        if (number_of(narrow[i].name) < 0)
            continue;
        err = add_narrow(filter, i);
        calls += i == 0 || strcmp(narrow[i - 1].name, narrow[i].name) != 0;
    }
    for (size_t i = 0; !err && i < ARRAY_LEN(deadly); i++) {
        if (number_of(deadly[i]) >= 0)
            err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, number_of(deadly[i]), 0);
    }
    if (!err)
        err = add_bpf(filter);
    /* Its flags are in memory, where no filter can look; without it threads are made by clone. */
    if (!err && number_of("clone3") >= 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number_of("clone3"), 0);
    *ret_calls = calls;
    return err;
}

/* 0 or -errno. */
static int load_filter(unsigned *ret_calls)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!err)
        err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a chain */
    if (!err)
        err = add_rules(filter, ret_calls);
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

void sandbox_seccomp(struct sandbox_report *ret)
{
    const char *watcher = watched_by();
    if (watcher) {
        snprintf(ret->seccomp, sizeof(ret->seccomp), "off: %s runs this process", watcher);
        return;
    }
    unsigned calls = 0;
    int err = load_filter(&calls);
    if (err) {
        snprintf(ret->seccomp, sizeof(ret->seccomp), "off: %s", strerror(-err));
        return;
    }
    ret->seccomp_calls = calls;
    snprintf(ret->seccomp, sizeof(ret->seccomp), "enforced, %u system calls", calls);
}
