/*
 * scan.h: walking over the text of a /proc file: lines, words, numbers. A scan is a window into
 * text that somebody else owns and that need not be terminated; nothing is copied, nothing is
 * written. A number that does not fit or is followed by something else is no number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct scan {
    const char *at, *end;
};

static inline struct scan scan_text(const char *text, size_t len)
{
    return (struct scan){text, text + len};
}

static inline size_t scan_len(const struct scan *s)
{
    return (size_t)(s->end - s->at);
}

/* Cuts off the next line, without its newline. False at the end: what is left in *text then is a
 * last line without a newline. It was cut off somewhere, perhaps within a number, so it is none. */
static inline bool scan_line(struct scan *text, struct scan *ret)
{
    const char *newline = scan_len(text) ? memchr(text->at, '\n', scan_len(text)) : NULL;
    if (!newline)
        return false;
    *ret = (struct scan){text->at, newline};
    text->at = newline + 1;
    return true;
}

static inline void scan_blanks(struct scan *line)
{
    while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
        line->at++;
}

/* Cuts off the next word. False when only blanks are left. */
static inline bool scan_word(struct scan *line, struct scan *ret)
{
    scan_blanks(line);
    ret->at = line->at;
    while (line->at < line->end && *line->at != ' ' && *line->at != '\t')
        line->at++;
    ret->end = line->at;
    return ret->at < ret->end;
}

static inline bool scan_is(const struct scan *s, const char *text, size_t len)
{
    return scan_len(s) == len && memcmp(s->at, text, len) == 0;
}

/* Cuts off a word that is a decimal number. False: it is none, and the place stays. */
static inline bool scan_u64(struct scan *line, uint64_t *ret)
{
    scan_blanks(line);
    const char *p = line->at;
    uint64_t value = 0;
    for (; p < line->end && *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (p == line->at || (p < line->end && *p != ' ' && *p != '\t'))
        return false;
    *ret = value;
    line->at = p;
    return true;
}

/* The same with a sign, as a double: gauges such as Tcp_MaxConn are -1. */
static inline bool scan_signed(struct scan *line, double *ret)
{
    scan_blanks(line);
    bool minus = line->at < line->end && *line->at == '-';
    struct scan rest = {line->at + minus, line->end};
    uint64_t value;
    if (rest.at == rest.end || *rest.at == ' ' || !scan_u64(&rest, &value))
        return false;
    *ret = minus ? -(double)value : (double)value;
    line->at = rest.at;
    return true;
}

/* A word of at most eight hexadecimal digits without a prefix. */
static inline bool scan_hex(struct scan *line, uint32_t *ret)
{
    struct scan word, rest = *line;
    if (!scan_word(&rest, &word) || scan_len(&word) > 8)
        return false;
    uint32_t value = 0;
    for (const char *p = word.at; p < word.end; p++) {
        unsigned char c = (unsigned char)*p;
        unsigned digit = c >= '0' && c <= '9'   ? c - (unsigned)'0'
                         : c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10
                         : c >= 'A' && c <= 'F' ? c - (unsigned)'A' + 10
                                                : 16;
        if (digit > 15)
            return false;
        value = value << 4 | digit;
    }
    *ret = value;
    *line = rest;
    return true;
}
