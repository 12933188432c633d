/*
 * rules.c: any bytes as the body of a rule. What is refused names a member and says why; what is
 * taken tells JSON that is taken again and tells the same; a back-test of it over a few samples
 * ends.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/backtest.h"
#include "api/rule_json.h"
#include "base/check.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(struct rule *r, struct buf *out)
{
    struct rule_status status = {.rule = r};
    rule_json(out, &status);
    CHECK(buf_ok(out));
}

static json_t *parse(struct buf *text)
{
    char why[160];
    json_t *json = json_parse(text->data, text->len, why, sizeof(why));
    CHECK(json);
    return json;
}

/* Twenty points of a series that the rule may or may not be about. */
static void backtest(const struct rule *r)
{
    static const struct bank_settings detect = {.sigma = 2.5,
                                                .window_ms = 10000,
                                                .min_samples = 3,
                                                .confirm = 3,
                                                .out_of = 5,
                                                .learning_ms = 5000,
                                                .false_alarms_per_s = 1e-5};
    static const double samples[] = {1, 2, 1e9, -5, 0, NAN, NAN,   3, 3, 3,
                                     3, 3, 3,   1,  0, 2,   1e300, 4, 5, 1};
    double values[ARRAY_LEN(samples)];
    memcpy(values, samples, sizeof(values));
    struct answer_series series = {.id = 1,
                                   .name = r->selector.globs[0],
                                   .unit = (char[]){"bytes"},
                                   .key = (char[]){"key"},
                                   .kind = METRIC_GAUGE,
                                   .values = values};
    const struct answer answer = {.from_ms = 0,
                                  .step_ms = 1000,
                                  .to_ms = 19000,
                                  .tier = "raw",
                                  .points_count = ARRAY_LEN(values),
                                  .series_count = 1,
                                  .series = &series};
    struct backtest *b = backtest_run(r, &detect, &answer, *r->per ? &answer : NULL);
    CHECK(b->count <= b->fired && b->series_count <= 1);
    for (size_t i = 0; i < b->count; i++)
        CHECK(b->alerts[i]->started_ms >= 0 && b->alerts[i]->started_ms <= 20000);
    backtest_free(b);
}

static void check_taken(struct rule *r)
{
    char field[RULE_FIELD_MAX], why[256];
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct rule *again;
    CHECK(r->source == RULE_FROM_API && (r->selector.globs_count == 1 || !r->enabled));
    tell(r, &first);
    json_t *json = parse(&first);
    int err = rule_from_json(json, r->name, &again, field, why, sizeof(why));
    CHECK(err == 0);
    tell(again, &second);
    CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    json_decref(json);
    rule_unref(again);
    buf_fini(&first);
    buf_fini(&second);
    if (r->selector.globs_count)
        backtest(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char field[RULE_FIELD_MAX] = "", why[256] = "";
    struct rule *rule;
    json_t *json = json_parse((const char *)data, size, why, sizeof(why));
    if (!json_is_object(json)) {
        json_decref(json);
        return 0;
    }
    if (rule_from_json(json, NULL, &rule, field, why, sizeof(why)) == 0) {
        check_taken(rule);
        rule_unref(rule);
    } else {
        CHECK(strlen(why) > 0 && strlen(field) < RULE_FIELD_MAX);
    }
    json_decref(json);
    return 0;
}
