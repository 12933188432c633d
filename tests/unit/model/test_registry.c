/* test_registry.c: identity across restarts and silence, limits, and snapshots that hold still. */
#include "stand.h"

static void test_ids_are_stable_and_never_reused(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    uint32_t ids[300];
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        struct series *got = stand_numbered(&s, &stand_counter, i);
        ids[i] = got->id;
        assert_int_equal(got->id, i + 1);
        assert_int_equal(got->live.slot, i);
    }
    assert_int_equal(registry_next_id(s.registry), 301);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(stand_numbered(&s, &stand_counter, i)->id, ids[i]);
    /* All silent for ever; then 300 others take their slots, none takes an id. */
    assert_int_equal(registry_sweep(s.registry, INT64_MAX), 300);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        struct series *got = stand_numbered(&s, &stand_counter, 1000 + i);
        assert_int_equal(got->id, 301 + i);
        assert_int_equal(got->live.slot, i);
    }
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(stand_numbered(&s, &stand_counter, i)->id, ids[i]);
    assert_int_equal(registry_next_id(s.registry), 601);
    stand_free(&s);
}

static void test_ids_start_where_told(void **state)
{
    (void)state;
    struct registry *r = registry_new(10, 0);
    assert_int_equal(registry_next_id(r), 1); /* 0 is nobody's id */
    registry_free(r);
    r = registry_new(10, 40);
    const struct label label = {"device", "eth0"};
    /* Out of order, and beyond what next_id says: the larger of both counts. */
    assert_int_equal(registry_restore(r, 99, &stand_counter, &label, 1, "", true, 1, 1), 0);
    assert_int_equal(registry_restore(r, 12, &stand_gauge, &label, 1, "", true, 1, 1), 0);
    assert_int_equal(registry_next_id(r), 100);
    assert_int_equal(registry_live(r), 0);
    assert_int_equal(registry_get(r, &stand_gauge, &label, 1, "x")->id, 12);
    assert_int_equal(registry_get(r, &stand_counter, &label, 1, "x")->id, 99);
    assert_int_equal(registry_get(r, &stand_counter, NULL, 0, "x")->id, 100);
    registry_free(r);
}

/* Two ids of one name: the registry had forgotten the series when it came back. The newer id
 * counts, in whatever order they are read. */
static void test_restore_takes_the_newer_of_two_ids(void **state)
{
    (void)state;
    const struct label label = {"device", "eth0"};
    for (int newer_first = 0; newer_first < 2; newer_first++) {
        struct stand s = stand_new(10);
        uint32_t first = newer_first ? 6 : 5;
        assert_int_equal(
            registry_restore(s.registry, first, &stand_counter, &label, 1, "", true, first, 1), 0);
        assert_int_equal(registry_restore(s.registry, 11 - first, &stand_counter, &label, 1, "",
                                          true, 11 - first, 1),
                         newer_first ? -EEXIST : 0);
        assert_int_equal(registry_silent(s.registry), 1);
        struct series *got = stand_series(&s, &stand_counter, "eth0");
        assert_int_equal(got->id, 6);
        assert_int_equal(got->live.absolute, 6);
        assert_int_equal(registry_next_id(s.registry), 7);
        stand_free(&s);
    }
}

static void test_restore_refuses_what_is_there(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    const struct label label = {"device", "eth0"};
    assert_int_equal(registry_restore(s.registry, 5, &stand_counter, &label, 1, "", true, 7, 1), 0);
    assert_int_equal(registry_restore(s.registry, 5, &stand_counter, &label, 1, "", true, 8, 1),
                     -EEXIST);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    assert_int_equal(got->id, 5);
    assert_int_equal(got->live.absolute, 7);
    assert_int_equal(registry_restore(s.registry, 6, &stand_counter, &label, 1, "", true, 8, 1),
                     -EEXIST);
    /* The id of the refused one was given out once, somewhere: it is not given out again. */
    assert_int_equal(registry_next_id(s.registry), 7);
    stand_free(&s);
}

static void restore_one(struct stand *s, bool same_boot)
{
    const struct label label = {"device", "eth0"};
    assert_int_equal(
        registry_restore(s->registry, 5, &stand_counter, &label, 1, "", same_boot, 1000, 3), 0);
}

