/*
 * rule_keys.c: every key that a rule has, and the way between its text and its member. The table
 * is in the order in which keys are told, stored and documented; to add a key, add a member to
 * struct rule and a row here. A text is read into a local and only stored when it is good, so that
 * a refused one leaves no trace. Everything is constant but the rule at hand: any thread.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/rule_internal.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#define AT(member) offsetof(struct rule, member)

static const char *const when_words[] = {"above", "below", NULL};
static const char *const severity_words[] = {"warning", "critical", NULL};
_Static_assert(RULE_ABOVE == 0 && RULE_BELOW == 1, "when_words");
_Static_assert(ALERT_WARNING == 0 && ALERT_CRITICAL == 1, "severity_words");
_Static_assert(sizeof(enum rule_when) == sizeof(unsigned), "set_word copies an unsigned");
_Static_assert(sizeof(enum alert_severity) == sizeof(unsigned), "set_word copies an unsigned");

#define A_THRESHOLD "a number, a share such as 90%, or a rate such as 10Mbit or 125kB"

static const struct rule_row rows[] = {
    {.key = {"name", "1 to 64 letters, digits, dots, dashes and underscores",
             "How people call the rule; no other has this name.", false},
     .type = RULE_TYPE_NAME,
     .offset = AT(name)},
    {.key = {"enabled", "on or off",
             "Whether it is in force; `off` with the name of a default rule turns that one off.",
             false},
     .type = RULE_TYPE_SWITCH,
     .offset = AT(enabled)},
    {.key = {"metric", "a glob of metric names, such as node_network_*_errs_total",
             "Which metrics it watches: each series of them by itself.", false},
     .type = RULE_TYPE_METRIC_GLOB},
    {.key = {"match", "label=glob, such as device=eth*",
             "Only series whose label matches; several must all hold. A label that a series does "
             "not have is the empty text.",
             true},
     .type = RULE_TYPE_MATCH},
    {.key = {"where", "the name of a metric, such as netsonde_network_physical",
             "Only series for which this metric with equal labels is there and not 0.", false},
     .type = RULE_TYPE_METRIC,
     .offset = AT(where)},
    {.key = {"per", "the name of a metric, such as node_network_speed_bytes",
             "The series is divided by this metric: by the sum of its series that have the same "
             "values in all labels that both have.",
             false},
     .type = RULE_TYPE_METRIC,
     .offset = AT(per)},
    {.key = {"per_least", "a number or a rate",
             "As long as what it is divided by is less than this, the condition does not hold: a "
             "share of next to nothing says nothing.",
             false},
     .type = RULE_TYPE_THRESHOLD,
     .offset = AT(per_least)},
    {.key = {"when", "above or below", "On which side of the thresholds it is wrong.", false},
     .type = RULE_TYPE_WORD,
     .offset = AT(when),
     .words = when_words},
    {.key = {"warning", A_THRESHOLD,
             "Beyond this it is a warning. Of counters per second, in base units.", false},
     .type = RULE_TYPE_THRESHOLD,
     .offset = AT(warning)},
    {.key = {"critical", A_THRESHOLD, "Beyond this it is critical.", false},
     .type = RULE_TYPE_THRESHOLD,
     .offset = AT(critical)},
    {.key = {"clear", A_THRESHOLD,
             "A firing alert goes on until the value is back beyond this one; without it, beyond "
             "the threshold itself.",
             false},
     .type = RULE_TYPE_THRESHOLD,
     .offset = AT(clear)},
    {.key = {"for", "a duration from 0 to 7d, such as 30s",
             "The condition must hold for so long before it fires.", false},
     .type = RULE_TYPE_DURATION,
     .offset = AT(for_ms),
     .most = "7d"},
    {.key = {"keep", "a duration from 0 to 7d, such as 1m",
             "The condition must be over for so long before the alert is resolved, or becomes less "
             "severe.",
             false},
     .type = RULE_TYPE_DURATION,
     .offset = AT(keep_ms),
     .most = "7d"},
    {.key = {"repeat", "0 or a duration from 1m to 30d, such as 4h",
             "A firing alert that nobody acknowledged is told again so often; 0: once.", false},
     .type = RULE_TYPE_DURATION,
     .offset = AT(repeat_ms),
     .least = "1m",
     .most = "30d"},
    {.key = {"absent", "0 or a duration from 1s to 1d, such as 5m",
             "No sample for so long is wrong as well, of a series that had one or of all of them; "
             "0: it is not.",
             false},
     .type = RULE_TYPE_DURATION,
     .offset = AT(absent_ms),
     .least = "1s",
     .most = "1d"},
    {.key = {"edge", "on or off",
             "Only a condition that was seen to begin fires: what is so from the start is left "
             "alone until it was over once.",
             false},
     .type = RULE_TYPE_SWITCH,
     .offset = AT(edge)},
    {.key = {"anomaly", "on or off",
             "A sustained change, up or down, that the detector is sure of is wrong as well.",
             false},
     .type = RULE_TYPE_SWITCH,
     .offset = AT(anomaly)},
    {.key = {"sigma", "0 or a number from 0.5 to 100",
             "For `anomaly`: how far from usual; 0: detect.sigma.", false},
     .type = RULE_TYPE_NUMBER,
     .offset = AT(sigma),
     .least = "0.5",
     .most = "100"},
    {.key = {"window", "0 or a duration from 1s to 7d, such as 5m",
             "Thresholds are held against the mean over so long (a ratio: of the sums), 0: against "
             "each sample. For `anomaly`: over how long usual is meant, 0: detect.window.",
             false},
     .type = RULE_TYPE_DURATION,
     .offset = AT(window_ms),
     .least = "1s",
     .most = "7d"},
    {.key = {"severity", "warning or critical", "Of anomalies and of what is absent.", false},
     .type = RULE_TYPE_WORD,
     .offset = AT(severity),
     .words = severity_words},
    {.key = {"mutes", "the name of a label, such as device",
             "As long as its condition holds, alerts of other rules about series with the same "
             "value of this label are not told.",
             false},
     .type = RULE_TYPE_LABEL,
     .offset = AT(mutes)},
    {.key = {"channels", "names of channels, such as ops",
             "Whom it is told; none: alerting.channels.", true},
     .type = RULE_TYPE_CHANNELS},
    {.key =
         {"summary", "one line of text, at most 512 bytes",
          "What is told: {rule} {series} {metric} {value} {threshold} {z} {severity} and the "
          "names of labels, such as {device}, stand for what they say; none: a sentence is made.",
          false},
     .type = RULE_TYPE_SUMMARY,
     .offset = AT(summary)},
};

const struct rule_row *rule_row_at(size_t index)
{
    return index < ARRAY_LEN(rows) ? &rows[index] : NULL;
}

const struct rule_key *rule_key_at(size_t index)
{
    return index < ARRAY_LEN(rows) ? &rows[index].key : NULL;
}

/* ---- forms --------------------------------------------------------------------------------- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

static bool is_word_of(const char *text, const char *allowed, size_t most)
{
    size_t len = strnlen(text, most + 1);
    return len <= most && strspn(text, allowed) == len;
}

static bool is_metric(const char *text)
{
    return is_word_of(text, LETTERS DIGITS ":", RULE_GLOB_MAX) && !strchr(DIGITS, *text);
}

static bool is_label(const char *text)
{
    return is_word_of(text, LETTERS DIGITS, 64) && !strchr(DIGITS, *text);
}

/* One line of valid text: no control characters, be they of ASCII or C1. */
static bool is_line(const char *text, size_t most)
{
    size_t len = strnlen(text, most + 1);
    if (len > most || text_utf8_valid(text, len) != len)
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return false;
    }
    return true;
}

