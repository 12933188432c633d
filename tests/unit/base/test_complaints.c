/* test_complaints.c: what is said about whom, and how often, on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/complaints.h"
#include "base/defs.h"

#define MINUTE_NS (COMPLAINTS_EVERY_S * NS_PER_S)

struct stand {
    struct complaints *complaints;
    int reader, saved;
    char text[65536];
};

static int setup(void **state)
{
    static struct stand s;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    s.reader = fds[0];
    s.saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    assert_int_equal(fcntl(s.reader, F_SETFL, O_NONBLOCK), 0);
    s.complaints = complaints_new();
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct stand *s = *state;
    complaints_free(s->complaints);
    dup2(s->saved, STDERR_FILENO);
    close(s->saved);
    close(s->reader);
    return 0;
}

static const char *said(struct stand *s)
{
    ssize_t len = read(s->reader, s->text, sizeof(s->text) - 1);
    s->text[len < 0 ? 0 : len] = '\0';
    return s->text;
}

static size_t lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void assert_says(struct stand *s, const char *part)
{
    const char *text = said(s);
    if (lines(text) != 1 || !strstr(text, part))
        fail_msg("\"%s\" instead of one line with \"%s\"", text, part);
}

static void test_once(void **state)
{
    struct stand *s = *state;
    int64_t now = 5;
    complaints_add(s->complaints, "http", "a bad request", 1, "10.0.0.1", now);
    assert_says(s, "warning http: a bad request (10.0.0.1)\n");
    for (int i = 0; i < 1000; i++)
        complaints_add(s->complaints, "http", "a bad request", 1, "10.0.0.2", now += NS_PER_MS);
    complaints_flush(s->complaints, now);
    assert_string_equal(said(s), "");
    /* Another cause has a first time of its own. */
    complaints_add(s->complaints, "http", "another bad request", 3, NULL, now);
    assert_says(s, "http: another bad request (3 times)\n");
    complaints_add(s->complaints, "hub", "a bad request", 1, NULL, now);
    assert_says(s, "hub: a bad request\n");

    complaints_flush(s->complaints, 5 + MINUTE_NS - 1);
    assert_string_equal(said(s), "");
    complaints_flush(s->complaints, now = 5 + MINUTE_NS);
    assert_says(s, "a bad request: 1000 more in the last 60 s (the newest from 10.0.0.2)\n");
    complaints_flush(s->complaints, now += 10 * MINUTE_NS);
    assert_string_equal(said(s), ""); /* nothing happened since */

    /* After a while of rest: at once again, and no count of what was told. */
    complaints_add(s->complaints, "http", "a bad request", 1, "::1", now);
    assert_says(s, "1 more in the last 600 s (the newest from ::1)\n");
    complaints_add(s->complaints, "http", "a bad request", 0, "::1", now += 2 * MINUTE_NS);
    complaints_add(NULL, "http", "a bad request", 1, "::1", now);
    assert_string_equal(said(s), "");
}

/* However many causes there are, they are bounded, and none is lost. */
static void test_many(void **state)
{
    struct stand *s = *state;
    char cause[64];
    int64_t now = 5;
    for (int i = 0; i < COMPLAINTS_CAUSES; i++) {
        snprintf(cause, sizeof(cause), "cause %d", i);
        complaints_add(s->complaints, "x", cause, 1, NULL, now);
    }
    assert_int_equal(lines(said(s)), COMPLAINTS_CAUSES);
    complaints_add(s->complaints, "x", "one too many", 1, NULL, now);
    assert_says(s, "daemon: trouble of more kinds than are told apart\n");
    complaints_add(s->complaints, "x", "two too many", 1, NULL, now + 1);
    assert_string_equal(said(s), "");
    complaints_add(s->complaints, "x", "cause 7", 4, NULL, now + 1);
    assert_string_equal(said(s), "");

    /* A minute later those that rest make room; the one that has something to say stays. */
    now += MINUTE_NS;
    complaints_add(s->complaints, "x", "one too many", 1, NULL, now);
    assert_says(s, "x: one too many\n");
    complaints_flush(s->complaints, now);
    const char *text = said(s);
    assert_int_equal(lines(text), 2);
    assert_non_null(strstr(text, "x: cause 7: 4 more in the last 60 s\n"));
    assert_non_null(strstr(text, "told apart: 1 more in the last 60 s\n"));
}

/* What was not said when the program ends is said then. */
static void test_end(void **state)
{
    struct stand *s = *state;
    complaints_add(s->complaints, "x", "cause", 1, NULL, 5);
    complaints_add(s->complaints, "x", "cause", 2, NULL, 6);
    said(s);
    complaints_free(s->complaints);
    s->complaints = NULL;
    assert_says(s, "x: cause: 2 more until the end\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
