/*
 * Names, and their documentation. Run with --write to bring docs/METRICS.md up to date.
 */
#include "stand.h"

#include "../document.h"

#include <ctype.h>

#include "collect/catalogue.h"

static bool is_metric_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]))
        return false;
    for (const char *p = name; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    }
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The form of a descriptor: a name, a unit, one sentence. */
static void check_metric(const struct metric *m)
{
    if (!is_metric_name(m->name))
        fail_msg("%s is no metric name", m->name);
    size_t len = strlen(m->help);
    if (!len || m->help[len - 1] != '.' || strchr(m->help, '\n') || strchr(m->help, '|'))
        fail_msg("%s: \"%s\" is no sentence", m->name, m->help);
    assert_true(m->scale > 0);
    assert_non_null(m->unit);
    if (ends_with(m->name, "_total"))
        assert_int_equal(m->kind, METRIC_COUNTER);
    if (ends_with(m->name, "_bytes") || ends_with(m->name, "_bytes_total"))
        assert_string_equal(m->unit, "bytes");
}

static void test_fixed(void **state)
{
    (void)state;
    struct catalogue_entry entry, other;
    size_t count = 0;
    for (; catalogue_at(count, &entry); count++) {
        check_metric(entry.metric);
        for (size_t i = 0; i < count; i++) {
            assert_true(catalogue_at(i, &other));
            if (strcmp(other.metric->name, entry.metric->name) == 0)
                fail_msg("%s is there twice", entry.metric->name);
        }
    }
    assert_true(count > 40);
    assert_false(catalogue_at(count, &entry));
    assert_false(catalogue_at(SIZE_MAX, &entry));
}

static void test_known_fields(void **state)
{
    (void)state;
    struct field_metric field, other;
    size_t count = 0;
    for (; field_known_at(count, &field); count++) {
        check_metric(&field.metric);
        for (size_t i = 0; i < count; i++) {
            assert_true(field_known_at(i, &other));
            if (strcmp(other.name, field.name) == 0)
                fail_msg("%s is there twice", field.name);
        }
    }
    assert_true(count > 100);
}

static bool describe(enum field_family family, const char *group, const char *field,
                     struct field_metric *ret)
{
    return field_describe(family, group, strlen(group), field, strlen(field), ret);
}

static void test_field_names(void **state)
{
    (void)state;
    struct field_metric f;
    assert_true(describe(FIELD_NETSTAT, "TcpExt", "ListenDrops", &f));
    assert_string_equal(f.metric.name, "node_netstat_TcpExt_ListenDrops");
    assert_int_equal(f.metric.kind, METRIC_COUNTER);
    assert_string_equal(f.metric.unit, "connections");
    assert_true(describe(FIELD_NETSTAT, "Tcp", "CurrEstab", &f));
    assert_int_equal(f.metric.kind, METRIC_GAUGE);
    assert_true(describe(FIELD_NETSTAT, "TcpExt", "Unheard", &f));
    assert_int_equal(f.metric.kind, METRIC_COUNTER);
    assert_string_equal(f.metric.help, "TcpExt_Unheard of the kernel's netstat and snmp files.");
    assert_true(describe(FIELD_SOCKSTAT, "NEW", "thing", &f));
    assert_string_equal(f.metric.name, "node_sockstat_NEW_thing");
    assert_int_equal(f.metric.kind, METRIC_GAUGE);

    static const char *const bad[] = {"", "a b", "a-b", "a\"b", "a{b", "\xc3\xa9", "a\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(describe(FIELD_NETSTAT, bad[i], "ok", &f));
        assert_false(describe(FIELD_NETSTAT, "Ok", bad[i], &f));
    }
    char exact[FIELD_NAME_MAX];
    memset(exact, 'x', sizeof(exact));
    size_t room = FIELD_NAME_MAX - strlen("node_netstat_") - strlen("G_") - 1;
    assert_true(field_describe(FIELD_NETSTAT, "G", 1, exact, room, &f));
    assert_int_equal(strlen(f.metric.name), FIELD_NAME_MAX - 1);
    assert_false(field_describe(FIELD_NETSTAT, "G", 1, exact, room + 1, &f));
}

/* ---- docs/METRICS.md ----------------------------------------------------------------------- */

static void wanted_table(struct buf *out)
{
    struct catalogue_entry entry;
    struct field_metric field;
    document_head(out);
    for (size_t i = 0; catalogue_at(i, &entry); i++)
        document_row(out, entry.metric, entry.labels);
    for (size_t i = 0; field_known_at(i, &field); i++)
        document_row(out, &field.metric, "");
}

static void test_document(void **state)
{
    (void)state;
    struct buf wanted = BUF_INIT;
    wanted_table(&wanted);
    document_compare(DOCUMENT, "catalogue", &wanted);
    buf_fini(&wanted);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        struct buf wanted = BUF_INIT;
        wanted_table(&wanted);
        int code = document_write(DOCUMENT, "catalogue", &wanted);
        buf_fini(&wanted);
        return code;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_known_fields),
        cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
