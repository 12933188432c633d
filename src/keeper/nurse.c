/*
 * nurse.c: see nurse.h. The filter that the keeper's process has by now lets through what forking,
 * waiting and confining a child takes (process.c), and no more: the nurse reads nothing that main
 * sends, so nobody who has taken over main can talk to it. All he can do is to have its children
 * killed by their filter, which gets slower each time.
 */
#include "keeper/nurse.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "keeper/helper.h"

int nurse_wait_ms(unsigned failures)
{
    if (failures <= 1)
        return 0;
    return failures > 7 ? NURSE_WAIT_MOST_MS : MIN(1000 << (failures - 2), NURSE_WAIT_MOST_MS);
}

/* Unless main leaves meanwhile, which nobody else would notice now. What it has sent waits for the
 * next child. */
static void nurse_wait(int wait_ms)
{
    struct pollfd p = {.fd = HELPER_FD, .events = POLLRDHUP};
    if (wait_ms && poll(&p, 1, wait_ms) > 0)
        _exit(EXIT_SUCCESS);
}

/* pid comes last, at the end of one as at the start of the next: who reads it first sees as much of
 * the rest as belongs to it. rests alone is cleared after: without a pid it says how long. */
static void pulse_begin(struct keeper_pulse *pulse, pid_t pid, bool again)
{
    if (!pulse)
        return;
    if (again)
        atomic_fetch_add(&pulse->restarts, 1);
    atomic_store(&pulse->pid, (uint32_t)pid);
    atomic_store(&pulse->rests, 0);
}

/* rests before pid: who sees that nobody answers sees, too, whether it is worth waiting. */
static void pulse_end(struct keeper_pulse *pulse, int status, int wait_ms)
{
    if (!pulse)
        return;
    atomic_store(&pulse->signal, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    atomic_store(&pulse->rests, wait_ms > 0);
    atomic_store(&pulse->pid, 0);
}

static bool is_for_good(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) != NURSE_TRY_AGAIN;
}

void nurse_watch(struct keeper_pulse *pulse, pid_t main_pid, const char *name, const char *child)
{
    const pid_t self = getpid();
    unsigned failures = 0;
    prctl(PR_SET_NAME, name, 0, 0, 0);
    for (;;) {
        int status = 0;
        int64_t begun_ns = clock_mono_ns();
        pid_t ended, pid = fork();
        if (pid == 0) {
            if (helper_follow(self) < 0)
                _exit(NURSE_TRY_AGAIN);
            prctl(PR_SET_NAME, child, 0, 0, 0);
            return;
        }
        if (pid > 0) {
            pulse_begin(pulse, pid, failures > 0);
            if (failures)
                kill(main_pid, SIGCHLD);
            do
                ended = waitpid(pid, &status, 0);
            while (ended < 0 && errno == EINTR);
            if (ended != pid || is_for_good(status))
                _exit(ended == pid ? WEXITSTATUS(status) : EXIT_FAILURE);
        }
        bool calm = pid > 0 && clock_mono_ns() - begun_ns >= NURSE_CALM_MS * NS_PER_MS;
        failures = calm ? 1 : failures + 1;
        int wait_ms = nurse_wait_ms(failures);
        if (pid > 0) {
            pulse_end(pulse, status, wait_ms);
            kill(main_pid, SIGCHLD);
        } else if (pulse) {
            atomic_store(&pulse->rests, wait_ms > 0);
        }
        nurse_wait(wait_ms);
    }
}
