/* test_tick_ring.c: bounds by number and by bytes, and finding one's place again. */
#include "stand.h"

/* A sealed tick with `series` slots; the caller holds it. */
static struct tick *tick_of(uint64_t seq, unsigned series)
{
    struct stand s = stand_new(series);
    for (unsigned i = 0; i < series; i++)
        stand_numbered(&s, &stand_counter, i);
    s.seq = seq - 1;
    stand_begin(&s);
    struct tick *t = tick_ref((struct tick *)stand_seal(&s));
    stand_free(&s);
    return t;
}

static void push(struct tick_ring *ring, uint64_t seq, unsigned series)
{
    struct tick *t = tick_of(seq, series);
    tick_ring_push(ring, t);
    tick_unref(t);
}

static void assert_ring(const struct tick_ring *ring, size_t count, uint64_t oldest)
{
    assert_int_equal(tick_ring_count(ring), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(tick_ring_at(ring, i)->seq, oldest + i);
    if (count)
        assert_ptr_equal(tick_ring_newest(ring), tick_ring_at(ring, count - 1));
    else
        assert_null(tick_ring_newest(ring));
}

static void test_bounded_in_number(void **state)
{
    (void)state;
    static const size_t capacities[] = {1, 2, 7};
    for (size_t c = 0; c < ARRAY_LEN(capacities); c++) {
        struct tick_ring *ring = tick_ring_new(capacities[c], SIZE_MAX / 2);
        assert_ring(ring, 0, 0);
        for (uint64_t seq = 1; seq <= 30; seq++) {
            push(ring, seq, 1);
            size_t want = MIN(seq, capacities[c]);
            assert_ring(ring, want, seq - want + 1);
        }
        tick_ring_free(ring);
    }
    tick_ring_free(NULL);
}

static void test_bounded_in_bytes(void **state)
{
    (void)state;
    size_t small = tick_bytes(4, 0), large = tick_bytes(400, 0);
    struct tick_ring *ring = tick_ring_new(100, 10 * small);
    for (uint64_t seq = 1; seq <= 25; seq++) {
        push(ring, seq, 4);
        assert_ring(ring, MIN(seq, 10), seq - MIN(seq, 10) + 1);
    }
    /* A large one drives out as many as it needs room for; the newest always fits. */
    assert_true(large > 10 * small);
    push(ring, 26, 400);
    assert_ring(ring, 1, 26);
    push(ring, 27, 400);
    assert_ring(ring, 1, 27);
    push(ring, 28, 4);
    assert_ring(ring, 1, 28);
    push(ring, 29, 4);
    assert_ring(ring, 2, 28);
    tick_ring_free(ring);

    /* Exactly at the limit is within it. */
    ring = tick_ring_new(100, tick_bytes(10, 0) + tick_bytes(20, 0));
    push(ring, 1, 10);
    push(ring, 2, 20);
    assert_ring(ring, 2, 1);
    push(ring, 3, 1);
    assert_ring(ring, 2, 2);
    tick_ring_free(ring);

    ring = tick_ring_new(3, 0);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        push(ring, seq, 1);
        assert_ring(ring, 1, seq);
    }
    tick_ring_free(ring);
}

static void test_after(void **state)
{
    (void)state;
    struct tick_ring *ring = tick_ring_new(8, SIZE_MAX / 2);
    assert_int_equal(tick_ring_after(ring, 0), 0); /* empty: the end */
    assert_int_equal(tick_ring_after(ring, UINT64_MAX), 0);
    /* Numbers with holes; 20 pushes, so the ring has gone around. */
    for (uint64_t i = 1; i <= 20; i++)
        push(ring, i * i, 1);
    for (uint64_t after = 0; after <= 405; after++) {
        size_t want = 0;
        while (want < tick_ring_count(ring) && tick_ring_at(ring, want)->seq <= after)
            want++;
        assert_int_equal(tick_ring_after(ring, after), want);
    }
    assert_int_equal(tick_ring_after(ring, 0), 0);
    assert_int_equal(tick_ring_after(ring, 13 * 13), 1);
    assert_int_equal(tick_ring_after(ring, 19 * 19), 7);
    assert_int_equal(tick_ring_after(ring, 20 * 20), 8);
    assert_int_equal(tick_ring_after(ring, UINT64_MAX), 8);
    tick_ring_free(ring);
}

static void test_rings_share_ticks(void **state)
{
    (void)state;
    struct tick_ring *one = tick_ring_new(2, SIZE_MAX / 2);
    struct tick_ring *other = tick_ring_new(5, SIZE_MAX / 2);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        struct tick *t = tick_of(seq, 3);
        tick_ring_push(one, t);
        tick_ring_push(other, t);
        tick_unref(t);
        assert_ptr_equal(tick_ring_newest(one), tick_ring_newest(other));
    }
    /* The reader's own reference is enough when the ring moves on. */
    struct tick *kept = tick_ref(tick_ring_at(one, 0));
    tick_ring_free(one);
    assert_ring(other, 5, 1);
    tick_ring_free(other);
    assert_int_equal(kept->seq, 4);
    assert_int_equal(atomic_load(&kept->msg.refs), 1);
    tick_unref(kept);
}

/* Of the tables of many ticks only the newest of each kind stays. */
static void test_newest_tables_only(void **state)
{
    (void)state;
    enum { TICKS = 100 };
    struct stand s = stand_new(4);
    struct tick_ring *ring = tick_ring_new(TICKS, SIZE_MAX / 2);
    struct table *tables[TICKS], *other = table_new(TABLE_DNS, 0);
    assert_null(tick_ring_table(ring, TABLE_INTERFACES));
    for (int i = 0; i < TICKS; i++) {
        tables[i] = table_new(TABLE_INTERFACES, 0);
        stand_begin(&s);
        draft_table(s.draft, table_ref(tables[i]));
        if (i == 10)
            draft_table(s.draft, table_ref(other));
        tick_ring_push(ring, (struct tick *)stand_seal(&s));
    }
    stand_begin(&s); /* without a table */
    tick_ring_push(ring, (struct tick *)stand_seal(&s));
    assert_int_equal(tick_ring_count(ring), TICKS);
    assert_ptr_equal(tick_ring_table(ring, TABLE_INTERFACES)->table, tables[TICKS - 1]);
    assert_int_equal(tick_ring_table(ring, TABLE_INTERFACES)->seq, TICKS);
    assert_ptr_equal(tick_ring_table(ring, TABLE_DNS)->table, other);
    assert_int_equal(tick_ring_table(ring, TABLE_DNS)->seq, 11);
    for (int i = 0; i < TICKS; i++)
        assert_int_equal(atomic_load(&tables[i]->msg.refs), i == TICKS - 1 ? 2 : 1);
    tick_ring_free(ring);
    for (int i = 0; i < TICKS; i++) {
        assert_int_equal(atomic_load(&tables[i]->msg.refs), 1);
        table_unref(tables[i]);
    }
    table_unref(other);
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded_in_number),
        cmocka_unit_test(test_bounded_in_bytes),
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_rings_share_ticks),
        cmocka_unit_test(test_newest_tables_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
