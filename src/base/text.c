/*
 * text.c: numbers, amounts with a unit, and points in time, as people write them.
 *
 * Amounts ("1.5m", "64KiB") are decimal numbers times a unit. They are computed in integers, the
 * fraction as a count of 10^-digits, so that "0.1s" is 100 ms and not 99; an amount that is no
 * whole number of the base unit ("0.5ms") is refused instead of rounded. Nothing here looks at
 * the locale. Everything is stateless.
 */
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/defs.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- plain numbers ----------------------------------------------------------------------- */

/* Reads digits from *at on and moves *at behind them. */
static int read_digits(const char **at, uint64_t *ret)
{
    const char *p = *at;
    uint64_t value = 0;
    if (!is_digit(*p))
        return -EINVAL;
    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -ERANGE;
    }
    *at = p;
    *ret = value;
    return 0;
}

int text_u64(const char *text, uint64_t *ret)
{
    uint64_t value;
    int err = read_digits(&text, &value);
    if (err)
        return err;
    if (*text)
        return -EINVAL;
    *ret = value;
    return 0;
}

int text_double(const char *text, double *ret)
{
    /* strtod also takes blanks, "inf", "nan" and hexadecimal: nobody means those. */
    const char *digits = text + (*text == '-' || *text == '+');
    if (!is_digit(digits[0]) && !(digits[0] == '.' && is_digit(digits[1])))
        return -EINVAL;
    if (digits[strspn(digits, "0123456789.eE+-")])
        return -EINVAL;
    /* The "C" locale is a constant of the C library: nothing is allocated here. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *end;
    double value = strtod_l(text, &end, c);
    freelocale(c);
    if (*end)
        return -EINVAL;
    if (!isfinite(value))
        return -ERANGE;
    *ret = value;
    return 0;
}

/* ---- amounts with a unit ----------------------------------------------------------------- */

struct unit {
    const char *name;
    uint64_t size; /* in base units */
};

#define KIB UINT64_C(1024)

static const struct unit duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", UINT64_C(60) * 1000},
    {"h", UINT64_C(3600) * 1000},
    {"d", UINT64_C(86400) * 1000},
    {"w", UINT64_C(7) * 86400 * 1000},
    {"y", UINT64_C(365) * 86400 * 1000},
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", UINT64_C(1000000)},
    {"GB", UINT64_C(1000000000)},
    {"TB", UINT64_C(1000000000000)},
    {"KiB", KIB},
    {"MiB", KIB *KIB},
    {"GiB", KIB *KIB *KIB},
    {"TiB", KIB *KIB *KIB *KIB},
};

static const struct unit bit_units[] = {
    {"bit", 1},
    {"kbit", 1000},
    {"Mbit", UINT64_C(1000000)},
    {"Gbit", UINT64_C(1000000000)},
    {"Tbit", UINT64_C(1000000000000)},
};

static const struct unit *find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    }
    return NULL;
}

#define FRACTION_DIGITS 9

/* A decimal number before a unit: value = whole + fraction / 10^digits. */
struct decimal {
    uint64_t whole;
    uint64_t fraction;
    uint64_t fraction_of; /* 10^digits */
};

/* Reads "12" or "1.5" from *at on and moves *at to the unit. */
static int read_decimal(const char **at, struct decimal *ret)
{
    struct decimal d = {.fraction_of = 1};
    int err = read_digits(at, &d.whole);
    if (err)
        return err;
    if (**at == '.') {
        const char *start = ++*at;
        err = read_digits(at, &d.fraction);
        if (err)
            return err;
        if (*at - start > FRACTION_DIGITS)
            return -ERANGE;
        for (const char *p = start; p < *at; p++)
            d.fraction_of *= 10;
    }
    *ret = d;
    return 0;
}

