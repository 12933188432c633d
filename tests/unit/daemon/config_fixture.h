/*
 * config_fixture.h: configuration files in a directory of their own, loaded as the daemon does, and
 * what is complained of them. For cmocka: setup and teardown of each test.
 */
#pragma once

#include <stddef.h>

#include "daemon/config.h"

struct fixture {
    char directory[64];
    char file[96];
    char *environment[8];
    struct config *config;
    char *complaints;
    size_t complaints_size;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

void write_file(const char *path, const char *data, size_t len);
void write_text(const char *path, const char *text);
void write_conf_d(struct fixture *f, const char *name, const char *text);

/* config_load: what is in the files now; the main file with this text. */
int load_with(struct fixture *f, const struct config_flag *flags, size_t flags_count);
int load(struct fixture *f, const char *text);
void assert_loads(struct fixture *f, const char *text);

/* The complaints without the directory; `expected` has the file as "n.yaml". */
void assert_complaints(struct fixture *f, const char *text, const char *expected);
