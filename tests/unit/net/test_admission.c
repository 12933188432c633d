/* test_admission.c: the limits over all loops, asked for by several threads at once. */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>

#include "net/admission.h"

static struct net_address ip(const char *text)
{
    struct net_address a;
    assert_true(net_address_parse_ip(text, &a));
    return a;
}

static void test_total(void **state)
{
    (void)state;
    struct admission *a = admission_new(2, 100);
    assert_true(admission_enter(a));
    assert_true(admission_enter(a));
    for (int i = 0; i < 5; i++)
        assert_false(admission_enter(a)); /* who is refused does not count */
    admission_leave(a);
    assert_true(admission_enter(a));
    assert_false(admission_enter(a));
    admission_leave(a);
    admission_leave(a);
    admission_free(a);
}

static void test_address(void **state)
{
    (void)state;
    struct admission *a = admission_new(3, 1);
    struct net_address one = ip("2001:db8::1"), same = ip("2001:db8::ffff:1"),
                       other = ip("192.0.2.1");
    assert_true(admission_count(a, &one));
    for (int i = 0; i < 5; i++)
        assert_false(admission_count(a, &same));
    assert_true(admission_count(a, &other));
    admission_uncount(a, &one);
    assert_true(admission_count(a, &same));
    admission_uncount(a, &same);
    admission_uncount(a, &other);
    admission_free(a);
}

#define THREADS 4
#define ENTRIES 5000

struct work {
    struct admission *admission;
    atomic_int *inside, *most;
    size_t entered;
};

static void *come_and_go(void *user)
{
    struct work *w = user;
    struct net_address a = {.family = 4, .ip = {192, 0, 2, 9}};
    while (w->entered < ENTRIES) {
        if (!admission_count(w->admission, &a)) {
            sched_yield();
            continue;
        }
        int now = atomic_fetch_add(w->inside, 1) + 1;
        int most = atomic_load(w->most);
        while (now > most && !atomic_compare_exchange_weak(w->most, &most, now))
            continue;
        w->entered++;
        atomic_fetch_sub(w->inside, 1);
        admission_uncount(w->admission, &a);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct admission *admission = admission_new(100, 2);
    atomic_int inside = 0, most = 0;
    struct work work[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        work[i] = (struct work){.admission = admission, .inside = &inside, .most = &most};
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(atomic_load(&most) >= 1 && atomic_load(&most) <= 2);
    struct net_address a = ip("192.0.2.9");
    assert_true(admission_count(admission, &a));
    assert_true(admission_count(admission, &a));
    assert_false(admission_count(admission, &a)); /* all had left */
    admission_uncount(admission, &a);
    admission_uncount(admission, &a);
    admission_free(admission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
