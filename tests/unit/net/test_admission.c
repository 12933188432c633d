/* test_admission.c: the limits over all loops, asked for by several threads at once. */
#include "fixture.h"

#include <pthread.h>

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
    struct admission *admission = admission_new(2, 100);
    struct net_address a = ip("192.0.2.1"), none = {0};
    assert_int_equal(admission_enter(admission, &a), ADMISSION_GRANTED);
    assert_int_equal(admission_enter(admission, &none), ADMISSION_GRANTED);
    assert_int_equal(admission_enter(admission, &a), ADMISSION_FULL);
    admission_leave(admission, &none);
    assert_int_equal(admission_enter(admission, &a), ADMISSION_GRANTED);
    admission_leave(admission, &a);
    admission_leave(admission, &a);
    admission_free(admission);
}

/* Who is refused for his address does not count in the total. */
static void test_address(void **state)
{
    (void)state;
    struct admission *admission = admission_new(3, 1);
    struct net_address a = ip("2001:db8::1"), same = ip("2001:db8::ffff:1"), b = ip("192.0.2.1");
    assert_int_equal(admission_enter(admission, &a), ADMISSION_GRANTED);
    for (int i = 0; i < 5; i++)
        assert_int_equal(admission_enter(admission, &same), ADMISSION_ADDRESS_FULL);
    assert_int_equal(admission_enter(admission, &b), ADMISSION_GRANTED);
    struct net_address local = ip("::1");
    assert_int_equal(admission_enter(admission, &local), ADMISSION_GRANTED);
    admission_leave(admission, &local);
    admission_leave(admission, &a);
    assert_int_equal(admission_enter(admission, &same), ADMISSION_GRANTED);
    admission_leave(admission, &same);
    admission_leave(admission, &b);
    admission_free(admission);
}

#define THREADS 4
#define ROUNDS 20000

struct work {
    struct admission *admission;
    atomic_int *inside, *most;
    size_t entered;
};

static void *come_and_go(void *user)
{
    struct work *w = user;
    struct net_address a = {.family = 4, .ip = {192, 0, 2, 9}};
    for (int i = 0; i < ROUNDS; i++) {
        if (admission_enter(w->admission, &a) != ADMISSION_GRANTED)
            continue;
        int now = atomic_fetch_add(w->inside, 1) + 1;
        int most = atomic_load(w->most);
        while (now > most && !atomic_compare_exchange_weak(w->most, &most, now))
            continue;
        w->entered++;
        atomic_fetch_sub(w->inside, 1);
        admission_leave(w->admission, &a);
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
        assert_true(work[i].entered > 0);
    }
    assert_true(atomic_load(&most) >= 1 && atomic_load(&most) <= 2);
    struct net_address a = ip("192.0.2.9");
    assert_int_equal(admission_enter(admission, &a), ADMISSION_GRANTED);
    assert_int_equal(admission_enter(admission, &a), ADMISSION_GRANTED);
    assert_int_equal(admission_enter(admission, &a), ADMISSION_ADDRESS_FULL); /* all had left */
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
