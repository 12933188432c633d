/*
 * test_keeper.c: the real keeper in its real process: what it does, what it refuses, what it kept,
 * and that neither side takes the other down. Needs CAP_NET_ADMIN, or there is nothing to keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/watched.h"
#include "keeper/keeper.h"
#include "keeper/process.h"
#include "keeper/protocol.h"

#define NET_ADMIN (UINT64_C(1) << CAP_NET_ADMIN)

static const struct keeper_settings settings = {.capabilities = NET_ADMIN};

static int start(void **state)
{
    struct keeper *k = NULL;
    int err = keeper_start(&settings, &k);
    *state = k;
    return err;
}

static int stop(void **state)
{
    keeper_stop(*state);
    return 0;
}

static int keeper_pid(struct keeper *k)
{
    struct keeper_status status;
    keeper_status(k, &status);
    return status.pid;
}

static size_t count_fds(const char *process)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%s/fd", process);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* The value of a line of /proc/PID/status. */
static void read_status(int pid, const char *key, char *value, size_t size)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    *value = '\0';
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            snprintf(value, size, "%s",
                     line + strlen(key) + 1 + strspn(line + strlen(key) + 1, " \t"));
    }
    value[strcspn(value, "\n")] = '\0';
    fclose(file);
}

/* The parent of a process. */
static int parent_of(int pid)
{
    char value[16];
    read_status(pid, "PPid", value, sizeof(value));
    return atoi(value);
}

/* ---- the ordinary ------------------------------------------------------------------------ */

static void test_status(void **state)
{
    struct keeper_status status;
    char expected[160];
    keeper_status(*state, &status);
    assert_true(status.alive);
    assert_true(status.capabilities == NET_ADMIN);
    snprintf(expected, sizeof(expected), "running, pid %d, keeps net_admin", status.pid);
    assert_string_equal(status.text, expected);
    keeper_status(NULL, &status);
    assert_false(status.alive);
    assert_string_equal(status.text, "off: there are no capabilities to keep");
}

static void test_is_confined(void **state)
{
    char value[128], expected[32], process[16];
    int pid = keeper_pid(*state);
    snprintf(expected, sizeof(expected), "%016llx", (unsigned long long)NET_ADMIN);
    read_status(pid, "CapEff", value, sizeof(value));
    assert_string_equal(value, expected);
    read_status(pid, "CapPrm", value, sizeof(value));
    assert_string_equal(value, expected);
    read_status(pid, "CapInh", value, sizeof(value));
    assert_string_equal(value, "0000000000000000");
    read_status(pid, "CapAmb", value, sizeof(value));
    assert_string_equal(value, "0000000000000000");
    read_status(pid, "CapBnd", value, sizeof(value));
    assert_string_equal(value, "0000000000000000");
    read_status(pid, "NoNewPrivs", value, sizeof(value));
    assert_string_equal(value, "1");
    read_status(pid, "Seccomp", value, sizeof(value));
    assert_string_equal(value, watched_by() ? "0" : "2");
    read_status(pid, "Name", value, sizeof(value));
    assert_string_equal(value, "netsonde-keeper");
    snprintf(process, sizeof(process), "%d", pid);
    if (!watched_by())
        assert_int_equal(count_fds(process), 4); /* 0-2 and the socket */
}

static void test_is_small(void **state)
{
    char value[64];
    int fd;
    if (watched_by())
        skip();
    assert_int_equal(keeper_open_netlink(*state, NETLINK_ROUTE, 0, 1 << 20, &fd), 0);
    close(fd);
    read_status(keeper_pid(*state), "VmRSS", value, sizeof(value));
    print_message("# keeper VmRSS %s\n", value);
    assert_in_range(strtoul(value, NULL, 10), 1, 4096); /* kB */
}

