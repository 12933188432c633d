/* rule_internal.h: what rule.c and rule_keys.c share: the table of keys and the way from a key's
 * text to its member and back. */
#pragma once

#include "alert/rule.h"

#define RULE_TEXT_MAX 512 /* bytes of a summary */
#define RULE_GLOB_MAX 256 /* bytes of a metric's glob, a match */

enum rule_type {
    RULE_TYPE_NAME,
    RULE_TYPE_METRIC_GLOB,
    RULE_TYPE_MATCH,
    RULE_TYPE_METRIC, /* one metric's name, or nothing */
    RULE_TYPE_LABEL,
    RULE_TYPE_WORD,
    RULE_TYPE_NUMBER,
    RULE_TYPE_THRESHOLD,
    RULE_TYPE_DURATION,
    RULE_TYPE_SWITCH,
    RULE_TYPE_CHANNELS,
    RULE_TYPE_SUMMARY,
};

struct rule_row {
    struct rule_key key;
    enum rule_type type;
    size_t offset;            /* of the member of struct rule */
    const char *const *words; /* ends with NULL; RULE_TYPE_WORD */
    const char *least, *most; /* inclusive, as text; durations and numbers but 0 */
};

const struct rule_row *rule_row_at(size_t index); /* NULL: no more */

/* A rule with every key at its default; one reference. */
struct rule *rule_new(enum rule_source source);

/* 0; -EINVAL: `why` has the sentence, the rule is untouched. */
int rule_row_set(const struct rule_row *row, struct rule *r, const char *text, struct buf *why);

/* The key's text or texts, as rule_row_set takes them. */
void rule_row_tell(const struct rule_row *row, const struct rule *r,
                   void (*tell)(void *user, const char *key, const char *text), void *user);

/* Whether the rule has something else there than a new one. */
bool rule_row_differs(const struct rule_row *row, const struct rule *r);
