/* baseline_work.c: see baseline_work.h. */
#include "api/baseline_work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/json.h"

static int fail(struct store_error *err, int code, const char *text, const char *more)
{
    err->code = code;
    snprintf(err->text, sizeof(err->text), "%s%s", text, more);
    return code;
}

bool baseline_is_name(const char *name)
{
    return text_is_name(name) && name[0] != '.' && strcmp(name, BASELINE_AUTO) != 0;
}

/* ---- making one -------------------------------------------------------------------------- */

static int copy_selection(struct selector *to, const struct selector *from)
{
    int err = 0;
    for (size_t i = 0; from && i < from->globs_count && !err; i++)
        err = selector_add_glob(to, from->globs[i]);
    for (size_t i = 0; from && i < from->matches_count && !err; i++) {
        char match[SELECTOR_BYTES_MAX + 2];
        snprintf(match, sizeof(match), "%s=%s", from->matches[i].label, from->matches[i].glob);
        err = selector_add_match(to, match);
    }
    return err;
}

static int read_window(const struct baseline_place *place, const struct baseline_ask *ask,
                       bool weeks_before, int64_t block_ms, const struct selector *selector,
                       struct baseline_list *ret, struct store_error *err)
{
    struct baseline_reading reading = {
        .reader = place->reader,
        .recent = place->recent,
        .selector = selector,
        .windows = {{ask->from_ms, ask->to_ms}},
        .windows_count = 1,
        .block_ms = block_ms,
        .stop = place->stop,
    };
    if (weeks_before)
        baseline_weeks_before(&reading, ask->from_ms, ask->to_ms);
    return baseline_read(&reading, ret, err);
}

static void take_word(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
    to[text_utf8_valid(to, strlen(to))] = '\0'; /* perhaps cut in the middle of a character */
}

int baseline_make(const struct baseline_place *place, const struct baseline_ask *ask,
                  struct baseline *ret, struct store_error *err)
{
    *ret = (struct baseline){.automatic = strcmp(ask->name, BASELINE_AUTO) == 0,
                             .made_ms = ask->now_ms,
                             .from_ms = ask->from_ms,
                             .to_ms = ask->to_ms,
                             .block_ms = BLOCK_MS};
    take_word(ret->name, sizeof(ret->name), ask->name);
    take_word(ret->comment, sizeof(ret->comment), ask->comment);
    take_word(ret->made_by, sizeof(ret->made_by), ask->made_by);
    take_word(ret->version, sizeof(ret->version), place->version);
    take_word(ret->host, sizeof(ret->host), place->host);
    take_word(ret->kernel, sizeof(ret->kernel), place->kernel);
    int code = copy_selection(&ret->selection, ask->selector);
    if (code)
        return fail(err, code, "the patterns are too long", "");
    code = read_window(place, ask, ret->automatic, ret->block_ms, ask->selector, &ret->list, err);
    if (code)
        return code;
    ret->blocks = baseline_list_blocks(&ret->list);
    return ret->list.count || ret->automatic
               ? 0
               : fail(err, -EINVAL, "the history has no whole minute of such series in that time",
                      "");
}

/* ---- documents --------------------------------------------------------------------------- */

int baseline_keep(const struct baseline_place *place, const struct baseline *b, bool replace,
                  struct store_error *err)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    baseline_json(&text, b);
    buf_char(&text, '\n');
    if (!buf_ok(&text))
        return fail(err, -ENOMEM, "there is no memory for it", "");
    return document_write(place->data_dir, DOCUMENT_KIND_BASELINES, b->name, text.data, text.len,
                          replace, err);
}

int baseline_load(const char *data_dir, const char *name, bool entry_only, struct baseline *ret,
                  size_t *ret_count, struct store_error *err)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    char why[256];
    *ret = (struct baseline){0};
    int code = document_read(data_dir, DOCUMENT_KIND_BASELINES, name, &text, err);
    if (code)
        return code;
    code = baseline_parse(text.data, text.len, entry_only, ret, ret_count, why, sizeof(why));
    take_word(ret->name, sizeof(ret->name), name); /* the file's name counts */
    /* Not -EBADMSG: that is a damaged history, which would be set aside. */
    return code ? fail(err, code == -EBADMSG ? -EUCLEAN : code, "the document is damaged: ", why)
                : 0;
}

static void put_auto(struct buf *out)
{
    json_open(out, '{');
    json_put_key(out, "name");
    json_put_string(out, BASELINE_AUTO);
    json_put_key(out, "kind");
    json_put_string(out, "automatic");
    json_put_key(out, "comment");
    json_put_string(out, "the same hours of the week in the four weeks before");
    static const char *const unknown[] = {"made_ms", "from_ms", "to_ms", "series_count", "blocks"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        json_put_key(out, unknown[i]);
        json_put_null(out);
    }
    json_close(out, '}');
}

static void put_unreadable(struct buf *out, const char *name, const char *why)
{
    json_open(out, '{');
    json_put_key(out, "name");
    json_put_string(out, name);
    json_put_key(out, "kind");
    json_put_string(out, "saved");
    json_put_key(out, "error");
    json_put_string(out, why);
    json_close(out, '}');
}

int baseline_list_json(const char *data_dir, struct buf *out, struct store_error *err)
{
    struct document_list *documents;
    int code = documents_list(data_dir, DOCUMENT_KIND_BASELINES, &documents, err);
    if (code)
        return code;
    json_open(out, '{');
    json_put_key(out, "baselines");
    json_open(out, '[');
    for (size_t i = 0; i < documents->count; i++) {
        const char *name = documents->entries[i].name;
        struct baseline b;
        struct store_error error;
        size_t count = 0;
        int bad = baseline_load(data_dir, name, true, &b, &count, &error);
        if (bad && bad != -ENOENT) /* deleted since */
            put_unreadable(out, name, error.text);
        else if (!bad)
            baseline_entry_json(out, &b, count);
        baseline_fini(&b);
    }
    put_auto(out);
    json_close(out, ']');
    json_close(out, '}');
    free(documents);
    return 0;
}

/* ---- comparing --------------------------------------------------------------------------- */

int baseline_compare(const struct baseline_place *place, const struct baseline_ask *ask,
                     uint32_t blocks_least, struct baseline_comparison *ret,
                     struct store_error *err)
{
    *ret = (struct baseline_comparison){0};
    bool automatic = strcmp(ask->name, BASELINE_AUTO) == 0;
    /* Longer, and the weeks before would overlap each other and what they are held against. */
    if (automatic && ask->to_ms - ask->from_ms > BASELINE_WEEK_MS)
        return fail(err, -EINVAL, "from: auto compares a week at most", "");
    int code = automatic
                   ? baseline_make(place, ask, &ret->before, err)
                   : baseline_load(place->data_dir, ask->name, false, &ret->before, NULL, err);
    if (code)
        return code;
    const struct selector *selector = ask->selector ? ask->selector : &ret->before.selection;
    if (ask->selector && !automatic)
        baseline_list_select(&ret->before.list, ask->selector);
    code = read_window(place, ask, false, ret->before.block_ms, selector, &ret->after, err);
    if (!code)
        comparison_make(&ret->report, &ret->before.list, &ret->after, blocks_least);
    return code;
}

void baseline_comparison_fini(struct baseline_comparison *c)
{
    comparison_fini(&c->report);
    baseline_list_fini(&c->after);
    baseline_fini(&c->before);
}
