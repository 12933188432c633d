/*
 * config_file.c: one YAML file, as a walk over libyaml's events.
 *
 *   STREAM-START DOCUMENT-START MAPPING-START { section MAPPING-START { key value }* }* ...
 *
 * Each function is called with its first event in r->event and returns with its last one there;
 * reader_next replaces it. Events carry their place, so every mistake can be told with line and
 * column, and reading goes on behind it: all mistakes of a file are told at once. Only broken YAML
 * and a nesting that no configuration has end the walk (`r->broken`).
 *
 * Of YAML only plain mappings, lists and scalars are taken. Anchors, aliases and tags would make a
 * file mean more than it shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_internal.h"
#include "daemon/config_value.h"

#define DEPTH_MAX 8 /* of values that are skipped because they are wrong anyway */

struct reader {
    struct config_loader *loader;
    yaml_parser_t parser;
    yaml_event_t event;
    const char *path;
    const unsigned char *data;
    size_t len;
    bool broken;
    /* Lines where each row and section was set in this file; 0: not yet. */
    size_t *row_lines;
    size_t *section_lines;
};

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

static struct config_place here(const struct reader *r)
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

/* Moves to the next event. When the YAML is broken the event becomes STREAM-END. */
static void reader_next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (r->broken || !yaml_parser_parse(&r->parser, &r->event)) {
        if (!r->broken)
            complain_broken(r);
        r->event = (yaml_event_t){.type = YAML_STREAM_END_EVENT};
        return;
    }
    struct config_place at = here(r);
    if (r->event.type == YAML_ALIAS_EVENT || event_anchor(&r->event))
        config_complain(r->loader, &at,
                        "anchors and aliases are not used here (expected the "
                        "value itself)");
    if (event_tag(&r->event))
        config_complain(r->loader, &at, "tags are not used here (expected the value itself)");
}

static bool at_end(const struct reader *r, yaml_event_type_t end)
{
    return r->event.type == end || r->event.type == YAML_STREAM_END_EVENT;
}

/* Goes over the value that begins here, whatever it is. */
static void skip_value(struct reader *r)
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
            struct config_place at = here(r);
            config_complain(r->loader, &at, "nested too deeply (expected SECTION: {KEY: VALUE})");
            r->broken = true;
        }
    }
}

/* The text of a scalar, owned; NULL (and a complaint) when it is none or has a NUL inside. */
static char *take_scalar(struct reader *r, const char *expected)
{
    struct config_place at = here(r);
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
    skip_value(r);
    return NULL;
}

/* `key:` with nothing behind it. */
static bool is_empty_scalar(const struct reader *r)
{
    return r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 &&
           r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* ---- keys and sections ------------------------------------------------------------------- */

static void complain_unknown_key(struct reader *r, const struct config_place *at,
                                 const char *section, const char *key)
{
    const char *near = NULL, *elsewhere = NULL;
    size_t best = 3; /* more than two slips are another word */
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (!row->section)
            continue;
        size_t slips = text_slips(key, row->key);
        if (strcmp(row->section, section) != 0) {
            if (slips == 0)
                elsewhere = row->section;
        } else if (slips < best) {
            best = slips;
            near = row->key;
        }
    }
    CLEANUP(buf_fini) struct buf word = BUF_INIT;
    config_quote(&word, key);
    const char *quoted = buf_string(&word);
    if (near)
        config_complain(r->loader, at, "%s: there is no key %s (did you mean %s?)", section, quoted,
                        near);
    else if (elsewhere)
        config_complain(r->loader, at, "%s: there is no key %s (it belongs into section %s)",
                        section, quoted, elsewhere);
    else
        config_complain(r->loader, at, "%s: there is no key %s (see netsonde help dump-config)",
                        section, quoted);
}

