/*
 * config_internal.h: what the parts of the configuration share while it is loaded: the struct being
 * filled, where each value came from, and where mistakes are told.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/defs.h"
#include "daemon/config.h"
#include "daemon/config_table.h"

enum config_source { CONFIG_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENVIRONMENT, CONFIG_FROM_FLAG };

/* The source of a value. */
struct config_place {
    enum config_source source;
    const char *name;    /* of the file, the variable or the flag; NULL for defaults */
    size_t line, column; /* in a file, from 1 */
};

/* What config_dump tells about a key. */
struct config_origin {
    enum config_source source;
    char *name; /* owned */
    size_t line, column;
    struct config_list texts; /* the value as it was written */
};

struct config_loader {
    struct config *config;
    FILE *complaints;
    size_t mistakes;
};

/* One line to the complaints. */
void config_complain(struct config_loader *l, const struct config_place *at, const char *format,
                     ...) PRINTF_LIKE(3, 4);

/* Sets the row's member from `texts` and notes the place, or complains. */
void config_assign(struct config_loader *l, const struct config_row *row,
                   const struct config_place *at, const struct config_list *texts);

/* Where the row got its value. */
struct config_place config_origin_place(const struct config *c, const char *section,
                                        const char *key);

/* config_dump.c: a value as YAML: a text, the texts of a row, its default. */
void config_put_scalar(struct buf *out, const char *text);
void config_put_value(struct buf *out, const struct config_row *row,
                      const struct config_list *texts);
void config_put_default(struct buf *out, const struct config_row *row);

/* A file that must exist when `required`. 0, or -errno when it cannot be read; mistakes in it are
 * only counted. */
int config_file_read(struct config_loader *l, const char *path, bool required);

/* Its content alone. `path` is for messages. */
void config_file_parse(struct config_loader *l, const char *path, const void *data, size_t len);

#define CONFIG_FILE_BYTES_MAX (1024 * 1024)