static void test_restore_in_the_same_boot_counts_on(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    restore_one(&s, true);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    const struct tick *t = stand_count(&s, got, 1250, 3);
    assert_sample(t, got, SAMPLE_GAP, 250); /* drawn as a gap, counted in sums */
    t = stand_count(&s, got, 1300, 3);
    assert_sample(t, got, SAMPLE_OK, 50);
    stand_free(&s);
}

static void test_restore_in_the_same_boot_at_a_later_tick(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    restore_one(&s, true);
    stand_begin(&s);
    stand_seal(&s);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    const struct tick *t = stand_count(&s, got, 1250, 3);
    assert_sample(t, got, SAMPLE_GAP, 250);
    stand_free(&s);
}

static void test_restore_of_another_boot_starts_over(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    restore_one(&s, false);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    const struct tick *t = stand_count(&s, got, 1250, 3);
    assert_sample(t, got, SAMPLE_GAP, 0);
    t = stand_count(&s, got, 1300, 3);
    assert_sample(t, got, SAMPLE_OK, 50);
    stand_free(&s);
}

static void test_restore_of_another_source_starts_over(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    restore_one(&s, true);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    const struct tick *t = stand_count(&s, got, 1250, 4);
    assert_sample(t, got, SAMPLE_GAP, 0);
    stand_free(&s);
}

static void test_restored_counter_that_went_back_starts_over(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    restore_one(&s, true);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    const struct tick *t = stand_count(&s, got, 20, 3);
    assert_sample(t, got, SAMPLE_GAP, 0);
    stand_free(&s);
}

/* The database may be older than the program: a name can have meant something else then. */
static void test_restore_of_another_kind_is_another_series(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    const struct label label = {"device", "eth0"};
    struct metric before = stand_counter;
    before.kind = METRIC_GAUGE;
    assert_int_equal(registry_restore(s.registry, 5, &before, &label, 1, "", true, 1000, 0), 0);
    struct series *got = stand_series(&s, &stand_counter, "eth0");
    assert_non_null(got);
    assert_int_equal(got->kind, METRIC_COUNTER);
    assert_int_equal(got->id, 6);
    const struct tick *t = stand_count(&s, got, 1250, 0);
    assert_sample(t, got, SAMPLE_GAP, 0);
    stand_free(&s);

    /* The next start finds both in the database. The newer one is the one that goes on. */
    s = stand_new(10);
    before = stand_counter;
    before.scale = 1e-9;
    assert_int_equal(registry_restore(s.registry, 5, &before, &label, 1, "", true, 1000, 0), 0);
    assert_int_equal(registry_restore(s.registry, 6, &stand_counter, &label, 1, "", true, 1200, 0),
                     0);
    got = stand_series(&s, &stand_counter, "eth0");
    assert_int_equal(got->id, 6);
    assert_true(got->scale == 1);
    t = stand_count(&s, got, 1250, 0);
    assert_sample(t, got, SAMPLE_GAP, 50);

    /* In one program a name means one thing: the second meaning gets nothing. */
    assert_null(stand_series(&s, &before, "eth0"));
    assert_int_equal(registry_refused(s.registry), 1);
    assert_int_equal(registry_restore(s.registry, 9, &before, &label, 1, "", true, 0, 0), -EEXIST);
    stand_free(&s);
}