static void test_opens_netlink(void **state)
{
    const uint32_t bytes = 16 * 1024 * 1024; /* far beyond net.core.rmem_max */
    int fd = -1, size = 0;
    socklen_t len = sizeof(size);
    struct sockaddr_nl addr = {0};
    socklen_t addr_len = sizeof(addr);
    assert_int_equal(keeper_ping(*state), 0);
    int err = keeper_open_netlink(*state, NETLINK_ROUTE, RTMGRP_LINK, bytes, &fd);
    assert_int_equal(err, 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len), 0);
    assert_int_equal(size, 2 * bytes); /* the kernel doubles what it is asked for */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &addr_len), 0);
    assert_int_equal(addr.nl_groups, RTMGRP_LINK);
    assert_int_equal(recv(fd, &addr, sizeof(addr), 0), -1); /* does not block */
    assert_int_equal(errno, EAGAIN);
    close(fd);
    assert_int_equal(keeper_open_netlink(*state, NETLINK_SOCK_DIAG, 0, 0, &fd), 0);
    close(fd);
}

static void test_refuses(void **state)
{
    int fd = 4711;
    assert_int_equal(keeper_open_netlink(*state, NETLINK_NETFILTER, 0, 0, &fd), -EPROTONOSUPPORT);
    assert_int_equal(keeper_open_netlink(*state, -1, 0, 0, &fd), -EPROTONOSUPPORT);
    assert_int_equal(
        keeper_open_netlink(*state, NETLINK_ROUTE, 0, KEEPER_RECEIVE_BYTES_MAX + 1, &fd), -ERANGE);
    assert_int_equal(fd, 4711);
    assert_int_equal(keeper_ping(*state), 0); /* and lives on */
}

/* What the terminal and service managers send to a whole group is for main to decide. */
static void test_leaves_signals_to_main(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        assert_int_equal(kill(keeper_pid(*state), signals[i]), 0);
    assert_int_equal(keeper_ping(*state), 0);
}

/* ---- one of the two dies ----------------------------------------------------------------- */

/* Waits, within bounds, until another one answers; its status. */
static struct keeper_status next_keeper(struct keeper *k, int before, int wait_ms)
{
    struct keeper_status status;
    for (int i = 0; i < wait_ms / 10; i++) {
        keeper_status(k, &status);
        if (status.alive && status.pid != before)
            return status;
        poll(NULL, 0, 10);
    }
    fail_msg("%s", status.text);
    return status;
}

/* It is started again, with the same rights and as confined as before; at once the first time,
 * later with a pause in which it is said that nobody is there. */
static void test_is_started_again(void **state)
{
    struct keeper_status status;
    char expected[192];
    int fd, pid = keeper_pid(*state);
    assert_int_equal(kill(pid, SIGKILL), 0);
    status = next_keeper(*state, pid, 5000);
    assert_int_equal(status.restarts, 1);
    assert_int_equal(keeper_ping(*state), 0);
    assert_int_equal(keeper_open_netlink(*state, NETLINK_ROUTE, RTMGRP_LINK, 1 << 24, &fd), 0);
    close(fd);
    assert_int_equal(keeper_ping(*state), 0); /* it has closed its own, too */
    snprintf(expected, sizeof(expected),
             "running, pid %d, keeps net_admin; started again 1 times, the last one was killed by "
             "signal 9",
             status.pid);
    assert_string_equal(status.text, expected);
    test_is_confined(state);

    pid = status.pid;
    assert_int_equal(kill(pid, SIGABRT), 0);
    do
        keeper_status(*state, &status);
    while (status.alive);
    assert_true(status.returns);
    assert_string_equal(status.text,
                        "off: it was killed by signal 6; it is started again within 60 s");
    assert_int_equal(next_keeper(*state, pid, 10000).restarts, 2);
    assert_int_equal(keeper_ping(*state), 0);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nobody answers for a second or two after the third end in a row. Who asks is told so at once,
 * also when the keeper goes while it is asked. */
static void test_requests_do_not_wait_for_the_next(void **state)
{
    struct keeper_status status;
    int fd = 4711, pid = keeper_pid(*state);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        pid = next_keeper(*state, pid, 10000).pid;
    }
    char stopped[32];
    assert_int_equal(kill(pid, SIGSTOP), 0);
    do
        read_status(pid, "State", stopped, sizeof(stopped));
    while (stopped[0] != 'T');
    pid_t killer = fork();
    if (killer == 0) {
        poll(NULL, 0, 100);
        _exit(kill(pid, SIGKILL) != 0);
    }
    int64_t begun_ms = now_ms();
    assert_int_equal(keeper_open_netlink(*state, NETLINK_ROUTE, 0, 0, &fd), -EAGAIN);
    for (int i = 0; i < 100; i++)
        assert_int_equal(keeper_ping(*state), -EAGAIN);
    if (!watched_by())
        assert_in_range(now_ms() - begun_ms, 0, 900);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(fd, 4711);
    keeper_status(*state, &status);
    assert_false(status.alive);
    assert_true(status.returns);
    next_keeper(*state, pid, 10000);
    assert_int_equal(keeper_ping(*state), 0);
}

