/*
 * test_lost.c: sums over a time in which ticks did not reach the database, or the database did not
 * stay: what was counted is in the sum once, from the disk and from memory together.
 */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

#define MEMORY 64

static const struct metric metric = {"bytes_total", "bytes", "B.", METRIC_COUNTER, 1};

/* A world of one counter for each device, and the ticks that are still in memory. */
struct ground {
    struct world w;
    uint64_t absolute, source;
    struct tick *memory[MEMORY];
    size_t count;
};

static void ground_start(struct ground *g, uint64_t seed)
{
    *g = (struct ground){.absolute = 1000, .source = 1};
    world_init(&g->w, seed);
    world_open(&g->w);
}

static void ground_forget(struct ground *g)
{
    while (g->count)
        tick_unref(g->memory[--g->count]);
}

static void ground_end(struct ground *g)
{
    ground_forget(g);
    world_fini(&g->w);
}

enum fate { STORED, LOST, REFUSED, UNFIT };

/* A tick in which each device counted `more`. */
static void step(struct ground *g, uint64_t more, enum fate fate, const char *const *devices)
{
    struct world *w = &g->w;
    assert_true(g->count < MEMORY);
    g->absolute += more;
    draft_begin(w->draft, w->seq++, w->t_ms += 1000, 1000000000, 0, 1000);
    for (size_t i = 0; devices[i]; i++) {
        struct label label = {"device", devices[i]};
        draft_counter(w->draft, registry_get(w->registry, &metric, &label, 1, "test"), g->absolute,
                      g->source);
    }
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    static const int answers[] = {[REFUSED] = -EFBIG, [UNFIT] = -EMEDIUMTYPE};
    if (fate != LOST)
        assert_int_equal(store_write(w->store, t), answers[fate]);
    g->memory[g->count++] = t;
}

/* Everything the device ever counted, as far as the database and memory tell. */
static double sum_of(const struct ground *g, const char *device)
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(g->w.dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    struct query q = {.to_ms = g->w.t_ms + 1, .points = 1, .aggregate = AGG_SUM};
    struct recent recent = {.ticks = (struct tick *const *)g->memory, .count = g->count};
    struct answer *answer;
    assert_int_equal(store_query(reader, &q, &recent, &answer, &err), 0);
    double sum = -1;
    for (size_t i = 0; i < answer->series_count; i++) {
        if (strcmp(answer->series[i].labels[0].value, device) == 0)
            sum = answer->series[i].values[0];
    }
    answer_free(answer);
    store_reader_close(reader);
    return sum;
}

static const char *const one[] = {"eth0", NULL};
static const char *const two[] = {"eth0", "veth1", NULL};

static void remove_file(const struct world *w, const char *name)
{
    char *path CLEANUP(mem_freep) = world_path(w, name);
    assert_int_equal(unlink(path), 0);
}

/* The file is gone, but not the ticks in memory; nobody has claimed what they counted. */
static void test_removed(void **state)
{
    (void)state;
    struct ground g;
    ground_start(&g, 1);
    step(&g, 0, STORED, one);
    for (int i = 0; i < 5; i++)
        step(&g, 10, STORED, one);
    assert_true(sum_of(&g, "eth0") == 50);
    remove_file(&g.w, "netsonde.db");
    remove_file(&g.w, "netsonde.db-wal");
    remove_file(&g.w, "netsonde.db-shm");
    for (int i = 0; i < 5; i++)
        step(&g, 10, STORED, one);
    assert_true(sum_of(&g, "eth0") == 100);
    step(&g, 10, LOST, one);
    step(&g, 10, STORED, one);
    assert_true(sum_of(&g, "eth0") == 120);
    ground_end(&g);
}

/* A copy of the database takes its place: what was counted since it was made is claimed. */
static void put_back(bool with_wal)
{
    struct ground g;
    ground_start(&g, 2);
    step(&g, 0, STORED, one);
    for (int i = 0; i < 5; i++)
        step(&g, 10, STORED, one);
    world_close(&g.w, true);
    struct buf copy = BUF_INIT;
    world_read_database(&g.w, &copy);
    world_open(&g.w);
    for (int i = 0; i < 5; i++)
        step(&g, 10, STORED, one);
    assert_true(sum_of(&g, "eth0") == 100);
    remove_file(&g.w, "netsonde.db");
    if (!with_wal) {
        remove_file(&g.w, "netsonde.db-wal");
        remove_file(&g.w, "netsonde.db-shm");
    }
    world_write_database(&g.w, copy.data, copy.len);
    buf_fini(&copy);
    for (int i = 0; i < 5; i++)
        step(&g, 10, STORED, one);
    assert_int_equal(world_count_notes(&g.w, "was removed or replaced"), 1);
    assert_int_equal(store_stats(g.w.store).set_aside, 0);
    assert_true(sum_of(&g, "eth0") == 150);
    ground_forget(&g);
    assert_true(sum_of(&g, "eth0") == 150);
    ground_end(&g);
}

static void test_put_back(void **state)
{
    (void)state;
    put_back(false);
}

static void test_put_back_beside_a_log(void **state)
{
    (void)state;
    put_back(true);
}

