/*
 * benchmark.c: see benchmark.h. Documents come from strangers: every member is looked at, bounded
 * in number and length, and none is taken that is not known. No state.
 */
#include "wire/benchmark.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "base/text.h"

#define MEMBERS_MAX 32 /* of machine and settings */

static const char *const subjects[] = {"fanout", "collect", "packets", "store", "query"};
static const char *const states[] = {"running", "done", "failed"};
static const char *const kinds[BENCHMARK_KINDS] = {
    [BENCHMARK_DURATION] = "duration", [BENCHMARK_MEMORY] = "memory",
    [BENCHMARK_CPU] = "cpu",           [BENCHMARK_THROUGHPUT] = "throughput",
    [BENCHMARK_SIZE] = "size",         [BENCHMARK_COUNT] = "count",
};
static const char *const directions[] = {"lower", "higher"};

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; text && i < count; i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

#define IS_ONE_OF(text, words) is_one_of((text), (words), ARRAY_LEN(words))

const char *benchmark_kind_name(enum benchmark_kind kind)
{
    return kinds[kind];
}

int benchmark_kind_parse(const char *name, enum benchmark_kind *ret)
{
    for (unsigned i = 0; i < BENCHMARK_KINDS; i++) {
        if (strcmp(name, kinds[i]) == 0) {
            *ret = (enum benchmark_kind)i;
            return 0;
        }
    }
    return -ENOENT;
}

bool benchmark_is_subject(const char *name)
{
    return IS_ONE_OF(name, subjects);
}

/* ---- pieces ------------------------------------------------------------------------------ */

/* One line, without control characters. */
static bool is_text(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (!text || len > BENCHMARK_TEXT_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

/* The name of a result or a label: [a-z0-9_]. */
static bool is_word(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    return len && len <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static bool is_name(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && text_is_name(text) && text[0] != '.';
}

static bool is_scalar(const json_t *value)
{
    return is_text(value) || json_is_number(value) || json_is_boolean(value) || json_is_null(value);
}

/* jansson's macro wants to be able to change the object; it is not changed. */
static bool is_flat_object(const json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object) || json_object_size(object) > MEMBERS_MAX)
        return false;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!is_word(key) || !is_scalar(value))
            return false;
    }
    return true;
}

static bool is_labels(const json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object) || json_object_size(object) > BENCHMARK_LABELS_MAX)
        return false;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!is_word(key) || !is_text(value))
            return false;
    }
    return true;
}

static bool is_result(const json_t *r)
{
    const json_t *value = json_object_get(r, "value"), *judged = json_object_get(r, "judged");
    return json_is_object(r) && json_object_size(r) == 6 + (judged != NULL) &&
           is_word(json_string_value(json_object_get(r, "name"))) &&
           is_labels(json_object_get(r, "labels")) &&
           (json_is_null(value) || json_is_number(value)) && is_text(json_object_get(r, "unit")) &&
           IS_ONE_OF(json_string_value(json_object_get(r, "kind")), kinds) &&
           IS_ONE_OF(json_string_value(json_object_get(r, "better")), directions) &&
           (!judged || json_is_boolean(judged));
}

static bool is_results(const json_t *list)
{
    if (!json_is_array(list) || json_array_size(list) > BENCHMARK_RESULTS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!is_result(json_array_get(list, i)))
            return false;
    }
    return true;
}

static bool is_subject(const json_t *value)
{
    return benchmark_is_subject(json_string_value(value));
}

static bool is_state(const json_t *value)
{
    return IS_ONE_OF(json_string_value(value), states);
}

static bool is_time(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) > 0;
}

static bool is_part(const json_t *value)
{
    double part = json_number_value(value);
    return json_is_number(value) && part >= 0 && part <= 1;
}

/* ---- the document ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    bool required;
    bool (*check)(const json_t *value);
    const char *wanted;
} members[] = {
    {"id", false, is_name, "1 to 64 characters of A-Z a-z 0-9 . _ -, not beginning with a dot"},
    {"subject", true, is_subject, "fanout, collect, packets, store or query"},
    {"t", true, is_time, "epoch milliseconds"},
    {"version", true, is_text, "one line of text of at most 256 bytes"},
    {"state", true, is_state, "running, done or failed"},
    {"progress", true, is_part, "a number from 0 to 1"},
    {"machine", true, is_flat_object,
     "an object of at most 32 texts, numbers, booleans and nulls, named in lower case"},
    {"settings", true, is_flat_object,
     "an object of at most 32 texts, numbers, booleans and nulls, named in lower case"},
    {"results", true, is_results,
     "a list of at most 2000 objects with name, labels, value, unit, kind and better"},
    {"why", false, is_text, "one line of text of at most 256 bytes"},
    {"baseline", false, is_name,
     "1 to 64 characters of A-Z a-z 0-9 . _ -, not beginning with a dot"},
};

_Static_assert(BENCHMARK_TEXT_MAX == 256 && BENCHMARK_RESULTS_MAX == 2000 && MEMBERS_MAX == 32,
               "the sentences above");

int benchmark_check(const json_t *document, const char **ret_member, char *why, size_t why_size)
{
    size_t known = 0;
    *ret_member = NULL;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *value = json_object_get(document, members[i].name);
        known += value != NULL;
        if (value ? members[i].check(value) : !members[i].required)
            continue;
        *ret_member = members[i].name;
        snprintf(why, why_size, "\"%s\" must be %s", members[i].name, members[i].wanted);
        return -EINVAL;
    }
    if (json_object_size(document) == known)
        return 0;
    snprintf(why, why_size, "there is a member that no benchmark has");
    return -EINVAL;
}
