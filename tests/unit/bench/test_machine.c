/* test_machine.c: what a machine is told to be, from made-up roots: none is guessed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bench/machine.h"

struct roots {
    char dir[64];
    char *proc, *sys;
    struct machine_roots roots;
};

static void make_file(const struct roots *r, const char *path, const char *text)
{
    char *name CLEANUP(mem_freep) = mem_printf("%s%s", r->dir, path);
    for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(name, 0700);
        *slash = '/';
    }
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    struct roots *r = mem_alloc(sizeof(*r));
    snprintf(r->dir, sizeof(r->dir), "/tmp/test_machine.XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->proc = mem_printf("%s/proc", r->dir);
    r->sys = mem_printf("%s/sys", r->dir);
    r->roots = (struct machine_roots){r->proc, r->sys, r->dir};
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct roots *r = *state;
    char *command CLEANUP(mem_freep) = mem_printf("rm -rf %s", r->dir);
    int status = system(command);
    free(r->proc);
    free(r->sys);
    free(r);
    return status;
}

static void test_bare(void **state)
{
    struct roots *r = *state;
    struct machine m;
    CLEANUP(buf_fini) struct buf json = BUF_INIT;
    machine_read(&r->roots, &m);
    machine_put_json(&json, &m);
    assert_string_equal(buf_string(&json),
                        "{\"cpu\":null,\"cores\":null,\"memory_bytes\":null,\"kernel\":null,"
                        "\"os\":null,\"governor\":null,\"virtual\":null}");
}

#define CPUINFO(flags)                                                                             \
    "processor\t: 0\nvendor_id\t: X\nmodel name\t: Great CPU @ 3 GHz\nflags\t\t: fpu vme " flags   \
    "\n\nprocessor\t: 1\nmodel name\t: Other CPU\nflags\t\t: fpu\n"

static void test_all(void **state)
{
    struct roots *r = *state;
    struct machine m;
    make_file(r, "/proc/cpuinfo", CPUINFO("sse2"));
    make_file(r, "/proc/meminfo", "MemTotal:       16316412 kB\nMemFree: 1 kB\n");
    make_file(r, "/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
    make_file(r, "/etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
    make_file(r, "/usr/lib/os-release", "PRETTY_NAME=Other\n");
    make_file(r, "/sys/devices/system/cpu/online", "0-3,6\n");
    make_file(r, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    machine_read(&r->roots, &m);
    assert_string_equal(m.cpu, "Great CPU @ 3 GHz");
    assert_int_equal(m.cores, 5);
    assert_int_equal(m.memory_bytes, UINT64_C(16316412) * 1024);
    assert_string_equal(m.kernel, "6.1.0-13-amd64");
    assert_string_equal(m.os, "Debian GNU/Linux 12");
    assert_string_equal(m.governor, "powersave");
    assert_string_equal(m.virtual, "none");
    CLEANUP(buf_fini) struct buf json = BUF_INIT;
    machine_put_json(&json, &m);
    assert_non_null(strstr(buf_string(&json), "\"memory_bytes\":16708005888,"));
}

static void test_guest(void **state)
{
    struct roots *r = *state;
    struct machine m;
    make_file(r, "/proc/cpuinfo", CPUINFO("hypervisor lahf_lm"));
    machine_read(&r->roots, &m);
    assert_string_equal(m.virtual, "hypervisor");
    assert_int_equal(m.cores, 2); /* of cpuinfo, where /sys says nothing */
    make_file(r, "/sys/class/dmi/id/sys_vendor", "QEMU\n");
    machine_read(&r->roots, &m);
    assert_string_equal(m.virtual, "QEMU");
    make_file(r, "/sys/class/dmi/id/product_name", "Standard PC\n");
    machine_read(&r->roots, &m);
    assert_string_equal(m.virtual, "QEMU Standard PC");
    /* A flag that only looks like it. */
    make_file(r, "/proc/cpuinfo", CPUINFO("hypervisor_something"));
    machine_read(&r->roots, &m);
    assert_string_equal(m.virtual, "none");
}

/* No flags, other names: an ARM board. And texts that are odd. */
static void test_others(void **state)
{
    struct roots *r = *state;
    struct machine m;
    char longer[400];
    make_file(r, "/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 108\n\nModel\t\t: Board Rev 1\n");
    make_file(r, "/usr/lib/os-release", "PRETTY_NAME=Alone\n");
    make_file(r, "/proc/sys/kernel/osrelease",
              "a\tb\x01"
              "c\n");
    make_file(r, "/sys/devices/system/cpu/online", "3-1\n");
    memset(longer, 'g', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    make_file(r, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", longer);
    machine_read(&r->roots, &m);
    assert_string_equal(m.cpu, "Board Rev 1");
    assert_string_equal(m.virtual, "");
    assert_string_equal(m.os, "Alone");
    assert_string_equal(m.kernel, "a b c");
    assert_int_equal(m.cores, 1);
    assert_int_equal(strlen(m.governor), sizeof(m.governor) - 1);
}

/* This one has at least a kernel, a processor and memory. */
static void test_here(void **state)
{
    (void)state;
    struct machine m;
    machine_read(&MACHINE_ROOTS, &m);
    assert_true(m.cores >= 1);
    assert_true(m.memory_bytes > 16U << 20);
    assert_true(*m.kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
        cmocka_unit_test(test_here),
    };
    return cmocka_run_group_tests_name("bench/machine", tests, NULL, NULL);
}
