/* view.c: see view.h. */
#include "api/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define VIEW_WORDS_MAX 16

struct word {
    bool negate;
    int column;   /* -1: any */
    char compare; /* 0: text, '<' or '>' */
    double number;
    const char *text;
};

static int column_named(const struct table_schema *schema, const char *name, size_t len)
{
    for (size_t i = 0; i < schema->columns_count; i++) {
        if (strlen(schema->columns[i].name) == len &&
            strncmp(schema->columns[i].name, name, len) == 0)
            return (int)i;
    }
    return -1;
}

/* A word whose column is unknown is plain text: an address such as fe80::1 has a colon too. */
static int word_parse(const struct table_schema *schema, char *text, struct word *ret, char *why,
                      size_t why_size)
{
    *ret = (struct word){.column = -1, .text = text};
    if (text[0] == '-' && text[1]) {
        ret->negate = true;
        ret->text = ++text;
    }
    size_t name = strcspn(text, ":<>");
    if (!text[name] || name == 0)
        return 0;
    int column = column_named(schema, text, name);
    if (column < 0 && text[name] == ':')
        return 0;
    if (column < 0) {
        snprintf(why, why_size, "there is no column \"%.*s\"", (int)name, text);
        return -EINVAL;
    }
    ret->column = column;
    ret->text = text + name + 1;
    if (text[name] == ':')
        return 0;
    ret->compare = text[name];
    if (text_double(ret->text, &ret->number) < 0) {
        snprintf(why, why_size, "\"%s\" is not a number", ret->text);
        return -EINVAL;
    }
    return 0;
}

static bool cell_has_text(const struct cell *c, const char *text)
{
    char number[40];
    switch (c->type) {
    case CELL_TEXT:
    case CELL_LIST:
        return strcasestr(c->text, text) != NULL;
    case CELL_UINT:
        snprintf(number, sizeof(number), "%llu", (unsigned long long)c->uint);
        return strstr(number, text) != NULL;
    case CELL_REAL:
        snprintf(number, sizeof(number), "%.17g", c->real);
        return strstr(number, text) != NULL;
    case CELL_NULL:
        return false;
    }
    return false;
}

static bool word_holds(const struct word *w, const struct table *t, size_t row)
{
    bool holds = false;
    if (w->compare) {
        const struct cell *c = table_cell(t, row, (size_t)w->column);
        double value = c->type == CELL_UINT ? (double)c->uint : c->real;
        bool is_number = c->type == CELL_UINT || c->type == CELL_REAL;
        holds = is_number && (w->compare == '<' ? value < w->number : value > w->number);
    } else if (w->column >= 0) {
        holds = cell_has_text(table_cell(t, row, (size_t)w->column), w->text);
    } else {
        for (size_t c = 1; c < t->schema->columns_count && !holds; c++)
            holds = cell_has_text(table_cell(t, row, c), w->text);
    }
    return holds != w->negate;
}

struct order {
    const struct table *table;
    struct {
        size_t column;
        int sign;
    } keys[4];
    size_t count;
};

static int order_compare(const void *a, const void *b, void *user)
{
    const struct order *o = user;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    for (size_t i = 0; i < o->count; i++) {
        int by = cell_compare(table_cell(o->table, x, o->keys[i].column),
                              table_cell(o->table, y, o->keys[i].column));
        if (by)
            return by * o->keys[i].sign;
    }
    return (x > y) - (x < y);
}

static void order_add(struct order *o, const char *name, int sign)
{
    int column = column_named(o->table->schema, name, strlen(name));
    if (column < 0)
        return;
    o->keys[o->count].column = (size_t)column;
    o->keys[o->count++].sign = sign;
}

static int order_parse(struct order *o, const char *sort, char *why, size_t why_size)
{
    if (!sort || !*sort) {
        static const char *const usual[] = {"rx_rate", "tx_rate", "rx_bytes", "tx_bytes"};
        for (size_t i = 0; i < ARRAY_LEN(usual); i++)
            order_add(o, usual[i], -1);
        return 0;
    }
    order_add(o, sort + (sort[0] == '-'), sort[0] == '-' ? -1 : 1);
    if (o->count)
        return 0;
    snprintf(why, why_size, "there is no column \"%s\"", sort + (sort[0] == '-'));
    return -EINVAL;
}

int view_make(const struct table *t, const char *filter, const char *sort, size_t limit,
              size_t offset, struct view *ret, const char **ret_field, char *why, size_t why_size)
{
    struct word words[VIEW_WORDS_MAX];
    size_t words_count = 0;
    struct order order = {.table = t};
    char *copy CLEANUP(mem_freep) = mem_string(filter ? filter : "");
    char *rest = copy;
    *ret = (struct view){0};
    *ret_field = "filter";
    for (char *text; (text = strsep(&rest, " \t")) != NULL;) {
        if (!*text)
            continue;
        if (words_count == VIEW_WORDS_MAX) {
            snprintf(why, why_size, "at most %d words", VIEW_WORDS_MAX);
            return -EINVAL;
        }
        int err = word_parse(t->schema, text, &words[words_count++], why, why_size);
        if (err)
            return err;
    }
    *ret_field = "sort";
    int err = order_parse(&order, sort, why, why_size);
    if (err)
        return err;

    ret->rows = mem_array(t->rows_count, sizeof(*ret->rows));
    for (size_t row = 0; row < t->rows_count; row++) {
        size_t w = 0;
        while (w < words_count && word_holds(&words[w], t, row))
            w++;
        if (w == words_count)
            ret->rows[ret->total++] = row;
    }
    qsort_r(ret->rows, ret->total, sizeof(*ret->rows), order_compare, &order);
    size_t skipped = MIN(offset, ret->total);
    ret->count = MIN(limit, ret->total - skipped);
    memmove(ret->rows, ret->rows + skipped, ret->count * sizeof(*ret->rows));
    return 0;
}

void view_fini(struct view *v)
{
    free(v->rows);
    *v = (struct view){0};
}
