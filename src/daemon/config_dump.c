/*
 * config_dump.c: the configuration in force, for people and programs: every key with its value and
 * where it came from, and the lists as they were written. The YAML can be loaded again.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/rule.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_lists.h"
#include "daemon/config_value.h"
#include "wire/json.h"

/* ---- values ------------------------------------------------------------------------------ */

/* A text as a YAML scalar: as it is when no reader could take it for something else. */
void config_put_scalar(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._/-";
    if (*text && *text != '-' && *text != '.' && strspn(text, plain) == strlen(text)) {
        buf_text(out, text);
        return;
    }
    /* A JSON string is a double-quoted scalar of YAML; made apart, or it would get a comma. */
    CLEANUP(buf_fini) struct buf quoted = BUF_INIT;
    json_put_string(&quoted, text);
    buf_append(out, quoted.data, quoted.len);
}

void config_put_value(struct buf *out, const struct config_row *row,
                      const struct config_list *texts)
{
    if (row->type != CONFIG_TEXTS) {
        if (texts->count)
            config_put_scalar(out, texts->items[0]);
        return;
    }
    buf_char(out, '[');
    for (size_t i = 0; i < texts->count; i++) {
        if (i)
            buf_text(out, ", ");
        config_put_scalar(out, texts->items[i]);
    }
    buf_char(out, ']');
}

void config_put_default(struct buf *out, const struct config_row *row)
{
    struct config_list texts = {0};
    if (!row->value)
        return;
    if (row->type == CONFIG_TEXTS)
        config_list_split(&texts, row->value);
    else
        config_list_add(&texts, row->value);
    config_put_value(out, row, &texts);
    config_list_fini(&texts);
}

/* ---- keys -------------------------------------------------------------------------------- */

static void put_where(struct buf *out, const struct config_origin *origin)
{
    switch (origin->source) {
    case CONFIG_DEFAULT:
        buf_text(out, "default");
        break;
    case CONFIG_FROM_FILE:
        buf_printf(out, "%s:%zu:%zu", origin->name, origin->line, origin->column);
        break;
    case CONFIG_FROM_ENVIRONMENT:
        buf_printf(out, "env %s", origin->name);
        break;
    case CONFIG_FROM_FLAG:
        buf_printf(out, "flag %s", origin->name);
        break;
    }
}

/* ---- the lists --------------------------------------------------------------------------- */

/* The keys of an item, each with its texts, as they come from a file or from a rule. */
struct texts {
    size_t count;
    struct config_pair *pairs; /* keys and texts owned; places not set */
};

static void add_text(void *user, const char *key, const char *text)
{
    struct texts *t = user;
    t->pairs = mem_resize(t->pairs, t->count + 1, sizeof(*t->pairs));
    t->pairs[t->count++] = (struct config_pair){.key = mem_string(key), .text = mem_string(text)};
}

static void texts_fini(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->pairs[i].key);
        free(t->pairs[i].text);
    }
    free(t->pairs);
}

static bool is_list(enum config_list_kind kind, const char *name)
{
    struct config_item_key key;
    for (size_t i = 0; config_list_key_at(kind, i, &key); i++) {
        if (strcmp(key.name, name) == 0)
            return key.list;
    }
    return false;
}

/* Behind pair `i`: the first one of another key. */
static size_t next_key(const struct config_pair *pairs, size_t count, size_t i)
{
    size_t next = i + 1;
    while (next < count && strcmp(pairs[next].key, pairs[i].key) == 0)
        next++;
    return next;
}

static void put_item_value(struct buf *out, const struct config_pair *pairs, size_t count,
                           bool list)
{
    if (!list) {
        config_put_scalar(out, pairs[0].text);
        return;
    }
    buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_text(out, ", ");
        config_put_scalar(out, pairs[i].text);
    }
    buf_char(out, ']');
}

/* "  - name: x                   # FILE:LINE:COLUMN" and a line for each further key. */
static void put_item(struct buf *out, enum config_list_kind kind, const struct config_pair *pairs,
                     size_t count, const char *before, const char *where)
{
    size_t next;
    for (size_t i = 0; i < count; i = next) {
        CLEANUP(buf_fini) struct buf line = BUF_INIT;
        next = next_key(pairs, count, i);
        buf_printf(&line, "%s%s%s: ", before, i ? "    " : "  - ", pairs[i].key);
        put_item_value(&line, &pairs[i], next - i, is_list(kind, pairs[i].key));
        if (i == 0 && where)
            buf_printf(out, "%-44s # %s\n", buf_string(&line), where);
        else
            buf_printf(out, "%s\n", buf_string(&line));
    }
}

