/*
 * key.c: one pass over the key, unescaping into a copy that is never longer than the key: every
 * name and value loses at least the quote, brace or equals sign that its terminator replaces.
 */
#include "store/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void key_fini(struct key_parts *parts)
{
    free(parts->texts);
    *parts = (struct key_parts){0};
}

/* Copies up to `stop`, moves both positions on, past the stop. NULL when it never comes. */
static const char *take_until(const char **from, char **to, char stop)
{
    const char *end = strchr(*from, stop);
    if (!end || end == *from)
        return NULL;
    char *start = *to;
    size_t len = (size_t)(end - *from);
    memcpy(start, *from, len);
    start[len] = '\0';
    *to += len + 1;
    *from = end + 1;
    return start;
}

/* The same for a value up to its closing quote. */
static const char *take_value(const char **from, char **to)
{
    char *start = *to;
    const char *c = *from;
    for (; *c && *c != '"'; c++) {
        char plain = *c;
        if (plain == '\n')
            return NULL; /* always written as an escape */
        if (plain == '\\') {
            c++;
            if (*c != '\\' && *c != '"' && *c != 'n')
                return NULL;
            plain = *c == 'n' ? '\n' : *c;
        }
        *(*to)++ = plain;
    }
    if (*c != '"')
        return NULL;
    *(*to)++ = '\0';
    *from = c + 1;
    return start;
}

static int parse_labels(const char *from, char *to, struct key_parts *parts)
{
    do {
        if (parts->labels_count == SERIES_LABELS_MAX)
            return -EBADMSG;
        struct label *label = &parts->labels[parts->labels_count++];
        label->name = take_until(&from, &to, '=');
        if (!label->name || *from++ != '"')
            return -EBADMSG;
        label->value = take_value(&from, &to);
        if (!label->value)
            return -EBADMSG;
    } while (*from == ',' && *++from);
    return strcmp(from, "}") == 0 ? 0 : -EBADMSG;
}

int key_parse(const char *key, struct key_parts *ret)
{
    size_t size = strlen(key) + 1;
    *ret = (struct key_parts){.texts = mem_alloc(size)};
    const char *from = key;
    char *to = ret->texts;
    int err = 0;
    if (strchr(key, '{')) {
        ret->name = take_until(&from, &to, '{');
        err = ret->name ? parse_labels(from, to, ret) : -EBADMSG;
    } else {
        ret->name = memcpy(to, key, size);
        err = *key ? 0 : -EBADMSG;
    }
    if (err)
        key_fini(ret);
    return err;
}

static void write_value(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n') {
            buf_text(out, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"')
            buf_char(out, '\\');
        buf_char(out, *value);
    }
}

void key_write(struct buf *out, const char *name, const struct label *labels, size_t count,
               const char *without)
{
    char separator = '{';
    buf_text(out, name);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(labels[i].name, without) == 0)
            continue;
        buf_char(out, separator);
        separator = ',';
        buf_text(out, labels[i].name);
        buf_text(out, "=\"");
        write_value(out, labels[i].value);
        buf_char(out, '"');
    }
    if (separator == ',')
        buf_char(out, '}');
}
