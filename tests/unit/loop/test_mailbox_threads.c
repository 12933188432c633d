/*
 * test_mailbox_threads.c: several threads post into one loop, also while it closes the box. Every
 * item meets exactly one end: received, dropped by the closing, or refused and still the poster's.
 * The thread sanitizer watches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/mailbox.h"

#define POSTERS 4

struct letter {
    unsigned poster;
    uint64_t number; /* of this poster, from 1 */
};

struct office {
    struct loop loop;
    struct mailbox *box;
    /* The loop's thread, read after the join. */
    uint64_t received, last[POSTERS], stop_at;
    bool out_of_order;
    uint64_t dropped;
};

struct poster {
    pthread_t thread;
    struct office *office;
    pthread_barrier_t *start;
    unsigned index;
    bool patient;   /* tries again when the box is full */
    uint64_t limit; /* 0: until the box is closed */
    uint64_t posted, full, shut;
};

static void receive(void *item, void *user)
{
    struct office *o = user;
    struct letter *l = item;
    o->out_of_order |= l->number <= o->last[l->poster];
    o->last[l->poster] = l->number;
    free(l);
    if (++o->received == o->stop_at)
        loop_stop(&o->loop);
}

/* mailbox.h gives drop no context; only the loop's thread comes here. */
static uint64_t dropped_count;

static void drop(void *item)
{
    dropped_count++;
    free(item);
}

static const struct mailbox_ops ops = {receive, drop};

static void on_stop(struct loop *loop, void *user)
{
    struct office *o = user;
    (void)loop;
    mailbox_close(o->box);
}

static void *poster_main(void *arg)
{
    struct poster *p = arg;
    pthread_barrier_wait(p->start);
    for (uint64_t number = 1; !p->limit || number <= p->limit;) {
        struct letter *l = mem_alloc(sizeof(*l));
        *l = (struct letter){p->index, number};
        int err = mailbox_post(p->office->box, l);
        if (!err) {
            p->posted++;
            number++;
            continue;
        }
        free(l);
        if (err == -ESHUTDOWN) {
            p->shut++;
            break;
        }
        assert_int_equal(err, -ENOBUFS);
        p->full++;
        if (!p->patient)
            number++;
        sched_yield();
    }
    return NULL;
}

static void office_open(struct office *o, size_t capacity)
{
    *o = (struct office){0};
    dropped_count = 0;
    assert_int_equal(loop_init(&o->loop, "office", on_stop, o), 0);
    o->box = mailbox_new(&o->loop.uv, capacity, &ops, o);
    assert_non_null(o->box);
}

static void run_posters(struct office *o, struct poster *posters, uint64_t limit, bool patient)
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, POSTERS);
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){
            .office = o, .start = &start, .index = i, .limit = limit, .patient = patient};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, poster_main, &posters[i]), 0);
    }
    for (unsigned i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
}

static void test_all_arrive_in_order(void **state)
{
    (void)state;
    struct office o;
    struct poster posters[POSTERS];
    office_open(&o, 128);
    o.stop_at = POSTERS * 5000;
    assert_int_equal(loop_start(&o.loop), 0);
    run_posters(&o, posters, 5000, true);
    loop_join(
        &o.loop); /* ends by itself with the last letter; the test's timeout is the deadline */
    uint64_t full = 0;
    for (unsigned i = 0; i < POSTERS; i++) {
        assert_int_equal(posters[i].posted, 5000);
        assert_int_equal(o.last[i], 5000);
        full += posters[i].full;
    }
    assert_int_equal(o.received, POSTERS * 5000);
    assert_false(o.out_of_order);
    assert_int_equal(dropped_count, 0);
    assert_int_equal(mailbox_refused(o.box), full);
    mailbox_free(o.box);
}

static void test_closed_in_a_storm(void **state)
{
    (void)state;
    uint64_t dropped_all = 0;
    for (unsigned round = 0; round < 100; round++) {
        struct office o;
        struct poster posters[POSTERS];
        office_open(&o, 1 + round * 7);
        o.stop_at = 1 + round * 10;
        assert_int_equal(loop_start(&o.loop), 0);
        run_posters(&o, posters, 0, round % 2);
        loop_join(&o.loop);
        uint64_t posted = 0, full = 0;
        for (unsigned i = 0; i < POSTERS; i++) {
            posted += posters[i].posted;
            full += posters[i].full;
            assert_int_equal(posters[i].shut, 1);
        }
        assert_int_equal(posted, o.received + dropped_count);
        assert_int_equal(mailbox_refused(o.box), full);
        assert_true(o.received >= o.stop_at);
        assert_false(o.out_of_order);
        dropped_all += dropped_count;
        mailbox_free(o.box);
    }
    assert_true(dropped_all > 0); /* the storm has hit closing boxes with something inside */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrive_in_order),
        cmocka_unit_test(test_closed_in_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
