/*
 * json_cut.h: cutting large JSON texts at their braces, so that a piece at a time becomes a tree: a
 * tree takes several times what its text does. Whether a piece is JSON is for json_parse to say;
 * cutting reads every byte at most once and never beyond the end. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cut {
    const char *at, *end; /* what is left */
};

/* Past white space; false: nothing is left. */
bool cut_space(struct cut *c);
/* Past white space and this character; false: it is another one, which stays. */
bool cut_char(struct cut *c, char wanted);
/* Past white space and one value, which is in *ret. False: there is none, or not a whole one. */
bool cut_value(struct cut *c, struct cut *ret);
