/* stop.c: see stop.h. */
#include "bench/stop.h"

#include <signal.h>
#include <time.h>

#include "base/defs.h"

static void stop_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGCHLD);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGHUP);
}

void stop_block_signals(void)
{
    sigset_t set;
    stop_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

bool stop_is_wanted(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
           sigismember(&pending, SIGHUP);
}

bool stop_wait(int64_t ns)
{
    const struct timespec turn = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    sigset_t set;
    stop_signals(&set);
    int sig = sigtimedwait(&set, NULL, &turn);
    return sig == SIGINT || sig == SIGTERM || sig == SIGHUP;
}
