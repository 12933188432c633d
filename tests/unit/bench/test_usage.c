/* test_usage.c: what a process uses, of one whose use is known: this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/watched.h"
#include "bench/usage.h"

static int64_t own_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void test_cpu(void **state)
{
    int64_t from_ns = own_cpu_ns();
    int64_t before = usage_cpu_ns(getpid());
    (void)state;
    assert_true(before > 0);
    while (own_cpu_ns() - from_ns < 100000000)
        ;
    int64_t used = usage_cpu_ns(getpid()) - before;
    /* The clock of a thread that runs is brought up to date by the timer's tick only. */
    assert_in_range(used, 80000000, own_cpu_ns() - from_ns + 20000000);
    assert_int_equal(usage_cpu_ns(0x7fffffff), -1);
}

static void test_memory(void **state)
{
    enum { BYTES = 32 << 20 };
    (void)state;
    int64_t before = usage_memory_bytes(getpid());
    assert_true(before > 0);
    char *memory = malloc(BYTES);
    assert_non_null(memory);
    memset(memory, 1, BYTES);
    int64_t more = usage_memory_bytes(getpid()) - before;
    assert_true(more >= BYTES / 10 * 9);
    if (!watched_by()) /* a sanitizer keeps notes of each byte */
        assert_true(more <= BYTES * 2);
    free(memory);
    assert_int_equal(usage_memory_bytes(0x7fffffff), -1);
}

/* A child counts once it has ended and was waited for; what it has used, and its memory. */
static void test_run(void **state)
{
    enum { BYTES = 64 << 20 };
    (void)state;
    struct usage_total before, after;
    usage_of_run(&before);
    assert_true(before.cpu_seconds > 0 && before.peak_bytes > 100000);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        volatile char *memory = malloc(BYTES);
        int64_t from_ns = own_cpu_ns();
        for (size_t i = 0; memory && i < BYTES; i += 1024)
            memory[i] = 1;
        while (own_cpu_ns() - from_ns < 100000000)
            ;
        _exit(memory ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    usage_of_run(&after);
    assert_true(after.cpu_seconds - before.cpu_seconds > 0.08);
    assert_true(after.peak_bytes >= BYTES);
    assert_true(after.peak_bytes < before.peak_bytes + 4.0 * BYTES);
}

static void test_descriptors(void **state)
{
    struct rlimit limit, now;
    (void)state;
    if (watched_by() && strcmp(watched_by(), "valgrind") == 0) {
        print_message("valgrind answers for the limit of descriptors in the kernel's place\n");
        skip();
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 100;
    limit.rlim_max = 300;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(usage_want_descriptors(50), 100); /* more than asked for: nothing to do */
    assert_int_equal(usage_want_descriptors(200), 200);
    assert_int_equal(usage_want_descriptors(1000), 300);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests_name("bench usage", tests, NULL, NULL);
}
