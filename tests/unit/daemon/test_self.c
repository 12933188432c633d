/*
 * test_self.c: netsonde's own metrics: their form, and docs/METRICS.md, which has all of them. Run
 * with --write to bring that up to date.
 */
#include "../document.h"

#include "daemon/alerting_numbers.h"
#include "daemon/core.h"
#include "daemon/self.h"
#include "daemon/timings.h"
#include "http/assets.h"

#define NAME "own metrics"

/* No dashboard is needed here. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

static const struct metric *own_metric_at(size_t index, const char **ret_labels)
{
    size_t core = 0, self = 0;
    while (core_metric_at(core))
        core++;
    while (self_metric_at(self))
        self++;
    *ret_labels = "";
    if (index >= core + self) {
        size_t timings = 0;
        while (timings_metric_at(timings, ret_labels))
            timings++;
        if (index < core + self + timings)
            return timings_metric_at(index - core - self, ret_labels);
        return alerting_metric_at(index - core - self - timings, ret_labels);
    }
    const struct metric *m = index < core ? core_metric_at(index) : self_metric_at(index - core);
    if (strcmp(m->name, "netsonde_build_info") == 0)
        *ret_labels = "version";
    return m;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static void wanted_table(struct buf *out)
{
    const struct metric *m;
    const char *labels;
    document_head(out);
    for (size_t i = 0; (m = own_metric_at(i, &labels)); i++)
        document_row(out, m, labels);
}

static void test_form(void **state)
{
    (void)state;
    const struct metric *m, *other;
    const char *labels;
    size_t count = 0;
    for (; (m = own_metric_at(count, &labels)); count++) {
        assert_int_equal(strncmp(m->name, "netsonde_", 9), 0);
        size_t len = strlen(m->help);
        if (!len || m->help[len - 1] != '.' || strpbrk(m->help, "\n|"))
            fail_msg("%s: \"%s\" is no sentence", m->name, m->help);
        bool total = ends_with(m->name, "_total") || ends_with(m->name, "_seconds_bucket") ||
                     ends_with(m->name, "_seconds_sum") || ends_with(m->name, "_seconds_count");
        if (total != (m->kind == METRIC_COUNTER))
            fail_msg("%s: counters end with _total or are of a histogram, gauges not", m->name);
        assert_true(m->scale > 0);
        for (size_t i = 0; i < count; i++) {
            other = own_metric_at(i, &labels);
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
