/*
 * program.c: see program.h. Between fork and execve only what is safe there is called, since
 * libcurl's threads may hold any lock at that moment: all memory is made before.
 */
#include "alert/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "keeper/helper.h"

#define VARIABLES_MAX 40
#define READ_MOST (256 * 1024) /* bytes at once, of a program that talks without end */
#define NOT_STARTED 126

struct variables {
    size_t count;
    char *texts[VARIABLES_MAX + 1]; /* ends with NULL */
};

static void variables_add(void *user, const char *assignment)
{
    struct variables *v = user;
    if (v->count < VARIABLES_MAX)
        v->texts[v->count++] = mem_string(assignment);
}

static void variables_fini(struct variables *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->texts[i]);
}

static void variables_make(struct variables *v, const struct attempt *a)
{
    variables_add(v, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    variables_add(v, "HOME=/");
    variables_add(v, "LANG=C.UTF-8");
    render_environment(a->notice, &a->context, variables_add, v);
}

/* The notice as a file that nobody else can see: a pipe would have to be filled while it is read.
 */
static int input_make(const struct attempt *a)
{
    CLEANUP(buf_fini) struct buf json = BUF_INIT;
    render_webhook(a->notice, &a->context, &json);
    buf_char(&json, '\n');
    int fd = memfd_create("notice", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (!buf_ok(&json) || write(fd, json.data, json.len) != (ssize_t)json.len ||
        lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -ENOMEM;
    }
    return fd;
}

static void become(pid_t courier, char *const *arguments, char *const *variables, int input,
                   int output)
{
    sigset_t none;
    sigemptyset(&none);
    for (int signal_number = 1; signal_number < 32; signal_number++)
        signal(signal_number, SIG_DFL); /* ignored ones would stay ignored */
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (helper_follow(courier) < 0 || dup2(input, STDIN_FILENO) < 0 ||
        dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(NOT_STARTED);
    close_range(STDERR_FILENO + 1, ~0U, 0); /* libcurl's sockets are not close-on-exec */
    execve(arguments[0], arguments, variables);
    _exit(NOT_STARTED);
}

static int start(struct program *p, const struct attempt *a, int input, const int output[2])
{
    char *arguments[CHANNEL_LIST_MAX + 1] = {NULL};
    CLEANUP(variables_fini) struct variables v = {0};
    for (size_t i = 0; i < a->spec->command_count; i++)
        arguments[i] = a->spec->command[i];
    variables_make(&v, a);
    pid_t courier = getpid(), pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        become(courier, arguments, v.texts, input, output[1]);
    setpgid(pid, pid); /* whoever of the two comes first */
    *p = (struct program){
        .pid = pid,
        .pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
        .output = output[0],
        .timeout_ms = a->spec->timeout_ms,
        .deadline_ns = clock_mono_ns() + a->spec->timeout_ms * NS_PER_MS,
    };
    if (p->pidfd >= 0)
        fcntl(p->pidfd, F_SETFD, FD_CLOEXEC);
    return 0;
}

int program_start(struct program *p, const struct attempt *a, struct attempt_result *ret)
{
    const char *path = a->spec->command[0];
    if (access(path, X_OK) < 0) {
        attempt_end(ret, ATTEMPT_REFUSED, "%s: %s", path, strerror(errno));
        return -1;
    }
    int output[2], input = input_make(a), err = input < 0 ? input : 0;
    if (!err && pipe2(output, O_CLOEXEC) < 0)
        err = -errno;
    if (!err) {
        fcntl(output[0], F_SETFL, O_NONBLOCK); /* ours alone: the program's end is another file */
        err = start(p, a, input, output);
        close(output[1]);
        if (err)
            close(output[0]);
    }
    if (input >= 0)
        close(input);
    if (err)
        attempt_end(ret, ATTEMPT_AGAIN, "%s cannot be started: %s", path, strerror(-err));
    return err ? -1 : 0;
}

static void listen_to(struct program *p)
{
    char chunk[4096];
    for (size_t heard = 0; p->output >= 0 && heard < READ_MOST;) {
        ssize_t len = read(p->output, chunk, sizeof(chunk));
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return;
        if (len <= 0) {
            close(p->output);
            p->output = -1;
            return;
        }
        size_t kept = MIN((size_t)len, sizeof(p->text) - 1 - p->said);
        memcpy(p->text + p->said, chunk, kept);
        p->said += kept;
        heard += (size_t)len;
    }
}

static void describe(const struct program *p, int status, struct attempt_result *ret)
{
    const char *line = p->text + strspn(p->text, "\r\n");
    int len = (int)strcspn(line, "\r\n");
    if (p->killed)
        attempt_end(ret, ATTEMPT_AGAIN, "it took longer than %lld ms and was killed",
                    (long long)p->timeout_ms);
    else if (WIFSIGNALED(status))
        attempt_end(ret, ATTEMPT_AGAIN, "signal %d ended it", WTERMSIG(status));
    else if (WEXITSTATUS(status) == NOT_STARTED || WEXITSTATUS(status) == NOT_STARTED + 1)
        attempt_end(ret, ATTEMPT_REFUSED, "it could not be run (exit status %d)",
                    WEXITSTATUS(status));
    else if (WEXITSTATUS(status))
        attempt_end(ret, ATTEMPT_AGAIN, "exit status %d%s%.*s", WEXITSTATUS(status),
                    len ? ": " : "", len, line);
    else
        ret->end = ATTEMPT_DELIVERED;
}

bool program_look(struct program *p, struct attempt_result *ret)
{
    listen_to(p);
    siginfo_t ended = {0};
    bool over = waitid(P_PID, (id_t)p->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                ended.si_pid == p->pid;
    if (!over) {
        if (!p->killed && clock_mono_ns() >= p->deadline_ns) {
            p->killed = true;
            kill(-p->pid, SIGKILL);
        }
        return false;
    }
    int status = 0;
    kill(-p->pid, SIGKILL); /* what it left running; before its number can be another's */
    waitpid(p->pid, &status, 0);
    listen_to(p);
    if (p->output >= 0)
        close(p->output);
    if (p->pidfd >= 0)
        close(p->pidfd);
    describe(p, status, ret);
    p->pid = 0;
    return true;
}
