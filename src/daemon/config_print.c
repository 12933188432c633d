/*
 * config_print.c: the configuration for people and programs: what is in force (dump-config), and
 * the table as documentation. Everything is written from the rows; docs/CONFIG.md and
 * docs/man/netsonde.yaml.5 are output of this file, and a test holds them to it.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/rule.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_lists.h"
#include "daemon/config_value.h"
#include "wire/json.h"

/* ---- what is in force -------------------------------------------------------------------- */

/* A text as a YAML scalar: as it is when no reader could take it for something else. */
static void put_scalar(struct buf *out, const char *text)
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

static void put_value(struct buf *out, const struct config_row *row,
                      const struct config_list *texts)
{
    if (row->type != CONFIG_TEXTS) {
        if (texts->count)
            put_scalar(out, texts->items[0]);
        return;
    }
    buf_char(out, '[');
    for (size_t i = 0; i < texts->count; i++) {
        if (i)
            buf_text(out, ", ");
        put_scalar(out, texts->items[i]);
    }
    buf_char(out, ']');
}

static void put_default(struct buf *out, const struct config_row *row)
{
    struct config_list texts = {0};
    if (!row->value)
        return;
    if (row->type == CONFIG_TEXTS)
        config_list_split(&texts, row->value);
    else
        config_list_add(&texts, row->value);
    put_value(out, row, &texts);
    config_list_fini(&texts);
}

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
        put_scalar(out, pairs[0].text);
        return;
    }
    buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_text(out, ", ");
        put_scalar(out, pairs[i].text);
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

static void put_json_item(struct buf *out, enum config_list_kind kind,
                          const struct config_pair *pairs, size_t count, const char *where)
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
            json_put_string(out, pairs[k].text);
        if (list)
            json_close(out, ']');
    }
    json_close(out, '}');
    json_put_key(out, "from");
    json_put_string(out, where);
    json_close(out, '}');
}