/* A nurse that is killed while it rests does not come back, and that is said, too. */
static void test_nurse_dies_while_it_rests(void **state)
{
    int pid = keeper_pid(*state), nurse = parent_of(pid);
    assert_int_equal(kill(pid, SIGKILL), 0);
    pid = next_keeper(*state, pid, 10000).pid;
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (keeper_ping(*state) != -EAGAIN)
        continue;
    assert_int_equal(kill(nurse, SIGKILL), 0);
    int err;
    while ((err = keeper_ping(*state)) == -EAGAIN)
        continue;
    assert_int_equal(err, -EPIPE);
}

static struct keeper_pulse *pulse_new(void)
{
    struct keeper_pulse *pulse =
        mmap(NULL, sizeof(*pulse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pulse, MAP_FAILED);
    return pulse;
}

/* A nurse whose children cannot begin, twice; the third one waits for the end. */
static void be_nurse(int fd, struct keeper_pulse *pulse)
{
    char byte;
    if (dup2(fd, 3) < 0)
        _exit(1);
    signal(SIGCHLD, SIG_DFL);
    close_range(4, ~0U, 0);
    nurse_watch(pulse, getppid(), "netsonde-nurse", "netsonde-keeper");
    if (atomic_load(&pulse->restarts) < 2 && recv(3, &byte, 1, 0) == 1 && byte == 'n')
        _exit(NURSE_TRY_AGAIN);
    while (recv(3, &byte, 1, 0) > 0)
        continue;
    _exit(7);
}

static void test_child_that_cannot_begin_is_tried_again(void **state)
{
    int fds[2], status;
    (void)state;
    struct keeper_pulse *pulse = pulse_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    pid_t nurse = fork();
    if (nurse == 0)
        be_nurse(fds[1], pulse);
    close(fds[1]);
    assert_int_equal(send(fds[0], "n", 1, MSG_NOSIGNAL), 1);
    while (atomic_load(&pulse->restarts) < 1 && waitpid(nurse, &status, WNOHANG) == 0)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&pulse->restarts), 1);
    assert_int_equal(atomic_load(&pulse->signal), 0);
    assert_int_equal(send(fds[0], "n", 1, MSG_NOSIGNAL), 1);
    while (atomic_load(&pulse->restarts) < 2 && waitpid(nurse, &status, WNOHANG) == 0)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&pulse->restarts), 2);
    close(fds[0]); /* and who ends otherwise takes the nurse along */
    assert_int_equal(waitpid(nurse, &status, 0), nurse);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    munmap(pulse, sizeof(*pulse));
}

/* Who sees the next one sees that it is counted. */
static void test_restart_is_counted_when_it_shows(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct keeper_pulse *pulse = pulse_new();
        int fds[2], status;
        uint32_t first, next;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        pid_t nurse = fork();
        if (nurse == 0)
            be_nurse(fds[1], pulse);
        close(fds[1]);
        while (!(first = atomic_load(&pulse->pid)))
            sched_yield();
        assert_int_equal(kill((pid_t)first, SIGKILL), 0);
        while (!(next = atomic_load(&pulse->pid)) || next == first)
            continue;
        uint32_t restarts = atomic_load(&pulse->restarts);
        int killed_by = atomic_load(&pulse->signal);
        close(fds[0]);
        assert_int_equal(waitpid(nurse, &status, 0), nurse);
        assert_int_equal(restarts, 1);
        assert_int_equal(killed_by, SIGKILL);
        munmap(pulse, sizeof(*pulse));
    }
}

