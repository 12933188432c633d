/*
 * A tick allocates nothing once every series has been seen, but for the table it hands on. The
 * allocator's calls are counted by the linker's --wrap.
 */
#include "stand.h"

#include "collect/select.h"

static size_t calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    calls++;
    return __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    calls++;
    return __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    calls++;
    return __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    calls++;
    return __real_strndup(text, size);
}

/* The table that a tick with these interfaces has to make, by itself. */
static size_t table_calls(const struct table *like)
{
    size_t before = calls;
    struct table *t = table_new(TABLE_INTERFACES, like->rows_count);
    for (size_t i = 0; i < like->rows_count; i++) {
        struct cell *row = table_row(t, i + 1);
        cell_text(t, &row[IF_DEVICE], table_cell(like, i, IF_DEVICE)->text);
        cell_text(t, &row[IF_KIND], table_cell(like, i, IF_KIND)->text);
        cell_text(t, &row[IF_STATE], table_cell(like, i, IF_STATE)->text);
        cell_list(t, &row[IF_ADDRESSES], table_cell(like, i, IF_ADDRESSES)->text);
    }
    table_unref(t);
    return calls - before;
}

/* Allocator calls of one tick in steady state, sealing not counted. */
static size_t tick_calls(struct stand *s, struct collector *c)
{
    const struct engine_sink *sink = stand_begin(s);
    size_t before = calls;
    collector_collect(c, sink);
    size_t made = calls - before;
    stand_end(s);
    return made;
}

static void no_allocation_with(const char *engine)
{
    struct stand s = stand_new(5000);
    struct engine_settings settings = {.proc_root = "/proc", .sys_root = "/sys"};
    struct collector *c;
    const char *bad;
    assert_int_equal(collector_new(&c, &settings, &engine, 1, &bad), 0);
    assert_int_equal(collector_open(c), 0);
    assert_true(tick_calls(&s, c) > 20); /* the series are made: the counting works */
    tick_calls(&s, c);
    for (int i = 0; i < 20; i++) {
        size_t series = registry_live(s.registry);
        size_t made = tick_calls(&s, c);
        /* A host may bring something new at any time: then this tick does not count. */
        if (registry_live(s.registry) != series || s.tick->events_count)
            continue;
        assert_int_equal(made, table_calls(s.tick->tables[TABLE_INTERFACES]));
    }
    collector_free(c);
    stand_free(&s);
}

static void test_netlink(void **state)
{
    (void)state;
    no_allocation_with("netlink");
}

static void test_procfs(void **state)
{
    (void)state;
    no_allocation_with("procfs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netlink),
        cmocka_unit_test(test_procfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
