/*
 * test_tick_memory.c: allocation, counted and refused.
 *
 * The program is linked with --wrap for the allocating functions, so every call that the model
 * makes comes through here. Sampling 500 series and sealing them must cost one malloc, and a
 * refused malloc must cost one tick and nothing else.
 */
#include "stand.h"

static struct {
    unsigned mallocs, others, frees;
    bool refuse; /* the next malloc */
} heap;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t size)
{
    heap.mallocs++;
    if (heap.refuse) {
        heap.refuse = false;
        return NULL;
    }
    /* Never clean by luck: what the model does not write shows. */
    void *memory = __real_malloc(size);
    return memory ? memset(memory, 0xa5, size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    heap.others++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    heap.others++;
    return __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    heap.others++;
    return __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    heap.others++;
    return __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    heap.others++;
    return __real_strndup(text, len);
}

void __wrap_free(void *memory)
{
    heap.frees++;
    __real_free(memory);
}

#define SERIES 500

static void sample_all(struct stand *s, struct series **series, uint64_t round)
{
    for (unsigned i = 0; i < SERIES; i++) {
        if (i % 2)
            draft_counter(s->draft, series[i], round * i, i);
        else
            draft_gauge(s->draft, series[i], (double)round);
    }
}

static void make_all(struct stand *s, struct series **series)
{
    for (unsigned i = 0; i < SERIES; i++)
        series[i] = stand_numbered(s, i % 2 ? &stand_counter : &stand_gauge, i);
}

static void test_the_counter_counts(void **state)
{
    (void)state;
    heap.mallocs = heap.others = heap.frees = 0;
    struct stand s = stand_new(SERIES);
    assert_int_equal(heap.others, 2); /* the registry and the draft */
    struct series *series[SERIES];
    make_all(&s, series);
    assert_true(heap.others > SERIES);
    stand_free(&s);
    assert_true(heap.frees > SERIES);
}

static void test_one_allocation_a_tick(void **state)
{
    (void)state;
    struct stand s = stand_new(SERIES);
    struct series *series[SERIES];
    make_all(&s, series);
    for (uint64_t round = 0; round < 100; round++) {
        if (round == 1)
            heap.mallocs = heap.others = heap.frees = 0;
        stand_begin(&s);
        sample_all(&s, series, round);
        stand_seal(&s);
        if (round == 0)
            continue;
        assert_int_equal(heap.mallocs, round); /* the sealed tick */
        assert_int_equal(heap.others, 0);
        assert_int_equal(heap.frees, round); /* the tick before */
    }
    /* Finding a series by name that is there already allocates nothing either. */
    heap.mallocs = heap.others = 0;
    for (unsigned i = 0; i < SERIES; i++)
        assert_ptr_equal(stand_numbered(&s, i % 2 ? &stand_counter : &stand_gauge, i), series[i]);
    assert_int_equal(heap.mallocs + heap.others, 0);
    stand_free(&s);
}

/* More slots than the draft has ever had to write to: the rest is absent, not garbage. */
static void test_unwritten_columns_are_absent(void **state)
{
    (void)state;
    struct stand s = stand_new(SERIES);
    struct series *series[SERIES];
    make_all(&s, series);
    for (unsigned round = 0; round < 2; round++) {
        stand_begin(&s);
        if (round)
            draft_gauge(s.draft, series[0], 1);
        const struct tick *t = stand_seal(&s);
        assert_int_equal(t->count, SERIES);
        for (uint32_t i = 0; i < t->count; i++)
            assert_int_equal(t->state[i], i == 0 && round ? SAMPLE_OK : SAMPLE_ABSENT);
    }
    stand_free(&s);
}

static void test_no_memory_costs_one_tick(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *c = stand_series(&s, &stand_counter, "eth0");
    stand_count(&s, c, 10, 1);
    stand_begin(&s);
    draft_counter(s.draft, c, 30, 1);
    for (unsigned i = 0; i < 1100; i++)
        draft_event(s.draft, event_new(EVENT_LINK, 0));
    draft_table(s.draft, table_new(TABLE_INTERFACES, 1));
    uint64_t next_event = s.next_event;
    heap.refuse = true;
    assert_null(draft_seal(s.draft, 0, &s.next_event));
    assert_false(heap.refuse);
    assert_int_equal(s.next_event, next_event); /* what nobody saw has no number */

    const struct tick *t = stand_count(&s, c, 60, 1);
    assert_sample(t, c, SAMPLE_OK, 30);
    assert_int_equal(t->events_count, 0);
    assert_null(t->tables[TABLE_INTERFACES]);
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_counter_counts),
        cmocka_unit_test(test_one_allocation_a_tick),
        cmocka_unit_test(test_unwritten_columns_are_absent),
        cmocka_unit_test(test_no_memory_costs_one_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
