/*
 * test_refused.c: a subscription whose beginning finds no memory: nobody goes on from what he never
 * got, and the next one does not get half of it.
 */
#include "rig.h"

#include "hub/encode.h"

static unsigned refusals; /* frames that are refused from now on */

struct bytes *__real_encode_table(struct encode_rows rows, uint64_t seq, int64_t t_ms);
struct bytes *__wrap_encode_table(struct encode_rows rows, uint64_t seq, int64_t t_ms);
struct bytes *__real_encode_series(const struct series *const *series, size_t count);
struct bytes *__wrap_encode_series(const struct series *const *series, size_t count);

static bool is_refused(void)
{
    bool refused = refusals > 0;
    refusals -= refused;
    return refused;
}

struct bytes *__wrap_encode_table(struct encode_rows rows, uint64_t seq, int64_t t_ms)
{
    return is_refused() ? NULL : __real_encode_table(rows, seq, t_ms);
}

struct bytes *__wrap_encode_series(const struct series *const *series, size_t count)
{
    return is_refused() ? NULL : __real_encode_series(series, count);
}

static void publish_table(struct rig *rig, unsigned rows, uint64_t rx_bytes)
{
    maker_begin(&rig->maker);
    draft_table(rig->maker.draft, maker_table(1, rows, rx_bytes));
    rig_publish(rig, maker_end(&rig->maker));
}

/* Without the full table a change is not told: the full one is asked for again. */
static void test_table(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *early = client_open(rig, 0, "interfaces", 0), *late;
    (void)state;
    client_skip(early, "hello");
    rig_turn(rig); /* it is a member, so that its table is no beginning that others share */
    publish_table(rig, 3, 1);
    client_skip(early, "table");
    late = client_open(rig, 1, NULL, 0);
    client_skip(late, "hello");
    refusals = 1;
    client_say(late, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"interfaces\"}");
    client_expect_ok(late, 1);
    publish_table(rig, 4, 2);
    json_t *table = client_expect(late, "table");
    assert_true(json_is_true(json_object_get(table, "full")));
    json_decref(table);
    assert_int_equal(refusals, 0);
    table = client_expect(early, "table"); /* who has it all hears of the change alone */
    assert_false(json_is_true(json_object_get(table, "full")));
    json_decref(table);
    client_drop(early);
    client_drop(late);
    rig_free(rig);
}

/* Series without memory: who comes next in the same tick gets them, and who was first, too. */
static void test_series(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    (void)state;
    rig_tick(rig);
    struct client *first = client_new(rig, 0, 0), *next = client_new(rig, 1, 0);
    refusals = 1;
    client_say(first, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\"}");
    client_expect_ok(first, 1);
    client_skip(first, "metrics");
    client_skip(first, "series");
    client_skip(first, "metrics");
    client_say(next, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\"}");
    client_expect_ok(next, 1);
    client_skip(next, "series");
    client_skip(next, "metrics");
    client_expect_nothing(first);
    client_expect_nothing(next);
    client_drop(first);
    client_drop(next);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_series),
    };
    return cmocka_run_group_tests_name("hub/refused", tests, NULL, NULL);
}
