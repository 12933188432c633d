/* test_mem.c: allocation, and how the program ends when there is none or an invariant broke. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "refusal.h"

static void test_zeroed(void **state)
{
    char zero[64] = {0};
    (void)state;
    char *p = mem_alloc(sizeof(zero));
    assert_memory_equal(p, zero, sizeof(zero));
    p = mem_resize(p, 10, 10);
    memset(p, 1, 100);
    free(p);
    p = mem_array(8, 8);
    assert_memory_equal(p, zero, sizeof(zero));
    mem_freep(&p);
    assert_null(p);
    mem_freep(&p);
    p = mem_alloc(0);
    assert_non_null(p);
    free(p);
    for (int i = 0; i < 16; i++) { /* one that fits by luck is not enough */
        p = mem_alloc_aligned(64, sizeof(zero));
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_memory_equal(p, zero, sizeof(zero));
        memset(p, 1, sizeof(zero));
        free(p);
        free(mem_alloc(24));
    }
}

static void test_texts(void **state)
{
    char *texts[] = {mem_string("abc"), mem_string_n("abcdef", 3), mem_string_n("abc", 9),
                     mem_printf("%c%s", 'a', "bc")};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_string_equal(texts[i], "abc");
        free(texts[i]);
    }
}

static void test_take(void **state)
{
    char *p = mem_alloc(1), *q = TAKE(p);
    (void)state;
    assert_null(p);
    free(q);
}

static void test_try_may_fail(void **state)
{
    (void)state;
    assert_null(mem_try_array(SIZE_MAX / 2, 3)); /* overflow */
    void *p = mem_try_array(0, 0);
    assert_non_null(p);
    free(p);
}

/* The exit of a child that does this, and what it said last. */
static int die(void (*body)(void), char *said, size_t size)
{
    int fds[2], status;
    const struct rlimit none = {0, 0};
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(fds[1]);
    ssize_t len = 0, got;
    while ((got = read(fds[0], said + len, size - 1 - (size_t)len)) > 0)
        len += got;
    said[len] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void no_memory(void)
{
    free(mem_array(SIZE_MAX / 2, 3));
}

static void broken_invariant(void)
{
    int two = 2;
    CHECK(two == 2);
    CHECK(two == 3);
}

static void test_ends_of_the_program(void **state)
{
    char said[2048];
    (void)state;
    int status = die(no_memory, said, sizeof(said));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "out of memory"));
    status = die(broken_invariant, said, sizeof(said));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "<0>netsonde: bug: two == 3 does not hold in broken_invariant ("));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_try_may_fail),
        cmocka_unit_test(test_ends_of_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
