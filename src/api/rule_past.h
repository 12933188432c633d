/*
 * rule_past.h: what the history has of a rule's series, for a back-test. Where the reader may be
 * used.
 */
#pragma once

#include <stdint.h>

#include "alert/rule.h"
#include "model/query.h"
#include "store/store.h"

/* *values: the rule's series; *per: those that they are divided by, NULL when they are not. Both
 * with the same steps, the finest that there are; free them in any case. `recent` may be NULL. 0 or
 * -errno and what happened in *err. */
int rule_past(struct store_reader *reader, const struct recent *recent, const struct rule *rule,
              int64_t from_ms, int64_t to_ms, struct answer **values, struct answer **per,
              struct store_error *err);
