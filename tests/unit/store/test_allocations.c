/*
 * test_allocations.c: after warm-up nothing is allocated per sample. Our own code allocates nothing
 * at all when it writes a tick; SQLite, which may allocate a little for every transaction, does not
 * allocate more for 500 series than for 50. Calls are counted by the linker's --wrap and, for
 * SQLite, by methods of our own around its allocator.
 */
#include "world.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static size_t own_calls, sqlite_calls, sqlite_calls_ever;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    own_calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    own_calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    own_calls++;
    return __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    own_calls++;
    return __real_reallocarray(old, count, size);
}

static sqlite3_mem_methods inner;

static void *count_malloc(int size)
{
    sqlite_calls++;
    sqlite_calls_ever++;
    return inner.xMalloc(size);
}

static void *count_realloc(void *old, int size)
{
    sqlite_calls++;
    sqlite_calls_ever++;
    return inner.xRealloc(old, size);
}

static struct tick *make_tick(struct world *w, struct series **series, size_t count)
{
    draft_begin(w->draft, w->seq++, w->t_ms += 1000, 1000000000, 0, 1000);
    for (size_t i = 0; i < count; i++)
        draft_counter(w->draft, series[i], w->seq * (i + 1) * 1000, 1);
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_non_null(t);
    return t;
}

/* The most calls that writing one of 200 ticks takes, after warm-up and between seals. */
static void measure(size_t count, size_t *ret_own, size_t *ret_sqlite)
{
    static const struct metric metric = {"n_total", "", "N.", METRIC_COUNTER, 1};
    struct world w;
    world_init(&w, 1);
    world_open(&w);
    struct series *series[500];
    for (size_t i = 0; i < count; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%zu", i);
        const struct label label = {"i", text};
        series[i] = registry_get(w.registry, &metric, &label, 1, "test");
        assert_non_null(series[i]);
    }
    *ret_own = *ret_sqlite = 0;
    for (int i = 0; i < 550; i++) {
        struct tick *t = make_tick(&w, series, count);
        own_calls = sqlite_calls = 0;
        assert_int_equal(store_write(w.store, t), 0);
        if (i >= 310) {
            *ret_own = MAX(*ret_own, own_calls);
            *ret_sqlite = MAX(*ret_sqlite, sqlite_calls);
        }
        tick_unref(t);
        world_work(&w);
    }
    assert_int_equal(store_stats(w.store).spans_sealed, 1);
    world_fini(&w);
}

static void test_write(void **state)
{
    (void)state;
    size_t own_few, own_many, sqlite_few, sqlite_many;
    measure(50, &own_few, &sqlite_few);
    measure(500, &own_many, &sqlite_many);
    assert_int_equal(own_few, 0);
    assert_int_equal(own_many, 0);
    assert_true(sqlite_calls_ever > 0);         /* they are counted; a tick may take none */
    assert_true(sqlite_many <= sqlite_few + 4); /* a larger row may take some pages more */
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &inner);
    sqlite3_mem_methods counting = inner;
    counting.xMalloc = count_malloc;
    counting.xRealloc = count_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &counting) != SQLITE_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