/* The same with an old copy and a log that belongs to pages it does not have. */
static void test_old_copy(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    world_fill(&w, 100);
    world_close(&w, true);
    struct buf copy = BUF_INIT;
    world_read_database(&w, &copy);
    for (int run = 0; run < 3; run++) {
        world_open(&w);
        for (int i = 0; i < 300; i++) {
            world_write(&w);
            world_work(&w);
        }
        if (run < 2)
            world_close(&w, true);
    }
    remove_file(&w, "netsonde.db");
    world_write_database(&w, copy.data, copy.len);
    buf_fini(&copy);
    for (int i = 0; i < 50; i++) {
        world_write(&w);
        world_work(&w);
    }
    assert_int_equal(store_stats(w.store).set_aside, 0);
    assert_int_equal(world_count_notes(&w, ""), 1);
    assert_int_equal(world_ask_number(&w, "SELECT (SELECT count(*) FROM tick) +"
                                          " (SELECT sum(ticks) FROM span)"),
                     150);
    world_fini(&w);
}

/* A reader meets the new file beside the old one's log, before the writer has looked: the new file
 * has done nothing to be set aside for. */
static void test_suspected_copy(void **state)
{
    (void)state;
    struct ground g;
    ground_start(&g, 5);
    step(&g, 0, STORED, one);
    world_close(&g.w, true);
    struct buf copy = BUF_INIT;
    world_read_database(&g.w, &copy);
    world_open(&g.w);
    step(&g, 10, STORED, one);
    remove_file(&g.w, "netsonde.db");
    world_write_database(&g.w, copy.data, copy.len);
    buf_fini(&copy);
    struct store_reader *reader;
    struct store_error err;
    assert_int_equal(store_reader_open(g.w.dir, &reader, &err), 0);
    store_suspect(g.w.store, reader);
    store_reader_close(reader);
    step(&g, 10, STORED, one);
    assert_int_equal(store_stats(g.w.store).set_aside, 0);
    assert_int_equal(world_count_notes(&g.w, "was removed or replaced"), 1);
    assert_true(sum_of(&g, "eth0") == 20);
    ground_end(&g);
}

/* A history that ended before ours began: under our series' numbers it has others. It is left as it
 * is until a restart learns its numbers. */
static void test_other_history(void **state)
{
    static const char *const both[] = {"eth0", "eth1", NULL}, *const other[] = {"eth1", NULL};
    (void)state;
    struct ground g;
    ground_start(&g, 6);
    step(&g, 0, STORED, both);
    step(&g, 10, STORED, both);
    world_close(&g.w, true);
    struct buf copy = BUF_INIT;
    world_read_database(&g.w, &copy);
    remove_file(&g.w, "netsonde.db");
    world_forget(&g.w);
    world_open(&g.w);
    step(&g, 0, STORED, other);
    step(&g, 10, STORED, other);
    remove_file(&g.w, "netsonde.db");
    world_write_database(&g.w, copy.data, copy.len);
    step(&g, 10, UNFIT, other);
    step(&g, 10, UNFIT, other);
    assert_int_equal(world_count_notes(&g.w, "it is another one; restart netsonde"), 1);
    ground_forget(&g);
    assert_true(sum_of(&g, "eth0") == 10);
    assert_true(sum_of(&g, "eth1") == 10);

    remove_file(&g.w, "netsonde.db");
    step(&g, 0, STORED, other);
    step(&g, 10, STORED, other);
    assert_true(sum_of(&g, "eth0") == -1);
    assert_true(sum_of(&g, "eth1") == 10);

    world_close(&g.w, true);
    world_write_database(&g.w, copy.data, copy.len);
    world_forget(&g.w);
    ground_forget(&g);
    world_open(&g.w);
    step(&g, 10, STORED, other);
    ground_forget(&g);
    assert_true(sum_of(&g, "eth0") == 10);
    assert_true(sum_of(&g, "eth1") == 60); /* the same source: all that it counted since the copy */
    buf_fini(&copy);
    ground_end(&g);
}

/* The disk takes nothing for a while. */
static void refuse(struct ground *g, uint64_t more, const char *const *devices)
{
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    step(g, more, REFUSED, devices);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A device that came while nothing could be stored, and one that was made anew meanwhile. */
static void test_new_device(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    struct ground g;
    ground_start(&g, 3);
    step(&g, 0, STORED, one);
    step(&g, 10, STORED, one);
    for (int i = 0; i < 5; i++)
        refuse(&g, 10, two);
    g.source++;
    for (int i = 0; i < 5; i++)
        refuse(&g, 10, two);
    step(&g, 10, STORED, two);
    step(&g, 10, STORED, two);
    assert_true(sum_of(&g, "eth0") == 120); /* but the first of the new source */
    assert_true(sum_of(&g, "veth1") == 100);
    ground_forget(&g);
    assert_true(sum_of(&g, "eth0") == 120);
    assert_true(sum_of(&g, "veth1") == 100);
    world_close(&g.w, true);
    world_open(&g.w); /* the absolute values are right, too */
    step(&g, 10, STORED, two);
    assert_true(sum_of(&g, "eth0") == 130);
    ground_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_put_back),
        cmocka_unit_test(test_put_back_beside_a_log),
        cmocka_unit_test(test_old_copy),
        cmocka_unit_test(test_suspected_copy),
        cmocka_unit_test(test_other_history),
        cmocka_unit_test(test_new_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