static void test_limit(void **state)
{
    (void)state;
    struct stand s = stand_new(3);
    struct series *live[3];
    for (unsigned i = 0; i < 3; i++)
        live[i] = stand_numbered(&s, &stand_counter, i);
    assert_int_equal(registry_refused(s.registry), 0);
    assert_null(stand_numbered(&s, &stand_counter, 3));
    assert_null(stand_numbered(&s, &stand_counter, 4));
    assert_int_equal(registry_refused(s.registry), 2);
    assert_int_equal(registry_live(s.registry), 3);
    assert_int_equal(registry_next_id(s.registry), 4); /* a refused series uses up no id */
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(stand_numbered(&s, &stand_counter, i), live[i]);
    assert_int_equal(registry_refused(s.registry), 2);

    /* A restored one waits outside and is refused like a new one until there is room. */
    const struct label label = {"device", "restored"};
    assert_int_equal(registry_restore(s.registry, 50, &stand_counter, &label, 1, "", true, 0, 0),
                     0);
    assert_int_equal(registry_live(s.registry), 3);
    assert_null(stand_series(&s, &stand_counter, "restored"));
    assert_int_equal(registry_refused(s.registry), 3);

    /* Room comes with a sweep: 1 and 2 are sampled, 0 is silent. */
    stand_begin(&s);
    draft_counter(s.draft, live[1], 1, 0);
    draft_counter(s.draft, live[2], 1, 0);
    stand_seal(&s);
    assert_int_equal(registry_sweep(s.registry, s.t_ms), 1);
    assert_int_equal(stand_series(&s, &stand_counter, "restored")->id, 50);
    assert_int_equal(registry_live(s.registry), 3);

    /* A draft that still holds the swept one finds the door closed: nothing happens, counted. */
    stand_begin(&s);
    draft_counter(s.draft, live[0], 1, 0);
    draft_counter(s.draft, NULL, 1, 0);
    draft_gauge(s.draft, NULL, 1);
    const struct tick *t = stand_seal(&s);
    for (uint32_t i = 0; i < t->count; i++)
        assert_int_equal(t->state[i], SAMPLE_ABSENT);
    assert_int_equal(registry_refused(s.registry), 4);
    assert_int_equal(live[0]->live.slot, SERIES_NO_SLOT);
    stand_free(&s);
}

/* ---- what does not last -------------------------------------------------------------------- */

/* One tick in which the devices [first, first + count) are sampled; how many found a place. */
static unsigned sample_devices(struct stand *s, unsigned first, unsigned count)
{
    unsigned placed = 0;
    stand_begin(s);
    for (unsigned i = first; i < first + count; i++) {
        struct series *got = stand_numbered(s, &stand_counter, i);
        draft_counter(s->draft, got, i, 0);
        placed += got != NULL;
    }
    stand_seal(s);
    return placed;
}

/* The limit is near: who has been silent longest goes, as many as are needed and not one more; who
 * was sampled a moment ago stays, even if that means that others are refused. */
