/*
 * config_table.h: the table behind the configuration: one row a key. To add a key, add a member to
 * struct config and a row here; files, environment, checks, dumps and documentation follow.
 * Constant; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum config_type {
    CONFIG_DURATION,  /* int64_t, milliseconds */
    CONFIG_SIZE,      /* uint64_t, bytes */
    CONFIG_RATE,      /* double, bytes per second */
    CONFIG_INTEGER,   /* uint64_t */
    CONFIG_NUMBER,    /* double */
    CONFIG_PART,      /* struct config_part */
    CONFIG_FREQUENCY, /* struct config_frequency */
    CONFIG_BOOL,      /* bool */
    CONFIG_WORD,      /* an enum: the index in `words` */
    CONFIG_TEXT,      /* char *, owned */
    CONFIG_TEXTS,     /* struct config_list */
};

/* What a text must look like. `form` completes the sentence "expected …". */
struct config_form {
    const char *form;
    bool (*matches)(const char *text);
};

struct config_row {
    const char *section; /* NULL: no file can set it, only flag and environment */
    const char *key;
    enum config_type type;
    size_t offset;            /* of the member of struct config */
    const char *value;        /* the default, a list with commas; NULL: found out at run time */
    const char *least, *most; /* inclusive, as text; for amounts and numbers */
    const char *zero;         /* of amounts and integers: a word that stands for 0; or NULL */
    const char *const *words; /* ends with NULL; of CONFIG_WORD, may also bind CONFIG_TEXTS */
    const struct config_form *check; /* CONFIG_TEXT and CONFIG_TEXTS without words */
    const char *flag;                /* "--interval", or NULL */
    const char *doc;                 /* one sentence */
    const char *example;
};

struct config_section {
    const char *name;
    const char *doc; /* one sentence */
};

/* config_forms.c */
extern const struct config_form config_form_name, config_form_path, config_form_any_path,
    config_form_optional_path, config_form_glob, config_form_listen, config_form_device,
    config_form_filter, config_form_base_path, config_form_range, config_form_host,
    config_form_origin;

extern const struct config_row config_rows[];
extern const size_t config_rows_count;
extern const struct config_section config_sections[];
extern const size_t config_sections_count;

/* NULL: no such row. section may be NULL. */
const struct config_row *config_row_find(const char *section, const char *key);
const struct config_row *config_row_by_flag(const char *flag);
size_t config_row_index(const struct config_row *row);
const struct config_section *config_section_find(const char *name);

/* "collect.interval"; "data_dir" without a section. */
void config_row_name(const struct config_row *row, struct buf *out);
/* "NETSONDE_COLLECT_INTERVAL" */
void config_row_environment(const struct config_row *row, struct buf *out);
