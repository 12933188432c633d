/* test_tokens.c: the file of tokens: what is read, what is refused with its line, what a change
 * leaves behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "http/secret.h"
#include "http/token_file.h"

#define FIRST "netsonde-tokens 1\n"
#define D1 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D2 "ffffffffffffffff0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_parse(void **state)
{
    (void)state;
    static const char text[] = FIRST "# a remark\n\n"
                                     "00000001 key viewer 1000 - " D1 "\n"
                                     "00000002 login admin 1000 5000 " D2 " a note, in words\n";
    struct tokens *t = NULL;
    char why[200] = "";
    assert_int_equal(tokens_parse(text, sizeof(text) - 1, &t, why, sizeof(why)), 0);
    assert_int_equal(tokens_count(t), 2);
    const struct token *one = tokens_at(t, 0), *two = tokens_at(t, 1);
    assert_string_equal(one->id, "00000001");
    assert_int_equal(one->kind, TOKEN_KEY);
    assert_int_equal(one->role, ACCESS_VIEWER);
    assert_int_equal(one->created_ms, 1000);
    assert_true(one->expires_ms == INT64_MAX);
    assert_string_equal(one->note, "");
    assert_int_equal(two->kind, TOKEN_LOGIN);
    assert_int_equal(two->role, ACCESS_ADMIN);
    assert_int_equal(two->expires_ms, 5000);
    assert_string_equal(two->note, "a note, in words");
    assert_int_equal(two->digest[8], 0x01);

    assert_ptr_equal(tokens_find(t, TOKEN_KEY, one->digest, 1), one);
    assert_null(tokens_find(t, TOKEN_LOGIN, one->digest, 1)); /* each is good for its own thing */
    assert_null(tokens_find(t, TOKEN_KEY, two->digest, 1));
    assert_ptr_equal(tokens_find(t, TOKEN_LOGIN, two->digest, 4999), two);
    assert_null(tokens_find(t, TOKEN_LOGIN, two->digest, 5000));
    assert_int_equal(tokens_good(t, 5000), 1);
    assert_ptr_equal(tokens_by_id(t, "00000002"), two);
    assert_null(tokens_by_id(t, "00000003"));

    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    tokens_format(tokens_at(t, 0), 2, &out);
    struct tokens *again = NULL;
    assert_int_equal(tokens_parse(out.data, out.len, &again, why, sizeof(why)), 0);
    assert_int_equal(tokens_count(again), 2);
    assert_memory_equal(tokens_at(again, 0), one, sizeof(*one));
    assert_memory_equal(tokens_at(again, 1), two, sizeof(*two));
    tokens_unref(again);
    tokens_unref(t);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why; /* its beginning */
    } cases[] = {
        {"", "1: the file is empty"},
        {"\n", "1: the first line"},
        {"netsonde-tokens 2\n", "1: the first line"},
        {"netsonde-tokens 1", "1: the last line has no end"},
        {FIRST "00000001 key viewer 1 - " D1, "2: the last line has no end"},
        {FIRST "00000001 key viewer 1 -\n", "2: a line is"},
        {FIRST "00000001  key viewer 1 - " D1 "\n", "2: a line is"},
        {FIRST "0000001 key viewer 1 - " D1 "\n", "2: the id"},
        {FIRST "0000000G key viewer 1 - " D1 "\n", "2: the id"},
        {FIRST "00000001 master viewer 1 - " D1 "\n", "2: the kind"},
        {FIRST "00000001 key root 1 - " D1 "\n", "2: the role"},
        {FIRST "00000001 key nobody 1 - " D1 "\n", "2: the role"},
        {FIRST "00000001 key viewer x - " D1 "\n", "2: the time of creation"},
        {FIRST "00000001 key viewer -1 - " D1 "\n", "2: the time of creation"},
        {FIRST "00000001 key viewer 1 never " D1 "\n", "2: the time of expiry"},
        {FIRST "00000001 key viewer 1 99999999999999999999 " D1 "\n", "2: the time of expiry"},
        {FIRST "00000001 key viewer 1 9223372036854775807 " D1 "\n", "2: the time of expiry"},
        {FIRST "00000001 key viewer 1 - 0123\n", "2: the digest"},
        {FIRST "00000001 key viewer 1 - " D1 "0\n", "2: the digest"},
        {FIRST "00000001 key viewer 1 - " D1 " \n", "2: the note"},
        {FIRST "00000001 key viewer 1 - " D1 " a\x1b[31m\n", "2: the note"},
        {FIRST "00000001 key viewer 1 - " D1 " \xff\n", "2: the note"},
        {FIRST "00000001 key viewer 1 - " D1 " \xc2\x9b"
               "31m\n",
         "2: the note"},
        {FIRST "00000001 key viewer 1 - " D1 "\r\n", "2: the digest"},
        {FIRST "\n#\n00000001 key viewer 1 - " D1 "\n00000001 key viewer 1 - " D2 "\n",
         "5: this id is there twice"},
        {FIRST "00000001 key viewer 1 - " D1 "\n00000002 key admin 1 - " D1 "\n",
         "3: this digest is there twice"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tokens *t = NULL;
        char why[200] = "";
        assert_int_equal(tokens_parse(cases[i].text, strlen(cases[i].text), &t, why, sizeof(why)),
                         -EINVAL);
        assert_null(t);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%zu: %s", i, why);
    }
    struct tokens *t = NULL;
    char why[200] = "";
    static const char nul[] = FIRST "\0\n";
    assert_int_equal(tokens_parse(nul, sizeof(nul) - 1, &t, why, sizeof(why)), -EINVAL);
    assert_string_equal(why, "2: there is a NUL");
}

