/*
 * courier_confine.c: see courier_confine.h. Landlock says which files: to be read the system's
 * libraries, certificates and what name resolution looks at, and the directories of secrets and
 * certificates; to be written, but not read, those of its logs. So neither the daemon's database
 * nor its tokens can be reached, nor anybody's home, unless somebody puts a log or a secret beside
 * them. Nothing can be executed.
 *
 * seccomp says what not, since libcurl, its TLS library and the C library's resolver make too many
 * calls, and other ones with each release, for a list of what is allowed: no programs and
 * processes, no listening, no sockets but those of IP, of unix and the kernel's routes, nothing
 * that reaches into the kernel or into other processes. They fail with EPERM.
 */
#include "alert/courier_confine.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/log.h"
#include "base/watched.h"
#include "keeper/landlock.h"

/* ---- files ----------------------------------------------------------------------------------- */

/* Directories, because files in them are replaced by others of the same name. */
static const char *const readable[] = {
    "/etc", "/lib", "/lib64", "/run", "/usr", "/dev/null", "/dev/urandom", "/var/lib/sss",
};

static int allow_home_of(struct landlock *l, const char *path, unsigned access)
{
    char directory[1025];
    const char *slash = strrchr(path, '/');
    if (!slash)
        return 0;
    snprintf(directory, sizeof(directory), "%.*s", (int)MAX(slash - path, 1), path);
    return landlock_allow(l, directory, access);
}

static int allow_channel(struct landlock *l, const struct channel_spec *c)
{
    int err = allow_home_of(l, c->secret_file, LANDLOCK_READ);
    if (!err)
        err = allow_home_of(l, c->ca_file, LANDLOCK_READ);
    /* Sockets are connected to, which Landlock does not ask about. */
    if (!err && c->type == CHANNEL_TYPE_LOG)
        err = allow_home_of(l, c->path, LANDLOCK_WRITE | LANDLOCK_CREATE);
    return err;
}

static int confine_files(const struct channel_spec *const *channels, size_t count)
{
    struct landlock l;
    int err = landlock_begin(&l);
    if (err)
        return err;
    for (size_t i = 0; !err && i < ARRAY_LEN(readable); i++)
        err = landlock_allow(&l, readable[i], LANDLOCK_READ);
    for (size_t i = 0; !err && i < count; i++)
        err = allow_channel(&l, channels[i]);
    int applied = landlock_apply(&l);
    return err ? err : applied;
}

/* ---- system calls ---------------------------------------------------------------------------- */

static const char *const refused[] = {
    "accept",
    "accept4",
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "execve",
    "execveat",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "link",
    "linkat",
    "listen",
    "mknod",
    "mknodat",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "symlink",
    "symlinkat",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
    "vfork",
};

static int refuse(scmp_filter_ctx filter, const char *name)
{
    int call = seccomp_syscall_resolve_name(name);
    return call < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
}

/* An int argument: the kernel looks at its lower half only, and so must the filter. */
static struct scmp_arg_cmp argument(unsigned index, enum scmp_compare how, uint32_t a, uint32_t b)
{
    return (struct scmp_arg_cmp){.arg = index, .op = how, .datum_a = a, .datum_b = b};
}

/* socket(2): unix, IP streams and datagrams, and the routes that getaddrinfo asks the kernel for.
 */
static int refuse_sockets(scmp_filter_ctx filter)
{
    const int call = SCMP_SYS(socket);
    const uint32_t refusal = SCMP_ACT_ERRNO(EPERM);
    int err = 0;
    for (unsigned family = 0; !err && family < 64; family++) {
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
            err = seccomp_rule_add(filter, refusal, call, 1, argument(0, SCMP_CMP_EQ, family, 0));
    }
    if (!err)
        err = seccomp_rule_add(filter, refusal, call, 1, argument(0, SCMP_CMP_GE, 64, 0));
    if (!err)
        err = seccomp_rule_add(filter, refusal, call, 2, argument(0, SCMP_CMP_EQ, AF_NETLINK, 0),
                               argument(2, SCMP_CMP_NE, NETLINK_ROUTE, 0));
    for (unsigned kind = SOCK_RAW; !err && kind <= 15; kind++) {
        const unsigned families[] = {AF_INET, AF_INET6};
        for (size_t i = 0; !err && i < ARRAY_LEN(families); i++)
            err =
                seccomp_rule_add(filter, refusal, call, 2, argument(0, SCMP_CMP_EQ, families[i], 0),
                                 argument(1, SCMP_CMP_MASKED_EQ, 15, kind));
    }
    return err;
}

/* What has no namespace flag and is no thread is a process; clone3 hides its flags, and the C
 * library then takes clone. */
static int refuse_processes(scmp_filter_ctx filter)
{
    int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (!err)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    if (!err)
        err = refuse(filter, "fork");
    return err;
}

static int load(int (*add)(scmp_filter_ctx filter))
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int err = filter ? add(filter) : -ENOMEM;
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

static int refuse_all(scmp_filter_ctx filter)
{
    int err = 0;
    for (size_t i = 0; !err && i < ARRAY_LEN(refused); i++)
        err = refuse(filter, refused[i]);
    return err ? err : refuse_sockets(filter);
}

/* ---- both ------------------------------------------------------------------------------------ */

static void complain(const char *what, int err)
{
    if (err != -ENOSYS && err != -EOPNOTSUPP) /* the start tells what this kernel lacks */
        log_warning("courier", "%s are not confined: %s", what, strerror(-err));
}

void courier_confine(const struct channel_spec *const *channels, size_t count,
                     struct courier_confined *ret)
{
    *ret = (struct courier_confined){0};
    for (size_t i = 0; i < count; i++) {
        if (channels[i]->type == CHANNEL_TYPE_EXEC)
            return;
    }
    int err = confine_files(channels, count);
    ret->files = !err;
    if (err)
        complain("its files", err);
    if (watched_by())
        return;
    err = load(refuse_all);
    ret->calls = !err;
    if (err)
        complain("its system calls", err);
}

int courier_confine_child(const struct courier_confined *c)
{
    return c->calls ? load(refuse_processes) : 0;
}
