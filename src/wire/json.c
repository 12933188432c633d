/*
 * json.c: numbers and strings to JSON without a detour through stdio, and jansson behind limits.
 *
 * Numbers. A tick of 500 series is encoded every second for every selection, so printing a double
 * must cost tens of nanoseconds, not the microsecond of "%.17g" and its trial reads. The idea: a
 * double v is printed as the whole number r with k decimals, r = round(v * 10^k). As long as
 * r < 2^53 and k <= 22, both r and 10^k are exact doubles, and IEEE division rounds correctly: so
 * r / 10^k == v proves that the text r*10^-k reads back as v. The smallest such k gives the
 * shortest text. json_put_double tries k from 0 on; json_put_rounded computes the one k that its
 * digits ask for and needs no proof. What fits in neither way (1e300, 17 digits) goes through
 * snprintf; the program never calls setlocale, so the decimal point is a point.
 *
 * Commas. Every value looks at the last byte written: after '{', '[', ':' or ',' or at the start
 * of a line nothing is due, otherwise a comma. A string ends in '"', so its content cannot mislead.
 */
#include "wire/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"

#define EXACT_INTEGER_MAX 9007199254740992.0 /* 2^53 */

static const double powers_of_10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define DECIMALS_MAX ((int)ARRAY_LEN(powers_of_10) - 1)

static void put_comma(struct buf *b)
{
    if (b->len == 0)
        return;
    switch (b->data[b->len - 1]) {
    case '{':
    case '[':
    case ':':
    case ',':
    case '\n':
        return;
    default:
        buf_char(b, ',');
    }
}

void json_open(struct buf *b, char bracket)
{
    CHECK(bracket == '{' || bracket == '[');
    put_comma(b);
    buf_char(b, bracket);
}

void json_close(struct buf *b, char bracket)
{
    CHECK(bracket == '}' || bracket == ']');
    buf_char(b, bracket);
}

/* ---- strings ---- */

static void put_escaped(struct buf *b, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(b, text + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\') {
            buf_append(b, (char[]){'\\', (char)c}, 2);
        } else if (c == '\n') {
            buf_append(b, "\\n", 2);
        } else if (c == '\t') {
            buf_append(b, "\\t", 2);
        } else if (c == '\r') {
            buf_append(b, "\\r", 2);
        } else {
            buf_append(b, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        }
    }
    buf_append(b, text + plain, len - plain);
}

void json_put_string_n(struct buf *b, const char *text, size_t len)
{
    put_comma(b);
    buf_char(b, '"');
    while (len) {
        size_t valid = text_utf8_valid(text, len);
        put_escaped(b, text, valid);
        text += valid;
        len -= valid;
        if (len) {
            buf_append(b, "\xef\xbf\xbd", 3); /* U+FFFD in place of one wrong byte */
            text++;
            len--;
        }
    }
    buf_char(b, '"');
}

void json_put_string(struct buf *b, const char *text)
{
    if (text)
        json_put_string_n(b, text, strlen(text));
    else
        json_put_null(b);
}

void json_put_key(struct buf *b, const char *name)
{
    json_put_string_n(b, name, strlen(name));
    buf_char(b, ':');
}

void json_put_raw(struct buf *b, const char *json, size_t len)
{
    put_comma(b);
    buf_append(b, json, len);
}

void json_put_bool(struct buf *b, bool value)
{
    put_comma(b);
    buf_text(b, value ? "true" : "false");
}

void json_put_null(struct buf *b)
{
    put_comma(b);
    buf_append(b, "null", 4);
}

/* ---- numbers ---- */

/* Writes `value` as if it were divided by 10^decimals, without trailing zeros behind the point. */
static void put_scaled(struct buf *b, bool negative, uint64_t value, int decimals)
{
    while (decimals > 0 && value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    char text[48]; /* sign, 0., at most 22 decimals or 20 digits */
    char *at = text + sizeof(text);
    for (int i = 0; i < decimals; i++) {
        *--at = (char)('0' + value % 10);
        value /= 10;
    }
    if (decimals)
        *--at = '.';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    if (negative)
        *--at = '-';
    buf_append(b, at, (size_t)(text + sizeof(text) - at));
}

void json_put_u64(struct buf *b, uint64_t value)
{
    put_comma(b);
    put_scaled(b, false, value, 0);
}

void json_put_i64(struct buf *b, int64_t value)
{
    put_comma(b);
    put_scaled(b, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 0);
}

/* Whole numbers, zero and what JSON has no word for: common, and the same for both writers. */
static bool put_simple(struct buf *b, double value)
{
    put_comma(b);
    double size = fabs(value);
    if (!isfinite(value)) {
        buf_append(b, "null", 4);
        return true;
    }
    if (size < EXACT_INTEGER_MAX && size == (double)(uint64_t)size) {
        put_scaled(b, value < 0, (uint64_t)size, 0); /* -0 is written as 0 */
        return true;
    }
    return false;
}

static void put_printed(struct buf *b, double value, int digits)
{
    char text[40];
    int len = snprintf(text, sizeof(text), "%.*g", digits, value);
    buf_append(b, text, (size_t)len);
}

void json_put_double(struct buf *b, double value)
{
    if (put_simple(b, value))
        return;
    double size = fabs(value);
    for (int k = 1; k <= DECIMALS_MAX; k++) {
        double scaled = rint(size * powers_of_10[k]);
        if (scaled >= EXACT_INTEGER_MAX)
            break;
        if (scaled / powers_of_10[k] == size) {
            put_scaled(b, value < 0, (uint64_t)scaled, k);
            return;
        }
    }
    for (int digits = 15; digits <= 17; digits++) {
        char text[40];
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (digits == 17 || strtod(text, NULL) == value) {
            buf_text(b, text);
            return;
        }
    }
}

void json_put_rounded(struct buf *b, double value, unsigned digits)
{
    CHECK(digits >= 1 && digits <= 15);
    if (put_simple(b, value))
        return;
    double size = fabs(value);
    if (size >= EXACT_INTEGER_MAX || size < 1e-6) {
        put_printed(b, value, (int)digits);
        return;
    }
    int whole = 0; /* digits in front of the point; 0 and below for 0.x, 0.0x, ... */
    if (size >= 1) {
        while (whole < 16 && size >= powers_of_10[whole])
            whole++;
    } else {
        while (size * powers_of_10[1 - whole] < 1)
            whole--;
    }
    int decimals = MAX((int)digits - whole, 0);
    put_scaled(b, value < 0, (uint64_t)rint(size * powers_of_10[decimals]), decimals);
}

/* ---- reading ---- */

static bool too_deep(const char *text, size_t len)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

json_t *json_parse(const char *text, size_t len, char *why, size_t why_size)
{
    if (too_deep(text, len)) {
        snprintf(why, why_size, "The JSON is nested more than %d levels deep.", JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t error;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        snprintf(why, why_size, "Not valid JSON at byte %d: %s.", error.position, error.text);
    return value;
}

void json_setup(void)
{
    size_t seed = 0;
    /* Zero lets jansson find a seed by itself, which is what must not happen later. */
    while (seed == 0) {
        if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
            seed = (size_t)(uintptr_t)&seed;
    }
    json_object_seed(seed);
}
