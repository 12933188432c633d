/* test_alert.c: names, texts that cannot break a line, copies; and the order of a notice. */
#include "model/alert.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/notice.h"

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < ALERT_STATES; i++) {
        enum alert_state back;
        assert_int_equal(alert_state_parse(alert_state_name((enum alert_state)i), &back), 0);
        assert_int_equal(back, i);
    }
    for (int i = 0; i < ALERT_SEVERITIES; i++) {
        enum alert_severity back;
        const char *name = alert_severity_name((enum alert_severity)i);
        assert_int_equal(alert_severity_parse(name, &back), 0);
        assert_int_equal(back, i);
    }
    for (int i = 0; i < ALERT_REASONS; i++) {
        enum alert_reason back;
        assert_int_equal(alert_reason_parse(alert_reason_name((enum alert_reason)i), &back), 0);
        assert_int_equal(back, i);
    }
    enum alert_state s;
    assert_true(alert_state_parse("Firing", &s) < 0);
}

static void test_texts(void **state)
{
    (void)state;
    struct alert *a = alert_new();
    alert_text(&a->summary, "a\r\nBcc: x\t\x7f\xc2\x85"
                            "b\xff");
    assert_string_equal(a->summary, "a  Bcc: x    b\xef\xbf\xbd");
    char *longer = mem_alloc(2 * ALERT_TEXT_MAX);
    memset(longer, 'x', 2 * ALERT_TEXT_MAX - 1);
    alert_text(&a->summary, longer);
    assert_int_equal(strlen(a->summary), ALERT_TEXT_MAX);
    free(longer);
    alert_unref(a);
}

static void test_copy(void **state)
{
    (void)state;
    struct alert *a = alert_new();
    alert_text(&a->rule, "r");
    a->id = 5;
    struct alert *b = alert_copy(a);
    alert_text(&b->rule, "other");
    assert_string_equal(a->rule, "r");
    assert_int_equal(b->id, 5);
    alert_unref(a);
    alert_unref(b);
}

static struct alert *one(uint64_t seq, enum alert_state s, enum alert_severity severity)
{
    struct alert *a = alert_new();
    a->seq = seq;
    a->state = s;
    a->severity = severity;
    alert_text(&a->rule, s == ALERT_RESOLVED ? "over" : "on");
    alert_text(&a->summary, "it is so");
    return a;
}

static void notice_take(struct notice *n, struct alert *a)
{
    notice_add(n, a);
    alert_unref(a);
}

static void *hold(void *alert)
{
    for (int i = 0; i < 10000; i++)
        alert_unref(alert_ref(alert));
    return NULL;
}

/* The store lets go of what the core thread copies: nothing for ThreadSanitizer to see. */
static void test_copy_of_shared(void **state)
{
    (void)state;
    pthread_t other;
    struct alert *a = alert_new();
    a->id = 7;
    assert_int_equal(pthread_create(&other, NULL, hold, a), 0);
    for (int i = 0; i < 10000; i++) {
        struct alert *copy = alert_copy(a);
        assert_int_equal(copy->id, 7);
        alert_unref(copy);
    }
    assert_int_equal(pthread_join(other, NULL), 0);
    alert_unref(a);
}

static void test_notice(void **state)
{
    (void)state;
    struct notice *n = notice_new();
    struct buf title = BUF_INIT;
    notice_take(n, one(9, ALERT_RESOLVED, ALERT_CRITICAL));
    notice_title(n, &title);
    assert_string_equal(buf_string(&title), "Resolved: it is so");
    notice_take(n, one(3, ALERT_FIRING, ALERT_WARNING));
    notice_take(n, one(4, ALERT_FIRING, ALERT_CRITICAL));
    notice_take(n, one(5, ALERT_FIRING, ALERT_CRITICAL));
    assert_int_equal(n->seq, 9);
    const uint64_t order[] = {4, 5, 3, 9};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(n->alerts[i]->seq, order[i]);
    n->held_back = 12;
    buf_clear(&title);
    notice_title(n, &title);
    assert_string_equal(buf_string(&title), "4 alerts (1 of the listed ones resolved): 3 x on, "
                                            "1 x over (12 more held back)");
    buf_fini(&title);
    notice_unref(n);
}

static void test_notice_full(void **state)
{
    (void)state;
    struct notice *n = notice_new();
    for (uint64_t i = 1; i <= NOTICE_ALERTS_MAX; i++)
        notice_take(n, one(i, ALERT_FIRING, ALERT_WARNING));
    notice_take(n, one(100, ALERT_RESOLVED, ALERT_WARNING)); /* less urgent than all */
    notice_take(n, one(101, ALERT_FIRING, ALERT_CRITICAL));  /* makes the last one leave */
    assert_int_equal(n->count, NOTICE_ALERTS_MAX);
    assert_int_equal(n->more, 2);
    assert_int_equal(n->seq, 101);
    assert_int_equal(n->alerts[0]->seq, 101);
    assert_int_equal(n->alerts[NOTICE_ALERTS_MAX - 1]->seq, NOTICE_ALERTS_MAX - 1);
    notice_unref(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_texts),
        cmocka_unit_test(test_copy),        cmocka_unit_test(test_notice),
        cmocka_unit_test(test_notice_full), cmocka_unit_test(test_copy_of_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
