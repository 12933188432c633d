/*
 * test_write.c: a disk that takes no more. Writing fails, says so once, counts what is lost, and
 * goes on by itself when there is room; nothing that was written before or after is harmed.
 *
 * The disk is full in two ways: a limit on file sizes, which needs no rights, and a small tmpfs in
 * a mount namespace of its own, which needs root.
 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void set_limit(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIN(bytes, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Writes until it fails; the ticks that did not get through are lost, the others recorded. */
static int write_until_full(struct world *w, int limit)
{
    for (int i = 0; i < limit; i++) {
        struct tick *t = world_tick(w);
        int error = store_write(w->store, t);
        if (error)
            world_record_refused(w, t);
        else
            world_record(w, t, true);
        tick_unref(t);
        if (error)
            return error;
        store_work(w->store);
    }
    return 0;
}

/* Exact totals of everything that was stored. */
static void check_totals(const struct world *w)
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(w->dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    struct query q = {.from_ms = 0, .to_ms = INT64_MAX, .points = 1, .aggregate = AGG_SUM};
    struct answer *answer;
    assert_int_equal(store_query(reader, &q, NULL, &answer, &err), 0);
    assert_true(answer->series_count > 0);
    for (size_t i = 0; i < answer->series_count; i++) {
        const struct answer_series *s = &answer->series[i];
        size_t series = world_index(s->key);
        uint64_t sum = 0;
        for (size_t k = 0; k < w->ticks_count; k++) {
            const struct world_sample *sample = &w->ticks[k].samples[series];
            if (w->ticks[k].stored && sample->state != SAMPLE_ABSENT)
                sum += sample->value.increment;
        }
        if (s->kind == METRIC_COUNTER)
            assert_true(s->values[0] == (double)sum * world_metric(series)->scale);
    }
    assert_int_equal(store_reader_damaged(reader), 0);
    answer_free(answer);
    store_reader_close(reader);
}

static size_t drain(struct world *w, bool recovered)
{
    size_t count = 0;
    struct store_note note;
    while (store_take_note(w->store, &note)) {
        assert_int_equal(note.recovered, recovered);
        count++;
    }
    return count;
}

static void test_size_limit(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    struct world w;
    world_init(&w, 1);
    w.settings.seal_ticks = 20;
    world_open(&w);
    for (int i = 0; i < 10; i++)
        world_write(&w);
    set_limit(150000);
    int error = write_until_full(&w, 3000);
    assert_int_equal(error, -EFBIG);
    size_t notes = drain(&w, false);
    assert_true(notes >= 1 && notes <= 2); /* writing; perhaps sealing before it */
    for (int i = 0; i < 20; i++)
        assert_int_equal(write_until_full(&w, 1), -EFBIG);
    assert_int_equal(drain(&w, false), 0); /* said once */
    struct store_stats stats = store_stats(w.store);
    assert_int_equal(stats.ticks_lost, 21);
    assert_true(stats.failing);
    assert_int_equal(stats.error, -EFBIG);
    assert_string_equal(stats.error_what, "writing a tick");

    set_limit(RLIM_INFINITY);
    for (int i = 0; i < 50; i++) {
        world_write(&w);
        world_work(&w);
    }
    assert_int_equal(drain(&w, true), 1);
    assert_false(store_stats(w.store).failing);
    assert_true(store_stats(w.store).spans_sealed > 0);
    check_totals(&w);
    world_close(&w, true);
    world_open(&w); /* and what is on disk is what a restart finds */
    world_write(&w);
    check_totals(&w);
    world_fini(&w);
}

/* ---- a real full disk ----------------------------------------------------------------------- */

static void fill_disk(const char *dir, int *ret_fd)
{
    char path[128];
    static const char block[4096];
    snprintf(path, sizeof(path), "%s/ballast", dir);
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(*ret_fd >= 0);
    while (write(*ret_fd, block, sizeof(block)) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
}

static void free_disk(int fd)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
}

static void run_full_disk(void)
{
    struct world w;
    world_init(&w, 2);
    assert_int_equal(mount("none", w.dir, "tmpfs", 0, "size=2m"), 0);
    w.settings.seal_ticks = 20;
    world_open(&w);
    for (int i = 0; i < 60; i++)
        world_write(&w);
    int ballast;
    fill_disk(w.dir, &ballast);
    assert_int_equal(write_until_full(&w, 3000), -ENOSPC);
    drain(&w, false);
    uint64_t seq = w.seq, event_seq = w.event_seq;
    uint32_t id = registry_next_id(w.registry);

    /* A restart while it is full: the daemon lives, its numbers are new, its history is read. */
    world_close(&w, false);
    world_open(&w);
    assert_true(w.seq >= seq && w.event_seq >= event_seq);
    assert_true(store_next(w.store).series_id >= id);
    for (int i = 0; i < 3; i++)
        write_until_full(&w, 1);
    free_disk(ballast);
    for (int i = 0; i < 50; i++) {
        world_write(&w);
        world_work(&w);
    }
    check_totals(&w);

    /* And a first start with no room at all. */
    world_close(&w, true);
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    assert_int_equal(unlink(path), 0);
    fill_disk(w.dir, &ballast);
    world_forget(&w);
    world_open(&w);
    assert_int_equal(write_until_full(&w, 1), -ENOSPC);
    drain(&w, false);
    free_disk(ballast);
    for (int i = 0; i < 50; i++) {
        world_write(&w);
        world_work(&w);
    }
    assert_int_equal(drain(&w, true), 1);
    check_totals(&w);
    world_close(&w, true);
    assert_int_equal(umount2(w.dir, MNT_DETACH), 0);
    world_fini(&w);
}

static void test_full_disk(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root to mount a small file system\n");
        skip();
    }
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("no mount namespace here: %s\n", strerror(errno));
        skip();
    }
    run_full_disk();
}

/* ---- what a tick carries -------------------------------------------------------------------- */

/* Another engine takes over: the row says so after the next sealing, the id stays. */
static void test_method(void **state)
{
    (void)state;
    static const struct metric metric = {"m_total", "", "M.", METRIC_COUNTER, 1};
    struct world w;
    world_init(&w, 3);
    w.settings.seal_ticks = 4;
    world_open(&w);
    for (uint64_t i = 0; i < 10; i++) {
        draft_begin(w.draft, w.seq++, w.t_ms += 1000, 1000000000, 0, 1000);
        draft_counter(w.draft,
                      registry_get(w.registry, &metric, NULL, 0, i < 5 ? "procfs" : "netlink"), i,
                      1);
        struct tick *t = draft_seal(w.draft, 0, &w.event_seq);
        assert_int_equal(store_write(w.store, t), 0);
        tick_unref(t);
        world_work(&w);
    }
    world_close(&w, true);
    char *command CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    struct stat st;
    assert_int_equal(stat(command, &st), 0);
    int fd = open(command, O_RDONLY);
    char *data CLEANUP(mem_freep) = mem_array((size_t)st.st_size, 1);
    assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
    close(fd);
    assert_non_null(memmem(data, (size_t)st.st_size, "netlink", 7));
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
