/*
 * landlock.c: see landlock.h. Numbers are part of the kernel's interface and written out, because
 * the headers of the oldest system that we build on lack the newer ones
 * (docs.kernel.org/userspace-api/landlock.html). Executing is handled and never allowed; so are TCP
 * servers, and signals and abstract sockets outside where the kernel can (ABI 4 and 6).
 */
#include "keeper/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/watched.h"

enum {
    FS_EXECUTE = 1U << 0,
    FS_WRITE_FILE = 1U << 1,
    FS_READ_FILE = 1U << 2,
    FS_READ_DIR = 1U << 3,
    FS_MAKE_REG = 1U << 8,
    FS_ALL_OF_ABI_1 = (1U << 13) - 1,
    FS_REFER = 1U << 13,
    FS_TRUNCATE = 1U << 14,
    FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE,
    NET_BIND_TCP = 1U << 0,
    CREATE_RULESET_VERSION = 1U << 0,
    RULE_PATH_BENEATH = 1,
};

struct ruleset {
    uint64_t files, network;
};

struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

static uint64_t files_of(int abi)
{
    uint64_t files = FS_ALL_OF_ABI_1;
    files |= abi >= 2 ? FS_REFER : 0;
    files |= abi >= 3 ? FS_TRUNCATE : 0;
    if (watched_by()) /* a sanitizer runs a program to name what it found */
        files &= ~(uint64_t)FS_EXECUTE;
    return files;
}

int landlock_begin(struct landlock *l)
{
    l->ruleset = -1;
    l->abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    if (l->abi < 0)
        return -errno;
    /* Older kernels take the longer struct as long as what they do not know is zero. */
    const struct ruleset r = {.files = files_of(l->abi), .network = l->abi >= 4 ? NET_BIND_TCP : 0};
    l->ruleset = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
    return l->ruleset < 0 ? -errno : 0;
}

int landlock_allow(struct landlock *l, const char *path, unsigned access)
{
    struct stat st;
    uint64_t allowed = 0;
    allowed |= access & LANDLOCK_READ ? FS_READ_FILE | FS_READ_DIR : 0;
    allowed |= access & LANDLOCK_WRITE ? FS_WRITE_FILE | FS_TRUNCATE : 0;
    allowed |= access & LANDLOCK_CREATE ? FS_MAKE_REG : 0;
    struct path_rule rule = {.fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.fd < 0)
        return 0;
    if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
        allowed &= FS_OF_FILES;
    rule.allowed = allowed & files_of(l->abi);
    int err = 0;
    if (syscall(SYS_landlock_add_rule, l->ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
        err = -errno;
    close(rule.fd);
    return err;
}

int landlock_apply(struct landlock *l)
{
    int err = syscall(SYS_landlock_restrict_self, l->ruleset, 0) < 0 ? -errno : 0;
    close(l->ruleset);
    l->ruleset = -1;
    return err;
}
