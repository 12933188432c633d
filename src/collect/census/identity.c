/*
 * identity.c: see identity.h. The files are described in proc_pid_stat(5), proc_pid_status(5) and
 * proc_pid_cgroup(5). A command is whatever the process calls itself: in stat it stands between the
 * first '(' and the last ')', with brackets, blanks and newlines of its own in between.
 */
#include "collect/census/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "collect/census/names.h"
#include "collect/procfs/scan.h"

#define START_FIELD 22

/* The length read (the rest is cut off), or -errno. */
static ssize_t read_path(int proc, const char *path, char *out, size_t size)
{
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0 && len < size) {
        got = read(fd, out + len, size - len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            len += (size_t)got;
    }
    int err = got < 0 ? -errno : 0;
    close(fd);
    return err ? err : (ssize_t)len;
}

static ssize_t read_file(int proc, uint32_t pid, const char *name, char *out, size_t size)
{
    char path[32];
    snprintf(path, sizeof(path), "%u/%s", pid, name);
    return read_path(proc, path, out, size);
}

int identity_read(int proc, uint32_t pid, struct identity *ret)
{
    char text[1024];
    ssize_t len = read_file(proc, pid, "stat", text, sizeof(text));
    if (len < 0)
        return (int)len;
    const char *open = memchr(text, '(', (size_t)len), *close = memrchr(text, ')', (size_t)len);
    if (!open || !close || close < open)
        return -EINVAL;
    /* The state is field 3, the first after the bracket. */
    struct scan rest = scan_text(close + 1, (size_t)(text + len - close - 1)), line, word;
    uint64_t start = 0;
    if (!scan_line(&rest, &line))
        return -EINVAL;
    for (int field = 3; field < START_FIELD; field++) {
        if (!scan_word(&line, &word))
            return -EINVAL;
    }
    if (!scan_u64(&line, &start))
        return -EINVAL;
    ret->start_ticks = start;
    name_tame(ret->command, sizeof(ret->command), open + 1, (size_t)(close - open - 1));
    return 0;
}

int identity_uid(int proc, uint32_t pid, uint32_t *ret)
{
    char text[4096];
    ssize_t len = read_file(proc, pid, "status", text, sizeof(text));
    if (len < 0)
        return (int)len;
    struct scan all = scan_text(text, (size_t)len), line, word;
    uint64_t real, effective;
    while (scan_line(&all, &line)) {
        if (!scan_word(&line, &word) || !scan_is(&word, "Uid:", 4))
            continue;
        if (!scan_u64(&line, &real) || !scan_u64(&line, &effective) || effective > UINT32_MAX)
            return -EINVAL;
        *ret = (uint32_t)effective;
        return 0;
    }
    return -EINVAL;
}

int identity_owner(int proc, uint32_t pid, uint32_t *ret)
{
    char path[16];
    struct stat st;
    snprintf(path, sizeof(path), "%u", pid);
    if (fstatat(proc, path, &st, 0) < 0)
        return -errno;
    *ret = st.st_uid;
    return 0;
}

/* The kind of unit, or -errno. */
static int read_unit(int proc, uint32_t pid, char out[UNIT_BYTES])
{
    char text[8192];
    ssize_t len = read_file(proc, pid, "cgroup", text, sizeof(text));
    return len < 0 ? (int)len : (int)unit_of_cgroups(text, (size_t)len, out);
}

int identity_unit(int proc, uint32_t pid, char out[UNIT_BYTES])
{
    int kind = read_unit(proc, pid, out);
    return MIN(kind, 0);
}

int identity_container(int proc, uint32_t pid, char out[UNIT_BYTES])
{
    int kind = read_unit(proc, pid, out);
    if (kind != UNIT_CONTAINER)
        out[0] = '\0';
    return MIN(kind, 0);
}

bool identity_is_own(int proc)
{
    /* "NSpid:\t47\t12": from the namespace that /proc shows to the innermost (Linux 4.1). */
    char text[4096] = "";
    ssize_t len = read_path(proc, "self/status", text, sizeof(text));
    struct scan all = scan_text(text, (size_t)MAX(len, (ssize_t)0)), line, word;
    uint64_t pid, inner;
    while (scan_line(&all, &line)) {
        if (scan_word(&line, &word) && scan_is(&word, "NSpid:", 6))
            return scan_u64(&line, &pid) && pid == (uint64_t)getpid() && !scan_u64(&line, &inner);
    }
    return false;
}
