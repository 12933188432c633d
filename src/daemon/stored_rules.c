/* stored_rules.c: see stored_rules.h. */
#include "daemon/stored_rules.h"

#include <errno.h>
#include <stdio.h>

#include "alert/rule.h"
#include "base/mem.h"
#include "store/alerts.h"

int stored_rule_read(const struct stored_rule *stored, struct rule **ret, char *why,
                     size_t why_size)
{
    char sentence[256] = "";
    const char *key = NULL;
    struct rule_draft *draft = rule_draft_new(RULE_FROM_API);
    int err = 0;
    for (size_t i = 0; i < stored->count && !err; i++) {
        key = stored->keys[i].key;
        err = rule_draft_set(draft, key, stored->keys[i].value, sentence, sizeof(sentence));
    }
    if (!err)
        err = rule_draft_finish(draft, ret, &key, sentence, sizeof(sentence));
    if (err) {
        snprintf(why, why_size, "%s: %s", key ? key : "name", sentence);
        rule_draft_free(draft);
    }
    return err;
}

static void add_key(void *user, const char *key, const char *text)
{
    struct stored_rule *rule = user;
    rule->keys = mem_resize(rule->keys, rule->count + 1, sizeof(*rule->keys));
    rule->keys[rule->count++] = (struct stored_key){mem_string(key), mem_string(text)};
}

void stored_rule_write(const char *name, const struct rule *rule, struct stored_rule *ret)
{
    *ret = (struct stored_rule){.name = mem_string(name)};
    if (rule)
        rule_each_key(rule, add_key, ret);
}
