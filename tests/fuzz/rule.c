/*
 * rule.c: any bytes as a rule: lines of KEY=TEXT, then, behind an empty line, the text of a series.
 * What is refused is said in one printable line; what is taken tells keys that make the same rule;
 * and whatever the series is called, its alert has one line of valid text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alert/rule.h"
#include "alert/series_text.h"
#include "alert/template.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *text)
{
    size_t len = strlen(text);
    CHECK(text_utf8_valid(text, len) == len);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        CHECK(*c >= 0x20 && *c != 0x7f && !(*c == 0xc2 && c[1] < 0xa0));
}

static void put(void *user, const char *key, const char *text)
{
    buf_printf(user, "%s=%s\n", key, text);
}

static void copy_key(void *user, const char *key, const char *text)
{
    char why[256];
    CHECK(rule_draft_set(user, key, text, why, sizeof(why)) == 0);
}

static void check_round_trip(struct rule *r)
{
    CLEANUP(buf_fini) struct buf first = BUF_INIT, second = BUF_INIT;
    struct rule_draft *d = rule_draft_new(RULE_FROM_API);
    struct rule *copy;
    const char *key;
    char why[256];
    rule_each_key(r, copy_key, d);
    CHECK(rule_draft_finish(d, &copy, &key, why, sizeof(why)) == 0);
    rule_each_key(r, put, &first);
    rule_each_key(copy, put, &second);
    CHECK(strcmp(buf_string(&first), buf_string(&second)) == 0);
    rule_unref(copy);
}

static void check_summary(const struct rule *r, const char *series)
{
    for (int reason = 0; reason < ALERT_REASONS; reason++) {
        CLEANUP(buf_fini) struct buf out = BUF_INIT;
        const struct judgement j = {.mean = 3, .sigma = 1};
        struct alert *a = alert_new();
        alert_text(&a->rule, r->name);
        alert_text(&a->series, series);
        a->reason = (enum alert_reason)reason;
        a->value = 17;
        template_summary(r, a, &j, &out);
        alert_text(&a->summary, buf_string(&out));
        CHECK(strlen(a->summary) <= ALERT_TEXT_MAX);
        check_line(a->summary);
        check_line(a->series);
        alert_unref(a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_string_n((const char *)data, size), *at = text;
    const char *series = "";
    struct rule_draft *d = rule_draft_new(RULE_FROM_API);
    char why[256];
    while (*at) {
        size_t len = strcspn(at, "\n");
        char *next = at + len + (at[len] == '\n');
        at[len] = '\0';
        if (!len) {
            series = next;
            break;
        }
        char *value = strchr(at, '=');
        if (value) {
            *value++ = '\0';
            if (rule_draft_set(d, at, value, why, sizeof(why))) {
                CHECK(*why);
                check_line(why);
            }
        }
        at = next;
    }
    struct rule *r;
    const char *key = NULL;
    if (rule_draft_finish(d, &r, &key, why, sizeof(why))) {
        CHECK(key && *why);
        check_line(why);
        rule_draft_free(d);
    } else {
        check_round_trip(r);
        check_summary(r, series);
        rule_unref(r);
    }
    struct series_text taken;
    series_text_init(&taken, series);
    CHECK(taken.labels_count <= SERIES_LABELS_MAX);
    series_text_fini(&taken);
    free(text);
    return 0;
}