static void test_room_is_made_by_the_silent(void **state)
{
    (void)state;
    struct stand s = stand_new(32);                           /* two are kept free */
    assert_int_equal(sample_devices(&s, 0, 10), 10);          /* tick 1: 0-9 */
    assert_int_equal(sample_devices(&s, 5, 15), 15);          /* tick 2: 5-19 */
    assert_int_equal(registry_make_room(s.registry, 100), 0); /* there is room */
    assert_int_equal(sample_devices(&s, 10, 21), 21);         /* tick 3: 10-30 */
    assert_int_equal(registry_live(s.registry), 31);
    assert_int_equal(registry_make_room(s.registry, 1), 0); /* nobody silent for so long */
    assert_int_equal(registry_evicted(s.registry), 0);
    struct series *gone = series_ref(stand_numbered(&s, &stand_counter, 0));
    uint64_t generation = registry_set(s.registry)->generation;
    assert_int_equal(registry_make_room(s.registry, 3), 1);
    assert_int_equal(registry_live(s.registry), 30);
    assert_int_equal(registry_evicted(s.registry), 1);
    assert_true(registry_set(s.registry)->generation > generation);
    assert_int_equal(gone->live.slot, SERIES_NO_SLOT);
    assert_int_equal(registry_silent(s.registry), 1);

    assert_int_equal(sample_devices(&s, 31, 5), 2);         /* tick 4: two fit */
    assert_int_equal(registry_make_room(s.registry, 3), 2); /* 1 and 2 */
    assert_int_equal(registry_make_room(s.registry, 3), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(sample_devices(&s, 5, 28), 28); /* all that are live but 3 and 4 */
    assert_int_equal(registry_live(s.registry), 30);
    assert_int_equal(sample_devices(&s, 33, 2), 2);
    assert_int_equal(registry_make_room(s.registry, s.seq - 1), 2); /* 3 and 4 */
    assert_int_equal(registry_live(s.registry), 30);

    /* It comes back under its id. Its slot has another owner, and it lost no count. */
    assert_ptr_equal(stand_numbered(&s, &stand_counter, 0), gone);
    assert_int_equal(gone->id, 1);
    assert_sample(stand_count(&s, gone, 7, 0), gone, SAMPLE_GAP, 7);
    series_unref(gone);
    stand_free(&s);
}

/* A draft counts by slots: none may change hands while one is open. */
static void test_room_waits_for_the_draft(void **state)
{
    (void)state;
    struct stand s = stand_new(2);
    struct series *quiet = stand_numbered(&s, &stand_counter, 0);
    struct series *loud = stand_numbered(&s, &stand_counter, 1);
    stand_begin(&s);
    draft_counter(s.draft, loud, 5, 0);
    assert_null(stand_numbered(&s, &stand_counter, 2));
    stand_seal(&s);
    assert_int_equal(registry_make_room(s.registry, s.seq), 1);
    assert_int_equal(quiet->live.slot, SERIES_NO_SLOT);
    assert_int_equal(stand_numbered(&s, &stand_counter, 2)->live.slot, 0);
    assert_sample(stand_count(&s, loud, 6, 0), loud, SAMPLE_OK, 1);
    stand_free(&s);
}

/* So many are remembered and no more; who is forgotten comes back as another, who is referred to is
 * not forgotten. */
static void test_memory_is_bounded(void **state)
{
    (void)state;
    struct stand s = stand_new(64); /* four are kept free */
    size_t most = registry_memory(s.registry);
    struct series *kept = series_ref(stand_numbered(&s, &stand_counter, 3));
    uint32_t kept_id = kept->id;
    for (unsigned i = 0; i < 3 * most; i += 4) {
        assert_int_equal(sample_devices(&s, i, 4), 4);
        registry_make_room(s.registry, s.seq);
        assert_true(registry_silent(s.registry) <= most + 1);
        assert_true(registry_live(s.registry) <= 60);
    }
    registry_sweep(s.registry, INT64_MAX);
    assert_int_equal(registry_silent(s.registry), most);
    uint32_t next = registry_next_id(s.registry);
    assert_int_equal(next, 3 * most + 1);

    assert_int_equal(kept->live.slot, SERIES_NO_SLOT);
    assert_ptr_equal(stand_numbered(&s, &stand_counter, 3), kept);
    assert_int_equal(kept->id, kept_id);
    unsigned newest = (unsigned)(3 * most - 1);
    assert_int_equal(stand_numbered(&s, &stand_counter, newest)->id, next - 1);
    struct series *again = stand_numbered(&s, &stand_counter, 4);
    assert_int_equal(again->id, next); /* ids are never given out again */
    assert_sample(stand_count(&s, again, 100, 0), again, SAMPLE_GAP, 0); /* a first sample */
    series_unref(kept);
    stand_free(&s);
}

/* Far more series of an earlier run than are remembered: the last ones read stay. */
static void test_restore_is_bounded(void **state)
{
    (void)state;
    struct stand s = stand_new(8);
    size_t most = registry_memory(s.registry);
    for (unsigned i = 0; i < 5 * most; i++) {
        char device[16];
        snprintf(device, sizeof(device), "dev%u", i);
        const struct label label = {"device", device};
        assert_int_equal(
            registry_restore(s.registry, i + 1, &stand_counter, &label, 1, "", true, 0, 0), 0);
    }
    assert_int_equal(registry_silent(s.registry), most);
    unsigned first = (unsigned)(4 * most);
    assert_int_equal(stand_numbered(&s, &stand_counter, first)->id, first + 1);
    assert_int_equal(stand_numbered(&s, &stand_counter, first - 1)->id, 5 * most + 1);
    stand_free(&s);
}

/* A host that starts and ends 200,000 containers: every one of them is seen, and what is kept does
 * not depend on how many there have been. */
static void test_short_lived_devices(void **state)
{
    enum { DEVICES = 200000, AT_ONCE = 80, NEW = 40, LIMIT = 2000 };
    (void)state;
    struct stand s = stand_new(LIMIT);
    struct tick_ring *ring = tick_ring_new(60, 64U << 20);
    size_t most_silent = 0;
    for (unsigned first = 0; first < DEVICES; first += NEW) {
        unsigned from = first > AT_ONCE - NEW ? first - (AT_ONCE - NEW) : 0;
        stand_begin(&s);
        for (unsigned i = from; i < first + NEW; i++) {
            struct series *counter = stand_numbered(&s, &stand_counter, i);
            struct series *gauge = stand_numbered(&s, &stand_gauge, i);
            assert_true(counter && gauge);
            draft_counter(s.draft, counter, i, 0);
            draft_gauge(s.draft, gauge, i);
        }
        tick_ring_push(ring, (struct tick *)stand_seal(&s));
        registry_make_room(s.registry, s.seq - MIN(s.seq, 10U));
        assert_true(registry_live(s.registry) <= LIMIT);
        most_silent = MAX(most_silent, registry_silent(s.registry));
    }
    assert_int_equal(registry_refused(s.registry), 0);
    assert_int_equal(registry_next_id(s.registry), 2 * DEVICES + 1);
    assert_true(registry_evicted(s.registry) > 2 * DEVICES - 2 * LIMIT);
    /* Remembered: those that the registry may, and those that ticks in the ring refer to. */
    assert_in_range(most_silent, LIMIT, LIMIT + LIMIT + 60 * 2 * NEW);
    tick_ring_free(ring);
    stand_free(&s);
}

static void test_limit_of_nothing(void **state)
{
    (void)state;
    struct stand s = stand_new(0);
    assert_null(stand_series(&s, &stand_counter, "eth0"));
    stand_begin(&s);
    const struct tick *t = stand_seal(&s);
    assert_int_equal(t->count, 0);
    stand_free(&s);
}

static void test_sweep_takes_the_silent_and_revives_them(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct series *loud = stand_series(&s, &stand_counter, "loud");
    struct series *quiet = stand_series(&s, &stand_counter, "quiet");
    stand_begin(&s);
    draft_counter(s.draft, loud, 10, 1);
    draft_counter(s.draft, quiet, 10, 1);
    stand_seal(&s);
    int64_t quiet_since = s.t_ms;
    stand_count(&s, loud, 11, 1);

    assert_int_equal(registry_sweep(s.registry, quiet_since), 0); /* "since before": not at */
    assert_int_equal(registry_sweep(s.registry, quiet_since + 1), 1);
    assert_int_equal(registry_live(s.registry), 1);
    assert_int_equal(quiet->live.slot, SERIES_NO_SLOT);
    assert_int_equal(registry_sweep(s.registry, quiet_since + 1), 0);

    /* By the draft, as an engine does that has kept the series. */
    const struct tick *t = stand_count(&s, quiet, 25, 1);
    assert_int_equal(quiet->id, 2);
    assert_sample(t, quiet, SAMPLE_GAP, 15); /* absent in between: no rate, but nothing lost */
    assert_int_equal(t->state[loud->live.slot], SAMPLE_ABSENT);

    /* By name. */
    assert_int_equal(registry_sweep(s.registry, INT64_MAX), 2);
    assert_int_equal(registry_set(s.registry)->count, 0);
    assert_ptr_equal(stand_series(&s, &stand_counter, "quiet"), quiet);
    assert_int_equal(registry_live(s.registry), 1);
    stand_free(&s);
}

static void test_free_slots_are_filled_from_below(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct series *all[400];
    for (unsigned i = 0; i < ARRAY_LEN(all); i++)
        all[i] = stand_numbered(&s, &stand_counter, i);
    stand_begin(&s);
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        if (i % 3 == 1)
            draft_counter(s.draft, all[i], i, 0);
    }
    stand_seal(&s);
    assert_int_equal(registry_sweep(s.registry, s.t_ms), 267);
    assert_int_equal(registry_live(s.registry), 133);
    struct series_set *set = registry_set(s.registry);
    assert_int_equal(set->count, 398); /* the last live one sits in slot 397 */
    for (uint32_t i = 0; i < set->count; i++)
        assert_ptr_equal(set->slots[i], i % 3 == 1 ? all[i] : NULL);
    /* As many new ones fit without the columns getting longer. */
    unsigned next = 1000;
    for (uint32_t i = 0; i < 398; i++) {
        if (i % 3 != 1)
            assert_int_equal(stand_numbered(&s, &stand_counter, next++)->live.slot, i);
    }
    assert_int_equal(registry_set(s.registry)->count, 398);
    assert_int_equal(stand_numbered(&s, &stand_counter, next)->live.slot, 398);
    stand_free(&s);
}