static bool is_match(const char *text)
{
    const char *equals = strchr(text, '=');
    char label[65];
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof(label))
        return false;
    memcpy(label, text, (size_t)(equals - text));
    label[equals - text] = '\0';
    return is_label(label) && is_line(equals + 1, RULE_GLOB_MAX);
}

/* ---- from text ----------------------------------------------------------------------------- */

static void put_quoted(struct buf *out, const char *text)
{
    size_t len = strlen(text), shown = MIN(len, (size_t)64);
    buf_char(out, '"');
    for (size_t i = 0; i < shown; i++)
        buf_char(out,
                 (unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f ? '?' : text[i]);
    buf_text(out, len > shown ? "\"..." : "\"");
}

static int complain(const struct rule_row *row, const char *text, const char *what, struct buf *why)
{
    put_quoted(why, text);
    buf_printf(why, " %s (expected %s)", what, row->key.expected);
    return -EINVAL;
}

static void *member_of(const struct rule_row *row, struct rule *r)
{
    return (char *)r + row->offset;
}

static int set_text(const struct rule_row *row, struct rule *r, const char *text, bool good,
                    struct buf *why)
{
    char **member = member_of(row, r);
    if (!good)
        return complain(row, text, "does not have the right form", why);
    free(*member);
    *member = mem_string(text);
    return 0;
}

static int set_glob(const struct rule_row *row, struct rule *r, const char *text, struct buf *why)
{
    size_t len = strnlen(text, RULE_GLOB_MAX + 1);
    if (len > RULE_GLOB_MAX || strspn(text, LETTERS DIGITS ":*?[]!-") != len || !len)
        return complain(row, text, "does not have the right form", why);
    struct selector s;
    selector_init(&s);
    selector_add_glob(&s, text);
    for (size_t i = 0; i < r->selector.globs_count; i++) {
        r->selector.bytes -= strlen(r->selector.globs[i]);
        free(r->selector.globs[i]);
    }
    r->selector.globs_count = 1;
    r->selector.globs[0] = s.globs[0];
    r->selector.bytes += s.bytes;
    return 0;
}

static int set_match(const struct rule_row *row, struct rule *r, const char *text, struct buf *why)
{
    if (!is_match(text))
        return complain(row, text, "does not have the right form", why);
    if (selector_add_match(&r->selector, text))
        return complain(row, text, "is one too many", why);
    return 0;
}

static int set_channel(const struct rule_row *row, struct rule *r, const char *text,
                       struct buf *why)
{
    if (!text_is_name(text))
        return complain(row, text, "does not have the right form", why);
    for (size_t i = 0; i < r->channels_count; i++) {
        if (strcmp(r->channels[i], text) == 0)
            return complain(row, text, "is there twice", why);
    }
    if (r->channels_count == RULE_CHANNELS_MAX)
        return complain(row, text, "is one too many", why);
    r->channels[r->channels_count++] = mem_string(text);
    return 0;
}

static int set_word(const struct rule_row *row, struct rule *r, const char *text, struct buf *why)
{
    for (unsigned i = 0; row->words[i]; i++) {
        if (strcmp(row->words[i], text) == 0) {
            memcpy(member_of(row, r), &i, sizeof(i));
            return 0;
        }
    }
    return complain(row, text, "is not known here", why);
}

static int set_switch(const struct rule_row *row, struct rule *r, const char *text, struct buf *why)
{
    bool on = strcmp(text, "on") == 0 || strcmp(text, "true") == 0;
    if (!on && strcmp(text, "off") != 0 && strcmp(text, "false") != 0)
        return complain(row, text, "is neither", why);
    *(bool *)member_of(row, r) = on;
    return 0;
}

/* A plain number, a share in per cent, or a rate with a unit. */
static int read_threshold(const char *text, double *ret)
{
    double value;
    size_t len = strnlen(text, 64);
    if (text_double(text, ret) == 0)
        return 0;
    if (len > 1 && len < 64 && text[len - 1] == '%') {
        char number[64];
        memcpy(number, text, len - 1);
        number[len - 1] = '\0';
        if (text_double(number, &value))
            return -EINVAL;
        *ret = value / 100;
        return 0;
    }
    return text_rate_bytes(text, ret);
}

static int set_threshold(const struct rule_row *row, struct rule *r, const char *text,
                         struct buf *why)
{
    double value;
    if (read_threshold(text, &value) || !isfinite(value))
        return complain(row, text, "is not understood", why);
    *(double *)member_of(row, r) = value + 0.0; /* not -0 */
    return 0;
}

static int set_number(const struct rule_row *row, struct rule *r, const char *text, struct buf *why)
{
    double value, least, most;
    CHECK(text_double(row->least, &least) == 0 && text_double(row->most, &most) == 0);
    if (text_double(text, &value))
        return complain(row, text, "is not understood", why);
    if (value != 0 && (value < least || value > most))
        return complain(row, text, "is out of range", why);
    *(double *)member_of(row, r) = value + 0.0;
    return 0;
}

static int set_duration(const struct rule_row *row, struct rule *r, const char *text,
                        struct buf *why)
{
    int64_t value = 0, least = 0, most;
    CHECK(text_duration_ms(row->most, &most) == 0);
    if (row->least)
        CHECK(text_duration_ms(row->least, &least) == 0);
    int err = strcmp(text, "off") == 0 ? 0 : text_duration_ms(text, &value);
    if (err == -EINVAL)
        return complain(row, text, "is not understood", why);
    if (err || value > most)
        return complain(row, text, "is too long", why);
    if (value && value < least)
        return complain(row, text, "is too short", why);
    *(int64_t *)member_of(row, r) = value;
    return 0;
}

int rule_row_set(const struct rule_row *row, struct rule *r, const char *text, struct buf *why)
{
    switch (row->type) {
    case RULE_TYPE_NAME:
        return set_text(row, r, text, text_is_name(text), why);
    case RULE_TYPE_METRIC_GLOB:
        return set_glob(row, r, text, why);
    case RULE_TYPE_MATCH:
        return set_match(row, r, text, why);
    case RULE_TYPE_METRIC:
        return set_text(row, r, text, !*text || is_metric(text), why);
    case RULE_TYPE_LABEL:
        return set_text(row, r, text, !*text || is_label(text), why);
    case RULE_TYPE_WORD:
        return set_word(row, r, text, why);
    case RULE_TYPE_NUMBER:
        return set_number(row, r, text, why);
    case RULE_TYPE_THRESHOLD:
        return set_threshold(row, r, text, why);
    case RULE_TYPE_DURATION:
        return set_duration(row, r, text, why);
    case RULE_TYPE_SWITCH:
        return set_switch(row, r, text, why);
    case RULE_TYPE_CHANNELS:
        return set_channel(row, r, text, why);
    case RULE_TYPE_SUMMARY:
        return set_text(row, r, text, is_line(text, RULE_TEXT_MAX), why);
    }
    return -EINVAL;
}

/* ---- to text ------------------------------------------------------------------------------- */

/* The shortest of the texts that are read back as this number; without an exponent if it can be. */
static void format_number(double value, char *out, size_t size)
{
    double back;
    for (int digits = 0; digits <= 9 && fabs(value) < 1e15; digits++) {
        snprintf(out, size, "%.*f", digits, value);
        if (text_double(out, &back) == 0 && back == value)
            return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (text_double(out, &back) == 0 && back == value)
            return;
    }
}

/* Everything but lists. */
static void format_one(const struct rule_row *row, const struct rule *r, char *out, size_t size)
{
    const char *member = (const char *)r + row->offset;
    unsigned word;
    switch (row->type) {
    case RULE_TYPE_WORD:
        memcpy(&word, member, sizeof(word));
        snprintf(out, size, "%s", row->words[word]);
        break;
    case RULE_TYPE_NUMBER:
    case RULE_TYPE_THRESHOLD:
        format_number(*(const double *)(const void *)member, out, size);
        break;
    case RULE_TYPE_DURATION:
        text_format_duration(*(const int64_t *)(const void *)member, out, size);
        break;
    case RULE_TYPE_SWITCH:
        snprintf(out, size, "%s", *(const bool *)member ? "on" : "off");
        break;
    case RULE_TYPE_METRIC_GLOB:
        snprintf(out, size, "%s", r->selector.globs_count ? r->selector.globs[0] : "");
        break;
    default:
        snprintf(out, size, "%s", *(char *const *)(const void *)member);
        break;
    }
}

void rule_row_tell(const struct rule_row *row, const struct rule *r,
                   void (*tell)(void *user, const char *key, const char *text), void *user)
{
    char text[RULE_TEXT_MAX + 1];
    if (row->type == RULE_TYPE_MATCH) {
        for (size_t i = 0; i < r->selector.matches_count; i++) {
            char *match =
                mem_printf("%s=%s", r->selector.matches[i].label, r->selector.matches[i].glob);
            tell(user, row->key.name, match);
            free(match);
        }
    } else if (row->type == RULE_TYPE_CHANNELS) {
        for (size_t i = 0; i < r->channels_count; i++)
            tell(user, row->key.name, r->channels[i]);
    } else {
        format_one(row, r, text, sizeof(text));
        tell(user, row->key.name, text);
    }
}

bool rule_row_differs(const struct rule_row *row, const struct rule *r)
{
    if (row->type == RULE_TYPE_MATCH)
        return r->selector.matches_count > 0;
    if (row->type == RULE_TYPE_CHANNELS)
        return r->channels_count > 0;
    if (row->type == RULE_TYPE_THRESHOLD &&
        isnan(*(const double *)(const void *)((const char *)r + row->offset)))
        return false; /* nothing can be set to "none" */
    char own[RULE_TEXT_MAX + 1], fresh[RULE_TEXT_MAX + 1];
    struct rule *plain = rule_new(r->source);
    format_one(row, r, own, sizeof(own));
    format_one(row, plain, fresh, sizeof(fresh));
    rule_unref(plain);
    return strcmp(own, fresh) != 0;
}