static void put_entry_where(struct buf *out, const struct config_entry *entry)
{
    if (entry->file)
        buf_printf(out, "%s:%zu:%zu", entry->file, entry->line, entry->column);
    else
        buf_text(out, "default");
}

/* The rules that everybody has, as far as they are in force. */
static void put_default_rules(struct buf *out, const struct config *c, const char *before,
                              const char *where)
{
    size_t count;
    struct rule **rules = config_rules(c, &count);
    for (size_t i = 0; i < count; i++) {
        if (rules[i]->source == RULE_DEFAULT) {
            struct texts texts = {0};
            rule_each_key(rules[i], add_text, &texts);
            put_item(out, CONFIG_LIST_ALERTS, texts.pairs, texts.count, before, where);
            texts_fini(&texts);
        }
        rule_unref(rules[i]);
    }
    free(rules);
}

static size_t count_written(const struct config *c, enum config_list_kind kind)
{
    size_t written = 0;
    for (size_t i = 0; i < config_list_count(c, kind); i++)
        written += c->entries[kind][i].file != NULL;
    return written;
}

static void put_list(struct buf *out, const struct config *c, enum config_list_kind kind)
{
    buf_printf(out, "\n%s:%s\n", config_list_name(kind), count_written(c, kind) ? "" : " []");
    for (size_t i = 0; i < config_list_count(c, kind); i++) {
        const struct config_entry *entry = &c->entries[kind][i];
        CLEANUP(buf_fini) struct buf where = BUF_INIT;
        put_entry_where(&where, entry);
        put_item(out, kind, entry->pairs, entry->pairs_count, "", buf_string(&where));
    }
    /* As comments: a rule that stands in a file is another one, that the API cannot replace. */
    if (kind == CONFIG_LIST_ALERTS)
        put_default_rules(out, c, "# ", "default");
}

/* scheme://host:port/… : the rest of a webhook's address is often all that guards it. */
static void put_json_address(struct buf *out, const char *text)
{
    CLEANUP(buf_fini) struct buf shown = BUF_INIT;
    const char *host = strstr(text, "://");
    host = host ? host + strlen("://") : text;
    size_t len = strcspn(host, "/?#");
    const char *user_end = memrchr(host, '@', len);
    buf_append(&shown, text, (size_t)(host - text));
    if (user_end) {
        len -= (size_t)(user_end + 1 - host);
        host = user_end + 1;
    }
    buf_append(&shown, host, len);
    if (host[len])
        buf_text(&shown, "/…");
    json_put_string(out, buf_string(&shown));
}

/* `shown`: for others to see. `index`: of the text among those of its key. */
static void put_json_text(struct buf *out, const struct config_pair *pair, size_t index, bool shown)
{
    if (shown && (strcmp(pair->key, "url") == 0 || strcmp(pair->key, "dashboard") == 0))
        put_json_address(out, pair->text);
    else if (shown && strcmp(pair->key, "command") == 0 && index)
        json_put_string(out, "…");
    else
        json_put_string(out, pair->text);
}

static void put_json_item(struct buf *out, enum config_list_kind kind,
                          const struct config_pair *pairs, size_t count, const char *where,
                          bool shown)
{
    size_t next;
    json_open(out, '{');
    json_put_key(out, "keys");
    json_open(out, '{');
    for (size_t i = 0; i < count; i = next) {
        bool list = is_list(kind, pairs[i].key);
        next = next_key(pairs, count, i);
        json_put_key(out, pairs[i].key);
        if (list)
            json_open(out, '[');
        for (size_t k = i; k < next; k++)
            put_json_text(out, &pairs[k], k - i, shown);
        if (list)
            json_close(out, ']');
    }
    json_close(out, '}');
    json_put_key(out, "from");
    json_put_string(out, where);
    json_close(out, '}');
}

static void put_json_list(struct buf *out, const struct config *c, enum config_list_kind kind,
                          bool shown)
{
    json_put_key(out, config_list_name(kind));
    json_open(out, '[');
    for (size_t i = 0; i < config_list_count(c, kind); i++) {
        const struct config_entry *entry = &c->entries[kind][i];
        CLEANUP(buf_fini) struct buf where = BUF_INIT;
        put_entry_where(&where, entry);
        if (entry->file)
            put_json_item(out, kind, entry->pairs, entry->pairs_count, buf_string(&where), shown);
    }
    json_close(out, ']');
}