static void put_json_list(struct buf *out, const struct config *c, enum config_list_kind kind)
{
    json_put_key(out, config_list_name(kind));
    json_open(out, '[');
    for (size_t i = 0; i < config_list_count(c, kind); i++) {
        const struct config_entry *entry = &c->entries[kind][i];
        CLEANUP(buf_fini) struct buf where = BUF_INIT;
        put_entry_where(&where, entry);
        if (entry->file)
            put_json_item(out, kind, entry->pairs, entry->pairs_count, buf_string(&where));
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
            put_json_item(out, CONFIG_LIST_ALERTS, texts.pairs, texts.count, "default");
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
        put_value(&line, row, &origin->texts);
        buf_printf(out, "%-44s # ", buf_string(&line));
        put_where(out, origin);
        if (origin->source != CONFIG_DEFAULT && row->value) {
            buf_text(out, "; default ");
            put_default(out, row);
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

void config_dump_json(const struct config *c, struct buf *out)
{
    json_open(out, '{');
    json_put_key(out, "config");
    json_open(out, '[');
    for (size_t i = 0; i < config_rows_count; i++) {
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
        json_close(out, '}');
        config_list_fini(&texts);
    }
    json_close(out, ']');
    for (int kind = 0; kind < CONFIG_LISTS; kind++)
        put_json_list(out, c, (enum config_list_kind)kind);
    put_json_default_rules(out, c);
    json_close(out, '}');
    buf_char(out, '\n');
}

/* ---- documentation ----------------------------------------------------------------------- */

static void put_expected(struct buf *out, const struct config_row *row)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    config_value_expected(row, &text);
    buf_text(out, buf_string(&text));
}

static void put_escaped(struct buf *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            buf_char(out, '\\');
        buf_char(out, *text);
    }
}

static void markdown_row(struct buf *out, const struct config_row *row)
{
    CLEANUP(buf_fini) struct buf expected = BUF_INIT;
    put_expected(&expected, row);
    buf_printf(out, "| `%s` | ", row->key);
    if (!row->value) {
        buf_text(out, "see right");
    } else {
        buf_char(out, '`');
        put_default(out, row);
        buf_char(out, '`');
    }
    buf_text(out, " | ");
    put_escaped(out, buf_string(&expected), "*|[]~_");
    buf_text(out, " | ");
    put_escaped(out, row->doc, "*|[]~_");
    buf_printf(out, " Example: `%s`. | ", row->example);
    if (row->flag)
        buf_printf(out, "`%s`, ", row->flag);
    buf_char(out, '`');
    config_row_environment(row, out);
    buf_text(out, "` |\n");
}

static void markdown_table(struct buf *out, const char *section)
{
    buf_text(out, "| Key | Default | Value | Meaning | Flag and environment |\n"
                  "|---|---|---|---|---|\n");
    for (size_t i = 0; i < config_rows_count; i++) {
        const char *of = config_rows[i].section;
        if (of == section || (of && section && strcmp(of, section) == 0))
            markdown_row(out, &config_rows[i]);
    }
    buf_char(out, '\n');
}

/* What stands between backticks is left as it is. */
static void put_markdown(struct buf *out, const char *text)
{
    bool code = false;
    for (; *text; text++) {
        code ^= *text == '`';
        if (!code && strchr("*|[]~_", *text))
            buf_char(out, '\\');
        buf_char(out, *text);
    }
}

static void markdown_list(struct buf *out, enum config_list_kind kind)
{
    struct config_item_key key;
    buf_printf(out, "## %s\n\nA list of mappings. %s\n\n```yaml\n%s```\n\n", config_list_name(kind),
               config_list_doc(kind), config_list_example(kind));
    buf_text(out, "| Key | Value | Meaning |\n|---|---|---|\n");
    for (size_t i = 0; config_list_key_at(kind, i, &key); i++) {
        buf_printf(out, "| `%s` | ", key.name);
        put_markdown(out, key.expected);
        if (key.list)
            buf_text(out, "; one, or a list");
        buf_text(out, " | ");
        put_markdown(out, key.doc);
        buf_text(out, " |\n");
    }
    buf_char(out, '\n');
}

void config_print_markdown(struct buf *out)
{
    buf_text(
        out,
        "# Configuration\n\n"
        "<!-- Written by `netsonde dump-config --documentation markdown`; do not edit. -->\n\n"
        "netsonde needs no configuration. What it finds it reads in this order, and the later\n"
        "one wins: `" CONFIG_FILE_DEFAULT "` (or the file of `--config`), then\n"
        "`conf.d/*.yaml` beside that file in the order of the names, then environment\n"
        "variables, then flags. `netsonde dump-config` shows every value and where it came\n"
        "from, `netsonde check-config` tells every mistake with file, line and column.\n\n"
        "A file is YAML without anchors and tags, at most 1 MiB:\n\n"
        "```yaml\n"
        "collect:\n  interval: 500ms\n"
        "serve:\n  listen: [\"127.0.0.1:8080\"]\n"
        "```\n\n"
        "Durations are written `100ms`, `5s`, `1.5m`, `2h`, `14d`, `2w`, `5y`; sizes `512`,\n"
        "`64KiB`, `10MB`, `2GiB`; rates `10Mbit`, `125kB`. In a variable or a flag the items\n"
        "of a list are separated by commas. `--listen` may be given more than once. The lists\n"
        "`channels` and `alerts` stand in files only; those of several files add up.\n\n"
        "SIGHUP reads everything again. With a mistake in it the old configuration stays.\n"
        "`collect.interval` and `alerts` apply at once, everything else at the next start.\n\n");
    for (size_t i = 0; i < config_sections_count; i++) {
        buf_printf(out, "## %s\n\n%s\n\n", config_sections[i].name, config_sections[i].doc);
        markdown_table(out, config_sections[i].name);
    }
    for (int kind = 0; kind < CONFIG_LISTS; kind++)
        markdown_list(out, (enum config_list_kind)kind);
    buf_text(out, "## Not in files\n\nThese have a flag and a variable only.\n\n");
    markdown_table(out, NULL);
    out->len--; /* one newline at the end is enough */
}

static void man_row(struct buf *out, const struct config_row *row)
{
    CLEANUP(buf_fini) struct buf expected = BUF_INIT;
    CLEANUP(buf_fini) struct buf value = BUF_INIT;
    put_expected(&expected, row);
    put_default(&value, row);
    buf_printf(out, ".TP\n.B %s\n", row->key);
    put_escaped(out, row->doc, "\\");
    buf_text(out, "\nExpected: ");
    put_escaped(out, buf_string(&expected), "\\");
    buf_text(out, ".\n");
    if (row->value)
        buf_printf(out, "Default: \\(lq%s\\(rq.\n", buf_string(&value));
    buf_text(out, "Variable: ");
    config_row_environment(row, out);
    buf_char(out, '.');
    if (row->flag) {
        buf_text(out, " Flag: ");
        put_escaped(out, row->flag, "-");
        buf_char(out, '.');
    }
    buf_char(out, '\n');
}

static void man_list(struct buf *out, enum config_list_kind kind)
{
    struct config_item_key key;
    buf_printf(out, ".SH %s\nA list of mappings. ", config_list_name(kind));
    put_escaped(out, config_list_doc(kind), "\\");
    buf_text(out, "\n.PP\n.nf\n");
    put_escaped(out, config_list_example(kind), "\\");
    buf_text(out, ".fi\n");
    for (size_t i = 0; config_list_key_at(kind, i, &key); i++) {
        buf_printf(out, ".TP\n.B %s\n", key.name);
        put_escaped(out, key.doc, "\\");
        buf_text(out, "\nExpected: ");
        put_escaped(out, key.expected, "\\");
        buf_printf(out, "%s.\n", key.list ? "; one, or a list" : "");
    }
}

void config_print_man(struct buf *out)
{
    buf_text(out, ".\\\" Written by \"netsonde dump-config --documentation man\"; do not edit.\n"
                  ".TH NETSONDE.YAML 5 \"\" netsonde\n"
                  ".SH NAME\nnetsonde.yaml \\- configuration of netsonde\n"
                  ".SH SYNOPSIS\n.I " CONFIG_FILE_DEFAULT "\n.br\n"
                  ".I /etc/netsonde/conf.d/*.yaml\n"
                  ".SH DESCRIPTION\n"
                  "A mapping of sections, each a mapping of keys, in YAML without anchors and\n"
                  "tags. Files in conf.d are read after the first one, in the order of their\n"
                  "names; a later value replaces an earlier one. A variable in the environment\n"
                  "replaces what files say, a flag replaces both.\n"
                  "Durations are written 100ms, 5s, 1.5m, 2h, 14d, 2w, 5y; sizes 512, 64KiB,\n"
                  "10MB, 2GiB. In a variable the items of a list are separated by commas.\n");
    for (size_t s = 0; s < config_sections_count; s++) {
        buf_printf(out, ".SH %s\n%s\n", config_sections[s].name, config_sections[s].doc);
        for (size_t i = 0; i < config_rows_count; i++) {
            if (config_rows[i].section &&
                strcmp(config_rows[i].section, config_sections[s].name) == 0)
                man_row(out, &config_rows[i]);
        }
    }
    for (int kind = 0; kind < CONFIG_LISTS; kind++)
        man_list(out, (enum config_list_kind)kind);
    buf_text(out, ".SH SEE ALSO\n.BR netsonde (1)\n");
}
