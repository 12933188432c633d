/*
 * test_self.c: netsonde's own metrics: their form, and docs/METRICS.md, which has all of them. Run
 * with --write to bring that up to date.
 */
#include "../document.h"

#include "daemon/core.h"
#include "daemon/self.h"
#include "http/assets.h"

#define NAME "own metrics"

/* No dashboard is needed here. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

static const struct metric *own_metric_at(size_t index)
{
    size_t count = 0;
    while (core_metric_at(count))
        count++;
    return index < count ? core_metric_at(index) : self_metric_at(index - count);
}

static void wanted_table(struct buf *out)
{
    const struct metric *m;
    document_head(out);
    for (size_t i = 0; (m = own_metric_at(i)); i++)
        document_row(out, m, strcmp(m->name, "netsonde_build_info") == 0 ? "version" : "");
}

static void test_form(void **state)
{
    (void)state;
    const struct metric *m, *other;
    size_t count = 0;
    for (; (m = own_metric_at(count)); count++) {
        assert_int_equal(strncmp(m->name, "netsonde_", 9), 0);
        size_t len = strlen(m->help), name_len = strlen(m->name);
        if (!len || m->help[len - 1] != '.' || strpbrk(m->help, "\n|"))
            fail_msg("%s: \"%s\" is no sentence", m->name, m->help);
        bool total = name_len > 6 && strcmp(m->name + name_len - 6, "_total") == 0;
        if (total != (m->kind == METRIC_COUNTER))
            fail_msg("%s: counters end with _total, gauges do not", m->name);
        assert_true(m->scale > 0);
        for (size_t i = 0; i < count; i++) {
            other = own_metric_at(i);
            assert_string_not_equal(m->name, other->name);
        }
    }
    assert_true(count > 20);
}

static void test_document(void **state)
{
    (void)state;
    struct buf wanted = BUF_INIT;
    wanted_table(&wanted);
    document_compare(DOCS "/METRICS.md", NAME, &wanted);
    buf_fini(&wanted);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        struct buf wanted = BUF_INIT;
        wanted_table(&wanted);
        int code = document_write(DOCS "/METRICS.md", NAME, &wanted);
        buf_fini(&wanted);
        return code;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
