/*
 * config_reader.c: see config_reader.h. Of YAML only plain mappings, lists and scalars are taken.
 * Anchors, aliases and tags would make a file mean more than it shows.
 */
#include "daemon/config_reader.h"

#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 8 /* of values that are skipped because they are wrong anyway */

/* ---- places ------------------------------------------------------------------------------ */

static struct config_place place_of(const struct reader *r, const yaml_mark_t *mark)
{
    return (struct config_place){
        .source = CONFIG_FROM_FILE,
        .name = r->path,
        .line = mark->line + 1,
        .column = mark->column + 1,
    };
}

struct config_place reader_here(const struct reader *r)
{
    return place_of(r, &r->event.start_mark);
}

/* The place of a byte, for errors below the level of lines. */
static struct config_place place_of_byte(const struct reader *r, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < r->len; i++) {
        mark.column++;
        if (r->data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return place_of(r, &mark);
}

static void complain_broken(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    struct config_place at = place_of(r, &p->problem_mark);
    const char *problem = p->problem ? p->problem : "cannot be read";
    r->broken = true;
    if (p->error == YAML_MEMORY_ERROR)
        config_complain(r->loader, &at, "out of memory");
    else if (p->error == YAML_READER_ERROR) {
        at = place_of_byte(r, p->problem_offset);
        config_complain(r->loader, &at, "%s (expected UTF-8 text)", problem);
    } else
        config_complain(r->loader, &at, "%s%s%s (expected valid YAML)", problem,
                        p->context ? " " : "", p->context ? p->context : "");
}

/* ---- events ------------------------------------------------------------------------------ */

static const yaml_char_t *event_anchor(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static const yaml_char_t *event_tag(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.tag;
    default:
        return NULL;
    }
}

void reader_next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (r->broken || !yaml_parser_parse(&r->parser, &r->event)) {
        if (!r->broken)
            complain_broken(r);
        r->event = (yaml_event_t){.type = YAML_STREAM_END_EVENT};
        return;
    }
    struct config_place at = reader_here(r);
    if (r->event.type == YAML_ALIAS_EVENT || event_anchor(&r->event))
        config_complain(r->loader, &at,
                        "anchors and aliases are not used here (expected the "
                        "value itself)");
    if (event_tag(&r->event))
        config_complain(r->loader, &at, "tags are not used here (expected the value itself)");
}

bool reader_at_end(const struct reader *r, yaml_event_type_t end)
{
    return r->event.type == end || r->event.type == YAML_STREAM_END_EVENT;
}

void reader_skip(struct reader *r)
{
    for (size_t depth = 0;; reader_next(r)) {
        switch (r->event.type) {
        case YAML_MAPPING_START_EVENT:
        case YAML_SEQUENCE_START_EVENT:
            depth++;
            break;
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT:
            depth--;
            break;
        default:
            break;
        }
        if (depth == 0 || r->event.type == YAML_STREAM_END_EVENT)
            return;
        if (depth > DEPTH_MAX) {
            struct config_place at = reader_here(r);
            config_complain(r->loader, &at, "nested too deeply (expected SECTION: {KEY: VALUE})");
            r->broken = true;
        }
    }
}

char *reader_take_scalar(struct reader *r, const char *expected)
{
    struct config_place at = reader_here(r);
    if (r->event.type == YAML_SCALAR_EVENT) {
        const char *text = (const char *)r->event.data.scalar.value;
        size_t len = r->event.data.scalar.length;
        if (strlen(text) == len)
            return mem_string(text);
        config_complain(r->loader, &at, "a NUL character (expected text)");
        return NULL;
    }
    if (r->event.type != YAML_ALIAS_EVENT && r->event.type != YAML_STREAM_END_EVENT)
        config_complain(r->loader, &at, "a %s does not belong here (expected %s)",
                        r->event.type == YAML_SEQUENCE_START_EVENT ? "list" : "mapping", expected);
    reader_skip(r);
    return NULL;
}

bool reader_is_empty(const struct reader *r)
{
    return r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 &&
           r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}
