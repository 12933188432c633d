/*
 * direction.h: which way is better, by the name of a metric. A table: what is not in it, traffic
 * and numbers of connections above all, is better neither way. Pure; any thread.
 */
#pragma once

enum direction { DIRECTION_NEITHER, DIRECTION_LOWER, DIRECTION_HIGHER };

enum direction direction_of(const char *metric);

/* "neither", "lower_is_better", "higher_is_better". */
const char *direction_name(enum direction d);
