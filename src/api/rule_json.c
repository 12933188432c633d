/*
 * rule_json.c: see rule_json.h. What the keys are and what they may say is src/alert's business:
 * here is only which of them JSON has a better form for than text. All others are texts.
 */
#include "api/rule_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

enum form { FORM_TEXT, FORM_NUMBER, FORM_SWITCH, FORM_LIST, FORM_MATCH };

static enum form form_of(const char *key)
{
    static const struct {
        const char *key;
        enum form form;
    } forms[] = {
        {"enabled", FORM_SWITCH}, {"match", FORM_MATCH},     {"per_least", FORM_NUMBER},
        {"warning", FORM_NUMBER}, {"critical", FORM_NUMBER}, {"clear", FORM_NUMBER},
        {"edge", FORM_SWITCH},    {"anomaly", FORM_SWITCH},  {"sigma", FORM_NUMBER},
        {"channels", FORM_LIST},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].key, key) == 0)
            return forms[i].form;
    }
    return FORM_TEXT;
}

/* ---- to JSON ----------------------------------------------------------------------------- */

/* These are told in any case, before the others. */
static const char *const always[] = {"name", "enabled", "metric", "severity"};

static void put_text(struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, text);
}

static void put_value(void *user, const char *key, const char *text)
{
    struct buf *out = user;
    enum form form = form_of(key);
    double number;
    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        if (strcmp(always[i], key) == 0)
            return;
    }
    if (form == FORM_LIST || form == FORM_MATCH)
        return;
    json_put_key(out, key);
    if (form == FORM_SWITCH) {
        json_put_bool(out, strcmp(text, "on") == 0);
    } else if (form == FORM_NUMBER) {
        int err = text_double(text, &number);
        CHECK(err == 0); /* a rule tells its numbers as plain ones */
        json_put_double(out, number);
    } else {
        json_put_string(out, text);
    }
}

/* {"device":"eth*"}; a label with several globs, all of which must match, has a list. */
static void put_match(struct buf *out, const struct selector *s)
{
    json_put_key(out, "match");
    json_open(out, '{');
    for (size_t i = 0; i < s->matches_count; i++) {
        const char *label = s->matches[i].label;
        size_t first = 0, same = 0;
        while (strcmp(s->matches[first].label, label) != 0)
            first++;
        for (size_t k = i; k < s->matches_count; k++)
            same += strcmp(s->matches[k].label, label) == 0;
        if (first < i)
            continue; /* told with the first one */
        json_put_key(out, label);
        if (same > 1)
            json_open(out, '[');
        for (size_t k = i; k < s->matches_count; k++) {
            if (strcmp(s->matches[k].label, label) == 0)
                json_put_string(out, s->matches[k].glob);
        }
        if (same > 1)
            json_close(out, ']');
    }
    json_close(out, '}');
}

void rule_json(struct buf *out, const struct rule_status *status)
{
    static const char *const sources[] = {
        [RULE_DEFAULT] = "default", [RULE_FROM_FILE] = "file", [RULE_FROM_API] = "api"};
    const struct rule *r = status->rule;
    json_open(out, '{');
    put_text(out, "name", r->name);
    json_put_key(out, "enabled");
    json_put_bool(out, r->enabled);
    put_text(out, "metric", r->selector.globs_count ? r->selector.globs[0] : "");
    put_text(out, "severity", alert_severity_name(r->severity));
    if (r->selector.matches_count)
        put_match(out, &r->selector);
    rule_each_key(r, put_value, out);
    if (r->channels_count) {
        json_put_key(out, "channels");
        json_open(out, '[');
        for (size_t i = 0; i < r->channels_count; i++)
            json_put_string(out, r->channels[i]);
        json_close(out, ']');
    }
    put_text(out, "source", sources[r->source]);
    json_put_key(out, "status");
    json_open(out, '{');
    json_put_key(out, "matched");
    json_put_u64(out, status->matched);
    json_put_key(out, "active");
    json_put_u64(out, status->active);
    put_text(out, "note", status->note);
    json_close(out, '}');
    json_close(out, '}');
}

/* ---- from JSON --------------------------------------------------------------------------- */

struct reading_rule {
    struct rule_draft *draft;
    char *why;
    size_t why_size;
};

static int refuse(const struct reading_rule *r, const char *expected)
{
    snprintf(r->why, r->why_size, "it must be %s", expected);
    return -EINVAL;
}

static int set(const struct reading_rule *r, const char *key, const char *text)
{
    return rule_draft_set(r->draft, key, text, r->why, r->why_size) ? -EINVAL : 0;
}