static void test_sets_hold_still(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct series *a = stand_series(&s, &stand_counter, "a");
    struct series *b = stand_series(&s, &stand_counter, "b");
    struct series_set *two = series_set_ref(registry_set(s.registry));
    assert_ptr_equal(registry_set(s.registry), two); /* no change, no new snapshot */
    stand_series(&s, &stand_counter, "a");
    assert_ptr_equal(registry_set(s.registry), two);

    struct series *c = stand_series(&s, &stand_counter, "c");
    struct series_set *three = series_set_ref(registry_set(s.registry));
    assert_ptr_not_equal(three, two);
    assert_true(three->generation > two->generation);
    assert_int_equal(three->count, 3);
    assert_ptr_equal(three->slots[2], c);

    registry_sweep(s.registry, INT64_MAX);
    struct series_set *none = registry_set(s.registry);
    assert_true(none->generation > three->generation);
    assert_int_equal(none->count, 0);
    stand_series(&s, &stand_counter, "d");

    /* What was published before still says what it said, even when the registry is gone. */
    stand_free(&s);
    assert_int_equal(two->count, 2);
    assert_ptr_equal(two->slots[0], a);
    assert_ptr_equal(two->slots[1], b);
    assert_string_equal(two->slots[1]->key, "test_bytes_total{device=\"b\"}");
    assert_string_equal(three->slots[2]->labels[0].value, "c");
    series_set_unref(two);
    assert_string_equal(three->slots[0]->labels[0].value, "a");
    series_set_unref(three);
    series_set_unref(NULL);
}

