/*
 * view.c: see view.h.
 *
 * A table may have 50,000 rows and a view is made on threads that have others to serve, so:
 *
 * - Words are compared with what is there, without making anything: own search for text (strcasestr
 *   asks the locale about every character), numbers are written out only for words that could be
 *   one, by arithmetic rather than by printf.
 * - A page of the first k rows is kept in a heap whose root is the last of them: nearly every other
 *   row loses against the root at once. Only these k are sorted.
 */
#include "model/view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define VIEW_WORDS_MAX 16
#define VIEW_KEYS_MAX 5
#define NUMBER_MAX 40
#define SHOWN_DIGITS 6   /* of a number that is not whole */
#define DECIMALS_MOST 11 /* what SHOWN_DIGITS of a millionth need */

struct word {
    bool negate;
    bool numeric; /* may be a part of a number */
    int column;   /* -1: any */
    char compare; /* 0: text, '<' or '>' */
    double number;
    const char *text; /* in small letters */
    size_t len;
};

struct key {
    size_t column;
    int sign;
};

struct view_spec {
    const struct table_schema *schema;
    char *texts; /* of the words */
    struct word words[VIEW_WORDS_MAX];
    size_t words_count;
    struct key keys[VIEW_KEYS_MAX];
    size_t keys_count;
};

/* ---- reading what is wanted ---------------------------------------------------------------- */

static int column_named(const struct table_schema *schema, const char *name, size_t len)
{
    for (size_t i = 0; i < schema->columns_count; i++) {
        if (strlen(schema->columns[i].name) == len &&
            strncmp(schema->columns[i].name, name, len) == 0)
            return (int)i;
    }
    return -1;
}