static int set_number(const struct reading_rule *r, const char *key, double number)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    json_put_double(&text, number);
    return set(r, key, buf_string(&text));
}

static int set_glob(const struct reading_rule *r, const char *key, const char *label,
                    const json_t *value)
{
    /* With one in the label another label would be meant. */
    if (!json_is_string(value) || strchr(label, '='))
        return refuse(r, "an object of labels and globs, such as {\"device\":\"eth*\"}");
    char *match = mem_printf("%s=%s", label, json_string_value(value));
    int err = set(r, key, match);
    free(match);
    return err;
}

static int set_match(const struct reading_rule *r, const char *key, const json_t *value)
{
    const char *label;
    json_t *globs;
    if (!json_is_object(value))
        return set_glob(r, key, "", NULL);
    json_object_foreach((json_t *)value, label, globs) /* it is not changed */
    {
        size_t count = json_is_array(globs) ? json_array_size(globs) : 1;
        for (size_t i = 0; i < count; i++) {
            const json_t *glob = json_is_array(globs) ? json_array_get(globs, i) : globs;
            int err = set_glob(r, key, label, glob);
            if (err)
                return err;
        }
    }
    return 0;
}

static int set_list(const struct reading_rule *r, const char *key, const json_t *value)
{
    if (!json_is_array(value))
        return refuse(r, "a list of texts");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        int err = json_is_string(item) ? set(r, key, json_string_value(item))
                                       : refuse(r, "a list of texts");
        if (err)
            return err;
    }
    return 0;
}

static int set_member(const struct reading_rule *r, const char *key, const json_t *value)
{
    enum form form = form_of(key);
    if (form == FORM_MATCH)
        return set_match(r, key, value);
    if (form == FORM_LIST)
        return set_list(r, key, value);
    if (json_is_string(value))
        return set(r, key, json_string_value(value));
    if (form != FORM_SWITCH && json_is_number(value)) /* as in the file: 0 is the text 0, too */
        return set_number(r, key, json_number_value(value));
    if (form == FORM_SWITCH && json_is_boolean(value))
        return set(r, key, json_is_true(value) ? "on" : "off");
    return refuse(r, form == FORM_NUMBER   ? "a number or a text"
                     : form == FORM_SWITCH ? "true or false"
                                           : "a text");
}

static bool is_key(const char *name)
{
    const struct rule_key *key;
    for (size_t i = 0; (key = rule_key_at(i)) != NULL; i++) {
        if (strcmp(key->name, name) == 0)
            return true;
    }
    return false;
}

/* A key that there is not; which one may have been meant, where that is soon found. */
static int refuse_key(const struct reading_rule *r, const char *key)
{
    char start[RULE_FIELD_MAX];
    snprintf(start, sizeof(start), "%s", key);
    return set(r, start, "");
}

/* Members that say nothing. A rule that only turns another one off has no metric, and tells "". */
static bool is_absent(const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    return json_is_null(value) || (text && !*text && strcmp(key, "metric") == 0);
}

/* Reads all members. 0 or -EINVAL and the one at fault in *ret_key. */
static int set_members(const struct reading_rule *r, const json_t *json, const char **ret_key)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value)
    {
        bool known = is_key(key);
        if ((known && is_absent(key, value)) || strcmp(key, "source") == 0 ||
            strcmp(key, "status") == 0)
            continue;
        *ret_key = key;
        int err = known ? set_member(r, key, value) : refuse_key(r, key);
        if (err)
            return err;
    }
    return 0;
}

static int set_name(const struct reading_rule *r, const json_t *json, const char *name)
{
    const json_t *own = json_object_get(json, "name");
    if (!own || json_is_null(own))
        return set(r, "name", name);
    if (json_is_string(own) && strcmp(json_string_value(own), name) == 0)
        return 0;
    snprintf(r->why, r->why_size, "it must be the name in the address, or left out");
    return -EINVAL;
}

int rule_from_json(const json_t *json, const char *name, struct rule **ret,
                   char field[RULE_FIELD_MAX], char *why, size_t why_size)
{
    struct reading_rule r = {rule_draft_new(RULE_FROM_API), why, why_size};
    const char *key = "name";
    int err = name ? set_name(&r, json, name) : 0;
    if (!err)
        err = set_members(&r, json, &key);
    if (!err)
        err = rule_draft_finish(r.draft, ret, &key, why, why_size);
    if (err) {
        snprintf(field, RULE_FIELD_MAX, "%s", key);
        rule_draft_free(r.draft);
    }
    return err;
}
