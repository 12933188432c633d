/* rule_past.c: see rule_past.h. Where there are so many series that the store makes the steps of
 * one of the two answers coarser, both are asked for as few. */
#include "api/rule_past.h"

#include <errno.h>
#include <stdio.h>

#include "base/defs.h"

struct past {
    struct store_reader *reader;
    const struct recent *recent;
    const struct rule *rule;
    int64_t from_ms, to_ms;
    struct store_error *error;
};

/* The series of one metric, or of the rule's own selection. */
static int past_ask(const struct past *p, const char *metric, uint32_t points, struct answer **ret)
{
    struct query query = {
        .from_ms = p->from_ms,
        .to_ms = p->to_ms,
        .points = points,
        .aggregate = AGG_AVG,
    };
    if (metric)
        selector_add_glob(&query.selector, metric);
    else
        query.selector = p->rule->selector; /* borrowed: the rule is immutable */
    int err = store_query(p->reader, &query, p->recent, ret, p->error);
    if (metric)
        selector_fini(&query.selector);
    return err;
}

static bool same_steps(const struct answer *a, const struct answer *b)
{
    return a->from_ms == b->from_ms && a->step_ms == b->step_ms &&
           a->points_count == b->points_count;
}

int rule_past(struct store_reader *reader, const struct recent *recent, const struct rule *rule,
              int64_t from_ms, int64_t to_ms, struct answer **values, struct answer **per,
              struct store_error *err)
{
    struct past p = {reader, recent, rule, from_ms, to_ms, err};
    const char *divisor = *rule->per ? rule->per : NULL;
    uint32_t points = QUERY_POINTS_FINEST;
    *values = *per = NULL;
    for (int i = 0; i < 3; i++) {
        int code = past_ask(&p, NULL, points, values);
        if (!code && divisor)
            code = past_ask(&p, divisor, points, per);
        if (code || !divisor || same_steps(*values, *per))
            return code;
        points = (uint32_t)MAX(MIN((*values)->points_count, (*per)->points_count), (size_t)1);
        answer_free(TAKE(*values));
        answer_free(TAKE(*per));
    }
    err->code = -EINVAL;
    snprintf(err->text, sizeof(err->text),
             "the two metrics have no steps in common: choose a shorter range or fewer series");
    return -EINVAL;
}
