/*
 * test_fan_bench.c: a level in every mode with every sender that there is here: all messages
 * arrive, whole, and the bytes on the wire are what the mode says. What a kernel without io_uring
 * answers is played by a filter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defs.h"
#include "bench/fan_bench.h"
#include "net/ring.h"

enum { CLIENTS = 12, SIZE = 2000, FRAME = SIZE + 4 };

static bool has_ring(void)
{
    struct ring *ring;
    if (ring_open(&ring) < 0)
        return false;
    ring_close(ring);
    return true;
}

static struct fan_settings settings_of(enum fan_mode mode, enum fan_sender sender)
{
    struct fan_settings s = FAN_SETTINGS_DEFAULT;
    s.mode = mode;
    s.sender = sender;
    s.size_bytes = SIZE;
    s.rate_auto = false;
    s.rate_hz = 50;
    s.seconds = 0.2;
    return s;
}

static void test_modes(void **state)
{
    (void)state;
    for (int mode = 0; mode < FAN_MODES; mode++) {
        for (int sender = FAN_SEND_SEND; sender < FAN_SENDERS; sender++) {
            struct fan_settings s = settings_of((enum fan_mode)mode, (enum fan_sender)sender);
            struct fan_level level;
            char why[160];
            if (fan_settle_sender(&s, why, sizeof(why)) < 0) {
                assert_int_equal(sender, FAN_SEND_IO_URING);
                continue;
            }
            fan_bench_level(&s, CLIENTS, &level);
            assert_string_equal(level.why, "");
            assert_int_equal(level.outcome, FAN_MEASURED);
            assert_int_equal(level.result.lost, 0);
            assert_true(level.result.delivered >= CLIENTS);
            assert_int_equal(level.result.payload_bytes, level.result.delivered * SIZE);
            if (mode == FAN_DEFLATE || mode == FAN_TLS_DEFLATE)
                assert_true(level.result.wire_bytes < level.result.delivered * FRAME / 2);
            else
                assert_int_equal(level.result.wire_bytes, level.result.delivered * FRAME);
        }
    }
}

static void test_senders(void **state)
{
    char why[160] = "";
    (void)state;
    bool here = has_ring();
    struct fan_settings s = settings_of(FAN_PLAIN, FAN_SEND_AUTO);
    assert_int_equal(fan_settle_sender(&s, why, sizeof(why)), 0);
    assert_int_equal(s.sender, here ? FAN_SEND_IO_URING : FAN_SEND_SEND);
    assert_int_equal(*s.no_ring == '\0', here);
    s = settings_of(FAN_DEFLATE, FAN_SEND_SEND);
    assert_int_equal(fan_settle_sender(&s, why, sizeof(why)), 0);
    assert_int_equal(s.sender, FAN_SEND_SEND);
    assert_string_equal(s.no_ring, "");
    /* Under TLS there is no batch, whatever the kernel allows. */
    s = settings_of(FAN_TLS, FAN_SEND_AUTO);
    assert_int_equal(fan_settle_sender(&s, why, sizeof(why)), 0);
    assert_int_equal(s.sender, FAN_SEND_SEND);
    assert_non_null(strstr(s.no_ring, "TLS"));
    s = settings_of(FAN_TLS_DEFLATE, FAN_SEND_IO_URING);
    assert_true(fan_settle_sender(&s, why, sizeof(why)) < 0);
    assert_non_null(strstr(why, "TLS"));
}

/* As in many containers. */
static void forbid_io_uring(void)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    static const struct sock_fprog filter = {.len = ARRAY_LEN(code), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        _exit(2);
}

static void test_forbidden(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        char why[160] = "";
        struct fan_level level;
        forbid_io_uring();
        struct fan_settings s = settings_of(FAN_PLAIN, FAN_SEND_IO_URING);
        bool good = fan_settle_sender(&s, why, sizeof(why)) == -EPERM &&
                    strcmp(why, "io_uring cannot be used here: Operation not permitted") == 0;
        /* It was allowed a moment ago: the server says it. */
        fan_bench_level(&s, CLIENTS, &level);
        good = good && level.outcome == FAN_FAILED && strstr(level.why, why);
        s.sender = FAN_SEND_AUTO;
        good = good && fan_settle_sender(&s, why, sizeof(why)) == 0 && s.sender == FAN_SEND_SEND &&
               strcmp(s.no_ring, "Operation not permitted") == 0;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_senders),
        cmocka_unit_test(test_forbidden),
    };
    sigset_t set;
    sigemptyset(&set); /* as fan_bench.h asks */
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return cmocka_run_group_tests_name("bench fan_bench", tests, NULL, NULL);
}
