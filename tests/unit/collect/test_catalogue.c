/*
 * Names, and their documentation. Run with --write to bring docs/METRICS.md up to date.
 */
#include "stand.h"

#include <ctype.h>

#include "collect/catalogue.h"

static const char *document; /* path of docs/METRICS.md */

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

static void document_row(struct buf *out, const struct metric *m, const char *labels)
{
    buf_printf(out, "| `%s%s%s%s` | %s | %s | %s |\n", m->name, labels[0] ? "{" : "", labels,
               labels[0] ? "}" : "", metric_kind_name(m->kind), m->unit, m->help);
}

static void document_table(struct buf *out)
{
    struct catalogue_entry entry;
    struct field_metric field;
    buf_text(out, "| name | kind | unit | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; catalogue_at(i, &entry); i++)
        document_row(out, entry.metric, entry.labels);
    for (size_t i = 0; field_known_at(i, &field); i++)
        document_row(out, &field.metric, "");
}

/* The document and the places behind the first and before the second marker. */
static char *document_read(size_t *ret_begin, size_t *ret_end)
{
    int fd = open(document, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char *text = mem_alloc(1 << 20);
    ssize_t len = read(fd, text, (1 << 20) - 1);
    close(fd);
    assert_true(len > 0);
    const char *begin = strstr(text, "<!-- catalogue: begin");
    const char *end = strstr(text, "<!-- catalogue: end -->");
    assert_non_null(begin);
    assert_non_null(end);
    *ret_begin = (size_t)(strchr(begin, '\n') + 1 - text);
    *ret_end = (size_t)(end - text);
    return text;
}

static void test_document(void **state)
{
    (void)state;
    size_t begin, end;
    char *text = document_read(&begin, &end);
    struct buf wanted = BUF_INIT;
    document_table(&wanted);
    if (wanted.len != end - begin || memcmp(wanted.data, text + begin, wanted.len) != 0)
        fail_msg("docs/METRICS.md is out of date: run this program with --write");
    buf_fini(&wanted);
    free(text);
}

static int document_write(void)
{
    size_t begin, end;
    char *text = document_read(&begin, &end);
    struct buf out = BUF_INIT;
    buf_append(&out, text, begin);
    document_table(&out);
    buf_text(&out, text + end);
    FILE *file = fopen(document, "we");
    int failed = !file || fwrite(out.data, 1, out.len, file) != out.len;
    if (file)
        failed |= fclose(file) != 0;
    buf_fini(&out);
    free(text);
    return failed;
}

int main(int argc, char **argv)
{
    document = DOCUMENT;
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return document_write();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_known_fields),
        cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
