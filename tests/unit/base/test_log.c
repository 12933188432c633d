/* test_log.c: what ends up on standard error, which is a pipe here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct pipes {
    int reader, saved;
    char text[8192];
};

static int setup(void **state)
{
    static struct pipes p;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    p.reader = fds[0];
    p.saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    assert_int_equal(fcntl(p.reader, F_SETFL, O_NONBLOCK), 0);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct pipes *p = *state;
    dup2(p->saved, STDERR_FILENO);
    close(p->saved);
    close(p->reader);
    return 0;
}

static const char *written(struct pipes *p)
{
    ssize_t len = read(p->reader, p->text, sizeof(p->text) - 1);
    p->text[len < 0 ? 0 : len] = '\0';
    return p->text;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" is not like %s", text, pattern);
    regfree(&regex);
}

static void test_levels(void **state)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        enum log_level level = LOG_LEVEL_DEBUG;
        assert_int_equal(log_level_parse(names[i], &level), 0);
        assert_int_equal(level, i);
        assert_string_equal(log_level_name(level), names[i]);
    }
    enum log_level level = LOG_LEVEL_INFO;
    assert_int_equal(log_level_parse("loud", &level), -EINVAL);
    assert_int_equal(log_level_parse("", &level), -EINVAL);
    assert_int_equal(level, LOG_LEVEL_INFO);
}

static void test_terminal(void **state)
{
    unsetenv("JOURNAL_STREAM");
    log_setup(LOG_LEVEL_INFO);
    errno = ENOENT;
    log_warning("store", "%d of %s", 3, "them");
    assert_int_equal(errno, ENOENT); /* a caller may still look at it */
    assert_matches(written(*state), "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\."
                                    "[0-9]{3}Z warning store: 3 of them\n$");
}

static void test_journal(void **state)
{
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_setup(LOG_LEVEL_DEBUG);
    log_error("net", "a");
    log_warning("net", "b");
    log_info("net", "c");
    log_debug("net", "d");
    assert_string_equal(written(*state), "<3>net: a\n<4>net: b\n<6>net: c\n<7>net: d\n");
    unsetenv("JOURNAL_STREAM");
    log_setup(LOG_LEVEL_INFO);
}

static void test_quiet(void **state)
{
    log_setup(LOG_LEVEL_ERROR);
    log_warning("net", "nobody wants to know");
    log_debug("net", "this");
    assert_string_equal(written(*state), "");
    log_error("net", "but this");
    assert_matches(written(*state), "error net: but this\n$");
    log_setup(LOG_LEVEL_INFO);
}

/* Text from outside can neither begin a line of its own nor steer a terminal. */
static void test_no_forgery(void **state)
{
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_setup(LOG_LEVEL_INFO);
    log_info("net", "name \"%s\"", "x\n<0>kernel: panic\r\x1b[2J\x7f");
    assert_string_equal(written(*state), "<6>net: name \"x <0>kernel: panic  [2J \"\n");
    unsetenv("JOURNAL_STREAM");
    log_setup(LOG_LEVEL_INFO);
}

static void test_long(void **state)
{
    struct pipes *p = *state;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("net", "%s", text);
    const char *line = written(p);
    assert_in_range(strlen(line), 900, 1024);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1); /* one line, ended */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_levels), CASE(test_terminal),   CASE(test_journal),
        CASE(test_quiet),  CASE(test_no_forgery), CASE(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
