/* The finder as a process: it finds a socket of a child's, cannot do anything else, and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/watched.h"
#include "keeper/finder.h"
#include "keeper/helper.h"

/* A process of this user that has a socket of its own; its end is the reader of *ret_fd. */
static pid_t child_with_socket(int *ret_fd, uint32_t *ret_inode)
{
    int pipes[2], hold[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(pipe(hold), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(hold[1]);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
            _exit(1);
        uint32_t inode = (uint32_t)st.st_ino;
        char byte;
        if (write(pipes[1], &inode, sizeof(inode)) != (ssize_t)sizeof(inode) ||
            read(hold[0], &byte, 1) != 0)
            _exit(1);
        _exit(0);
    }
    close(hold[0]);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], ret_inode, sizeof(*ret_inode)), sizeof(*ret_inode));
    close(pipes[0]);
    *ret_fd = hold[1];
    return pid;
}

static void assert_status(struct finder *f, bool alive, const char *format, ...)
{
    struct finder_status status;
    char expected[192];
    va_list args;
    va_start(args, format);
    vsnprintf(expected, sizeof(expected), format, args);
    va_end(args);
    finder_status(f, &status);
    assert_string_equal(status.text, expected);
    assert_int_equal(status.alive, alive);
}

static void test_finds(void **state)
{
    (void)state;
    struct finder *f = NULL;
    assert_int_equal(finder_start(&f), 0);
    uint64_t two = UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_DAC_READ_SEARCH;
    if (helper_capabilities(two) == two)
        assert_status(f, true, "running, pid %d, keeps dac_read_search sys_ptrace", finder_pid(f));
    else if (!helper_capabilities(two))
        assert_status(f, true, "running, pid %d, looks into processes of its own user only",
                      finder_pid(f));
    int hold;
    uint32_t inode;
    pid_t child = child_with_socket(&hold, &inode);
    struct descriptor *part = mem_array(DESCRIPTORS_PART, sizeof(*part));
    bool found = false, end = false;
    /* Two walks: one may have begun before there was a child. */
    for (int ends = 0, parts = 0; ends < 2 && parts < 10000; parts++) {
        size_t count;
        uint32_t hidden;
        assert_int_equal(finder_read(f, part, &count, &end, &hidden), 0);
        for (size_t i = 0; i < count; i++)
            found |= part[i].pid == (uint32_t)child && part[i].inode == inode;
        ends += end;
    }
    assert_true(found);
    close(hold);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pid_t pid = finder_pid(f);
    finder_stop(f);
    assert_int_equal(kill(pid, 0), -1); /* and reaped */
    assert_int_equal(errno, ESRCH);
    free(part);
}

static void test_gone(void **state)
{
    (void)state;
    struct finder *f = NULL;
    assert_int_equal(finder_start(&f), 0);
    struct descriptor *part = mem_array(DESCRIPTORS_PART, sizeof(*part));
    size_t count;
    bool end;
    uint32_t hidden;
    assert_int_equal(kill(finder_pid(f), SIGKILL), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)finder_pid(f), &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(finder_read(f, part, &count, &end, &hidden), -EPIPE);
    assert_int_equal(finder_read(f, part, &count, &end, &hidden), -EPIPE);
    for (int i = 0; i < 2; i++) /* it is reaped once */
        assert_status(f, false, "off: it was killed by signal 9");
    assert_int_equal(kill(finder_pid(f), 0), -1);
    finder_stop(f);
    assert_status(NULL, false, "off: it could not be started");
    finder_stop(NULL);
    free(part);
}

/* Where ends of children are not kept for their parent, it is no less seen that it has ended, and
 * there is nothing to wait for. */
static void test_stop_where_ends_are_ignored(void **state)
{
    struct finder *f = NULL;
    struct finder_status status;
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(finder_start(&f), 0);
    assert_int_equal(kill(finder_pid(f), SIGKILL), 0);
    int64_t begun_ns = clock_mono_ns();
    do
        finder_status(f, &status);
    while (status.alive && clock_mono_ns() - begun_ns < 5 * NS_PER_S);
    assert_false(status.alive);
    assert_string_equal(status.text, "off: it has ended");
    begun_ns = clock_mono_ns();
    finder_stop(f);
    f = NULL;
    assert_int_equal(finder_start(&f), 0); /* and one that ends because it is told to */
    finder_stop(f);
    signal(SIGCHLD, SIG_DFL);
    if (!watched_by())
        assert_in_range((clock_mono_ns() - begun_ns) / NS_PER_MS, 0, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_stop_where_ends_are_ignored),
    };
    return cmocka_run_group_tests_name("finder", tests, NULL, NULL);
}
