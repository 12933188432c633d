/* test_events.c: events go out as JSON and come back in pages, from disk and memory as one. */
#include "world.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/events.h"

static void test_json(void **state)
{
    (void)state;
    struct event *e = event_new(EVENT_LINK, 5);
    char *text = event_fields_json(e, true);
    assert_string_equal(text, "{}");
    free(text);
    event_text(e, "device", "a\"b\\\n\x01ü");
    event_number(e, "whole", 42);
    event_number(e, "half", 0.5);
    event_number(e, "none", NAN);
    event_number(e, "big", -9007199254740992.0);
    text = event_fields_json(e, true);
    assert_string_equal(text, "{\"device\":\"a\\\"b\\\\\\n\\u0001ü\",\"whole\":42,\"half\":0.5,"
                              "\"none\":null,\"big\":-9007199254740992}");
    free(text);
    event_unref(e);
}

#define EVENTS 50
#define IN_MEMORY 12 /* the last ticks; half of them are on disk as well */

struct fixture {
    struct world w;
    struct tick *ticks[IN_MEMORY];
    size_t count;
    struct store_reader *reader;
    int64_t start_ms;
};

/* Event i happened at start + i s, has number i + 1, field n = i and kind i % 3. */
static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    world_init(&f->w, 1);
    world_open(&f->w);
    f->start_ms = f->w.t_ms;
    for (int i = 0; i < EVENTS; i++) {
        struct event *e = event_new((enum event_kind)(i % 3), f->start_ms + i * 1000);
        event_number(e, "n", i);
        draft_event(f->w.draft, e);
        struct tick *t = world_tick(&f->w);
        bool stored = i < EVENTS - IN_MEMORY / 2 && i != EVENTS - IN_MEMORY + 1;
        if (stored)
            assert_int_equal(store_write(f->w.store, t), 0);
        if (i >= EVENTS - IN_MEMORY)
            f->ticks[f->count++] = t;
        else
            tick_unref(t);
    }
    assert_int_equal(store_reader_open(f->w.dir, &f->reader, NULL), 0);
}

static void teardown(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++)
        tick_unref(f->ticks[i]);
    store_reader_close(f->reader);
    world_fini(&f->w);
}

/* Against a plain loop over what was made. */
static void check(struct fixture *f, unsigned kinds, int from, int to, size_t limit, size_t offset)
{
    const struct event_query q = {kinds, f->start_ms + from * 1000, f->start_ms + to * 1000, limit,
                                  offset};
    const struct recent recent = {f->ticks, f->count};
    struct event_page *page;
    struct store_error err;
    if (store_events(f->reader, &q, &recent, &page, &err) < 0)
        fail_msg("%s", err.text);
    size_t total = 0, at = 0;
    for (int i = EVENTS - 1; i >= 0; i--) {
        if (i < from || i > to || (kinds && !(kinds & 1U << i % 3)))
            continue;
        if (total++ < offset || at >= limit)
            continue;
        assert_true(at < page->count);
        const struct event_record *r = &page->records[at++];
        char expected[32];
        snprintf(expected, sizeof(expected), "{\"n\":%d}", i);
        assert_int_equal(r->seq, i + 1);
        assert_int_equal(r->t_ms, f->start_ms + i * 1000);
        assert_int_equal(r->kind, i % 3);
        assert_string_equal(r->fields, expected);
    }
    assert_int_equal(page->count, at);
    assert_int_equal(page->total, total);
    event_page_free(page);
}

static void test_pages(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    check(&f, 0, 0, EVENTS, 1000, 0);
    check(&f, 0, 0, EVENTS, 0, 0);
    check(&f, 0, 0, EVENTS, 10, 1000);
    check(&f, 1U << EVENT_ROUTE | 1U << EVENT_LINK, 0, EVENTS, 7, 0);
    check(&f, 1U << EVENT_LOSS, 0, EVENTS, 7, 0);
    check(&f, 1U << 30, 0, EVENTS, 7, 0);
    for (unsigned round = 0; round < 300; round++) {
        int from = (int)world_random(&f.w, EVENTS), to = from + (int)world_random(&f.w, EVENTS);
        check(&f, (unsigned)world_random(&f.w, 8), from, to, world_random(&f.w, 20),
              world_random(&f.w, 20));
    }
    const struct event_query q = {.to_ms = INT64_MAX, .limit = EVENT_PAGE_MAX + 1};
    struct event_page *page;
    struct store_error err;
    assert_int_equal(store_events(f.reader, &q, NULL, &page, &err), -EINVAL);
    teardown(&f);
}

/* Without a database, memory answers alone. */
static void test_memory(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    const struct event_query q = {.to_ms = INT64_MAX, .limit = 100};
    const struct recent recent = {f.ticks, f.count};
    struct event_page *page;
    assert_int_equal(store_events(NULL, &q, &recent, &page, NULL), 0);
    assert_int_equal(page->count, IN_MEMORY);
    assert_int_equal(page->records[0].seq, EVENTS);
    event_page_free(page);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