/* Where ends of children are not kept for their parent, there is nothing to wait for. */
static void test_stop_where_ends_are_ignored(void **state)
{
    struct keeper *k = NULL;
    struct keeper_status status;
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(keeper_start(&settings, &k), 0);
    int nurse = parent_of(keeper_pid(k));
    int64_t begun_ms = now_ms();
    assert_int_equal(kill(nurse, SIGKILL), 0);
    do
        keeper_status(k, &status);
    while (status.returns && now_ms() - begun_ms < 5000);
    assert_false(status.returns);
    assert_string_equal(status.text, "off: it has ended");
    keeper_stop(k);
    signal(SIGCHLD, SIG_DFL);
    if (!watched_by())
        assert_in_range(now_ms() - begun_ms, 0, 900);
}

/* Main as the first process of a container: what the nurse leaves behind is its own to reap. */
static void test_leaves_no_orphan(void **state)
{
    struct keeper_status status;
    int pid = keeper_pid(*state), nurse = parent_of(pid);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    assert_int_equal(kill(nurse, SIGKILL), 0);
    for (int i = 0; i < 500 && kill(pid, 0) == 0; i++) {
        keeper_status(*state, &status);
        poll(NULL, 0, 10);
    }
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

static void test_restarts_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(nurse_wait_ms(1), 0);
    for (unsigned i = 2; i < 8; i++)
        assert_int_equal(nurse_wait_ms(i), MIN(1000 << (i - 2), NURSE_WAIT_MOST_MS));
    assert_int_equal(nurse_wait_ms(8), NURSE_WAIT_MOST_MS);
    assert_int_equal(nurse_wait_ms(UINT32_MAX), NURSE_WAIT_MOST_MS);
}

