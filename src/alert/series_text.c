/* series_text.c: see series_text.h. The text is cut in place: a value with escapes only becomes
 * shorter. */
#include "alert/series_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The value from behind its opening quote; returns what follows the closing one, NULL: there is
 * none. */
static char *cut_value(char *at)
{
    char *to = at;
    for (; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++, *to++ = *at == 'n' ? '\n' : *at;
        else
            *to++ = *at;
    }
    if (!*at)
        return NULL;
    *to = '\0';
    return at + 1;
}

void series_text_init(struct series_text *s, const char *text)
{
    *s = (struct series_text){.text = mem_string(text)};
    s->name = s->text;
    char *at = strchr(s->text, '{');
    if (!at)
        return;
    *at++ = '\0';
    while (s->labels_count < SERIES_LABELS_MAX) {
        char *name = at, *quote = strstr(at, "=\"");
        if (!quote)
            return;
        *quote = '\0';
        at = cut_value(quote + 2);
        if (!at)
            return;
        s->labels[s->labels_count++] = (struct label){name, quote + 2};
        if (*at++ != ',')
            return;
    }
}

void series_text_fini(struct series_text *s)
{
    free(s->text);
    s->text = NULL;
}

const char *series_text_label(const struct series_text *s, const char *name)
{
    for (size_t i = 0; i < s->labels_count; i++) {
        if (strcmp(s->labels[i].name, name) == 0)
            return s->labels[i].value;
    }
    return NULL;
}