/* ---- the file ---------------------------------------------------------------------------- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/netsonde-tokens-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static char *path_of(const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

static int remove_dir(void **state)
{
    (void)state;
    static const char *const names[] = {"tokens", "tokens.new", "elsewhere"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path CLEANUP(mem_freep) = path_of(names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    char *path CLEANUP(mem_freep) = path_of(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static struct tokens *load(int expected, const char *part_of_why)
{
    struct tokens *t = NULL;
    char why[300] = "";
    assert_int_equal(token_file_load(dir, &t, why, sizeof(why)), expected);
    if (part_of_why && !strstr(why, part_of_why))
        fail_msg("%s", why);
    return t;
}

static int add_one(void *user, struct token *items, size_t *count)
{
    items[(*count)++] = *(struct token *)user;
    return 0;
}

static int refuse(void *user, struct token *items, size_t *count)
{
    (void)user;
    items[0].role = ACCESS_ADMIN;
    *count = 1;
    return -ENOENT;
}

static int update(token_change change, void *user)
{
    char why[300];
    return token_file_update(dir, change, user, why, sizeof(why));
}

static struct token a_token(const char *id, uint8_t byte, int64_t expires_ms)
{
    struct token t = {.role = ACCESS_VIEWER, .created_ms = 1, .expires_ms = expires_ms};
    snprintf(t.id, sizeof(t.id), "%s", id);
    memset(t.digest, byte, sizeof(t.digest));
    return t;
}

static void test_update(void **state)
{
    (void)state;
    struct tokens *t = load(0, NULL); /* no file: nobody */
    assert_int_equal(tokens_count(t), 0);
    tokens_unref(t);

    write_file("tokens.new", "of a run that was killed", 0600);
    struct token one = a_token("00000001", 1, INT64_MAX);
    assert_int_equal(update(add_one, &one), 0);
    struct stat st;
    char *path CLEANUP(mem_freep) = path_of("tokens"),
               *rest CLEANUP(mem_freep) = path_of("tokens.new");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(rest, &st), -1);

    int64_t now_ms = clock_wall_ms();
    struct token old = a_token("00000002", 2, now_ms - 48 * 3600 * MS_PER_S);
    struct token late = a_token("00000003", 3, now_ms - MS_PER_S);
    assert_int_equal(update(add_one, &old), 0);
    assert_int_equal(update(add_one, &late), 0); /* the one that expired long ago leaves */
    t = load(0, NULL);
    assert_int_equal(tokens_count(t), 2);
    assert_null(tokens_by_id(t, "00000002"));
    assert_int_equal(tokens_good(t, now_ms), 1);
    tokens_unref(t);

    assert_int_equal(update(refuse, NULL), -ENOENT); /* nothing is written */
    t = load(0, NULL);
    assert_int_equal(tokens_count(t), 2);
    assert_int_equal(tokens_at(t, 0)->role, ACCESS_VIEWER);
    tokens_unref(t);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct token one = a_token("00000001", 1, INT64_MAX);
    write_file("tokens", FIRST "nonsense\n", 0600);
    load(-EINVAL, "/tokens:2: a line is");
    assert_int_equal(update(add_one, &one), -EINVAL); /* it is not overwritten either */
    load(-EINVAL, "/tokens:2: a line is");
    write_file("tokens", FIRST, 0640);
    load(-EPERM, "mode 640");
    write_file("tokens", FIRST, 0602);
    load(-EPERM, "mode 602");

    char *path CLEANUP(mem_freep) = path_of("tokens"),
               *other CLEANUP(mem_freep) = path_of("elsewhere");
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0); /* a name is not followed */
    load(-ELOOP, "/tokens: ");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* nor waited for */
    load(-EINVAL, "no regular file");
}

static void test_full(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    buf_text(&text, FIRST);
    for (unsigned i = 0; i < TOKENS_MAX; i++)
        buf_printf(&text, "%08x key viewer 1 - %064x\n", i, i);
    write_file("tokens", buf_string(&text), 0600);
    struct token one = a_token("ffffffff", 0xff, INT64_MAX);
    assert_int_equal(update(add_one, &one), -ENOSPC);
    struct tokens *t = load(0, NULL);
    assert_int_equal(tokens_count(t), TOKENS_MAX);
    tokens_unref(t);
}

/* ---- secrets ----------------------------------------------------------------------------- */

static void test_secrets(void **state)
{
    (void)state;
    char one[SECRET_TEXT_MAX], two[SECRET_TEXT_MAX];
    uint8_t a[VAULT_DIGEST_LEN], b[VAULT_DIGEST_LEN];
    assert_int_equal(secret_new(SECRET_TOKEN, one), 0);
    assert_int_equal(secret_new(SECRET_TOKEN, two), 0);
    assert_int_equal(strlen(one), 4 + 43);
    assert_string_not_equal(one, two);
    assert_true(secret_digest(SECRET_TOKEN, one, a));
    assert_true(secret_digest(SECRET_TOKEN, two, b));
    assert_false(vault_same(a, b));
    assert_false(secret_digest(SECRET_LOGIN, one, a));
    one[46] = '\0';
    assert_false(secret_digest(SECRET_TOKEN, one, a));
    one[46] = '+';
    assert_false(secret_digest(SECRET_TOKEN, one, a));
    assert_false(secret_digest(SECRET_TOKEN, "", a));

    /* SHA-256 of the text, as any other program computes it. */
    static const char known[] = "nst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const uint8_t begin[4] = {0xfc, 0xf0, 0x7e, 0x8c};
    assert_true(secret_digest(SECRET_TOKEN, known, a));
    assert_memory_equal(a, begin, sizeof(begin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test_setup_teardown(test_update, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_bad_files, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_full, make_dir, remove_dir),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