/* And when who would start it again is killed, it ends, too. */
static void test_main_survives(void **state)
{
    struct keeper_status status;
    int fd, nurse = parent_of(keeper_pid(*state));
    char name[32];
    read_status(nurse, "Name", name, sizeof(name));
    assert_string_equal(name, "netsonde-nurse");
    assert_int_equal(parent_of(nurse), getpid());
    assert_int_equal(kill(nurse, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)nurse, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    while (keeper_ping(*state) == 0) /* until the keeper has followed it */
        continue;
    assert_int_equal(keeper_ping(*state), -EPIPE);
    assert_int_equal(keeper_open_netlink(*state, NETLINK_ROUTE, 0, 0, &fd), -EPIPE);
    keeper_status(*state, &status);
    assert_false(status.alive);
    assert_false(status.returns);
    assert_string_equal(status.text, "off: it was killed by signal 9");
    assert_int_equal(kill(nurse, 0), -1); /* and is no zombie */
}

/* It lets through what it takes to start a child, and main cannot ask it for anything. */
static void test_nurse_is_confined(void **state)
{
    char value[32], process[16];
    int nurse = parent_of(keeper_pid(*state));
    read_status(nurse, "Seccomp", value, sizeof(value));
    assert_string_equal(value, watched_by() ? "0" : "2");
    read_status(nurse, "NoNewPrivs", value, sizeof(value));
    assert_string_equal(value, "1");
    read_status(nurse, "CapBnd", value, sizeof(value));
    assert_string_equal(value, "0000000000000000");
    snprintf(process, sizeof(process), "%d", nurse);
    if (watched_by())
        return;
    assert_int_equal(count_fds(process), 4);
    read_status(nurse, "VmRSS", value, sizeof(value));
    print_message("# nurse VmRSS %s\n", value);
    assert_in_range(strtoul(value, NULL, 10), 1, 4096); /* kB */
}

/* Main is killed: nobody stops the keeper, it has to notice. */
static void test_ends_with_main(void **state)
{
    int pipe_fds[2], pid = 0, status;
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t main_pid = fork();
    if (main_pid == 0) {
        struct keeper *k = NULL;
        if (keeper_start(&settings, &k) == 0) {
            pid = keeper_pid(k);
            if (write(pipe_fds[1], &pid, sizeof(pid)) == (ssize_t)sizeof(pid))
                kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(read(pipe_fds[0], &pid, sizeof(pid)), sizeof(pid));
    assert_int_equal(waitpid(main_pid, &status, 0), main_pid);
    assert_true(WIFSIGNALED(status));
    while (waitpid(-1, &status, 0) > 0) /* waits: hangs when keeper or nurse do not end */
        continue;
    assert_int_equal(errno, ECHILD);
    assert_int_equal(kill(pid, 0), -1);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void test_stop_ends_it(void **state)
{
    struct keeper *k = NULL;
    (void)state;
    assert_int_equal(keeper_start(&settings, &k), 0);
    int pid = keeper_pid(k);
    keeper_stop(k);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* reaped */
    assert_int_equal(errno, ECHILD);
    keeper_stop(NULL);
}

static void test_nothing_to_keep(void **state)
{
    struct keeper *k = (struct keeper *)1;
    const struct keeper_settings nothing = {.capabilities = 0};
    (void)state;
    assert_int_equal(keeper_start(&nothing, &k), -EPERM);
    assert_null(k);
}

/* ---- late and wrong answers -------------------------------------------------------------- */

static void test_late_answers(void **state)
{
    const struct keeper_settings hasty = {.capabilities = NET_ADMIN, .timeout_ms = 50};
    struct keeper *k = NULL;
    int fd = 4711;
    (void)state;
    if (watched_by())
        skip(); /* 50 ms are too short for them */
    assert_int_equal(keeper_start(&hasty, &k), 0);
    int pid = keeper_pid(k);
    size_t before = count_fds("self");
    assert_int_equal(kill(pid, SIGSTOP), 0);
    char stopped[32];
    do
        read_status(pid, "State", stopped, sizeof(stopped));
    while (stopped[0] != 'T');
    assert_int_equal(keeper_open_netlink(k, NETLINK_ROUTE, 0, 0, &fd), -ETIMEDOUT);
    assert_int_equal(keeper_ping(k), -ETIMEDOUT);
    assert_int_equal(kill(pid, SIGCONT), 0);
    int err;
    while ((err = keeper_ping(k)) == -ETIMEDOUT) /* until it has caught up */
        ;
    assert_int_equal(err, 0);
    assert_int_equal(count_fds("self"), before); /* the late socket was not leaked */
    assert_int_equal(fd, 4711);
    keeper_stop(k);
}

/* A child that sends these answers to whatever it is asked, then waits for the end. */
static struct keeper *start_liar(const struct keeper_answer *answer, size_t len, bool with_fd,
                                 struct keeper_pulse *pulse)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct keeper_request request;
        union {
            struct cmsghdr head;
            char room[CMSG_SPACE(sizeof(int))];
        } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS}};
        int null = STDERR_FILENO;
        memcpy(CMSG_DATA(&control.head), &null, sizeof(null));
        struct iovec iov = {.iov_base = (void *)(uintptr_t)answer, .iov_len = len};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = with_fd ? &control : NULL,
                             .msg_controllen = with_fd ? sizeof(control) : 0};
        close(fds[0]);
        while (recv(fds[1], &request, sizeof(request), 0) > 0)
            sendmsg(fds[1], &msg, MSG_NOSIGNAL);
        _exit(0);
    }
    close(fds[1]);
    return keeper_adopt(fds[0], pid, 0, pulse);
}

