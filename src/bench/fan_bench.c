/*
 * fan_bench.c: the processes of a level.
 *
 *     this process ── fork ──► server   fan_server_run, until it is killed
 *           │  └────── fork ──► crowd    crowd_run, then ends
 *           └ waits: for the crowd, a signal, the server's end or too long a time
 *
 * What they tell each other stands in one shared mapping. The children die with this process,
 * whatever ends it (PR_SET_PDEATHSIG), and are killed and waited for before a level returns.
 * Where there are two processors, the server has one for itself.
 */
#include "bench/fan_bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "bench/fan_server.h"
#include "bench/stop.h"
#include "bench/usage.h"
#include "net/ring.h"

#define DELIVERIES_MAX 10000 /* a second, when nobody says how many */
#define RATE_AUTO_HZ 10
#define OWN_DESCRIPTORS 64
#define START_NS (10 * NS_PER_S)
#define PATIENCE_NS                                                                                \
    (120 * NS_PER_S) /* beside twice the seconds: the crowd's own limits are shorter */
#define TURN_NS (100 * NS_PER_MS)

const char *const fan_modes[FAN_MODES] = {
    [FAN_PLAIN] = "plain",
    [FAN_TLS] = "tls",
    [FAN_DEFLATE] = "deflate",
    [FAN_TLS_DEFLATE] = "tls-deflate",
};

const char *const fan_senders[FAN_SENDERS] = {
    [FAN_SEND_AUTO] = "auto",
    [FAN_SEND_SEND] = "send",
    [FAN_SEND_IO_URING] = "io_uring",
};

static bool has_tls(enum fan_mode mode)
{
    return mode == FAN_TLS || mode == FAN_TLS_DEFLATE;
}

static bool has_deflate(enum fan_mode mode)
{
    return mode == FAN_DEFLATE || mode == FAN_TLS_DEFLATE;
}

int fan_settle_sender(struct fan_settings *settings, char *why, size_t why_size)
{
    struct ring *ring;
    if (settings->sender == FAN_SEND_SEND)
        return 0;
    /* Each connection has keys of its own: there are no shared bytes that a batch could send. */
    int err = has_tls(settings->mode) ? -EOPNOTSUPP : ring_open(&ring);
    const char *reason =
        has_tls(settings->mode) ? "TLS encrypts for each client apart" : strerror(-err);
    if (!err) {
        ring_close(ring); /* the server, another process, opens its own */
        settings->sender = FAN_SEND_IO_URING;
    } else if (settings->sender == FAN_SEND_IO_URING) {
        snprintf(why, why_size, "io_uring cannot be used here: %s", reason);
        return err;
    } else {
        settings->sender = FAN_SEND_SEND;
        snprintf(settings->no_ring, sizeof(settings->no_ring), "%s", reason);
    }
    return 0;
}

/* In memory that all three processes have. */
struct shared {
    struct fan_server_state server;
    struct crowd_progress progress;
    struct crowd_result result;
    bool crowd_failed; /* and these two stand when its process has ended */
    bool crowd_ended;
};

unsigned fan_rate(const struct fan_settings *settings, unsigned clients)
{
    if (!settings->rate_auto)
        return settings->rate_hz;
    return MAX(MIN(RATE_AUTO_HZ, DELIVERIES_MAX / MAX(clients, 1U)), 1U);
}

/* ---- does it fit? ------------------------------------------------------------------------ */

static unsigned ports_for_clients(void)
{
    unsigned long first = 32768, last = 60999;
    char text[64];
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (f && fgets(text, sizeof(text), f)) {
        char *second;
        first = strtoul(text, &second, 10);
        last = strtoul(second, NULL, 10);
    }
    if (f)
        fclose(f);
    return last >= first && last <= UINT16_MAX ? (unsigned)(last - first + 1) : 0;
}

static bool fits(unsigned clients, char *why, size_t size)
{
    uint64_t wanted = (uint64_t)clients + OWN_DESCRIPTORS;
    uint64_t descriptors = usage_want_descriptors(wanted);
    unsigned ports = ports_for_clients();
    if (descriptors < wanted)
        snprintf(why, size, "the limit for open files is %llu (ulimit -Hn); %llu are needed",
                 (unsigned long long)descriptors, (unsigned long long)wanted);
    else if (ports < clients)
        snprintf(why, size, "net.ipv4.ip_local_port_range has %u ports", ports);
    else
        return true;
    return false;
}

/* ---- processes --------------------------------------------------------------------------- */

/* Keeps the caller on the processor with that number among those it may use, when there are at
 * least two. */
static void use_processor(unsigned number)
{
    cpu_set_t may, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(may), &may) < 0 || CPU_COUNT(&may) < 2)
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &may) || number--)
            continue;
        CPU_SET(cpu, &one);
        (void)!sched_setaffinity(0, sizeof(one), &one); /* a worse measurement, not a wrong one */
        return;
    }
}