static void test_method_is_taken_over(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    const struct label label = {"device", "eth0"};
    struct series *first = registry_get(s.registry, &stand_counter, &label, 1, "procfs");
    uint64_t generation = registry_set(s.registry)->generation;
    assert_string_equal(atomic_load(&first->method), "procfs");
    assert_ptr_equal(registry_get(s.registry, &stand_counter, &label, 1, "netlink"), first);
    assert_string_equal(atomic_load(&first->method), "netlink");
    assert_int_equal(registry_set(s.registry)->generation, generation); /* the series is the same */

    assert_int_equal(registry_restore(s.registry, 9, &stand_gauge, &label, 1, "", true, 0, 0), 0);
    struct series *restored = registry_get(s.registry, &stand_gauge, &label, 1, "procfs");
    assert_int_equal(restored->id, 9);
    assert_string_equal(atomic_load(&restored->method), "procfs");
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_stable_and_never_reused),
        cmocka_unit_test(test_ids_start_where_told),
        cmocka_unit_test(test_restore_takes_the_newer_of_two_ids),
        cmocka_unit_test(test_room_is_made_by_the_silent),
        cmocka_unit_test(test_room_waits_for_the_draft),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_restore_is_bounded),
        cmocka_unit_test(test_short_lived_devices),
        cmocka_unit_test(test_restore_refuses_what_is_there),
        cmocka_unit_test(test_restore_in_the_same_boot_counts_on),
        cmocka_unit_test(test_restore_in_the_same_boot_at_a_later_tick),
        cmocka_unit_test(test_restore_of_another_boot_starts_over),
        cmocka_unit_test(test_restore_of_another_source_starts_over),
        cmocka_unit_test(test_restored_counter_that_went_back_starts_over),
        cmocka_unit_test(test_restore_of_another_kind_is_another_series),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_of_nothing),
        cmocka_unit_test(test_sweep_takes_the_silent_and_revives_them),
        cmocka_unit_test(test_free_slots_are_filled_from_below),
        cmocka_unit_test(test_sets_hold_still),
        cmocka_unit_test(test_method_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
