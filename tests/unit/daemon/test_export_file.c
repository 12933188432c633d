/*
 * test_export_file.c: the file of an export: whole or not there, and nobody else's while it grows.
 */
#include "daemon/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char dir[64], path[80], part[88];
};

static void rig_begin(struct rig *r)
{
    strcpy(r->dir, "/tmp/netsonde-export-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof(r->path), "%s/a.csv", r->dir);
    snprintf(r->part, sizeof(r->part), "%s.part", r->path);
}

static void rig_end(struct rig *r)
{
    unlink(r->part);
    unlink(r->path);
    assert_int_equal(rmdir(r->dir), 0);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_text(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    assert_string_equal(text, expected);
}

static void write_whole(const struct rig *r)
{
    struct export_file file;
    assert_int_equal(export_file_open(&file, r->path), 0);
    assert_int_equal(export_file_write(&file, "new", 3), 0);
    assert_int_equal(export_file_keep(&file), 0);
    export_file_fini(&file);
    assert_text(r->path, "new");
    assert_int_equal(access(r->part, F_OK), -1);
}

static void test_whole_or_not_there(void **state)
{
    struct rig r;
    struct export_file file;
    (void)state;
    rig_begin(&r);
    put(r.path, "old");
    assert_int_equal(export_file_open(&file, r.path), 0);
    assert_int_equal(export_file_write(&file, "half", 4), 0);
    struct export_file second;
    assert_int_equal(export_file_open(&second, r.path), -EBUSY);
    export_file_fini(&second);
    export_file_fini(&file);
    assert_text(r.path, "old");
    assert_int_equal(access(r.part, F_OK), -1);
    write_whole(&r);
    rig_end(&r);
}

/* Of a run that was killed: longer than what comes. */
static void test_left_behind(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r);
    put(r.part, "left behind");
    write_whole(&r);
    rig_end(&r);
}

static void assert_refused(const struct rig *r)
{
    struct export_file file;
    assert_int_equal(export_file_open(&file, r->path), -EEXIST);
    export_file_fini(&file);
    assert_int_equal(access(r->path, F_OK), -1);
}

/* Whoever may write into the folder has made FILE.part before. */
static void test_of_somebody_else(void **state)
{
    struct rig r;
    char other[80];
    (void)state;
    rig_begin(&r);
    snprintf(other, sizeof(other), "%s/other", r.dir);
    put(other, "theirs");
    assert_int_equal(link(other, r.part), 0);
    assert_refused(&r);
    assert_text(other, "theirs");
    assert_int_equal(unlink(r.part), 0);

    assert_int_equal(symlink(other, r.part), 0);
    assert_refused(&r);
    assert_text(other, "theirs");
    assert_int_equal(unlink(r.part), 0);
    assert_int_equal(unlink(other), 0);

    assert_int_equal(mkfifo(r.part, 0600), 0);
    assert_refused(&r); /* and does not wait for a reader */
    int reader = open(r.part, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_refused(&r);
    close(reader);
    assert_int_equal(unlink(r.part), 0);

    put(r.part, "theirs");
    if (geteuid() == 0) { /* else nobody can be given a file */
        assert_int_equal(chown(r.part, 65534, 65534), 0);
        assert_refused(&r);
        assert_text(r.part, "theirs");
    }
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_or_not_there),
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_of_somebody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
