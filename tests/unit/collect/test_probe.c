/* What engines say falls short: put together, cut, bounded. */
#include "stand.h"

#include <linux/capability.h>

#define A CAPABILITY_BIT(CAPABILITY_INTERFACES)
#define B CAPABILITY_BIT(CAPABILITY_PROTOCOLS)

static void test_said_once(void **state)
{
    (void)state;
    struct engine_probe p = {0};
    probe_missing(&p, A, "do it", "No %s.", "file");
    probe_missing(&p, B, "do it", "No %s.", "file");
    assert_int_equal(p.count, 1);
    assert_int_equal(p.shortfalls[0].capabilities, A | B);
    probe_off(&p, B, "do it", "No %s.", "file"); /* off is not missing */
    probe_missing(&p, B, "do that", "No %s.", "file");
    assert_int_equal(p.count, 3);
    assert_ptr_equal(probe_shortfall(&p, B), &p.shortfalls[0]);
    assert_null(probe_shortfall(&p, CAPABILITY_BIT(CAPABILITY_DNS)));
}

/* Whose sockets are whose: with all rights nothing is said; without, what is lacking. */
static void test_owners(void **state)
{
    (void)state;
    const uint64_t look = UINT64_C(1) << CAP_SYS_PTRACE, read = UINT64_C(1) << CAP_DAC_READ_SEARCH;
    struct engine_settings settings = {.finder = (struct finder *)&settings, /* never looked into */
                                       .permitted = look | read};
    struct engine_probe p = {0};
    probe_owners(&p, &settings, A);
    assert_int_equal(p.count, 0);
    settings.permitted = look;
    probe_owners(&p, &settings, A);
    assert_int_equal(probe_shortfall(&p, A)->privileges, read);
    settings.finder = NULL;
    p.count = 0;
    probe_owners(&p, &settings, A);
    assert_int_equal(probe_shortfall(&p, A)->privileges, 0);
    assert_string_equal(probe_shortfall(&p, A)->remedy, ""); /* nothing but a restart */
}

static void test_bounds(void **state)
{
    (void)state;
    struct engine_probe p = {0};
    char much[1000];
    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    for (int i = 0; i < 2 * PROBE_SHORTFALLS_MAX; i++)
        probe_missing(&p, A, much, "%d%s", i, much);
    assert_int_equal(p.count, PROBE_SHORTFALLS_MAX);
    assert_int_equal(strlen(p.shortfalls[0].reason), sizeof(p.shortfalls[0].reason) - 1);
    assert_int_equal(strlen(p.shortfalls[0].remedy), sizeof(p.shortfalls[0].remedy) - 1);

    struct engine_settings settings = {.bounding = UINT64_MAX, .program = much};
    char remedy[64];
    probe_privileges_remedy(&settings, UINT64_MAX, remedy, sizeof(remedy));
    assert_int_equal(strlen(remedy), sizeof(remedy) - 1);
    settings.program = NULL;
    probe_privileges_remedy(&settings, UINT64_C(1) << CAP_BPF, remedy, sizeof(remedy));
    assert_string_equal(remedy, "sudo setcap cap_bpf=ep \"$(command -v netsonde)\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_said_once),
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
