/* helper.c: see helper.h. Called in a process with one thread; no state. */
#include "keeper/helper.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/watched.h"

#define FDS_MAX 16 /* the socket, 0-2, and what is being handed over */

int helper_fork(void (*run)(void *user, int fd, pid_t parent), void *user, int *ret_fd,
                pid_t *ret_pid)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        int err = -errno;
        close(fds[0]);
        close(fds[1]);
        return err;
    }
    if (pid == 0) {
        run(user, fds[1], parent);
        CHECK(false);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    *ret_pid = pid;
    return 0;
}

int helper_follow(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    if (getppid() != parent)
        _exit(EXIT_SUCCESS); /* it died before the line above */
    return 0;
}

static int keep_fds(int fd)
{
    if (fd != HELPER_FD && dup3(fd, HELPER_FD, O_CLOEXEC) < 0)
        return -errno;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return -errno;
    if (close_range(HELPER_FD + 1, ~0U, 0) == 0)
        return 0;
    long most = sysconf(_SC_OPEN_MAX); /* an old kernel, or a tool that does not know the call */
    for (int i = HELPER_FD + 1; i < MIN(most, 65536L); i++)
        close(i);
    return 0;
}

int helper_detach(const char *name, int fd, pid_t parent)
{
    /* A log in a file may not grow from here (helper_limit): a line less, but nobody is killed. */
    static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXFSZ};
    prctl(PR_SET_NAME, name, 0, 0, 0);
    int err = helper_follow(parent);
    if (err)
        return err;
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* whoever started main may have had it ignored, and that is kept */
    if (chdir("/") < 0)       /* no directory is held in use */
        return -errno;
    return keep_fds(fd);
}

uint64_t helper_capabilities(uint64_t wanted)
{
    uint64_t held = 0;
    if (capng_get_caps_process() < 0)
        return 0;
    for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (wanted & UINT64_C(1) << cap && capng_have_capability(CAPNG_EFFECTIVE, cap) > 0)
            held |= UINT64_C(1) << cap;
    }
    return held;
}

int helper_keep_capabilities(uint64_t kept)
{
    if (capng_get_caps_process() < 0)
        return -EPERM;
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

int helper_limit(void)
{
    const struct rlimit none = {0, 0}, few = {FDS_MAX, FDS_MAX};
    tzset();          /* the C library reads the time zone's file once: now */
    if (watched_by()) /* it has files of its own */
        return 0;
    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0 ||
        setrlimit(RLIMIT_NOFILE, &few) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

void helper_add_capabilities(uint64_t capabilities, char *text, size_t size)
{
    for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
        size_t len = strlen(text);
        const char *name = capabilities & UINT64_C(1) << cap ? capng_capability_to_name(cap) : NULL;
        if (name)
            snprintf(text + len, size - len, " %s", name);
    }
}

void helper_describe_end(int wait_status, char *text, size_t size)
{
    if (wait_status == HELPER_STATUS_UNKNOWN)
        snprintf(text, size, "off: it has ended");
    else if (WIFSIGNALED(wait_status))
        snprintf(text, size, "off: it was killed by signal %d", WTERMSIG(wait_status));
    else
        snprintf(text, size, "off: it ended with status %d", WEXITSTATUS(wait_status));
}
