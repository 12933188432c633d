/* test_event.c: kinds by name, fields as they come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "model/event.h"

static void test_kinds(void **state)
{
    static const struct {
        enum event_kind kind;
        const char *name;
    } kinds[] = {{EVENT_LINK, "link"},
                 {EVENT_ADDRESS, "address"},
                 {EVENT_ROUTE, "route"},
                 {EVENT_CONNECTION_OPENED, "connection_opened"},
                 {EVENT_CONNECTION_CLOSED, "connection_closed"},
                 {EVENT_DNS, "dns"},
                 {EVENT_LOSS, "loss"},
                 {EVENT_ERROR, "error"}};
    static const char *const no_kinds[] = {"", "Link", "links", "lin", " link", "connection_open"};
    (void)state;
    assert_int_equal(ARRAY_LEN(kinds), EVENT_KINDS);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        enum event_kind got = EVENT_KINDS;
        assert_string_equal(event_kind_name(kinds[i].kind), kinds[i].name);
        assert_int_equal(event_kind_parse(kinds[i].name, &got), 0);
        assert_int_equal(got, kinds[i].kind);
    }
    for (size_t i = 0; i < ARRAY_LEN(no_kinds); i++) {
        enum event_kind got = EVENT_KINDS;
        assert_int_equal(event_kind_parse(no_kinds[i], &got), -EINVAL);
        assert_int_equal(got, EVENT_KINDS);
    }
}

static void test_fields(void **state)
{
    static const char *const names[EVENT_FIELDS_MAX] = {"a", "b", "c", "d", "e", "f", "g",
                                                        "h", "i", "j", "k", "l", "m", "n",
                                                        "o", "p", "q", "r", "s", "t"};
    (void)state;
    struct event *e = event_new(EVENT_ADDRESS, 1764000000123);
    assert_int_equal(e->kind, EVENT_ADDRESS);
    assert_int_equal(e->t_ms, 1764000000123);
    assert_int_equal(e->seq, 0);
    assert_null(event_get_text(e, "a"));
    for (size_t i = 0; i < EVENT_FIELDS_MAX; i++) {
        char text[] = "value ?";
        text[6] = *names[i];
        if (i % 3)
            event_text(e, names[i], text);
        else
            event_number(e, names[i], (double)i);
    }
    assert_int_equal(e->fields_count, EVENT_FIELDS_MAX);
    for (size_t i = 0; i < EVENT_FIELDS_MAX; i++) {
        assert_string_equal(e->fields[i].name, names[i]);
        if (i % 3 == 0) {
            assert_null(event_get_text(e, names[i])); /* a number has no text */
            assert_true(e->fields[i].number == (double)i);
            continue;
        }
        char text[] = "value ?";
        text[6] = *names[i];
        assert_string_equal(event_get_text(e, names[i]), text);
    }
    assert_null(event_get_text(e, "u"));
    event_unref(e);
    event_unref(NULL);
}

static void test_texts_are_cut_and_cleaned(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text));
    text[999] = '\0';
    struct event *e = event_new(EVENT_ERROR, 0);
    event_text(e, "long", text);
    memcpy(text + 255, "\xc3\xbc", 2); /* ü across the end */
    event_text(e, "cut", text);
    event_text(e, "bad", "eth\xff\n");
    event_text(e, "empty", "");
    assert_int_equal(strlen(event_get_text(e, "long")), 256);
    assert_int_equal(strlen(event_get_text(e, "cut")), 255);
    assert_string_equal(event_get_text(e, "bad"), "eth\xef\xbf\xbd\n");
    assert_string_equal(event_get_text(e, "empty"), "");
    struct event *again = event_ref(e);
    event_unref(e);
    assert_string_equal(event_get_text(again, "empty"), "");
    event_unref(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_texts_are_cut_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
