/*
 * test_io_errors.c: each call to the disk fails once, or for a while, over the whole life of a
 * database: while it is made, written, sealed, folded, while old samples go and space is given
 * back, the log is moved into it, it is closed and opened again. Nothing crashes, no number is
 * wrong; what was acknowledged is there, what was lost is counted and told; and when the disk works
 * again, so does the store.
 *
 * STORE_FAULTS in the environment says how many places each kind of fault is tried at (5; 0: all).
 */
#include "chronicle.h"
#include "power_vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TICKS 260 /* of 20 s: the samples of the first hour are folded */

static const struct kind {
    const char *name;
    struct power_fault fault;
} kinds[] = {
    {"a read", {.calls = POWER_READ, .error = EIO}},
    {"a write", {.calls = POWER_WRITE, .error = EIO}},
    {"a write without space", {.calls = POWER_WRITE, .error = ENOSPC}},
    {"a part of a write", {.calls = POWER_WRITE, .error = ENOSPC, .partial = true}},
    {"a sync", {.calls = POWER_SYNC, .error = EIO}},
    {"a truncation", {.calls = POWER_TRUNCATE, .error = EIO}},
    {"a removal", {.calls = POWER_DELETE, .error = EIO}},
    {"an opening", {.calls = POWER_OPEN, .error = EIO}},
    {"a disk turned read-only", {.calls = POWER_CHANGES, .error = EROFS}},
    {"mapping the index", {.calls = POWER_SHM, .error = EIO}},
};

struct told {
    bool failure, end, work;
};

static void listen(struct chronicle *c, struct told *told)
{
    struct store_note note;
    while (store_take_note(c->store, &note)) {
        told->failure |= strstr(note.text, "ticks are lost") || strstr(note.text, "no space left");
        told->end |= strstr(note.text, "is written again") != NULL;
        told->work |= strstr(note.text, "cannot be sealed or expired") != NULL;
        if (strstr(note.text, "aside"))
            fail_msg("note: %s", note.text);
    }
}

/* What failed is tried again, as by a service manager. */
static void open_again(struct chronicle *c)
{
    struct store_error err;
    for (int i = 0; chronicle_open(c, &err) < 0; i++) {
        assert_true(power_failed() > 0);
        assert_true(*err.text != '\0');
        if (i == 100)
            fail_msg("%s", err.text);
    }
}

/* Ticks until none is lost any more. */
static void live(struct chronicle *c)
{
    struct told told = {0};
    open_again(c);
    uint64_t lost = 0;
    bool last = true;
    for (int i = 0; i < TICKS || !last; i++) {
        uint64_t failed = power_failed();
        last = chronicle_write(c);
        lost += !last;
        /* Whatever failed before: a tick during which nothing fails is written. */
        if (!last && power_failed() == failed)
            fail_msg("tick %d is lost although nothing fails: %d", i, store_stats(c->store).error);
        listen(c, &told);
        chronicle_work(c, 8);
        listen(c, &told);
        if (i > TICKS + 2000)
            fail_msg("it does not end");
    }
    struct store_stats stats = store_stats(c->store);
    assert_int_equal(stats.ticks_lost, lost);
    assert_int_equal(stats.set_aside, 0);
    assert_false(stats.failing);
    if (lost && !(told.failure && told.end))
        fail_msg("%llu ticks are lost, which is not told", (unsigned long long)lost);
    if (lost || told.work)
        assert_true(stats.error != 0 && stats.error_what != NULL);
    chronicle_close(c, true);
}

static bool was_acknowledged(const struct entry *e)
{
    return e->acknowledged;
}

/* A life with that fault; returns how many calls there were that it is about. */
static uint64_t live_with(const struct power_fault *fault, bool small, unsigned *ret_hits)
{
    struct chronicle c;
    struct store_error err;
    chronicle_init(&c, 7);
    c.settings.durable = !small;
    if (small) { /* samples go and space is given back all the time */
        c.settings.raw_ms = 60 * 60 * 1000;
        c.settings.max_size_bytes = 160 << 10;
    }
    power_begin(c.dir, false);
    power_fail(fault);
    live(&c);
    live(&c); /* once more, with what the first one left */
    uint64_t calls = power_calls(fault->calls);
    *ret_hits += power_failed() > 0;
    power_fail(NULL);
    assert_int_equal(chronicle_open(&c, &err), 0);
    assert_int_equal(chronicle_count_notes(&c, ""), 0);
    if (small)
        chronicle_check_some(&c, 30);
    else
        chronicle_check(&c, was_acknowledged);
    assert_true(chronicle_write(&c));
    chronicle_close(&c, true);
    assert_int_equal(chronicle_count_aside(&c), 0);
    assert_true(c.sealed > 0 && c.folded > 0 && (c.expired > 0) == small);
    power_end();
    chronicle_fini(&c);
    return calls;
}

static void run(bool small)
{
    const char *text = getenv("STORE_FAULTS");
    uint64_t places = text ? strtoull(text, NULL, 10) : 5;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct power_fault fault = kinds[k].fault;
        unsigned lives = 0, hits = 0;
        uint64_t calls = live_with(&fault, small, &hits);
        uint64_t step = places ? MAX(calls / places, (uint64_t)1) : 1;
        static const uint64_t counts[] = {1, 5, 60};
        for (size_t n = 0; n < ARRAY_LEN(counts); n++) {
            fault.count = counts[n];
            for (uint64_t at = 1 + n * step / 3; at <= calls; at += step) {
                fault.nth = at;
                live_with(&fault, small, &hits);
                lives++;
            }
        }
        print_message("%s: %llu calls, %u lives, in %u it failed\n", kinds[k].name,
                      (unsigned long long)calls, lives, hits);
        assert_true(calls > 0 && hits > 0);
    }
}

static void test_whole_life(void **state)
{
    (void)state;
    run(false);
}

static void test_little_room(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_life),
        cmocka_unit_test(test_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
