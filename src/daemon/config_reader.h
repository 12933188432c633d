/*
 * config_reader.h: a YAML file as libyaml's events, one at a time, with their places.
 *
 *   STREAM-START DOCUMENT-START MAPPING-START { section MAPPING-START { key value }* }* ...
 *
 * Whoever reads something is called with its first event in r->event and returns with its last one
 * there; reader_next replaces it. Mistakes are told with line and column, and reading goes on
 * behind them: all mistakes of a file are told at once. Only broken YAML and a nesting that no
 * configuration has end the walk (`broken`). Main thread.
 */
#pragma once

#include <yaml.h>

#include "daemon/config_internal.h"

struct reader {
    struct config_loader *loader;
    yaml_parser_t parser;
    yaml_event_t event;
    const char *path;
    const unsigned char *data;
    size_t len;
    bool broken;
    /* Lines where each row, section and list was set in this file; 0: not yet. */
    size_t *row_lines;
    size_t *section_lines;
    size_t list_lines[CONFIG_LISTS];
};

/* The place of the event at hand. */
struct config_place reader_here(const struct reader *r);

/* Moves to the next event. When the YAML is broken the event becomes STREAM-END. */
void reader_next(struct reader *r);

/* Whether the event ends the mapping or list, or everything. */
bool reader_at_end(const struct reader *r, yaml_event_type_t end);

/* Goes over the value that begins here, whatever it is. */
void reader_skip(struct reader *r);

/* The text of a scalar, owned; NULL (and a complaint) when it is none or has a NUL inside. */
char *reader_take_scalar(struct reader *r, const char *expected);

/* `key:` with nothing behind it. */
bool reader_is_empty(const struct reader *r);
