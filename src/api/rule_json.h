/*
 * rule_json.h: rules as JSON and back: the same keys as in the file, with what JSON has numbers,
 * booleans, lists and objects for. Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include "alert/board.h"
#include "alert/rule.h"
#include "base/buf.h"
#include "wire/json.h"

/* One object: name, enabled, metric, severity, every other key that is not at its default, and
 * where the rule comes from and how it fares. */
void rule_json(struct buf *out, const struct rule_status *status);

#define RULE_FIELD_MAX 65

/* A rule of the API from an object. `name` (may be NULL) is what it is called when the object does
 * not say, and what it must be called. Numbers may be texts ("10Mbit"); null is as good as absent;
 * "source" and "status", which rule_json adds, are left alone. 0 and one reference; or -EINVAL: the
 * member at fault in `field` and a sentence in `why`. */
int rule_from_json(const json_t *json, const char *name, struct rule **ret,
                   char field[RULE_FIELD_MAX], char *why, size_t why_size);