static void test_wrong_answers(void **state)
{
    const struct keeper_head good = {KEEPER_VERSION, KEEPER_PING, 1};
    const struct {
        struct keeper_answer answer;
        size_t len;
        bool with_fd;
    } cases[] = {
        {{.head = good}, sizeof(struct keeper_answer) - 1, false}, /* too short */
        {{.head = {KEEPER_VERSION + 1, KEEPER_PING, 1}}, sizeof(struct keeper_answer), false},
        {{.head = {KEEPER_VERSION, KEEPER_HELLO, 1}}, sizeof(struct keeper_answer), false},
        {{.head = good, .error = 7}, sizeof(struct keeper_answer), false}, /* errors are negative */
        {{.head = good}, sizeof(struct keeper_answer), true}, /* a gift nobody asked for */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct keeper_status status;
        size_t before = count_fds("self");
        struct keeper *k = start_liar(&cases[i].answer, cases[i].len, cases[i].with_fd, NULL);
        assert_int_equal(keeper_ping(k), -EPROTO);
        assert_int_equal(keeper_ping(k), -EPIPE); /* cut off */
        keeper_status(k, &status);
        assert_false(status.alive);
        keeper_stop(k);
        assert_int_equal(count_fds("self"), before);
    }
}

static void *ping_until_cut_off(void *user)
{
    struct keeper *k = user;
    while (keeper_ping(k) != -EPIPE)
        continue;
    return NULL;
}

/* One thread asks it, another one how it is: ThreadSanitizer watches. */
static void test_status_beside_requests(void **state)
{
    const struct keeper_answer bad = {.head = {KEEPER_VERSION, KEEPER_HELLO, 1}};
    struct keeper *k = start_liar(&bad, sizeof(bad), false, NULL);
    struct keeper_status status;
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, ping_until_cut_off, k), 0);
    do
        keeper_status(k, &status);
    while (status.alive);
    pthread_join(thread, NULL);
    keeper_stop(k);
}

/* Plays the nurse for who sets pid: it is killed at once, in the order of nurse.c. */
static void *end_whoever_answers(void *user)
{
    struct keeper_pulse *pulse = user;
    uint32_t pid;
    while ((pid = atomic_load(&pulse->pid)) != UINT32_MAX) {
        if (!pid) {
            sched_yield();
            continue;
        }
        atomic_store(&pulse->signal, SIGABRT);
        atomic_store(&pulse->rests, 1);
        atomic_store(&pulse->pid, 0);
    }
    return NULL;
}

/* That nobody answers is said with the end of who answered, never with the one before. */
static void test_status_knows_the_last_end(void **state)
{
    const struct keeper_answer unused = {0};
    struct keeper_pulse *pulse = pulse_new();
    struct keeper *k = start_liar(&unused, sizeof(unused), false, pulse);
    const char *expected = "off: it was killed by signal 6; it is started again within 60 s";
    const uint32_t rounds = watched_by() ? 200 : 20000;
    struct keeper_status status = {0};
    pthread_t thread;
    bool same = true;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, end_whoever_answers, pulse), 0);
    for (uint32_t i = 1; i <= rounds && same; i++) {
        atomic_store(&pulse->signal, SIGKILL);
        atomic_store(&pulse->pid, i);
        do
            keeper_status(k, &status);
        while (status.alive);
        same = strcmp(status.text, expected) == 0;
    }
    atomic_store(&pulse->pid, UINT32_MAX);
    pthread_join(thread, NULL);
    atomic_store(&pulse->pid, 0);
    keeper_stop(k);
    assert_string_equal(status.text, expected);
}

/* ---- a main that was taken over ---------------------------------------------------------- */

static pid_t start_raw(int *fd)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        keeper_process(fds[1], parent, NET_ADMIN, NULL);
    close(fds[1]);
    *fd = fds[0];
    return pid;
}

/* Where the log is a file, which a keeper may not let grow, it ends as it does elsewhere. */
static void test_log_in_a_file(void **state)
{
    const struct keeper_request wrong = {.head = {KEEPER_VERSION, 99, 1}};
    FILE *log = tmpfile();
    int fds[2], status;
    char reply[64];
    (void)state;
    assert_non_null(log);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        dup2(fileno(log), STDERR_FILENO);
        keeper_process(fds[1], parent, NET_ADMIN, NULL);
    }
    close(fds[1]);
    assert_int_equal(send(fds[0], &wrong, sizeof(wrong), 0), sizeof(wrong));
    assert_int_equal(recv(fds[0], reply, sizeof(reply), 0), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    close(fds[0]);
    fclose(log);
}

