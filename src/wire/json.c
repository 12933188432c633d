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

/* A sign and 20 digits, or a sign, "0." and 22 decimals, or 17 digits with point and exponent. */
_Static_assert(JSON_NUMBER_MAX >= 3 + DECIMALS_MAX + 1, "room for every number");

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

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

/* Two digits at a time, the last ones first. Returns the end. */
static char *write_whole(char *at, uint64_t value)
{
    if (value < 10) { /* most of what a quiet network measures */
        *at = (char)('0' + value);
        return at + 1;
    }
    size_t digits = 2;
    for (uint64_t limit = 100; digits < 20 && value >= limit; limit *= 10)
        digits++;
    char *from = at + digits;
    for (; value >= 10; value /= 100) {
        from -= 2;
        memcpy(from, pairs + value % 100 * 2, 2);
    }
    if (from > at)
        *at = (char)('0' + value);
    return at + digits;
}

/* Writes `value` as if it were divided by 10^decimals, without trailing zeros behind the point. */
static char *write_scaled(char *at, uint64_t value, int decimals)
{
    while (decimals > 0 && value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    if (decimals == 0)
        return write_whole(at, value);
    uint64_t unit = 1;
    for (int i = 0; i < decimals && unit <= value; i++)
        unit *= 10;
    /* Either the unit of the decimals, or more than the value, which is below 2^53. */
    at = write_whole(at, unit > value ? 0 : value / unit);
    *at++ = '.';
    uint64_t fraction = unit > value ? value : value % unit;
    char *end = at + decimals, *from = end;
    for (; from - at >= 2; fraction /= 100) {
        from -= 2;
        memcpy(from, pairs + fraction % 100 * 2, 2);
    }
    if (from > at)
        *at = (char)('0' + fraction);
    return end;
}

/* Whole numbers, zero and what JSON has no word for: common, and the same for both ways. NULL: the
 * value is none of them. */
static char *write_simple(char *at, double value)
{
    double size = fabs(value);
    if (size < EXACT_INTEGER_MAX && size == (double)(uint64_t)size) {
        if (value < 0) /* -0 is written as 0 */
            *at++ = '-';
        return write_whole(at, (uint64_t)size);
    }
    if (isfinite(value))
        return NULL;
    return stpcpy(at, "null");
}

static char *write_printed(char *at, double value, int digits)
{
    return at + snprintf(at, JSON_NUMBER_MAX, "%.*g", digits, value);
}

static char *write_exact(char *at, double value)
{
    char *end = write_simple(at, value);
    if (end)
        return end;
    double size = fabs(value);
    for (int k = 1; k <= DECIMALS_MAX; k++) {
        double scaled = rint(size * powers_of_10[k]);
        if (scaled >= EXACT_INTEGER_MAX)
            break;
        if (scaled / powers_of_10[k] == size) {
            if (value < 0)
                *at++ = '-';
            return write_scaled(at, (uint64_t)scaled, k);
        }
    }
    for (int digits = 15;; digits++) {
        end = write_printed(at, value, digits);
        if (digits == 17 || strtod(at, NULL) == value)
            return end;
    }
}

char *json_write_u64(char *at, uint64_t value)
{
    return write_whole(at, value);
}

char *json_write_rounded(char *at, double value, unsigned digits)
{
    CHECK(digits >= 1 && digits <= 15);
    char *end = write_simple(at, value);
    if (end)
        return end;
    double size = fabs(value);
    if (size >= EXACT_INTEGER_MAX || size < 1e-6)
        return write_printed(at, value, (int)digits);
    int whole = 0; /* digits in front of the point; 0 and below for 0.x, 0.0x, ... */
    if (size >= 1) {
        while (whole < 16 && size >= powers_of_10[whole])
            whole++;
    } else {
        while (size * powers_of_10[1 - whole] < 1)
            whole--;
    }
    int decimals = MAX((int)digits - whole, 0);
    if (value < 0)
        *at++ = '-';
    return write_scaled(at, (uint64_t)rint(size * powers_of_10[decimals]), decimals);
}

/* Where a number may be written; NULL when there is no memory. */
static char *number_begin(struct buf *b)
{
    put_comma(b);
    return buf_reserve(b, JSON_NUMBER_MAX);
}

static void number_end(struct buf *b, const char *end)
{
    b->len = (size_t)(end - b->data);
}

void json_put_u64(struct buf *b, uint64_t value)
{
    char *at = number_begin(b);
    if (at)
        number_end(b, write_whole(at, value));
}

void json_put_i64(struct buf *b, int64_t value)
{
    char *at = number_begin(b);
    if (!at)
        return;
    if (value < 0)
        *at++ = '-';
    number_end(b, write_whole(at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value));
}

char *json_write_double(char *at, double value)
{
    return write_exact(at, value);
}

void json_put_double(struct buf *b, double value)
{
    char *at = number_begin(b);
    if (at)
        number_end(b, write_exact(at, value));
}

void json_put_rounded(struct buf *b, double value, unsigned digits)
{
    char *at = number_begin(b);
    if (at)
        number_end(b, json_write_rounded(at, value, digits));
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
