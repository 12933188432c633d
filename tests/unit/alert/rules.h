/* rules.h: rules out of one text, "name=a metric=b warning=1", for tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "alert/rule.h"
#include "base/mem.h"

/* Keys are separated by blanks; in values `~` stands for a blank. */
static inline struct rule *rule_of(enum rule_source source, const char *text)
{
    char why[256] = "", *copy = mem_string(text), *rest = NULL;
    const char *key = "";
    struct rule_draft *d = rule_draft_new(source);
    struct rule *r = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        for (char *c = value; *c; c++)
            *c = *c == '~' ? ' ' : *c;
        if (rule_draft_set(d, word, value, why, sizeof(why)))
            fail_msg("%s = %s: %s", word, value, why);
    }
    if (rule_draft_finish(d, &r, &key, why, sizeof(why)))
        fail_msg("%s: %s: %s", text, key, why);
    free(copy);
    return r;
}
