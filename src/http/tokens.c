/*
 * tokens.c: the set, and its file format: a first line that names the format, then a line each:
 *
 *     ID KIND ROLE CREATED EXPIRES DIGEST [NOTE]
 *
 * ID and DIGEST are hexadecimal, times are epoch milliseconds, "-" for never. Lines that begin with
 * # and empty ones are skipped. What does not have exactly this form is a mistake: a file that was
 * cut off or edited by accident must not let in somebody else than it seems to.
 */
#include "http/tokens.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digests.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

#define FIRST_LINE "netsonde-tokens 1"

static const char *const kinds[] = {
    [TOKEN_KEY] = "key", [TOKEN_LOGIN] = "login", [TOKEN_SESSION] = "session"};
static const char hex[] = "0123456789abcdef";

struct tokens {
    atomic_uint refs;
    struct digests by_digest;
    struct map by_id;
    size_t count;
    struct token items[];
};

const char *token_kind_name(enum token_kind kind)
{
    CHECK((size_t)kind < ARRAY_LEN(kinds));
    return kinds[kind];
}

const char *access_role_name(enum access_role role)
{
    return role == ACCESS_ADMIN ? "admin" : role == ACCESS_VIEWER ? "viewer" : "nobody";
}

struct tokens *tokens_new(const struct token *items, size_t count)
{
    struct tokens *t = mem_alloc(sizeof(*t) + count * sizeof(*items));
    atomic_init(&t->refs, 1);
    t->count = count;
    if (count)
        memcpy(t->items, items, count * sizeof(*items));
    digests_init(&t->by_digest, count);
    map_init(&t->by_id);
    for (size_t i = count; i-- > 0;) { /* of two with one id the first is meant */
        digests_add(&t->by_digest, t->items[i].digest);
        map_put(&t->by_id, t->items[i].id, &t->items[i]);
    }
    return t;
}

struct tokens *tokens_ref(struct tokens *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tokens_unref(struct tokens *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    digests_fini(&t->by_digest);
    map_fini(&t->by_id);
    free(t);
}

size_t tokens_count(const struct tokens *t)
{
    return t->count;
}

const struct token *tokens_at(const struct tokens *t, size_t index)
{
    CHECK(index < t->count);
    return &t->items[index];
}

size_t tokens_good(const struct tokens *t, int64_t now_ms)
{
    size_t good = 0;
    for (size_t i = 0; i < t->count; i++)
        good += t->items[i].expires_ms > now_ms;
    return good;
}

const struct token *tokens_find(const struct tokens *t, enum token_kind kind,
                                const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms)
{
    const uint8_t *at = digests_find(&t->by_digest, digest);
    const struct token *found =
        at ? CONTAINER_OF((uint8_t *)(uintptr_t)at, struct token, digest) : NULL;
    return found && found->kind == kind && found->expires_ms > now_ms ? found : NULL;
}

const struct token *tokens_by_id(const struct tokens *t, const char *id)
{
    return map_get(&t->by_id, id);
}

/* ---- the file's text --------------------------------------------------------------------- */

bool token_note_ok(const char *note)
{
    size_t len = strlen(note);
    if (len > TOKEN_NOTE_MAX || text_utf8_valid(note, len) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)note[i], next = (unsigned char)note[i + 1];
        if (c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0)) /* C0, DEL, C1: for a terminal */
            return false;
    }
    return !len || (note[0] != ' ' && note[len - 1] != ' ');
}

static bool parse_digest(const char *text, uint8_t digest[VAULT_DIGEST_LEN])
{
    if (strlen(text) != 2 * VAULT_DIGEST_LEN || strspn(text, hex) != 2 * VAULT_DIGEST_LEN)
        return false;
    for (size_t i = 0; i < VAULT_DIGEST_LEN; i++)
        digest[i] =
            (uint8_t)((strchr(hex, text[2 * i]) - hex) << 4 | (strchr(hex, text[2 * i + 1]) - hex));
    return true;
}

static bool parse_ms(const char *text, int64_t *ret)
{
    uint64_t ms;
    if (text_u64(text, &ms) < 0 || ms >= INT64_MAX)
        return false;
    *ret = (int64_t)ms;
    return true;
}

static bool parse_role(const char *text, enum access_role *ret)
{
    *ret = strcmp(text, "admin") == 0 ? ACCESS_ADMIN : ACCESS_VIEWER;
    return strcmp(text, access_role_name(*ret)) == 0;
}

static bool parse_kind(const char *text, enum token_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(text, kinds[i]) != 0)
            continue;
        *ret = (enum token_kind)i;
        return true;
    }
    return false;
}

