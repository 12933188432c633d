/*
 * series.c: one series: its memory, its canonical key.
 *
 * All texts of a series live in one allocation behind the struct, so a series is one malloc, one
 * free, and stays readable on any thread for as long as somebody holds a reference.
 */
#include "model/series.h"
#include "model/series_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

_Static_assert(offsetof(struct series, refs) == CACHE_LINE, "a tick reads one line of a series");

struct series *series_ref(struct series *s)
{
    unsigned before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    CHECK(before > 0);
    return s;
}

struct series *series_unref(struct series *s)
{
    if (!s)
        return NULL;
    unsigned before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1)
        free(s);
    return NULL;
}

const char *series_label(const struct series *s, const char *name)
{
    for (size_t i = 0; i < s->labels_count; i++) {
        if (strcmp(s->labels[i].name, name) == 0)
            return s->labels[i].value;
    }
    return NULL;
}

bool text_append_clean(struct buf *out, const char *text, size_t max)
{
    size_t len = strlen(text), at = 0;
    while (at < len && out->len < max) {
        size_t good = text_utf8_valid(text + at, len - at);
        size_t room = max - out->len;
        if (good > room) {
            /* Cut before the character that does not fit: step back over continuation bytes. */
            good = room;
            while (good > 0 && ((unsigned char)text[at + good] & 0xc0) == 0x80)
                good--;
            buf_append(out, text + at, good);
            return false;
        }
        buf_append(out, text + at, good);
        at += good;
        if (at < len) {
            if (max - out->len < 3)
                return false;
            buf_text(out, "\xef\xbf\xbd"); /* U+FFFD where a byte was not UTF-8 */
            at++;
        }
    }
    return at == len;
}

int label_set_make(struct label_set *set, const struct label *labels, size_t count)
{
    *set = (struct label_set){0};
    if (count > SERIES_LABELS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        /* Insertion into name order; a handful of labels needs nothing better. */
        size_t at = set->count;
        while (at > 0 && strcmp(set->labels[at - 1].name, labels[i].name) > 0) {
            set->labels[at] = set->labels[at - 1];
            at--;
        }
        if (at > 0 && strcmp(set->labels[at - 1].name, labels[i].name) == 0)
            return -EINVAL;
        set->labels[at] = labels[i];
        set->count++;
    }
    for (size_t i = 0; i < set->count; i++) {
        const char *value = set->labels[i].value;
        size_t len = strlen(value);
        if (len <= SERIES_TEXT_MAX && text_utf8_valid(value, len) == len)
            continue;
        struct buf clean = BUF_INIT;
        text_append_clean(&clean, value, SERIES_TEXT_MAX);
        set->labels[i].value = set->cleaned[i] = mem_string(buf_string(&clean));
        buf_fini(&clean);
    }
    return 0;
}

void label_set_fini(struct label_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->cleaned[i]);
}

static void key_append_value(struct buf *key, const char *value)
{
    for (const char *p = value; *p; p++) {
        if (*p == '\\' || *p == '"')
            buf_char(key, '\\');
        if (*p == '\n')
            buf_text(key, "\\n");
        else
            buf_char(key, *p);
    }
}

void series_key_write(struct buf *key, const char *name, const struct label *labels, size_t count)
{
    buf_text(key, name);
    if (!count)
        return;
    for (size_t i = 0; i < count; i++) {
        buf_char(key, i ? ',' : '{');
        buf_text(key, labels[i].name);
        buf_text(key, "=\"");
        key_append_value(key, labels[i].value);
        buf_char(key, '"');
    }
    buf_char(key, '}');
}

static const char *place(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *to = *at;
    memcpy(to, text, size);
    *at += size;
    return to;
}

struct series *series_make(uint32_t id, const struct metric *m, const struct label_set *labels,
                           const char *key, const char *method)
{
    size_t size = strlen(m->name) + strlen(m->unit) + strlen(m->help) + strlen(key) + 4;
    for (size_t i = 0; i < labels->count; i++)
        size += strlen(labels->labels[i].name) + strlen(labels->labels[i].value) + 2;

    struct series *s = mem_alloc_aligned(CACHE_LINE, sizeof(*s) + size);
    char *at = (char *)(s + 1);
    atomic_init(&s->refs, 1);
    s->id = id;
    s->name = place(&at, m->name);
    s->unit = place(&at, m->unit);
    s->help = place(&at, m->help);
    atomic_init(&s->method, method);
    s->key = place(&at, key);
    s->kind = m->kind;
    s->scale = m->scale;
    s->labels_count = labels->count;
    for (size_t i = 0; i < labels->count; i++) {
        s->labels[i].name = place(&at, labels->labels[i].name);
        s->labels[i].value = place(&at, labels->labels[i].value);
    }
    s->live.slot = SERIES_NO_SLOT;
    list_init(&s->silent);
    return s;
}
