/*
 * test_command_run.c: each command does what it says with what it bears, and takes the outcome
 * along. The functions of alert/alerts.h are played by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "alert/alerts.h"
#include "api/command.h"

/* Never looked into. */
static struct alerts *const alerts = (struct alerts *)&alerts;
static const char *called;

static void seen(struct alerts *a, int64_t now_ms, const char *what)
{
    assert_ptr_equal(a, alerts);
    assert_int_equal(now_ms, 1234);
    assert_null(called);
    called = what;
}

int __wrap_alerts_acknowledge(struct alerts *a, uint64_t id, const char *by, int64_t now_ms);
int __wrap_alerts_put_rule(struct alerts *a, struct rule *r, bool replace, int64_t now_ms);
int __wrap_alerts_delete_rule(struct alerts *a, const char *name, int64_t now_ms);
int __wrap_alerts_add_silence(struct alerts *a, const struct silence *s, int64_t now_ms,
                              uint64_t *ret_id);
int __wrap_alerts_end_silence(struct alerts *a, uint64_t id, int64_t now_ms);
int __wrap_alerts_test_channel(struct alerts *a, const char *channel, int64_t now_ms);

int __wrap_alerts_acknowledge(struct alerts *a, uint64_t id, const char *by, int64_t now_ms)
{
    seen(a, now_ms, "acknowledge");
    assert_int_equal(id, 12);
    assert_string_equal(by, "Ann");
    return -EALREADY;
}

int __wrap_alerts_put_rule(struct alerts *a, struct rule *r, bool replace, int64_t now_ms)
{
    seen(a, now_ms, replace ? "replace" : "put");
    assert_string_equal(r->name, "busy");
    return -EPERM;
}

int __wrap_alerts_delete_rule(struct alerts *a, const char *name, int64_t now_ms)
{
    seen(a, now_ms, "delete");
    assert_string_equal(name, "busy");
    return -ENOENT;
}

int __wrap_alerts_add_silence(struct alerts *a, const struct silence *s, int64_t now_ms,
                              uint64_t *ret_id)
{
    seen(a, now_ms, "silence");
    assert_string_equal(s->rule, "link_*");
    *ret_id = 77;
    return 0;
}

int __wrap_alerts_end_silence(struct alerts *a, uint64_t id, int64_t now_ms)
{
    seen(a, now_ms, "end");
    assert_int_equal(id, 12);
    return 0;
}

int __wrap_alerts_test_channel(struct alerts *a, const char *channel, int64_t now_ms)
{
    seen(a, now_ms, "test");
    assert_string_equal(channel, "busy");
    return 0;
}

static void test_commands(void **state)
{
    static const struct {
        enum command_kind kind;
        bool replace;
        const char *called;
        int err;
    } cases[] = {
        {COMMAND_ACKNOWLEDGE, false, "acknowledge", -EALREADY},
        {COMMAND_ADD_SILENCE, false, "silence", 0},
        {COMMAND_END_SILENCE, false, "end", 0},
        {COMMAND_PUT_RULE, false, "put", -EPERM},
        {COMMAND_PUT_RULE, true, "replace", -EPERM},
        {COMMAND_DELETE_RULE, false, "delete", -ENOENT},
        {COMMAND_TEST_CHANNEL, false, "test", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rule rule = {.name = (char[]){"busy"}};
        struct api_command cmd = {
            .kind = cases[i].kind,
            .id = 12,
            .name = "busy",
            .by = "Ann",
            .silence = {.rule = "link_*"},
            .rule = &rule,
            .replace = cases[i].replace,
            .err = -ECANCELED,
        };
        called = NULL;
        api_command_run(&cmd, alerts, 1234);
        assert_string_equal(called, cases[i].called);
        assert_int_equal(cmd.err, cases[i].err);
        assert_int_equal(cmd.ret_id, cases[i].kind == COMMAND_ADD_SILENCE ? 77 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_commands)};
    return cmocka_run_group_tests_name("api/command_run", tests, NULL, NULL);
}