static void put_json_default_rules(struct buf *out, const struct config *c)
{
    size_t count;
    struct rule **rules = config_rules(c, &count);
    json_put_key(out, "default_alerts");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (rules[i]->source == RULE_DEFAULT) {
            struct texts texts = {0};
            rule_each_key(rules[i], add_text, &texts);
            put_json_item(out, CONFIG_LIST_ALERTS, texts.pairs, texts.count, "default", false);
            texts_fini(&texts);
        }
        rule_unref(rules[i]);
    }
    json_close(out, ']');
    free(rules);
}

/* ---- everything -------------------------------------------------------------------------- */

void config_dump_yaml(const struct config *c, struct buf *out)
{
    const char *section = NULL;
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        const struct config_origin *origin = &c->origins[i];
        CLEANUP(buf_fini) struct buf line = BUF_INIT;
        if (row->section && (!section || strcmp(section, row->section) != 0)) {
            section = row->section;
            buf_printf(out, "\n%s:\n", section);
        }
        /* What no file can set is a comment, so that the whole remains a file. */
        buf_printf(&line, "%s%s: ", row->section ? "  " : "# ", row->key);
        config_put_value(&line, row, &origin->texts);
        buf_printf(out, "%-44s # ", buf_string(&line));
        put_where(out, origin);
        if (origin->source != CONFIG_DEFAULT && row->value) {
            buf_text(out, "; default ");
            config_put_default(out, row);
        }
        buf_char(out, '\n');
    }
    for (int kind = 0; kind < CONFIG_LISTS; kind++)
        put_list(out, c, (enum config_list_kind)kind);
}

static void put_json_value(struct buf *out, const struct config_row *row,
                           const struct config_list *texts)
{
    if (row->type == CONFIG_TEXTS) {
        json_open(out, '[');
        for (size_t i = 0; i < texts->count; i++)
            json_put_string(out, texts->items[i]);
        json_close(out, ']');
    } else if (!texts->count) {
        json_put_null(out);
    } else if (row->type == CONFIG_INTEGER &&
               !(row->zero && strcmp(texts->items[0], row->zero) == 0)) {
        json_put_u64(out, strtoull(texts->items[0], NULL, 10)); /* was checked when it was set */
    } else if (row->type == CONFIG_NUMBER) {
        double value = 0;
        text_double(texts->items[0], &value);
        json_put_double(out, value);
    } else if (row->type == CONFIG_BOOL) {
        json_put_bool(out, strcmp(texts->items[0], "on") == 0);
    } else {
        json_put_string(out, texts->items[0]);
    }
}

static void put_json_row(struct buf *out, const struct config *c, size_t i, bool shown)
{
    const struct config_row *row = &config_rows[i];
    CLEANUP(buf_fini) struct buf name = BUF_INIT;
    CLEANUP(buf_fini) struct buf where = BUF_INIT;
    struct config_list texts = {0};
    config_row_name(row, &name);
    put_where(&where, &c->origins[i]);
    if (row->value && row->type == CONFIG_TEXTS)
        config_list_split(&texts, row->value);
    else if (row->value)
        config_list_add(&texts, row->value);
    json_open(out, '{');
    json_put_key(out, "key");
    json_put_string(out, buf_string(&name));
    json_put_key(out, "value");
    put_json_value(out, row, &c->origins[i].texts);
    json_put_key(out, "default");
    if (row->value)
        put_json_value(out, row, &texts);
    else
        json_put_null(out);
    json_put_key(out, "from");
    json_put_string(out, buf_string(&where));
    if (shown) {
        json_put_key(out, "doc");
        json_put_string(out, row->doc);
    }
    json_close(out, '}');
    config_list_fini(&texts);
}

static void put_json_members(const struct config *c, struct buf *out, bool shown)
{
    json_put_key(out, "config");
    json_open(out, '[');
    for (size_t i = 0; i < config_rows_count; i++)
        put_json_row(out, c, i, shown);
    json_close(out, ']');
    for (int kind = 0; kind < CONFIG_LISTS; kind++)
        put_json_list(out, c, (enum config_list_kind)kind, shown);
    put_json_default_rules(out, c);
}

void config_dump_json(const struct config *c, struct buf *out)
{
    json_open(out, '{');
    put_json_members(c, out, false);
    json_close(out, '}');
    buf_char(out, '\n');
}

void config_put_shown(const struct config *c, struct buf *out)
{
    put_json_members(c, out, true);
}
