/*
 * config_print.c: the table and the keys of the lists as documentation: docs/CONFIG.md and
 * docs/man/netsonde.yaml.5 are output of this file, and a test holds them to it.
 */
#include <string.h>

#include "daemon/config_lists.h"
#include "daemon/config_value.h"

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
        config_put_default(out, row);
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
        "`collect.interval` and `alerts` apply at once, a longer interval after one more tick of\n"
        "the old one; everything else at the next start.\n\n");
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
    config_put_default(&value, row);
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
