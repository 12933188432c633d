/*
 * test_readers.c: questions to the history: what becomes of those that nobody waits for any more.
 * The jobs stand still on the pool until the test lets them go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "api/readers.h"
#include "base/defs.h"

struct question {
    struct job job;
    uv_sem_t begun, go;
    bool worked, done;
    int err;
};

/* On the pool: nothing of cmocka here. */
static int work(struct job *job, const struct reading *reading)
{
    struct question *q = CONTAINER_OF(job, struct question, job);
    struct query query = {.to_ms = 1000, .points = 10};
    struct answer *answer = NULL;
    struct store_error error;
    q->worked = true;
    uv_sem_post(&q->begun);
    uv_sem_wait(&q->go);
    q->err = store_query(reading->reader, &query, &reading->recent, &answer, &error);
    answer_free(answer);
    return q->err;
}

static void done(struct job *job)
{
    struct question *q = CONTAINER_OF(job, struct question, job);
    q->done = true;
}

struct stand {
    char dir[32];
    uv_loop_t loop;
    struct store *store;
    struct tick_ring *ring;
    struct readers *readers;
};

static void stand_init(struct stand *s)
{
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store_error error;
    *s = (struct stand){.dir = "/tmp/netsonde-readers-XXXXXX"};
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(uv_loop_init(&s->loop), 0);
    if (store_open(s->dir, &settings, &s->store, &error) != 0)
        fail_msg("%s", error.text);
    s->ring = tick_ring_new(10, 1 << 20);
    s->readers = readers_new(&s->loop, s->dir, NULL, NULL);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void stand_fini(struct stand *s)
{
    readers_close(s->readers);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    readers_free(s->readers);
    tick_ring_free(s->ring);
    store_close(s->store, NULL);
    assert_int_equal(nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void ask(struct stand *s, struct question *q)
{
    *q = (struct question){.job = {.work = work, .done = done}, .err = 1};
    assert_int_equal(uv_sem_init(&q->begun, 0), 0);
    assert_int_equal(uv_sem_init(&q->go, 0), 0);
    assert_true(readers_submit(s->readers, &q->job, s->ring, false));
}

static void question_fini(struct question *q)
{
    uv_sem_destroy(&q->begun);
    uv_sem_destroy(&q->go);
}

/* Who waits is done at once, wherever he stands in the queue; the others keep their places. */
static void test_forget_waiting(void **state)
{
    enum { ALL = READERS_AT_ONCE + 3 };
    struct stand s;
    struct question q[ALL];
    (void)state;
    stand_init(&s);
    for (int i = 0; i < ALL; i++)
        ask(&s, &q[i]);
    for (int i = 0; i < READERS_AT_ONCE; i++)
        uv_sem_wait(&q[i].begun);
    readers_forget(s.readers, &q[ALL - 1].job);
    assert_true(q[ALL - 1].done);
    readers_forget(s.readers, &q[ALL - 3].job);
    assert_true(q[ALL - 3].done);
    assert_false(q[ALL - 2].done);
    for (int i = 0; i < ALL; i++)
        uv_sem_post(&q[i].go);
    ask(&s, &q[ALL - 1]); /* the end of the queue is still one */
    uv_sem_post(&q[ALL - 1].go);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    for (int i = 0; i < ALL; i++) {
        assert_true(q[i].done);
        assert_int_equal(q[i].worked, i != ALL - 3);
        assert_int_equal(q[i].err, i != ALL - 3 ? 0 : 1);
        question_fini(&q[i]);
    }
    stand_fini(&s);
}

/* Who runs is told to end, and the next one on the same place is not. */
static void test_forget_running(void **state)
{
    struct stand s;
    struct question q;
    (void)state;
    stand_init(&s);
    for (int round = 0; round < 4; round++) {
        bool forgotten = round % 2;
        ask(&s, &q);
        uv_sem_wait(&q.begun);
        if (forgotten)
            readers_forget(s.readers, &q.job);
        assert_false(q.done); /* not while the pool has it */
        uv_sem_post(&q.go);
        uv_run(&s.loop, UV_RUN_DEFAULT);
        assert_true(q.done);
        assert_int_equal(q.err, forgotten ? -ECANCELED : 0);
        question_fini(&q);
    }
    stand_fini(&s);
}

static void compress(uv_work_t *work)
{
    (void)work;
}

static void compressed(uv_work_t *work, int status)
{
    *(bool *)work->data = status == 0;
    uv_stop(work->loop);
}

static void give_up(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* The pool is the answers' too, which are compressed there: questions that take long leave it one
 * thread, or nothing large would be answered meanwhile, /metrics for one. */
static void test_leaves_a_thread(void **state)
{
    enum { LIMIT_MS = 10000 };
    struct stand s;
    struct question q[READERS_AT_ONCE];
    bool finished = false;
    uv_work_t other = {.data = &finished};
    uv_timer_t limit;
    (void)state;
    stand_init(&s);
    for (int i = 0; i < READERS_AT_ONCE; i++)
        ask(&s, &q[i]);
    for (int i = 0; i < READERS_AT_ONCE; i++)
        uv_sem_wait(&q[i].begun);
    assert_int_equal(uv_queue_work(&s.loop, &other, compress, compressed), 0);
    assert_int_equal(uv_timer_init(&s.loop, &limit), 0);
    assert_int_equal(uv_timer_start(&limit, give_up, LIMIT_MS, 0), 0);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    bool meanwhile = finished;
    uv_close((uv_handle_t *)&limit, NULL);
    for (int i = 0; i < READERS_AT_ONCE; i++)
        uv_sem_post(&q[i].go);
    stand_fini(&s);
    for (int i = 0; i < READERS_AT_ONCE; i++)
        question_fini(&q[i]);
    assert_true(meanwhile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_a_thread),
        cmocka_unit_test(test_forget_waiting),
        cmocka_unit_test(test_forget_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
