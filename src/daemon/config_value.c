/*
 * config_value.c: see config_value.h. A value is read into a local of its type, held against the
 * row, and only then stored, so a refused value leaves no trace. The limits of a row are text of
 * the same type and read by the same function as the value.
 */
#include "daemon/config_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- lists ------------------------------------------------------------------------------- */

static void list_add_n(struct config_list *list, const char *text, size_t len)
{
    list->items = mem_resize(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = mem_string_n(text, len);
}

void config_list_add(struct config_list *list, const char *text)
{
    list_add_n(list, text, strlen(text));
}

void config_list_split(struct config_list *list, const char *text)
{
    if (!text[strspn(text, " ")])
        return;
    for (;;) {
        text += strspn(text, " ");
        size_t len = strcspn(text, ","), end = len;
        while (end && text[end - 1] == ' ')
            end--;
        list_add_n(list, text, end);
        if (!text[len])
            return;
        text += len + 1;
    }
}

void config_list_copy(struct config_list *to, const struct config_list *from)
{
    *to = (struct config_list){0};
    for (size_t i = 0; i < from->count; i++)
        config_list_add(to, from->items[i]);
}

void config_list_fini(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

/* ---- what is wrong ----------------------------------------------------------------------- */

void config_quote(struct buf *out, const char *text)
{
    size_t len = strlen(text), shown = MIN(len, (size_t)64);
    buf_char(out, '"');
    for (size_t i = 0; i < shown; i++)
        buf_char(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
    buf_text(out, len > shown ? "\"..." : "\"");
}

static const char *type_name(const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_DURATION:
        return "a duration";
    case CONFIG_SIZE:
        return "a size";
    case CONFIG_RATE:
        return "a rate";
    case CONFIG_INTEGER:
        return "a whole number";
    case CONFIG_NUMBER:
        return "a number";
    case CONFIG_PART:
        return "K/N, with K at most N, N at most 8";
    case CONFIG_FREQUENCY:
        return "COUNT/DURATION";
    case CONFIG_BOOL:
        return "on or off";
    default:
        return NULL;
    }
}

void config_value_expected(const struct config_row *row, struct buf *out)
{
    if (row->type == CONFIG_TEXTS)
        buf_text(out, row->words ? "a list of " : "a list, each item ");
    if (row->words) {
        for (size_t i = 0; row->words[i]; i++) {
            if (i)
                buf_text(out, row->words[i + 1] ? ", " : " or ");
            buf_text(out, row->words[i]);
        }
    } else {
        if (row->zero)
            buf_printf(out, "%s, or ", row->zero);
        buf_text(out, row->check ? row->check->form : type_name(row));
    }
    if (row->least && row->most)
        buf_printf(out, " from %s to %s", row->least, row->most);
}

static int complain(const struct config_row *row, const char *text, const char *what,
                    struct buf *why)
{
    if (text) {
        config_quote(why, text);
        buf_char(why, ' ');
    }
    buf_printf(why, "%s (expected ", what);
    config_value_expected(row, why);
    if (row->example)
        buf_printf(why, ", such as %s", row->example);
    buf_char(why, ')');
    return -EINVAL;
}

/* ---- reading ----------------------------------------------------------------------------- */

union amount {
    int64_t duration;
    uint64_t count;
    double number;
};

static int read_amount(enum config_type type, const char *text, union amount *ret)
{
    switch (type) {
    case CONFIG_DURATION:
        return text_duration_ms(text, &ret->duration);
    case CONFIG_SIZE:
        return text_size_bytes(text, &ret->count);
    case CONFIG_RATE:
        return text_rate_bytes(text, &ret->number);
    case CONFIG_NUMBER:
        return text_double(text, &ret->number);
    default:
        return text_u64(text, &ret->count);
    }
}

static bool amount_less(enum config_type type, const union amount *a, const union amount *b)
{
    if (type == CONFIG_DURATION)
        return a->duration < b->duration;
    bool number = type == CONFIG_RATE || type == CONFIG_NUMBER;
    return number ? a->number < b->number : a->count < b->count;
}

static bool beyond(const struct config_row *row, const union amount *value, const char *limit,
                   bool least)
{
    union amount edge;
    if (!limit)
        return false;
    CHECK(read_amount(row->type, limit, &edge) == 0);
    return least ? amount_less(row->type, value, &edge) : amount_less(row->type, &edge, value);
}

static int set_amount(const struct config_row *row, void *member, const char *text, struct buf *why)
{
    union amount value = {0};
    if (row->zero && strcmp(text, row->zero) == 0) {
        memcpy(member, &value, sizeof(value));
        return 0;
    }
    int err = read_amount(row->type, text, &value);
    if (err == -EINVAL)
        return complain(row, text, "is not understood", why);
    if (err || beyond(row, &value, row->most, false))
        return complain(row, text, "is too much", why);
    if (beyond(row, &value, row->least, true))
        return complain(row, text, "is too little", why);
    memcpy(member, &value, sizeof(value)); /* all of them take eight bytes */
    return 0;
}

/* The two sides of "5/1m", in copies. False: there is no slash, or a side is too long. */
static bool split_at_slash(const char *text, char first[32], char second[32])
{
    const char *slash = strchr(text, '/');
    if (!slash || slash - text >= 32 || strlen(slash + 1) >= 32)
        return false;
    memcpy(first, text, (size_t)(slash - text));
    first[slash - text] = '\0';
    memcpy(second, slash + 1, strlen(slash + 1) + 1);
    return true;
}

#define PART_MAX 8 /* samples that a detector remembers one by one */

static int read_part(const char *text, struct config_part *ret)
{
    char first[32], second[32];
    uint64_t part, whole;
    if (!split_at_slash(text, first, second) || text_u64(first, &part) || text_u64(second, &whole))
        return -EINVAL;
    if (part < 1 || part > whole || whole > PART_MAX)
        return -ERANGE;
    *ret = (struct config_part){(uint32_t)part, (uint32_t)whole};
    return 0;
}

#define FREQUENCY_COUNT_MAX 1000

/* "5/1m"; the one of a duration may be left out: "1/day". */
static int read_frequency(const char *text, struct config_frequency *ret)
{
    static const struct {
        const char *word;
        int64_t ms;
    } words[] = {{"second", MS_PER_S},
                 {"minute", 60 * MS_PER_S},
                 {"hour", 3600 * MS_PER_S},
                 {"day", 86400 * MS_PER_S},
                 {"week", 7 * 86400 * MS_PER_S}};
    char first[32], second[32];
    uint64_t count;
    int64_t ms = 0;
    if (!split_at_slash(text, first, second) || text_u64(first, &count))
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(words) && !ms; i++) {
        if (strcmp(words[i].word, second) == 0)
            ms = words[i].ms;
    }
    int err = ms ? 0 : text_duration_ms(second, &ms);
    if (err)
        return err;
    if (count < 1 || count > FREQUENCY_COUNT_MAX || ms < 1)
        return -ERANGE;
    *ret = (struct config_frequency){(uint32_t)count, ms};
    return 0;
}

static int set_part(const struct config_row *row, struct config_part *member, const char *text,
                    struct buf *why)
{
    int err = read_part(text, member);
    if (err == -EINVAL)
        return complain(row, text, "is not understood", why);
    return err ? complain(row, text, "makes no sense", why) : 0;
}

static bool is_rarer(const struct config_frequency *a, const struct config_frequency *b)
{
    return (double)a->count * (double)b->ms < (double)b->count * (double)a->ms;
}

static int set_frequency(const struct config_row *row, struct config_frequency *member,
                         const char *text, struct buf *why)
{
    struct config_frequency value, least, most;
    CHECK(read_frequency(row->least, &least) == 0 && read_frequency(row->most, &most) == 0);
    int err = read_frequency(text, &value);
    if (err == -EINVAL)
        return complain(row, text, "is not understood", why);
    if (err)
        return complain(row, text, "makes no sense", why);
    if (is_rarer(&value, &least))
        return complain(row, text, "is too little", why);
    if (is_rarer(&most, &value))
        return complain(row, text, "is too much", why);
    *member = value;
    return 0;
}

_Static_assert(sizeof(union amount) == 8, "set_amount copies eight bytes");
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "set_word copies an unsigned");
_Static_assert(sizeof(enum config_durability) == sizeof(unsigned), "set_word copies an unsigned");