/* `line` is overwritten. NULL, or what is wrong. */
static const char *parse_line(char *line, struct token *t)
{
    char *fields[6], *rest = line;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fields[i] = strsep(&rest, " ");
        if (!fields[i] || !*fields[i])
            return "a line is: id, kind, role, created, expires, digest, note";
    }
    if (strlen(fields[0]) != TOKEN_ID_LEN || strspn(fields[0], hex) != TOKEN_ID_LEN)
        return "the id must be 8 hexadecimal digits";
    memcpy(t->id, fields[0], TOKEN_ID_LEN + 1);
    if (!parse_kind(fields[1], &t->kind))
        return "the kind must be key, login or session";
    if (!parse_role(fields[2], &t->role))
        return "the role must be viewer or admin";
    if (!parse_ms(fields[3], &t->created_ms))
        return "the time of creation must be epoch milliseconds";
    t->expires_ms = INT64_MAX;
    if (strcmp(fields[4], "-") != 0 && !parse_ms(fields[4], &t->expires_ms))
        return "the time of expiry must be epoch milliseconds, or - for never";
    if (!parse_digest(fields[5], t->digest))
        return "the digest must be 64 hexadecimal digits";
    if (rest && (!*rest || !token_note_ok(rest)))
        return "the note must be at most 128 bytes of text without control characters";
    snprintf(t->note, sizeof(t->note), "%s", rest ? rest : "");
    return NULL;
}

static const char *find_twin(const struct token *items, size_t count, const struct token *t)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].id, t->id) == 0)
            return "this id is there twice";
        if (vault_same(items[i].digest, t->digest))
            return "this digest is there twice";
    }
    return NULL;
}

struct reading {
    struct token *items;
    size_t count;
    bool begun; /* the first line was there */
};

static const char *read_line(struct reading *r, char *line, size_t len)
{
    if (memchr(line, '\0', len))
        return "there is a NUL";
    if (!r->begun) {
        r->begun = strcmp(line, FIRST_LINE) == 0;
        return r->begun ? NULL : "the first line must be \"" FIRST_LINE "\"";
    }
    if (!*line || *line == '#')
        return NULL;
    if (r->count == TOKENS_MAX)
        return "there are more than 1024 tokens";
    struct token t = {0};
    const char *wrong = parse_line(line, &t);
    if (!wrong)
        wrong = find_twin(r->items, r->count, &t);
    if (wrong)
        return wrong;
    if (r->count % 16 == 0)
        r->items = mem_resize(r->items, r->count + 16, sizeof(*r->items));
    r->items[r->count++] = t;
    return NULL;
}

int tokens_parse(const char *text, size_t len, struct tokens **ret, char *why, size_t why_size)
{
    struct reading r = {0};
    const char *wrong = NULL, *at = text, *end = text + len;
    size_t number = 0;
    if (len > TOKENS_FILE_MAX) {
        snprintf(why, why_size, "1: the file is larger than 512 KiB");
        return -EINVAL;
    }
    while (!wrong && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        number++;
        if (!stop) {
            wrong = "the last line has no end: the file was cut off";
            break;
        }
        char *line CLEANUP(mem_freep) = mem_alloc((size_t)(stop - at) + 1);
        memcpy(line, at, (size_t)(stop - at));
        wrong = read_line(&r, line, (size_t)(stop - at));
        at = stop + 1;
    }
    if (!wrong && !r.begun) {
        number = 1;
        wrong = "the file is empty; remove it, or make a token";
    }
    if (wrong)
        snprintf(why, why_size, "%zu: %s", number, wrong);
    else
        *ret = tokens_new(r.items, r.count);
    free(r.items);
    return wrong ? -EINVAL : 0;
}

void tokens_format(const struct token *items, size_t count, struct buf *out)
{
    buf_text(out, FIRST_LINE "\n# Written by netsonde token. Only digests: the tokens themselves "
                             "are nowhere.\n");
    for (size_t i = 0; i < count; i++) {
        const struct token *t = &items[i];
        buf_printf(out, "%s %s %s %" PRId64 " ", t->id, token_kind_name(t->kind),
                   access_role_name(t->role), t->created_ms);
        if (t->expires_ms == INT64_MAX)
            buf_char(out, '-');
        else
            buf_i64(out, t->expires_ms);
        buf_char(out, ' ');
        for (size_t b = 0; b < VAULT_DIGEST_LEN; b++)
            buf_printf(out, "%02x", t->digest[b]);
        if (*t->note)
            buf_printf(out, " %s", t->note);
        buf_char(out, '\n');
    }
}
