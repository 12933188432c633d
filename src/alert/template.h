/*
 * template.h: the line that tells people what an alert is about: the rule's summary with its
 * braces filled in, or a sentence made of what is known. What is filled in is text and nothing
 * else: no format, no markup, and braces in it stay as they are. Any thread.
 */
#pragma once

#include "alert/condition.h"
#include "alert/rule.h"
#include "base/buf.h"
#include "model/alert.h"

/* The alert has everything but its summary. */
void template_summary(const struct rule *r, const struct alert *a, const struct judgement *j,
                      struct buf *out);

/* A number as people read it: "12.3 MB/s", "93 %", "0.52 s", "no value". ratio: it is a share. */
void template_value(double value, const char *unit, bool ratio, struct buf *out);