static inline unsigned char small(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* The text of a word: what is left when its parts have been read. */
static void word_set_text(struct word *w, char *text)
{
    w->text = text;
    w->len = strlen(text);
    w->numeric = strspn(text, "0123456789.+-eE") == w->len;
    for (; *text; text++)
        *text = (char)small((unsigned char)*text);
}

/* A word whose column is unknown is plain text: an address such as fe80::1 has a colon too. */
static int word_parse(const struct table_schema *schema, char *text, struct word *ret, char *why,
                      size_t why_size)
{
    *ret = (struct word){.column = -1};
    if (text[0] == '-' && text[1]) {
        ret->negate = true;
        text++;
    }
    size_t name = strcspn(text, ":<>");
    int column = text[name] && name > 0 ? column_named(schema, text, name) : -1;
    if (column < 0 && (!text[name] || text[name] == ':' || name == 0)) {
        word_set_text(ret, text);
        return 0;
    }
    if (column < 0) {
        snprintf(why, why_size, "there is no column \"%.*s\"", (int)name, text);
        return -EINVAL;
    }
    ret->column = column;
    if (text[name] != ':') {
        ret->compare = text[name];
        if (text_double(text + name + 1, &ret->number) < 0) {
            snprintf(why, why_size, "\"%s\" is not a number", text + name + 1);
            return -EINVAL;
        }
    }
    word_set_text(ret, text + name + 1);
    return 0;
}

static int words_parse(struct view_spec *spec, char *why, size_t why_size)
{
    char *rest = spec->texts;
    for (char *text; (text = strsep(&rest, " \t")) != NULL;) {
        if (!*text)
            continue;
        if (spec->words_count == VIEW_WORDS_MAX) {
            snprintf(why, why_size, "at most %d words", VIEW_WORDS_MAX);
            return -EINVAL;
        }
        int err = word_parse(spec->schema, text, &spec->words[spec->words_count++], why, why_size);
        if (err)
            return err;
    }
    return 0;
}

static void keys_add(struct view_spec *spec, const char *name, int sign)
{
    int column = column_named(spec->schema, name, strlen(name));
    if (column >= 0)
        spec->keys[spec->keys_count++] = (struct key){(size_t)column, sign};
}

static int keys_parse(struct view_spec *spec, const char *sort, char *why, size_t why_size)
{
    if (!sort || !*sort) {
        static const char *const usual[VIEW_KEYS_MAX] = {"rx_rate", "tx_rate", "rx_bytes",
                                                         "tx_bytes", "t"};
        for (size_t i = 0; i < ARRAY_LEN(usual); i++)
            keys_add(spec, usual[i], -1);
        return 0;
    }
    keys_add(spec, sort + (sort[0] == '-'), sort[0] == '-' ? -1 : 1);
    if (spec->keys_count)
        return 0;
    snprintf(why, why_size, "there is no column \"%s\"", sort + (sort[0] == '-'));
    return -EINVAL;
}

int view_spec_new(const struct table_schema *schema, const char *filter, const char *sort,
                  struct view_spec **ret, const char **ret_field, char *why, size_t why_size)
{
    struct view_spec *spec = mem_alloc(sizeof(*spec));
    spec->schema = schema;
    *ret_field = "filter";
    int err = 0;
    if (filter && strlen(filter) > VIEW_TEXT_MAX) {
        snprintf(why, why_size, "at most %d bytes", VIEW_TEXT_MAX);
        err = -EINVAL;
    }
    if (!err) {
        spec->texts = mem_string(filter ? filter : "");
        err = words_parse(spec, why, why_size);
    }
    if (!err) {
        *ret_field = "sort";
        err = keys_parse(spec, sort, why, why_size);
    }
    if (err)
        view_spec_free(spec);
    else
        *ret = spec;
    return err;
}

void view_spec_free(struct view_spec *spec)
{
    if (!spec)
        return;
    free(spec->texts);
    free(spec);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void view_spec_put_key(const struct view_spec *spec, struct buf *out)
{
    char *parts[VIEW_WORDS_MAX] = {NULL};
    for (size_t i = 0; i < spec->keys_count; i++)
        buf_printf(out, " %c%zu", spec->keys[i].sign < 0 ? '-' : '+', spec->keys[i].column);
    for (size_t i = 0; i < spec->words_count; i++) {
        const struct word *w = &spec->words[i];
        parts[i] =
            mem_printf("%d%d%c%s", w->negate, w->column, w->compare ? w->compare : ':', w->text);
    }
    qsort(parts, spec->words_count, sizeof(parts[0]), compare_texts);
    for (size_t i = 0; i < spec->words_count; i++) {
        /* Lengths, not separators: no choice of words can imitate another. */
        if (i == 0 || strcmp(parts[i], parts[i - 1]) != 0)
            buf_printf(out, " %zu:%s", strlen(parts[i]), parts[i]);
    }
    for (size_t i = 0; i < spec->words_count; i++)
        free(parts[i]);
}

bool view_spec_shows_all(const struct view_spec *spec)
{
    return spec->words_count == 0;
}

size_t view_spec_cost(const struct view_spec *spec, size_t rows)
{
    size_t looks = spec->keys_count;
    for (size_t i = 0; i < spec->words_count; i++)
        looks += spec->words[i].column < 0 ? spec->schema->columns_count : 1;
    return rows * MAX(looks, (size_t)1);
}

/* ---- which rows ---------------------------------------------------------------------------- */

static bool text_has(const char *text, const struct word *w)
{
    const unsigned char *at = (const unsigned char *)text;
    if (!w->len)
        return true;
    const unsigned char first = (unsigned char)w->text[0];
    for (; *at; at++) {
        if (small(*at) != first)
            continue;
        size_t i = 1;
        while (i < w->len && small(at[i]) == (unsigned char)w->text[i]) /* ends at the NUL */
            i++;
        if (i == w->len)
            return true;
    }
    return false;
}

/* Backwards from `end`, which points behind the text; returns its begin. */
static char *put_digits(char *end, uint64_t value, unsigned least)
{
    char *at = end;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value || (unsigned)(end - at) < least);
    return at;
}

/* As the messages and answers show it (json_put_rounded, which this layer cannot see): whole
 * numbers exact, others with six significant digits. */
static const char *real_text(double value, char out[NUMBER_MAX])
{
    double size = fabs(value);
    if (size >= 0x1p53 || (size > 0 && size < 1e-6)) { /* seldom enough */
        snprintf(out, NUMBER_MAX, "%.*g", SHOWN_DIGITS, value);
        return out;
    }
    unsigned decimals = 0;
    uint64_t scale = 1;
    if (size != (double)(uint64_t)size) {
        for (double top = 1e5; decimals < DECIMALS_MOST && size < top; top /= 10, scale *= 10)
            decimals++;
    }
    uint64_t scaled = (uint64_t)rint(size * (double)scale), rest = scaled % scale;
    char *end = out + NUMBER_MAX - 1, *at = end;
    *end = '\0';
    if (rest) {
        at = put_digits(end, rest, decimals);
        while (end[-1] == '0')
            *--end = '\0';
        *--at = '.';
    }
    at = put_digits(at, scaled / scale, 1);
    if (value < 0 && scaled)
        *--at = '-';
    return at;
}

static bool cell_has_text(const struct cell *c, const struct word *w)
{
    char number[NUMBER_MAX] = "";
    switch (c->type) {
    case CELL_TEXT:
    case CELL_LIST:
        return text_has(c->text, w);
    case CELL_UINT:
        number[NUMBER_MAX - 1] = '\0';
        return w->numeric && text_has(put_digits(number + NUMBER_MAX - 1, c->uint, 1), w);
    case CELL_REAL:
        return w->numeric && text_has(real_text(c->real, number), w);
    case CELL_NULL:
        return false;
    }
    return false;
}

static bool word_holds(const struct word *w, const struct cell *row, size_t columns)
{
    bool holds = false;
    if (w->compare) {
        const struct cell *c = &row[w->column];
        double value = c->type == CELL_UINT ? (double)c->uint : c->real;
        bool is_number = c->type == CELL_UINT || c->type == CELL_REAL;
        holds = is_number && (w->compare == '<' ? value < w->number : value > w->number);
    } else if (w->column >= 0) {
        holds = cell_has_text(&row[w->column], w);
    } else {
        for (size_t c = 1; c < columns && !holds; c++)
            holds = cell_has_text(&row[c], w);
    }
    return holds != w->negate;
}

static bool row_passes(const struct view_spec *spec, const struct table *t, size_t row)
{
    size_t columns = t->schema->columns_count;
    const struct cell *cells = &t->cells[row * columns];
    for (size_t i = 0; i < spec->words_count; i++) {
        if (!word_holds(&spec->words[i], cells, columns))
            return false;
    }
    return true;
}

/* ---- in which order ------------------------------------------------------------------------ */

struct order {
    const struct table *table;
    const struct view_spec *spec;
};

static int rows_compare(const struct order *o, size_t x, size_t y)
{
    size_t columns = o->table->schema->columns_count;
    const struct cell *a = &o->table->cells[x * columns], *b = &o->table->cells[y * columns];
    for (size_t i = 0; i < o->spec->keys_count; i++) {
        const struct key *k = &o->spec->keys[i];
        int by = cell_compare(&a[k->column], &b[k->column]);
        if (by)
            return by * k->sign;
    }
    return (x > y) - (x < y);
}

static int order_compare(const void *a, const void *b, void *user)
{
    return rows_compare(user, *(const size_t *)a, *(const size_t *)b);
}

/* The row at `at` may come too early for its place: nearer to the root come later ones. */
static void heap_sink(const struct order *o, size_t *heap, size_t count, size_t at)
{
    for (size_t row = heap[at];;) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && rows_compare(o, heap[child], heap[child + 1]) < 0)
            child++;
        if (child >= count || rows_compare(o, row, heap[child]) >= 0) {
            heap[at] = row;
            return;
        }
        heap[at] = heap[child];
        at = child;
    }
}