static int find_word(const struct config_row *row, const char *text, unsigned *ret)
{
    for (unsigned i = 0; row->words[i]; i++) {
        if (strcmp(row->words[i], text) == 0) {
            *ret = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int set_word(const struct config_row *row, void *member, const char *text, struct buf *why)
{
    unsigned index;
    if (find_word(row, text, &index))
        return complain(row, text, "is not known here", why);
    memcpy(member, &index, sizeof(index));
    return 0;
}

static int set_bool(const struct config_row *row, bool *member, const char *text, struct buf *why)
{
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0)
        return complain(row, text, "is neither", why);
    *member = on;
    return 0;
}

static int check_text(const struct config_row *row, const char *text, struct buf *why)
{
    unsigned index;
    if (row->words && find_word(row, text, &index))
        return complain(row, text, "is not known here", why);
    if (row->check && !row->check->matches(text))
        return complain(row, text, "does not have the right form", why);
    return 0;
}

static int set_text(const struct config_row *row, char **member, const char *text, struct buf *why)
{
    int err = check_text(row, text, why);
    if (err)
        return err;
    free(*member);
    *member = mem_string(text);
    return 0;
}

static int set_texts(const struct config_row *row, struct config_list *member,
                     const struct config_list *texts, struct buf *why)
{
    for (size_t i = 0; i < texts->count; i++) {
        int err = check_text(row, texts->items[i], why);
        if (err)
            return err;
    }
    config_list_fini(member);
    config_list_copy(member, texts);
    return 0;
}

static void *member_of(const struct config_row *row, void *base)
{
    return (char *)base + row->offset;
}

int config_value_set(const struct config_row *row, void *base, const struct config_list *texts,
                     struct buf *why)
{
    void *member = member_of(row, base);
    if (row->type == CONFIG_TEXTS)
        return set_texts(row, member, texts, why);
    if (texts->count != 1)
        return complain(row, NULL, "one value belongs here", why);
    const char *text = texts->items[0];
    switch (row->type) {
    case CONFIG_PART:
        return set_part(row, member, text, why);
    case CONFIG_FREQUENCY:
        return set_frequency(row, member, text, why);
    case CONFIG_BOOL:
        return set_bool(row, member, text, why);
    case CONFIG_WORD:
        return set_word(row, member, text, why);
    case CONFIG_TEXT:
        return set_text(row, member, text, why);
    default:
        return set_amount(row, member, text, why);
    }
}

void config_value_fini(const struct config_row *row, void *base)
{
    void *member = member_of(row, base);
    if (row->type == CONFIG_TEXTS) {
        config_list_fini(member);
    } else if (row->type == CONFIG_TEXT) {
        char **text = member;
        free(*text);
        *text = NULL;
    }
}
