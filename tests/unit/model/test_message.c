/*
 * test_message.c: counted references under threads. Each thread takes and drops its own; whoever
 * drops the last one must be the only one to destroy, and must see what all others wrote. The
 * thread sanitizer watches the second half.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/defs.h"
#include "base/mem.h"
#include "model/message.h"
#include "model/series.h"

#define THREADS 4
#define ROUNDS 2000

/* ---- one thread -------------------------------------------------------------------------- */

struct note {
    struct message msg;
    unsigned written[THREADS]; /* by each thread, before it lets go */
    unsigned *destroyed, *sum;
};

static void note_destroy(struct message *msg)
{
    struct note *n = CONTAINER_OF(msg, struct note, msg);
    ++*n->destroyed;
    for (size_t i = 0; i < THREADS; i++)
        *n->sum += n->written[i];
    free(n);
}

static struct note *note_new(unsigned *destroyed, unsigned *sum)
{
    struct note *n = mem_alloc(sizeof(*n));
    message_init(&n->msg, note_destroy);
    n->destroyed = destroyed;
    n->sum = sum;
    return n;
}

static void test_the_last_one_destroys(void **state)
{
    (void)state;
    unsigned destroyed = 0, sum = 0;
    struct note *n = note_new(&destroyed, &sum);
    for (unsigned i = 0; i < 10; i++)
        message_ref(&n->msg);
    for (unsigned i = 0; i < 10; i++)
        message_unref(&n->msg);
    assert_int_equal(destroyed, 0);
    message_unref(&n->msg);
    assert_int_equal(destroyed, 1);
    message_unref(NULL);
}

static void test_bytes(void **state)
{
    (void)state;
    struct bytes *b = bytes_copy("abc", 3);
    assert_int_equal(b->len, 3);
    assert_memory_equal(b->data, "abc", 3);
    assert_ptr_equal(bytes_ref(b), b);
    assert_null(bytes_unref(b));
    assert_memory_equal(b->data, "abc", 3);
    assert_null(bytes_unref(b));
    assert_null(bytes_unref(NULL));

    b = bytes_copy(NULL, 0);
    assert_int_equal(b->len, 0);
    bytes_unref(b);
    b = bytes_new(1000);
    memset(b->data, 0xa5, 1000);
    bytes_unref(b);
    assert_null(bytes_new(SIZE_MAX)); /* no room for the head: refused, not wrapped around */
    assert_null(bytes_new(SIZE_MAX - sizeof(struct bytes) + 1));
}

/* ---- many threads ------------------------------------------------------------------------ */

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    unsigned index;
    struct note **notes; /* one reference of each is this thread's */
    struct bytes **bytes;
    struct series **series;
    uint64_t seen;
};

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    pthread_barrier_wait(w->start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        message_ref(&w->notes[i]->msg);
        message_unref(&w->notes[i]->msg);
        w->notes[i]->written[w->index] = 1;
        message_unref(&w->notes[i]->msg);

        bytes_ref(w->bytes[i]);
        w->seen += w->bytes[i]->data[w->index];
        bytes_unref(w->bytes[i]);
        bytes_unref(w->bytes[i]);

        series_ref(w->series[i]);
        w->seen += w->series[i]->id;
        series_unref(w->series[i]);
        series_unref(w->series[i]);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static unsigned destroyed[ROUNDS], sums[ROUNDS];
    static struct note *notes[ROUNDS];
    static struct bytes *bytes[ROUNDS];
    static struct series *series[ROUNDS];
    static const uint8_t data[THREADS] = {1, 2, 3, 4};
    const struct metric m = {"x", "", "", METRIC_COUNTER, 1};
    /* A registry with one series each, so that the workers hold the last references. */
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct registry *r = registry_new(1, i + 1);
        notes[i] = note_new(&destroyed[i], &sums[i]);
        bytes[i] = bytes_copy(data, sizeof(data));
        series[i] = series_ref(registry_get(r, &m, NULL, 0, "test"));
        registry_free(r);
        for (unsigned k = 1; k < THREADS; k++) {
            message_ref(&notes[i]->msg);
            bytes_ref(bytes[i]);
            series_ref(series[i]);
        }
    }
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .start = &start, .index = i, .notes = notes, .bytes = bytes, .series = series};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_int_equal(destroyed[i], 1);
        assert_int_equal(sums[i], THREADS);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].seen, ROUNDS * (i + 1) + ROUNDS * (ROUNDS + 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_one_destroys),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