/* Brings the first `most` rows of the order to the front, sorted. */
static void rows_select(const struct order *o, size_t *rows, size_t count, size_t most)
{
    if (most < count) {
        for (size_t at = most / 2; at-- > 0;)
            heap_sink(o, rows, most, at);
        for (size_t i = most; most && i < count; i++) {
            if (rows_compare(o, rows[i], rows[0]) > 0)
                continue;
            rows[0] = rows[i];
            heap_sink(o, rows, most, 0);
        }
        count = most;
    }
    qsort_r(rows, count, sizeof(*rows), order_compare, (void *)o);
}

void view_make(const struct table *t, const struct view_spec *spec, size_t limit, size_t offset,
               struct view *ret)
{
    struct order order = {.table = t, .spec = spec};
    *ret = (struct view){.rows = mem_array(t->rows_count, sizeof(*ret->rows))};
    for (size_t row = 0; row < t->rows_count; row++) {
        if (row_passes(spec, t, row))
            ret->rows[ret->total++] = row;
    }
    size_t skipped = MIN(offset, ret->total);
    ret->count = MIN(limit, ret->total - skipped);
    rows_select(&order, ret->rows, ret->total, ret->count ? skipped + ret->count : 0);
    memmove(ret->rows, ret->rows + skipped, ret->count * sizeof(*ret->rows));
}

void view_fini(struct view *v)
{
    free(v->rows);
    *v = (struct view){0};
}