/* The decimal times the unit: -ERANGE when it overflows, -EINVAL when it is not whole. */
static int scale_decimal(const struct decimal *d, uint64_t unit, uint64_t *ret)
{
    uint64_t whole, part, value;
    if (__builtin_mul_overflow(d->whole, unit, &whole))
        return -ERANGE;
    if (__builtin_mul_overflow(d->fraction, unit, &part))
        return -ERANGE;
    if (part % d->fraction_of)
        return -EINVAL;
    if (__builtin_add_overflow(whole, part / d->fraction_of, &value))
        return -ERANGE;
    *ret = value;
    return 0;
}

static int read_amount(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
    struct decimal number;
    int err = read_decimal(&text, &number);
    if (err)
        return err;
    const struct unit *unit = find_unit(units, count, text);
    if (!unit)
        return -EINVAL;
    return scale_decimal(&number, unit->size, ret);
}

int text_duration_ms(const char *text, int64_t *ret_ms)
{
    uint64_t value;
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    int err = read_amount(text, duration_units, ARRAY_LEN(duration_units), &value);
    if (err)
        return err;
    if (value > INT64_MAX)
        return -ERANGE;
    *ret_ms = (int64_t)value;
    return 0;
}

int text_size_bytes(const char *text, uint64_t *ret_bytes)
{
    return read_amount(text, size_units, ARRAY_LEN(size_units), ret_bytes);
}

int text_rate_bytes(const char *text, double *ret_bytes_per_s)
{
    struct decimal number;
    int err = read_decimal(&text, &number);
    if (err)
        return err;
    double value = (double)number.whole + (double)number.fraction / (double)number.fraction_of;
    const struct unit *unit = find_unit(bit_units, ARRAY_LEN(bit_units), text);
    if (unit) {
        *ret_bytes_per_s = value * (double)unit->size / 8;
        return 0;
    }
    unit = find_unit(size_units, ARRAY_LEN(size_units), text);
    /* Without a unit nobody knows whether bits or bytes are meant; 0 is 0 either way. */
    if (!unit || (!*text && value > 0))
        return -EINVAL;
    *ret_bytes_per_s = value * (double)unit->size;
    return 0;
}

/* ---- amounts to text --------------------------------------------------------------------- */

/* With the largest unit that leaves a whole number. */
static void format_amount(uint64_t value, const struct unit *units, size_t count, char *out,
                          size_t size)
{
    const struct unit *unit = &units[0];
    for (size_t i = 1; i < count; i++) {
        if (value && value % units[i].size == 0)
            unit = &units[i];
    }
    snprintf(out, size, "%" PRIu64 "%s", value / unit->size, unit->name);
}

void text_format_duration(int64_t ms, char *out, size_t size)
{
    /* No weeks: "14d" is what people say. */
    static const struct unit units[] = {
        {"ms", 1},
        {"s", 1000},
        {"m", UINT64_C(60) * 1000},
        {"h", UINT64_C(3600) * 1000},
        {"d", UINT64_C(86400) * 1000},
        {"y", UINT64_C(365) * 86400 * 1000},
    };
    if (ms == 0) {
        snprintf(out, size, "0s");
    } else if (ms < 0) {
        if (size > 1) {
            *out = '-';
            format_amount(0 - (uint64_t)ms, units, ARRAY_LEN(units), out + 1, size - 1);
        }
    } else {
        format_amount((uint64_t)ms, units, ARRAY_LEN(units), out, size);
    }
}

void text_format_size(uint64_t bytes, char *out, size_t size)
{
    static const struct unit units[] = {
        {"B", 1},
        {"KiB", KIB},
        {"MiB", KIB * KIB},
        {"GiB", KIB * KIB * KIB},
        {"TiB", KIB * KIB * KIB * KIB},
    };
    format_amount(bytes, units, ARRAY_LEN(units), out, size);
}

/* ---- points in time ---------------------------------------------------------------------- */

/* Reads exactly `count` digits. */
static int read_field(const char **at, int count, int *ret)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit((*at)[i]))
            return -EINVAL;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *ret = value;
    return 0;
}

static int read_mark(const char **at, const char *allowed)
{
    if (!**at || !strchr(allowed, **at))
        return -EINVAL;
    ++*at;
    return 0;
}

