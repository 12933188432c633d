/*
 * tokens.h: the set of those who may ask: what the file `tokens` says. Made once, then never
 * changed and shared by counted reference: any thread. A change is a new set.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vault.h"
#include "http/access.h"

#define TOKENS_MAX 1024
#define TOKENS_FILE_MAX (512U << 10)
#define TOKEN_ID_LEN 8 /* hexadecimal digits */
#define TOKEN_NOTE_MAX 128

enum token_kind {
    TOKEN_KEY,     /* shown with every request, or at the login page */
    TOKEN_LOGIN,   /* good for one login */
    TOKEN_SESSION, /* what became of one: the cookie of the browser that used it */
};

struct token {
    char id[VAULT_OWNER_MAX];
    enum token_kind kind;
    enum access_role role;
    int64_t created_ms;
    int64_t expires_ms; /* INT64_MAX: never */
    uint8_t digest[VAULT_DIGEST_LEN];
    char note[TOKEN_NOTE_MAX + 1]; /* for people; UTF-8 without control characters */
};

struct tokens;

/* Copies. */
struct tokens *tokens_new(const struct token *items, size_t count);
struct tokens *tokens_ref(struct tokens *t);
void tokens_unref(struct tokens *t); /* NULL allowed */

size_t tokens_count(const struct tokens *t);
const struct token *tokens_at(const struct tokens *t, size_t index);
size_t tokens_good(const struct tokens *t, int64_t now_ms); /* that have not expired */

/* NULL: none of that kind has this digest, or it has expired. Costs the same however
 * many there are; what is compared is compared in constant time. Borrowed from the set. */
const struct token *tokens_find(const struct tokens *t, enum token_kind kind,
                                const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms);
/* By its id, whatever it is and whether it has expired or not. */
const struct token *tokens_by_id(const struct tokens *t, const char *id);

/* Reads the text of a file. 0, or -EINVAL and in `why` "LINE: what is wrong"; nothing of a file
 * with a mistake is taken. */
int tokens_parse(const char *text, size_t len, struct tokens **ret, char *why, size_t why_size);
void tokens_format(const struct token *items, size_t count, struct buf *out);

bool token_note_ok(const char *note);
const char *token_kind_name(enum token_kind kind);
const char *access_role_name(enum access_role role); /* "viewer", "admin" */
