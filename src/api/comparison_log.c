/*
 * comparison_log.c: see comparison_log.h. The document is written anew each time: once an hour two
 * megabytes at most, and whoever reads it has all of it or the one before.
 */
#include "api/comparison_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/json_cut.h"
#include "wire/json.h"

#define KIND "comparisons"
#define NAME "kept"
#define ENTRY_BYTES_MAX (16U << 10) /* a longer one is not ours */

/* An object, and JSON. */
static bool is_entry(struct cut one)
{
    char why[128];
    size_t len = (size_t)(one.end - one.at);
    json_t *o = len <= ENTRY_BYTES_MAX ? json_parse(one.at, len, why, sizeof(why)) : NULL;
    bool good = json_is_object(o);
    json_decref(o);
    return good;
}

/* Up to `limit` entries of the document's text. */
static void put_entries(struct buf *out, const struct buf *text, size_t limit)
{
    if (!text->len)
        return;
    struct cut all = {text->data, text->data + text->len}, one;
    if (!cut_char(&all, '{') || !cut_value(&all, &one) || !cut_char(&all, ':') ||
        !cut_char(&all, '['))
        return;
    for (size_t i = 0; i < limit && cut_value(&all, &one); i++) {
        if (is_entry(one))
            json_put_raw(out, one.at, (size_t)(one.end - one.at));
        if (!cut_char(&all, ','))
            break;
    }
}

/* None yet: no text. */
static int read_text(const char *data_dir, struct buf *text, struct store_error *err)
{
    int code = document_read(data_dir, KIND, NAME, text, err);
    return code == -ENOENT ? 0 : code;
}

static void put_document(struct buf *out, const struct buf *entry, const struct buf *text,
                         size_t limit)
{
    json_open(out, '{');
    json_put_key(out, "comparisons");
    json_open(out, '[');
    if (entry)
        json_put_raw(out, entry->data, entry->len);
    put_entries(out, text, limit - (entry != NULL));
    json_close(out, ']');
    json_close(out, '}');
}

int comparison_log_add(const char *data_dir, const struct buf *entry, struct store_error *err)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT, out = BUF_INIT;
    int code = read_text(data_dir, &text, err);
    if (code && code != -EFBIG) /* then it is nothing of ours, and goes */
        return code;
    if (code)
        buf_clear(&text);
    put_document(&out, entry, &text, COMPARISONS_MAX);
    buf_char(&out, '\n');
    if (buf_ok(&out))
        return document_write(data_dir, KIND, NAME, out.data, out.len, true, err);
    err->code = -ENOMEM;
    snprintf(err->text, sizeof(err->text), "there is no memory for the list of comparisons");
    return -ENOMEM;
}

int comparison_log_json(const char *data_dir, size_t limit, struct buf *out,
                        struct store_error *err)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    int code = read_text(data_dir, &text, err);
    if (!code)
        put_document(out, NULL, &text, limit);
    return code;
}