/* In a child, first of all: signals end it again, as does the end of its parent. */
static void child_begin(pid_t parent, unsigned processor)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    use_processor(processor);
}

static pid_t start_server(const struct fan_settings *settings, const struct fan_level *level,
                          struct shared *shared)
{
    const struct fan_server_settings server = {
        .size_bytes = settings->size_bytes,
        .rate_hz = level->rate_hz,
        .clients = level->clients,
        .io_uring = settings->sender == FAN_SEND_IO_URING,
        .tls = has_tls(settings->mode),
        .deflate = has_deflate(settings->mode),
    };
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        child_begin(parent, 0);
        fan_server_run(&server, &shared->server);
        _exit(EXIT_FAILURE);
    }
    return pid;
}

static pid_t start_crowd(const struct fan_settings *settings, const struct fan_level *level,
                         struct shared *shared, pid_t server)
{
    const struct crowd_settings crowd = {
        .port = (uint16_t)atomic_load(&shared->server.port),
        .clients = level->clients,
        .stalled = settings->stalled,
        .path = "/",
        .kind = MESSAGE_FANOUT,
        .size_bytes = settings->size_bytes,
        .seconds = settings->seconds,
        .deflate = has_deflate(settings->mode),
        .tls = has_tls(settings->mode),
        .server = server,
        .server_malloc = &shared->server.allocated,
        .progress = &shared->progress,
    };
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        child_begin(parent, 1);
        shared->crowd_failed = crowd_run(&crowd, &shared->result) < 0;
        shared->crowd_ended = true;
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

static void end_process(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- one level --------------------------------------------------------------------------- */

static void fail(struct fan_level *level, const char *what, const char *why)
{
    level->outcome = FAN_FAILED;
    snprintf(level->why, sizeof(level->why), "%s%s%s", what, *why ? ": " : "", why);
}

static void show_progress(const struct fan_settings *settings, const struct fan_level *level,
                          struct shared *shared)
{
    if (settings->progress)
        fprintf(stderr, "\r%u clients: %u connected, %llu delivered\033[K", level->clients,
                atomic_load(&shared->progress.connected),
                (unsigned long long)atomic_load(&shared->progress.delivered));
}

/* Whether the child has ended; it has been waited for then. */
static bool has_ended(pid_t *pid)
{
    if (*pid > 0 && waitpid(*pid, NULL, WNOHANG) == *pid)
        *pid = 0;
    return *pid == 0;
}

static void run_level(const struct fan_settings *settings, struct fan_level *level,
                      struct shared *shared, pid_t *server, pid_t *crowd)
{
    int64_t end_ns = clock_mono_ns() + START_NS;
    *server = start_server(settings, level, shared);
    if (*server < 0) {
        fail(level, "no process for the server", strerror(errno));
        return;
    }
    for (;;) {
        bool interrupted = stop_wait(TURN_NS);
        show_progress(settings, level, shared);
        if (interrupted) {
            level->outcome = FAN_INTERRUPTED;
            snprintf(level->why, sizeof(level->why), "interrupted");
            return;
        }
        if (*crowd && has_ended(crowd)) {
            if (!shared->crowd_ended)
                fail(level, "the crowd's process ended", "");
            else if (shared->crowd_failed)
                fail(level, shared->result.why, "");
            return;
        }
        if (has_ended(server)) {
            fail(level, "the server's process ended", shared->server.why);
            return;
        }
        if (!*crowd && atomic_load(&shared->server.port)) {
            *crowd = start_crowd(settings, level, shared, *server);
            end_ns =
                clock_mono_ns() + PATIENCE_NS + (int64_t)(settings->seconds * 2 * (double)NS_PER_S);
            if (*crowd < 0) {
                fail(level, "no process for the crowd", strerror(errno));
                return;
            }
        }
        if (clock_mono_ns() > end_ns) {
            fail(level, "it took too long", "");
            return;
        }
    }
}

void fan_bench_level(const struct fan_settings *settings, unsigned clients, struct fan_level *ret)
{
    pid_t server = 0, crowd = 0;
    *ret = (struct fan_level){.clients = clients, .rate_hz = fan_rate(settings, clients)};
    if (!fits(clients, ret->why, sizeof(ret->why))) {
        ret->outcome = FAN_DOES_NOT_FIT;
        return;
    }
    if (settings->stalled >= clients) {
        ret->outcome = FAN_DOES_NOT_FIT;
        snprintf(ret->why, sizeof(ret->why), "nobody would read: all of them are stalled");
        return;
    }
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fail(ret, "no memory", strerror(errno));
        return;
    }
    run_level(settings, ret, shared, &server, &crowd);
    end_process(crowd);
    end_process(server);
    if (settings->progress)
        fputs("\r\033[K", stderr);
    ret->result = shared->result;
    ret->dropped = atomic_load(&shared->server.dropped);
    munmap(shared, sizeof(*shared));
}
