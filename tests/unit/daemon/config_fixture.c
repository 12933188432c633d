/* config_fixture.c: see config_fixture.h. */
#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

int fixture_setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    strcpy(f->directory, "/tmp/test_config.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->file, sizeof(f->file), "%s/n.yaml", f->directory);
    static char home[] = "HOME=/home/u";
    f->environment[0] = home;
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    config_free(f->config);
    free(f->complaints);
    nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

void write_file(const char *path, const char *data, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

void write_conf_d(struct fixture *f, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/conf.d", f->directory);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/conf.d/%s", f->directory, name);
    write_text(path, text);
}

int load_with(struct fixture *f, const struct config_flag *flags, size_t flags_count)
{
    struct config_sources sources = {
        .file = f->file, .flags = flags, .flags_count = flags_count, .environment = f->environment};
    config_free(f->config);
    f->config = NULL;
    free(f->complaints);
    f->complaints = NULL;
    FILE *complaints = open_memstream(&f->complaints, &f->complaints_size);
    int err = config_load(&sources, &f->config, complaints);
    fclose(complaints);
    assert_true((err == 0) == (f->config != NULL));
    return err;
}

int load(struct fixture *f, const char *text)
{
    write_text(f->file, text);
    return load_with(f, NULL, 0);
}

void assert_loads(struct fixture *f, const char *text)
{
    if (load(f, text) != 0)
        fail_msg("%s\nshould load, but:\n%s", text, f->complaints);
}

void assert_complaints(struct fixture *f, const char *text, const char *expected)
{
    char stripped[8192] = "";
    size_t prefix = strlen(f->directory) + 1;
    char *rest = NULL;
    for (char *line = strtok_r(f->complaints, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        bool ours = strncmp(line, f->directory, prefix - 1) == 0;
        size_t len = strlen(stripped);
        snprintf(stripped + len, sizeof(stripped) - len, "%s%s", len ? "\n" : "",
                 ours ? line + prefix : line);
    }
    if (strcmp(stripped, expected) != 0)
        fail_msg("%s\n--- told:\n%s\n--- expected:\n%s", text, stripped, expected);
}