static void complain_unknown_section(struct reader *r, const struct config_place *at,
                                     const char *name)
{
    const char *near = NULL;
    size_t best = 3;
    for (size_t i = 0; i < config_sections_count; i++) {
        size_t slips = text_slips(name, config_sections[i].name);
        if (slips < best) {
            best = slips;
            near = config_sections[i].name;
        }
    }
    CLEANUP(buf_fini) struct buf word = BUF_INIT;
    CLEANUP(buf_fini) struct buf all = BUF_INIT;
    config_quote(&word, name);
    for (size_t i = 0; i < config_sections_count; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", config_sections[i].name);
    if (near)
        config_complain(r->loader, at, "there is no section %s (did you mean %s?)",
                        buf_string(&word), near);
    else
        config_complain(r->loader, at, "there is no section %s (expected one of %s)",
                        buf_string(&word), buf_string(&all));
}

/* False, and a complaint, when the line is already noted. */
static bool note_once(struct reader *r, size_t *line, const struct config_place *at,
                      const char *what, const char *name)
{
    if (*line) {
        config_complain(r->loader, at, "%s %s is there twice (first in line %zu)", what, name,
                        *line);
        return false;
    }
    *line = at->line;
    return true;
}

/* A list's items, or one scalar as a list of one. False when something in it was wrong. */
static bool read_texts(struct reader *r, const struct config_row *row, struct config_list *texts)
{
    CLEANUP(buf_fini) struct buf expected = BUF_INIT;
    config_value_expected(row, &expected);
    bool ok = true;
    if (r->event.type != YAML_SEQUENCE_START_EVENT || row->type != CONFIG_TEXTS) {
        CLEANUP(mem_freep) char *text = take_scalar(r, buf_string(&expected));
        if (text)
            config_list_add(texts, text);
        return text != NULL;
    }
    for (reader_next(r); !at_end(r, YAML_SEQUENCE_END_EVENT); reader_next(r)) {
        CLEANUP(mem_freep) char *text = take_scalar(r, "a text");
        if (text)
            config_list_add(texts, text);
        ok = ok && text;
    }
    return ok && !r->broken;
}

static void read_value(struct reader *r, const struct config_row *row)
{
    struct config_place at = here(r);
    if (is_empty_scalar(r)) {
        CLEANUP(buf_fini) struct buf name = BUF_INIT;
        CLEANUP(buf_fini) struct buf expected = BUF_INIT;
        config_row_name(row, &name);
        config_value_expected(row, &expected);
        config_complain(r->loader, &at, "%s: the value is missing (expected %s)", buf_string(&name),
                        buf_string(&expected));
        return;
    }
    struct config_list texts = {0};
    if (read_texts(r, row, &texts))
        config_assign(r->loader, row, &at, &texts);
    config_list_fini(&texts);
}

static void read_key(struct reader *r, const char *section)
{
    struct config_place at = here(r);
    CLEANUP(mem_freep) char *key = take_scalar(r, "the name of a key");
    reader_next(r);
    if (!key) {
        skip_value(r);
        return;
    }
    const struct config_row *row = config_row_find(section, key);
    if (!row) {
        complain_unknown_key(r, &at, section, key);
        skip_value(r);
    } else if (!note_once(r, &r->row_lines[config_row_index(row)], &at, "the key", key)) {
        skip_value(r);
    } else {
        read_value(r, row);
    }
}

static void read_section(struct reader *r)
{
    struct config_place at = here(r);
    CLEANUP(mem_freep) char *name = take_scalar(r, "the name of a section");
    const struct config_section *section = name ? config_section_find(name) : NULL;
    reader_next(r);
    if (!section) {
        if (name)
            complain_unknown_section(r, &at, name);
        skip_value(r);
        return;
    }
    if (!note_once(r, &r->section_lines[section - config_sections], &at, "the section", name)) {
        skip_value(r);
        return;
    }
    at = here(r);
    if (is_empty_scalar(r))
        return;
    if (r->event.type != YAML_MAPPING_START_EVENT) {
        if (r->event.type != YAML_ALIAS_EVENT && r->event.type != YAML_STREAM_END_EVENT)
            config_complain(r->loader, &at, "%s: a section holds keys (expected KEY: VALUE)", name);
        skip_value(r);
        return;
    }
    for (reader_next(r); !at_end(r, YAML_MAPPING_END_EVENT); reader_next(r))
        read_key(r, section->name);
}

static void read_document(struct reader *r)
{
    reader_next(r); /* behind DOCUMENT-START */
    struct config_place at = here(r);
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        for (reader_next(r); !at_end(r, YAML_MAPPING_END_EVENT); reader_next(r))
            read_section(r);
    } else {
        if (!is_empty_scalar(r) && r->event.type != YAML_STREAM_END_EVENT)
            config_complain(r->loader, &at,
                            "sections are missing (expected SECTION: {KEY: VALUE})");
        skip_value(r);
    }
    reader_next(r); /* DOCUMENT-END */
}

void config_file_parse(struct config_loader *l, const char *path, const void *data, size_t len)
{
    struct reader r = {.loader = l, .path = path, .data = data, .len = len};
    if (!yaml_parser_initialize(&r.parser)) {
        config_complain(l, &(struct config_place){.source = CONFIG_FROM_FILE, .name = path},
                        "out of memory");
        return;
    }
    yaml_parser_set_input_string(&r.parser, data, len);
    r.row_lines = mem_array(config_rows_count, sizeof(*r.row_lines));
    r.section_lines = mem_array(config_sections_count, sizeof(*r.section_lines));
    reader_next(&r); /* STREAM-START */
    reader_next(&r);
    if (r.event.type == YAML_DOCUMENT_START_EVENT) {
        read_document(&r);
        reader_next(&r);
    }
    if (r.event.type == YAML_DOCUMENT_START_EVENT) {
        struct config_place at = here(&r);
        config_complain(l, &at, "a second document (expected one)");
    }
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    free(r.row_lines);
    free(r.section_lines);
}

/* ---- the file ---------------------------------------------------------------------------- */

/* The whole content. -EFBIG: more than CONFIG_FILE_BYTES_MAX. */
static int read_whole(int fd, struct buf *out)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    while (out->len <= CONFIG_FILE_BYTES_MAX) {
        char *room = buf_reserve(out, 4096);
        if (!room)
            return -ENOMEM;
        ssize_t got = read(fd, room, 4096);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            return 0;
        if (got > 0)
            out->len += (size_t)got;
    }
    return -EFBIG;
}

int config_file_read(struct config_loader *l, const char *path, bool required)
{
    struct config_place whole = {.source = CONFIG_FROM_FILE, .name = path};
    /* Not to wait for a writer, should the name be that of a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && !required)
        return 0;
    CLEANUP(buf_fini) struct buf content = BUF_INIT;
    int err = fd < 0 ? -errno : read_whole(fd, &content);
    if (fd >= 0)
        close(fd);
    if (err == -EFBIG)
        config_complain(l, &whole, "the file is too large (expected at most 1MiB)");
    else if (err)
        config_complain(l, &whole, "cannot be read: %s (expected a text file)", strerror(-err));
    else
        config_file_parse(l, path, content.len ? content.data : "", content.len);
    return err;
}
