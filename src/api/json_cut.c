/* json_cut.c: see json_cut.h. It knows strings and brackets and nothing else. */
#include "api/json_cut.h"

#include <string.h>

bool cut_space(struct cut *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
    return c->at < c->end;
}

bool cut_char(struct cut *c, char wanted)
{
    if (!cut_space(c) || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool cut_string(struct cut *c)
{
    for (c->at++; c->at < c->end; c->at++) {
        if (*c->at == '\\' && c->at + 1 < c->end)
            c->at++;
        else if (*c->at == '"') {
            c->at++;
            return true;
        }
    }
    return false;
}

/* Past the bracket that closes the one at hand. */
static bool cut_brackets(struct cut *c)
{
    size_t depth = 0;
    while (c->at < c->end) {
        char b = *c->at;
        if (b == '"') {
            if (!cut_string(c))
                return false;
            continue;
        }
        c->at++;
        depth += b == '{' || b == '[';
        depth -= b == '}' || b == ']';
        if (depth == 0)
            return true;
    }
    return false;
}

/* The value at hand, in *ret. */
bool cut_value(struct cut *c, struct cut *ret)
{
    if (!cut_space(c))
        return false;
    bool whole = true;
    ret->at = c->at;
    if (*c->at == '"')
        whole = cut_string(c);
    else if (*c->at == '{' || *c->at == '[')
        whole = cut_brackets(c);
    else
        while (c->at < c->end && (!*c->at || !strchr(",]} \t\r\n", *c->at)))
            c->at++;
    ret->end = c->at;
    return whole && ret->end > ret->at;
}