/* ".25" as milliseconds; finer digits are read and cut off. */
static int read_fraction_ms(const char **at, int64_t *ret)
{
    int64_t value = 0, digit_ms = 100;
    if (**at == '.') {
        ++*at;
        if (!is_digit(**at))
            return -EINVAL;
        for (; is_digit(**at); ++*at) {
            value += (**at - '0') * digit_ms;
            digit_ms /= 10;
        }
    }
    *ret = value;
    return 0;
}

static int read_offset_min(const char **at, int *ret)
{
    int hours, minutes;
    char sign = **at;
    if (read_mark(at, "Zz") == 0) {
        *ret = 0;
        return 0;
    }
    if (read_mark(at, "+-") || read_field(at, 2, &hours) || read_mark(at, ":") ||
        read_field(at, 2, &minutes) || hours > 23 || minutes > 59)
        return -EINVAL;
    *ret = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    return 0;
}

/* RFC 3339 section 5.6: 2026-01-02T03:04:05.678+01:00. */
static int read_rfc3339(const char *text, int64_t *ret_ms)
{
    struct tm t = {0};
    int64_t fraction_ms;
    int offset_min;
    if (read_field(&text, 4, &t.tm_year) || read_mark(&text, "-") ||
        read_field(&text, 2, &t.tm_mon) || read_mark(&text, "-") ||
        read_field(&text, 2, &t.tm_mday) || read_mark(&text, "Tt ") ||
        read_field(&text, 2, &t.tm_hour) || read_mark(&text, ":") ||
        read_field(&text, 2, &t.tm_min) || read_mark(&text, ":") ||
        read_field(&text, 2, &t.tm_sec) || read_fraction_ms(&text, &fraction_ms) ||
        read_offset_min(&text, &offset_min) || *text)
        return -EINVAL;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    /* A leap second is counted as the first second of the next minute, as POSIX time does. */
    if (t.tm_mon < 0 || t.tm_mon > 11 || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
        return -EINVAL;
    struct tm day = {.tm_year = t.tm_year, .tm_mon = t.tm_mon, .tm_mday = t.tm_mday};
    timegm(&day); /* carries 30 February into March */
    if (day.tm_mday != t.tm_mday || day.tm_mon != t.tm_mon)
        return -EINVAL;
    *ret_ms = ((int64_t)timegm(&t) - (int64_t)offset_min * 60) * MS_PER_S + fraction_ms;
    return 0;
}

int text_time_ms(const char *text, int64_t now_ms, int64_t *ret_ms)
{
    int64_t back_ms = 0;
    uint64_t number;
    int err;
    if (strncmp(text, "now", 3) == 0) {
        if (text[3] == '-')
            err = text_duration_ms(text + 4, &back_ms);
        else
            err = text[3] ? -EINVAL : 0;
    } else if (*text == '-') {
        err = text_u64(text + 1, &number);
        if (!err && __builtin_mul_overflow(number, (uint64_t)MS_PER_S, &back_ms))
            err = -ERANGE;
    } else if ((err = text_u64(text, &number)) != -EINVAL) {
        if (!err && number > INT64_MAX)
            err = -ERANGE;
        if (!err)
            *ret_ms = (int64_t)number;
        return err;
    } else {
        return read_rfc3339(text, ret_ms);
    }
    int64_t value;
    if (!err && __builtin_sub_overflow(now_ms, back_ms, &value))
        err = -ERANGE;
    if (!err)
        *ret_ms = value;
    return err;
}

void text_format_time(int64_t t_ms, char *out, size_t size)
{
    char text[64];
    int64_t ms = t_ms % MS_PER_S;
    time_t seconds = (time_t)(t_ms / MS_PER_S - (ms < 0));
    struct tm utc = {0};
    gmtime_r(&seconds, &utc); /* a year that it cannot write stays 1900 */
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, size, "%s.%03dZ", text, (int)(ms < 0 ? ms + MS_PER_S : ms));
}
