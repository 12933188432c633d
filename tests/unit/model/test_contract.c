/*
 * test_contract.c: what the model does to a caller with a bug: it stops the program before a wrong
 * number is shown. Each case runs in a child, which must end by SIGABRT and say why.
 */
#include "stand.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void seq_that_does_not_grow(struct stand *s)
{
    stand_begin(s);
    stand_seal(s);
    draft_begin(s->draft, s->seq, 0, 0, 0, 1000);
}

static void first_seq_of_zero(struct stand *s)
{
    draft_begin(s->draft, 0, 0, 0, 0, 1000);
}

static void room_in_the_middle_of_a_tick(struct stand *s)
{
    stand_begin(s);
    registry_make_room(s->registry, 0);
}

static void sweep_in_the_middle_of_a_tick(struct stand *s)
{
    stand_begin(s);
    registry_sweep(s->registry, 0);
}

static void gauge_counted(struct stand *s)
{
    stand_begin(s);
    draft_counter(s->draft, stand_series(s, &stand_gauge, "eth0"), 1, 1);
}

static void counter_measured(struct stand *s)
{
    stand_begin(s);
    draft_gauge(s->draft, stand_series(s, &stand_counter, "eth0"), 1);
}

static void series_dropped_twice(struct stand *s)
{
    struct series *series = stand_series(s, &stand_counter, "eth0");
    atomic_store(&series->refs, 0);
    series_unref(series);
}

static void series_revived(struct stand *s)
{
    struct series *series = stand_series(s, &stand_counter, "eth0");
    atomic_store(&series->refs, 0);
    series_ref(series);
}

static void thirteenth_field(struct stand *s)
{
    (void)s;
    struct event *e = event_new(EVENT_LINK, 0);
    for (unsigned i = 0; i <= EVENT_FIELDS_MAX; i++)
        event_number(e, "x", 1);
}

static void row_that_is_not_there(struct stand *s)
{
    (void)s;
    struct table *t = table_new(TABLE_INTERFACES, 10);
    table_row(t, 1);
    table_cell(t, 1, 0);
}

static void column_that_is_not_there(struct stand *s)
{
    (void)s;
    struct table *t = table_new(TABLE_INTERFACES, 10);
    table_row(t, 1);
    table_row(t, 2);
    table_cell(t, 0, IF_COLUMNS);
}

static void tick_that_is_not_there(struct stand *s)
{
    struct tick_ring *ring = tick_ring_new(4, 1000000);
    stand_begin(s);
    tick_ring_push(ring, (struct tick *)stand_seal(s));
    tick_ring_at(ring, 1);
}

static const struct {
    const char *words; /* of the line on standard error */
    void (*run)(struct stand *s);
} cases[] = {
    {"seq > d->seq", seq_that_does_not_grow},    {"seq > d->seq", first_seq_of_zero},
    {"!r->held", sweep_in_the_middle_of_a_tick}, {"!r->held", room_in_the_middle_of_a_tick},
    {"METRIC_COUNTER", gauge_counted},           {"METRIC_GAUGE", counter_measured},
    {"before > 0", series_dropped_twice},        {"before > 0", series_revived},
    {"EVENT_FIELDS_MAX", thirteenth_field},      {"row < t->rows_count", row_that_is_not_there},
    {"columns_count", column_that_is_not_there}, {"index < ring->count", tick_that_is_not_there},
};

static void test_bugs_stop_the_program(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int said[2];
        assert_int_equal(pipe(said), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            const struct rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            dup2(said[1], STDERR_FILENO);
            struct stand s = stand_new(10);
            cases[i].run(&s);
            _exit(0);
        }
        close(said[1]);
        char text[4096] = "";
        size_t len = 0;
        for (ssize_t got; (got = read(said[0], text + len, sizeof(text) - 1 - len)) > 0;)
            len += (size_t)got;
        close(said[0]);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(text, cases[i].words))
            fail_msg("case %zu (%s): status %d, said: %s", i, cases[i].words, status, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bugs_stop_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