static void test_wrong_requests(void **state)
{
    const struct {
        struct keeper_request request;
        size_t len;
    } cases[] = {
        {{.head = {KEEPER_VERSION, KEEPER_PING, 1}}, sizeof(struct keeper_request) - 1},
        {{.head = {KEEPER_VERSION, KEEPER_PING, 1}}, 1},
        {{.head = {KEEPER_VERSION + 1, KEEPER_PING, 1}}, sizeof(struct keeper_request)},
        {{.head = {KEEPER_VERSION, 0, 1}}, sizeof(struct keeper_request)},
        {{.head = {KEEPER_VERSION, 99, 1}}, sizeof(struct keeper_request)},
        {{.head = {KEEPER_VERSION, KEEPER_PING, 1}, .open_netlink = {0, 1, 0}},
         sizeof(struct keeper_request)},
        {{.head = {KEEPER_VERSION, KEEPER_OPEN_NETLINK, 1}}, 0}, /* `large` below */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char large[4096] = {0}, reply[64];
        int fd, status;
        pid_t pid = start_raw(&fd);
        memcpy(large, &cases[i].request, sizeof(cases[i].request));
        size_t len = cases[i].len ? cases[i].len : sizeof(large);
        assert_int_equal(send(fd, large, len, 0), len);
        assert_int_equal(recv(fd, reply, sizeof(reply), 0), 0); /* no answer, but the end */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
        close(fd);
    }
}

/* Descriptors that main sends along are not taken in. */
static void test_takes_no_descriptors(void **state)
{
    struct keeper_request request = {.head = {KEEPER_VERSION, KEEPER_PING, 1}};
    struct keeper_answer answer;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
    struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    char process[16];
    int fd, mine = STDERR_FILENO;
    (void)state;
    memcpy(CMSG_DATA(&control.head), &mine, sizeof(mine));
    pid_t pid = start_raw(&fd);
    request.head.operation = KEEPER_HELLO;
    assert_int_equal(send(fd, &request, sizeof(request), 0), sizeof(request));
    assert_int_equal(recv(fd, &answer, sizeof(answer), 0), sizeof(answer));
    request.head.operation = KEEPER_PING;
    snprintf(process, sizeof(process), "%u", answer.hello.pid);
    size_t fds[2];
    for (size_t round = 0; round < ARRAY_LEN(fds); round++) {
        for (int i = 0; i < 4; i++) {
            assert_int_equal(sendmsg(fd, &msg, 0), sizeof(request));
            assert_int_equal(recv(fd, &answer, sizeof(answer), 0), sizeof(answer));
            assert_int_equal(answer.error, 0);
        }
        fds[round] = count_fds(process);
    }
    assert_int_equal(fds[0], fds[1]);
    close(fd);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    struct keeper *k = NULL;
    if (keeper_start(&settings, &k) == -EPERM) {
        puts("needs CAP_NET_ADMIN: without it there is no keeper");
        return 77;
    }
    keeper_stop(k);
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(test_status),
        CASE(test_is_confined),
        CASE(test_is_small),
        CASE(test_opens_netlink),
        CASE(test_refuses),
        CASE(test_leaves_signals_to_main),
        CASE(test_is_started_again),
        CASE(test_requests_do_not_wait_for_the_next),
        CASE(test_nurse_dies_while_it_rests),
        CASE(test_nurse_is_confined),
        CASE(test_leaves_no_orphan),
        cmocka_unit_test(test_child_that_cannot_begin_is_tried_again),
        cmocka_unit_test(test_restart_is_counted_when_it_shows),
        cmocka_unit_test(test_stop_where_ends_are_ignored),
        cmocka_unit_test(test_restarts_are_bounded),
        CASE(test_main_survives),
        cmocka_unit_test(test_ends_with_main),
        cmocka_unit_test(test_stop_ends_it),
        cmocka_unit_test(test_nothing_to_keep),
        cmocka_unit_test(test_late_answers),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_status_beside_requests),
        cmocka_unit_test(test_status_knows_the_last_end),
        cmocka_unit_test(test_log_in_a_file),
        cmocka_unit_test(test_wrong_requests),
        cmocka_unit_test(test_takes_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
