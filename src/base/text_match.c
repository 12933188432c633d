/*
 * text_match.c: globs, names, near misses and UTF-8.
 *
 * A glob is matched character by character from the left; on a mismatch only the last `*` seen
 * takes one character more. That is enough, because whatever an earlier star could have taken the
 * later one can take as well, and it bounds the work to len(glob) * len(text). Characters are
 * code points; a byte that is no UTF-8 counts as a character of its own, so any text matches `*`.
 */
#include <string.h>

#include "base/defs.h"
#include "base/text.h"

/* ---- UTF-8 ------------------------------------------------------------------------------- */

/* Decodes one character: its length in bytes, or 0 when the bytes are no valid UTF-8 (overlong,
 * surrogate, beyond U+10FFFF, cut short). Reads at most up to the first byte that is wrong, so a
 * NUL at the end is a sufficient bound for `len`. */
static size_t utf8_decode(const unsigned char *p, size_t len, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (len == 0)
        return 0;
    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    size_t need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || need > len)
        return 0;
    uint32_t code = p[0] & (0xffU >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    if (code < least[need] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret = code;
    return need;
}

size_t text_utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        uint32_t code;
        while (len - at >= sizeof(eight)) { /* most text is ASCII: eight bytes at a time */
            memcpy(&eight, p + at, sizeof(eight));
            if (eight & UINT64_C(0x8080808080808080))
                break;
            at += sizeof(eight);
        }
        if (at == len)
            break;
        size_t size = utf8_decode(p + at, len - at, &code);
        if (!size)
            return at;
        at += size;
    }
    return at;
}

/* ---- globs ------------------------------------------------------------------------------- */

#define NO_UTF8 0x80000000U /* marks a single byte that is no character */

/* Takes one character from *at, which is not at its end. */
static uint32_t next_char(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    uint32_t code;
    size_t size = utf8_decode(p, 4, &code);
    if (!size) {
        size = 1;
        code = NO_UTF8 | *p;
    }
    *at += size;
    return code;
}

/* One end of a range in a class; `\` quotes. False at the end of the glob. */
static bool class_char(const char **at, uint32_t *ret)
{
    if (**at == '\\')
        ++*at;
    if (!**at)
        return false;
    *ret = next_char(at);
    return true;
}

/* A class whose `[` is behind us: is `c` in it? Moves *at behind the `]`. One that is not closed
 * matches nothing: taking the bracket for itself would mean to search the rest of the glob again
 * at every one of a row of brackets. */
static bool match_class(const char **at, uint32_t c)
{
    const char *p = *at;
    bool negated = *p == '!';
    bool in = false;
    p += negated;
    for (bool first = true; first || *p != ']'; first = false) {
        uint32_t low, high;
        if (!class_char(&p, &low))
            return false;
        high = low;
        if (p[0] == '-' && p[1] != ']' && p[1]) {
            p++;
            if (!class_char(&p, &high))
                return false;
        }
        in = in || (c >= low && c <= high);
    }
    *at = p + 1;
    return in != negated;
}

/* One element of the glob that is no star against one character; moves *glob behind it. */
static bool match_one(const char **glob, uint32_t c)
{
    switch (**glob) {
    case '?':
        ++*glob;
        return true;
    case '[':
        ++*glob;
        return match_class(glob, c);
    case '\\':
        if ((*glob)[1])
            ++*glob;
        return next_char(glob) == c;
    default:
        return next_char(glob) == c;
    }
}

bool text_glob(const char *glob, const char *text)
{
    const char *star = NULL;      /* what follows the last star */
    const char *star_text = NULL; /* where that has to match next */
    while (*text) {
        if (*glob == '*') {
            star = ++glob;
            star_text = text;
            continue;
        }
        const char *next = text;
        if (*glob && match_one(&glob, next_char(&next))) {
            text = next;
            continue;
        }
        if (!star)
            return false;
        next_char(&star_text);
        glob = star;
        text = star_text;
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

/* ---- names ------------------------------------------------------------------------------- */

bool text_is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    size_t len = strnlen(text, 65);
    return len >= 1 && len <= 64 && strspn(text, allowed) == len;
}

/* ---- near misses --------------------------------------------------------------------------- */

/* A row of the table of distances at a time; the one before the last is needed for swaps. */
size_t text_slips(const char *a, const char *b)
{
    enum { LONGEST = 32, FAR = 99 };
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t len_a = strnlen(a, LONGEST + 1), len_b = strnlen(b, LONGEST + 1);
    if (len_a > LONGEST || len_b > LONGEST)
        return FAR;
    for (size_t j = 0; j <= len_b; j++)
        now[j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
        now[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = MIN(replaced, MIN(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN(now[j], before[j - 2] + 1);
        }
    }
    return now[len_b];
}
