/*
 * stored_rules.h: a rule of the API between src/alert, which knows what it means, and the store,
 * which keeps keys and values. Any thread.
 */
#pragma once

#include <stddef.h>

struct rule;
struct stored_rule;

/* One reference; or a negative errno and a sentence: an earlier or later version may have had other
 * keys, and without one of its keys it would be another rule. */
int stored_rule_read(const struct stored_rule *stored, struct rule **ret, char *why,
                     size_t why_size);

/* Release with stored_rule_fini. rule NULL: no keys, it is gone. */
void stored_rule_write(const char *name, const struct rule *rule, struct stored_rule *ret);
