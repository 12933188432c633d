/*
 * sandbox_landlock.c: which files this process may reach, by Landlock.
 *
 * A ruleset first says which kinds of access it handles (all of them are then forbidden) and then
 * adds trees where some are allowed. Kernels know the more kinds the newer they are; the table
 * `kinds` says since which version of the interface. The numbers are part of the kernel's
 * interface and are written out here, because the headers of the oldest system that we build on
 * do not have the newer ones.
 *
 * No rule is made for TCP and none for signals: the listeners are open already, and nobody is
 * connected to or signalled by the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/watched.h"
#include "daemon/sandbox.h"

/* ---- the kernel's interface -------------------------------------------------------------- */

enum {
    FS_EXECUTE = 1U << 0,
    FS_WRITE_FILE = 1U << 1,
    FS_READ_FILE = 1U << 2,
    FS_READ_DIR = 1U << 3,
    FS_REMOVE_FILE = 1U << 5,
    FS_MAKE_DIR = 1U << 7,
    FS_MAKE_REG = 1U << 8,
    FS_ALL_OF_ABI_1 = (1U << 13) - 1,
    FS_REFER = 1U << 13,
    FS_TRUNCATE = 1U << 14,
    FS_IOCTL_DEV = 1U << 15,

    NET_BIND_TCP = 1U << 0,
    NET_CONNECT_TCP = 1U << 1,

    SCOPE_ABSTRACT_UNIX_SOCKET = 1U << 0,
    SCOPE_SIGNAL = 1U << 1,

    CREATE_RULESET_VERSION = 1U << 0,
    RULE_PATH_BENEATH = 1,
};

/* Older kernels take the longer struct as long as what they do not know is zero. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

static const struct {
    int abi;
    struct ruleset adds;
} kinds[] = {
    {1, {.files = FS_ALL_OF_ABI_1}}, {2, {.files = FS_REFER}},
    {3, {.files = FS_TRUNCATE}},     {4, {.network = NET_BIND_TCP | NET_CONNECT_TCP}},
    {5, {.files = FS_IOCTL_DEV}},    {6, {.scopes = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL}},
};

/* ---- what is allowed --------------------------------------------------------------------- */

enum { READ = FS_READ_FILE | FS_READ_DIR };
enum { CHANGE = READ | FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_FILE | FS_MAKE_REG | FS_MAKE_DIR };
enum { FILE_KINDS = FS_EXECUTE | FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV };

static const struct {
    const char *path;
    uint64_t allowed;
} trees[] = {
    {"/proc", READ},                             /* counters, sockets, who processes are */
    {"/sys", READ},                              /* interfaces, control groups */
    {"/etc/passwd", FS_READ_FILE},               /* names of users */
    {"/dev/null", FS_READ_FILE | FS_WRITE_FILE}, /* SQLite, for descriptors below 3 */
    {"/dev/urandom", FS_READ_FILE},              /* SQLite, for names of its own */
    /* Libraries that are loaded when they are needed. */
    {"/etc/ld.so.cache", FS_READ_FILE},
    {"/lib", READ},
    {"/lib64", READ},
    {"/usr/lib", READ},
    {"/usr/lib64", READ},
};

/* 0, also when there is no such path and it is not `required`; or -errno. */
static int allow(int ruleset, const struct ruleset *handled, const char *path, uint64_t allowed,
                 bool required)
{
    struct stat st;
    struct path_rule rule = {.allowed = allowed & handled->files,
                             .fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.fd < 0)
        return required ? -errno : 0;
    int err = 0;
    if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= FILE_KINDS;
    if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
        err = -errno;
    close(rule.fd);
    return err;
}

static int allow_all(int ruleset, const struct ruleset *handled, const struct sandbox_paths *paths)
{
    int err = allow(ruleset, handled, paths->data_dir, CHANGE, true);
    if (!err && paths->config_dir)
        err = allow(ruleset, handled, paths->config_dir, READ, false);
    if (!err && paths->config_file)
        err = allow(ruleset, handled, paths->config_file, FS_READ_FILE, false);
    for (size_t i = 0; !err && i < SANDBOX_TLS_DIRS; i++) {
        if (paths->tls_dirs[i])
            err = allow(ruleset, handled, paths->tls_dirs[i], READ, false);
    }
    for (size_t i = 0; !err && i < ARRAY_LEN(trees); i++)
        err = allow(ruleset, handled, trees[i].path, trees[i].allowed, false);
    return err;
}

/* 0 or -errno; *ret_abi says how much the kernel knows. */
static int restrict_self(const struct sandbox_paths *paths, int *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    if (abi < 0)
        return -errno;
    struct ruleset handled = {0};
    for (size_t i = 0; i < ARRAY_LEN(kinds) && kinds[i].abi <= abi; i++) {
        handled.files |= kinds[i].adds.files;
        handled.network |= kinds[i].adds.network;
        handled.scopes |= kinds[i].adds.scopes;
    }
    if (watched_by()) /* a sanitizer runs a program to name what it found */
        handled.files &= ~(uint64_t)FS_EXECUTE;
    long fd = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
    if (fd < 0)
        return -errno;
    int ruleset = (int)fd;
    int err = allow_all(ruleset, &handled, paths);
    if (!err && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        err = -errno;
    close(ruleset);
    *ret_abi = (int)abi;
    return err;
}

void sandbox_landlock(const struct sandbox_paths *paths, struct sandbox_report *ret)
{
    int abi = 0;
    int err = restrict_self(paths, &abi);
    ret->landlock_abi = err ? 0 : abi;
    if (err == -ENOSYS || err == -EOPNOTSUPP)
        snprintf(ret->landlock, sizeof(ret->landlock), "off: this kernel does not have it");
    else if (err)
        snprintf(ret->landlock, sizeof(ret->landlock), "off: %s", strerror(-err));
    else
        snprintf(ret->landlock, sizeof(ret->landlock), "enforced, ABI %d: files%s%s", abi,
                 abi >= 4 ? ", TCP" : "", abi >= 6 ? ", signals" : "");
}
