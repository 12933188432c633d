/* The walk over descriptors in a made-up /proc: every socket once, in parts, whatever else lies
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "keeper/descriptors.h"

static char root[] = "/tmp/netsonde-fds-XXXXXX";

static int make(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int clean(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_link(const char *process, unsigned fd, const char *target)
{
    char *dir = mem_printf("%s/%s", root, process), *fds = mem_printf("%s/fd", dir),
         *path = mem_printf("%s/%u", fds, fd);
    assert_true(mkdir(dir, 0755) == 0 || errno == EEXIST);
    assert_true(mkdir(fds, 0755) == 0 || errno == EEXIST);
    assert_int_equal(symlink(target, path), 0);
    free(path);
    free(fds);
    free(dir);
}

/* One whole walk; *ret_parts of it. */
static size_t walk(struct descriptors *d, struct descriptor *out, size_t size, size_t *ret_parts,
                   uint32_t *ret_hidden)
{
    static struct descriptor part[DESCRIPTORS_PART];
    size_t count = 0;
    bool end = false;
    for (*ret_parts = 0; !end; (*ret_parts)++) {
        assert_true(*ret_parts < 100);
        size_t found = descriptors_read(d, part, &end, ret_hidden);
        assert_true(found <= DESCRIPTORS_PART && count + found <= size);
        for (size_t i = 0; i < found; i++)
            out[count++] = part[i];
    }
    return count;
}

static void test_walk(void **state)
{
    (void)state;
    static const char *const others[] = {"pipe:[7]",    "/dev/null",      "socket:[]",
                                         "socket:[12",  "socket:[1x]",    "socket:[4294967296]",
                                         "xsocket:[5]", "socket:[1] (d)", "anon_inode:[eventpoll]"};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        make_link("17", i, others[i]);
    make_link("17", 50, "socket:[4294967295]");
    make_link("self", 1, "socket:[99]"); /* not by number */
    make_link("4294967297", 1, "socket:[98]");
    /* More than a part. */
    enum { MANY = 2 * DESCRIPTORS_PART + 5 };
    for (unsigned i = 0; i < MANY; i++) {
        char target[32];
        snprintf(target, sizeof(target), "socket:[%u]", 1000 + i);
        make_link("18", i, target);
    }
    struct descriptors *d = descriptors_new(root);
    static struct descriptor found[MANY + 10];
    static bool seen[MANY];
    for (int round = 0; round < 2; round++) {
        size_t parts;
        uint32_t hidden;
        assert_int_equal(walk(d, found, MANY + 10, &parts, &hidden), MANY + 1);
        assert_true(parts >= 3);
        assert_int_equal(hidden, 0);
        for (size_t i = 0; i < MANY; i++)
            seen[i] = false;
        for (size_t i = 0; i < MANY + 1; i++) {
            if (found[i].pid == 17) {
                assert_int_equal(found[i].inode, UINT32_MAX);
                continue;
            }
            assert_int_equal(found[i].pid, 18);
            assert_true(found[i].inode >= 1000 && found[i].inode < 1000 + MANY);
            assert_false(seen[found[i].inode - 1000]);
            seen[found[i].inode - 1000] = true;
        }
    }
    descriptors_free(d);
}

static void test_nothing_there(void **state)
{
    (void)state;
    struct descriptors *d = descriptors_new("/nonexistent");
    struct descriptor *out = mem_array(DESCRIPTORS_PART, sizeof(*out));
    bool end;
    uint32_t hidden;
    assert_int_equal(descriptors_read(d, out, &end, &hidden), 0);
    assert_true(end);
    descriptors_free(d);
    descriptors_free(NULL);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_nothing_there),
    };
    return cmocka_run_group_tests_name("descriptors", tests, make, clean);
}
