/* What a channel has been told of: selection, severities that move, and telling it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "alert/told.h"
#include "base/defs.h"

static const struct channel_spec am = {.type = CHANNEL_TYPE_ALERTMANAGER, .resolved = true};
static const struct channel_spec hook = {.type = CHANNEL_TYPE_WEBHOOK, .resolved = false};

struct one {
    uint64_t id;
    enum alert_state state;
    enum alert_severity severity;
};

static struct notice *notice_of(const struct one *ones, size_t count)
{
    struct notice *n = notice_new();
    for (size_t i = 0; i < count; i++) {
        struct alert *a = alert_new();
        a->id = a->seq = ones[i].id;
        a->state = ones[i].state;
        a->severity = ones[i].severity;
        a->changed_ms = 5000;
        a->resolved_ms = ones[i].state == ALERT_RESOLVED ? 6000 : 0;
        notice_add(n, a);
        alert_unref(a);
    }
    return n;
}

static void told(struct told *t, uint64_t id, enum alert_state state, enum alert_severity severity)
{
    struct notice *n = notice_of(&(struct one){id, state, severity}, 1);
    told_note(t, &am, n);
    notice_unref(n);
}

static void test_select(void **state)
{
    (void)state;
    const struct one both[] = {{1, ALERT_FIRING, ALERT_WARNING},
                               {2, ALERT_RESOLVED, ALERT_WARNING}};
    struct notice *n = notice_of(both, 2), *over = notice_of(both + 1, 1);
    n->held_back = 3;
    n->more = 4;
    struct notice *same = told_select(&am, n), *some = told_select(&hook, n);
    assert_ptr_equal(same, n);
    assert_int_equal(some->count, 1);
    assert_int_equal(some->alerts[0]->id, 1);
    assert_int_equal(some->held_back, 3);
    assert_int_equal(some->more, 4);
    assert_null(told_select(&hook, over));
    told_release(&same);
    told_release(&some);
    notice_unref(over);
    notice_unref(n);
}

/* Which (state, severity) the completed notice has, as text: "fw rc" is firing warning, … */
static void assert_complete(const struct told *t, uint64_t id, enum alert_state state,
                            enum alert_severity severity, const char *expected)
{
    char text[64] = "";
    size_t len = 0;
    struct notice *n = notice_of(&(struct one){id, state, severity}, 1);
    struct notice *full = told_complete(t, &am, n);
    for (size_t i = 0; i < full->count; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%c%c ",
                                alert_is_active(full->alerts[i]) ? 'f' : 'r',
                                *alert_severity_name(full->alerts[i]->severity));
        assert_true(alert_is_active(full->alerts[i]) || full->alerts[i]->resolved_ms > 0);
    }
    assert_string_equal(text, expected);
    notice_unref(full);
    notice_unref(n);
}

static void test_severity(void **state)
{
    (void)state;
    struct told t;
    told_init(&t);
    assert_complete(&t, 7, ALERT_FIRING, ALERT_WARNING, "fw ");
    told(&t, 7, ALERT_FIRING, ALERT_WARNING);
    assert_complete(&t, 7, ALERT_FIRING, ALERT_WARNING, "fw ");
    assert_complete(&t, 7, ALERT_FIRING, ALERT_CRITICAL, "fc rw ");
    assert_complete(&t, 7, ALERT_RESOLVED, ALERT_CRITICAL, "rw "); /* as it was told */
    assert_complete(&t, 8, ALERT_RESOLVED, ALERT_CRITICAL, "rc ");
    told(&t, 7, ALERT_ACKNOWLEDGED, ALERT_CRITICAL);
    assert_int_equal(t.count, 1);
    assert_complete(&t, 7, ALERT_FIRING, ALERT_WARNING, "fw rc ");
    told(&t, 7, ALERT_RESOLVED, ALERT_WARNING);
    assert_int_equal(t.count, 0);
    told_fini(&t);
}

static void test_only_alertmanager(void **state)
{
    (void)state;
    struct told t;
    told_init(&t);
    struct notice *n = notice_of(&(struct one){7, ALERT_FIRING, ALERT_WARNING}, 1);
    told_note(&t, &hook, n);
    told_recall(&t, &hook, n->alerts[0]);
    assert_int_equal(t.count, 0);
    n->test = true; /* is not told again */
    told_note(&t, &am, n);
    assert_int_equal(t.count, 0);
    told_recall(&t, &am, n->alerts[0]);
    assert_int_equal(t.count, 1);
    notice_unref(n);
    told_fini(&t);
}

static bool is_odd(void *user, uint64_t id)
{
    size_t *asked = user;
    ++*asked;
    return id % 2;
}

/* In any order of coming and going the array has what is there, by id. */
static void test_many(void **state)
{
    (void)state;
    struct told t;
    bool there[200] = {false};
    size_t count = 0;
    told_init(&t);
    uint64_t random = 1;
    for (int i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407; /* Knuth's MMIX */
        uint64_t id = (random >> 33) % ARRAY_LEN(there);
        bool comes = random >> 62 & 1;
        told(&t, id, comes ? ALERT_FIRING : ALERT_RESOLVED, ALERT_WARNING);
        there[id] = comes;
    }
    for (size_t i = 0, at = 0; i < ARRAY_LEN(there); i++) {
        count += there[i];
        if (there[i])
            assert_int_equal(t.alerts[at++]->id, i);
    }
    assert_int_equal(t.count, count);
    size_t asked = 0, at = 0, seen = 0, firing = 0;
    for (struct notice *n; (n = told_renewal(&t, &at, is_odd, &asked)); notice_unref(n)) {
        assert_true(n->count && n->count <= NOTICE_ALERTS_MAX && !n->more);
        for (size_t i = 0; i < n->count; i++) {
            assert_int_equal(alert_is_active(n->alerts[i]), n->alerts[i]->id % 2);
            firing += alert_is_active(n->alerts[i]);
        }
        seen += n->count;
    }
    assert_int_equal(seen, count);
    assert_int_equal(asked, count);
    assert_true(firing && firing < count);
    told_fini(&t);
}

static void test_bounded(void **state)
{
    (void)state;
    struct told t;
    told_init(&t);
    for (uint64_t id = 1; id <= TOLD_MAX + 100; id++)
        told(&t, id, ALERT_FIRING, ALERT_WARNING);
    assert_int_equal(t.count, TOLD_MAX);
    told(&t, 5, ALERT_FIRING, ALERT_CRITICAL); /* one that is there still can change */
    assert_int_equal(t.alerts[4]->severity, ALERT_CRITICAL);
    told(&t, 5, ALERT_RESOLVED, ALERT_CRITICAL);
    told(&t, TOLD_MAX + 50, ALERT_FIRING, ALERT_WARNING);
    assert_int_equal(t.count, TOLD_MAX);
    told_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_severity),
        cmocka_unit_test(test_only_alertmanager),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
