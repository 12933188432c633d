/*
 * config_file.c: one YAML file: sections and their keys, and what else is at its top
 * (config_lists.c). How a file is walked is said in config_reader.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_lists.h"
#include "daemon/config_reader.h"
#include "daemon/config_value.h"

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
    for (int kind = 0; kind < CONFIG_LISTS; kind++) {
        const char *list = config_list_name((enum config_list_kind)kind);
        size_t slips = text_slips(name, list);
        if (slips < best) {
            best = slips;
            near = list;
        }
        buf_printf(&all, ", %s", list);
    }
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
        CLEANUP(mem_freep) char *text = reader_take_scalar(r, buf_string(&expected));
        if (text)
            config_list_add(texts, text);
        return text != NULL;
    }
    for (reader_next(r); !reader_at_end(r, YAML_SEQUENCE_END_EVENT); reader_next(r)) {
        CLEANUP(mem_freep) char *text = reader_take_scalar(r, "a text");
        if (text)
            config_list_add(texts, text);
        ok = ok && text;
    }
    return ok && !r->broken;
}

static void read_value(struct reader *r, const struct config_row *row)
{
    struct config_place at = reader_here(r);
    if (reader_is_empty(r)) {
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
    struct config_place at = reader_here(r);
    CLEANUP(mem_freep) char *key = reader_take_scalar(r, "the name of a key");
    reader_next(r);
    if (!key) {
        reader_skip(r);
        return;
    }
    const struct config_row *row = config_row_find(section, key);
    if (!row) {
        complain_unknown_key(r, &at, section, key);
        reader_skip(r);
    } else if (!note_once(r, &r->row_lines[config_row_index(row)], &at, "the key", key)) {
        reader_skip(r);
    } else {
        read_value(r, row);
    }
}

static void read_list(struct reader *r, const struct config_place *at, enum config_list_kind kind)
{
    reader_next(r);
    if (note_once(r, &r->list_lines[kind], at, "the list", config_list_name(kind)))
        config_list_read(r, kind);
    else
        reader_skip(r);
}

static void read_section(struct reader *r)
{
    struct config_place at = reader_here(r);
    CLEANUP(mem_freep) char *name = reader_take_scalar(r, "the name of a section");
    enum config_list_kind list = name ? config_list_find(name) : CONFIG_LISTS;
    if (list != CONFIG_LISTS) {
        read_list(r, &at, list);
        return;
    }
    const struct config_section *section = name ? config_section_find(name) : NULL;
    reader_next(r);
    if (!section) {
        if (name)
            complain_unknown_section(r, &at, name);
        reader_skip(r);
        return;
    }
    if (!note_once(r, &r->section_lines[section - config_sections], &at, "the section", name)) {
        reader_skip(r);
        return;
    }
    at = reader_here(r);
    if (reader_is_empty(r))
        return;
    if (r->event.type != YAML_MAPPING_START_EVENT) {
        if (r->event.type != YAML_ALIAS_EVENT && r->event.type != YAML_STREAM_END_EVENT)
            config_complain(r->loader, &at, "%s: a section holds keys (expected KEY: VALUE)", name);
        reader_skip(r);
        return;
    }
    for (reader_next(r); !reader_at_end(r, YAML_MAPPING_END_EVENT); reader_next(r))
        read_key(r, section->name);
}

static void read_document(struct reader *r)
{
    reader_next(r); /* behind DOCUMENT-START */
    struct config_place at = reader_here(r);
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        for (reader_next(r); !reader_at_end(r, YAML_MAPPING_END_EVENT); reader_next(r))
            read_section(r);
    } else {
        if (!reader_is_empty(r) && r->event.type != YAML_STREAM_END_EVENT)
            config_complain(r->loader, &at,
                            "sections are missing (expected SECTION: {KEY: VALUE})");
        reader_skip(r);
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
        struct config_place at = reader_here(&r);
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
