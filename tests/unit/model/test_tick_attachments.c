/* test_tick_attachments.c: the events and tables that travel with a tick. */
#include "stand.h"

static struct event *numbered_event(double number)
{
    struct event *e = event_new(EVENT_LINK, STAND_T0_MS);
    event_number(e, "number", number);
    return e;
}

static void test_events_are_numbered_when_sealed(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    s.next_event = 100;
    for (unsigned tick = 0; tick < 4; tick++) {
        stand_begin(&s);
        for (unsigned i = 0; i < tick; i++)
            draft_event(s.draft, numbered_event(i));
        const struct tick *t = stand_seal(&s);
        assert_int_equal(t->events_count, tick);
        static const uint64_t first[] = {0, 100, 101, 103};
        for (unsigned i = 0; i < tick; i++) {
            assert_int_equal(t->events[i]->seq, first[tick] + i);
            assert_true(t->events[i]->fields[0].number == i); /* in the order of their coming */
        }
    }
    assert_int_equal(s.next_event, 106);
    stand_free(&s);
}

/* Something may happen between two ticks; it belongs to the next one. */
static void test_events_before_the_tick_begins(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    draft_event(s.draft, numbered_event(1));
    stand_begin(&s);
    draft_event(s.draft, numbered_event(2));
    const struct tick *t = stand_seal(&s);
    assert_int_equal(t->events_count, 2);
    assert_true(t->events[0]->fields[0].number == 1);
    stand_free(&s);
}

static void test_too_many_events_are_counted(void **state)
{
    (void)state;
    static const unsigned offered[] = {1023, 1024, 5000};
    static const double lost[] = {0, 1, 3977};
    struct stand s = stand_new(10);
    for (size_t round = 0; round < ARRAY_LEN(offered); round++) {
        stand_begin(&s);
        for (unsigned i = 0; i < offered[round]; i++)
            draft_event(s.draft, numbered_event(i));
        const struct tick *t = stand_seal(&s);
        for (unsigned i = 0; i < 1023; i++)
            assert_true(t->events[i]->fields[0].number == i);
        if (lost[round] == 0) {
            assert_int_equal(t->events_count, 1023);
            continue;
        }
        assert_int_equal(t->events_count, 1024);
        const struct event *last = t->events[1023];
        assert_int_equal(last->kind, EVENT_LOSS);
        assert_int_equal(last->t_ms, s.t_ms);
        assert_int_equal(last->seq, s.next_event - 1);
        assert_string_equal(event_get_text(last, "what"), "events");
        assert_string_equal(last->fields[1].name, "count");
        assert_true(last->fields[1].number == lost[round]);
    }
    /* The count starts over with each tick. */
    stand_begin(&s);
    assert_int_equal(stand_seal(&s)->events_count, 0);
    stand_free(&s);
}

static struct table *table_with(uint64_t id)
{
    struct table *t = table_new(TABLE_INTERFACES, 1);
    table_row(t, id);
    return t;
}

static void test_tables_are_replaced(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    stand_begin(&s);
    draft_table(s.draft, table_with(1));
    draft_table(s.draft, table_with(2)); /* the first is freed: the leak checkers look */
    const struct tick *t = stand_seal(&s);
    assert_non_null(t->tables[TABLE_INTERFACES]);
    assert_int_equal(table_cell(t->tables[TABLE_INTERFACES], 0, IF_ID)->uint, 2);

    /* A table belongs to one tick. */
    stand_begin(&s);
    assert_null(stand_seal(&s)->tables[TABLE_INTERFACES]);
    stand_free(&s);
}

static void test_shared_table_in_many_ticks(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct table *shared = table_with(7);
    for (unsigned i = 0; i < 3; i++) {
        stand_begin(&s);
        draft_table(s.draft, table_ref(shared));
        assert_ptr_equal(stand_seal(&s)->tables[TABLE_INTERFACES], shared);
    }
    stand_free(&s);
    assert_int_equal(table_cell(shared, 0, IF_ID)->uint, 7);
    table_unref(shared);
}

/* The bare tick is the same but for the tables, and outlives them. */
static void test_bare(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct table *table = table_with(7);
    stand_begin(&s);
    draft_event(s.draft, numbered_event(1));
    draft_table(s.draft, table_ref(table));
    struct tick *t = tick_ref((struct tick *)stand_seal(&s)), *bare = tick_ref(tick_bare(t));
    assert_ptr_not_equal(bare, t);
    assert_ptr_equal(tick_bare(bare), bare);
    assert_ptr_equal(t->tables[TABLE_INTERFACES], table);
    assert_null(bare->tables[TABLE_INTERFACES]);
    assert_int_equal(bare->seq, t->seq);
    assert_int_equal(bare->t_ms, t->t_ms);
    assert_ptr_equal(bare->set, t->set);
    assert_ptr_equal(bare->events, t->events);
    assert_int_equal(bare->events_count, 1);
    stand_begin(&s);
    const struct tick *plain = stand_seal(&s); /* lets go of the one before */
    assert_ptr_equal(tick_bare((struct tick *)plain), plain);
    struct tick_table *tt = tick_table_new(t, TABLE_INTERFACES);
    tick_unref(t);
    assert_int_equal(atomic_load(&table->msg.refs), 2);
    assert_int_equal(tt->seq, bare->seq);
    assert_int_equal(tt->t_ms, bare->t_ms);
    tick_table_unref(tt);
    assert_int_equal(atomic_load(&table->msg.refs), 1); /* ours */
    assert_non_null(bare->events[0]);
    tick_unref(bare);
    table_unref(table);
    stand_free(&s);
}

/* A draft that is thrown away takes with it what it was given: the leak checkers look. */
static void test_abandoned_draft(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    stand_begin(&s);
    for (unsigned i = 0; i < 2000; i++)
        draft_event(s.draft, numbered_event(i));
    draft_table(s.draft, table_with(1));
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_numbered_when_sealed),
        cmocka_unit_test(test_events_before_the_tick_begins),
        cmocka_unit_test(test_too_many_events_are_counted),
        cmocka_unit_test(test_tables_are_replaced),
        cmocka_unit_test(test_shared_table_in_many_ticks),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_abandoned_draft),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
