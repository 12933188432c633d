/* test_mem.c: allocation, how the program ends when there is none or an invariant broke, and what
 * becomes of freed memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/watched.h"
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

/* Bytes in RAM that are this process's own. */
static size_t resident(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    size_t kib = 0;
    assert_non_null(file);
    while (!kib && fgets(line, sizeof(line), file))
        sscanf(line, "RssAnon: %zu kB", &kib);
    fclose(file);
    assert_true(kib > 0);
    return kib * 1024;
}

/* What an answer from the history does, in a process of its own: a large buffer, then many of a
 * middle size with something small between them that stays. Returns how many MiB stay in RAM when
 * all but the small is free. */
static int retained_mib(bool with_setup)
{
    enum { BLOCKS = 32, BLOCK_BYTES = 1 << 20 };
    char *blocks[BLOCKS], *small[BLOCKS];
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
    }
    if (with_setup)
        mem_setup();
    size_t before = resident();
    free(mem_alloc(BLOCKS / 2 * BLOCK_BYTES));
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = memset(mem_alloc(BLOCK_BYTES), 1, BLOCK_BYTES);
        small[i] = mem_alloc(5000); /* too much for the holes that other cases have left */
    }
    if (resident() < before + (size_t)(BLOCKS - 1) * BLOCK_BYTES)
        _exit(255); /* it was not even used */
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    size_t after = resident();
    for (size_t i = 0; i < BLOCKS; i++)
        free(small[i]);
    _exit(after > before ? (int)((after - before) / BLOCK_BYTES) : 0);
}

static void test_free_memory_goes_back(void **state)
{
    (void)state;
    if (watched_by()) {
        print_message("%s brings an allocator of its own\n", watched_by());
        skip();
    }
    assert_in_range(retained_mib(false), 16, 64); /* else the next line would show nothing */
    assert_int_equal(retained_mib(true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_try_may_fail),
        cmocka_unit_test(test_ends_of_the_program),
        cmocka_unit_test(test_free_memory_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
