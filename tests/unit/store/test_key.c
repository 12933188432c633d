/* test_key.c: keys come apart and together again; broken ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/defs.h"
#include "store/key.h"

static void test_plain(void **state)
{
    (void)state;
    struct key_parts parts;
    assert_int_equal(key_parse("up", &parts), 0);
    assert_string_equal(parts.name, "up");
    assert_int_equal(parts.labels_count, 0);
    key_fini(&parts);

    assert_int_equal(key_parse("a{b=\"c\",d=\"\"}", &parts), 0);
    assert_string_equal(parts.name, "a");
    assert_int_equal(parts.labels_count, 2);
    assert_string_equal(parts.labels[0].name, "b");
    assert_string_equal(parts.labels[0].value, "c");
    assert_string_equal(parts.labels[1].name, "d");
    assert_string_equal(parts.labels[1].value, "");
    key_fini(&parts);
}

static void test_escapes(void **state)
{
    (void)state;
    static const char key[] = "m{a=\"\\\\ \\\" \\n , } = {\",le=\"+Inf\"}";
    struct key_parts parts;
    assert_int_equal(key_parse(key, &parts), 0);
    assert_string_equal(parts.labels[0].value, "\\ \" \n , } = {");
    assert_string_equal(parts.labels[1].value, "+Inf");
    struct buf out = BUF_INIT;
    key_write(&out, parts.name, parts.labels, parts.labels_count, "");
    assert_string_equal(buf_string(&out), key);
    buf_clear(&out);
    key_write(&out, "other", parts.labels, parts.labels_count, "a");
    assert_string_equal(buf_string(&out), "other{le=\"+Inf\"}");
    buf_clear(&out);
    key_write(&out, "other", parts.labels, 1, "a");
    assert_string_equal(buf_string(&out), "other");
    buf_fini(&out);
    key_fini(&parts);
}

static void test_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "{",
        "{}",
        "a{",
        "a{}",
        "a{b",
        "a{b=",
        "a{b=\"",
        "a{b=\"c",
        "a{b=\"c\"",
        "a{b=\"c\"}x",
        "a{b=\"c\",}",
        "a{b=c}",
        "a{=\"c\"}",
        "a{b=\"\\x\"}",
        "a{b=\"\n\"}",
        "a{b=\"\\",
        "a{b=\"c\"d=\"e\"}",
        "a{a=\"\",b=\"\",c=\"\",d=\"\",e=\"\",f=\"\",g=\"\",h=\"\",i=\"\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct key_parts parts;
        if (key_parse(broken[i], &parts) != -EBADMSG)
            fail_msg("accepted: %s", broken[i]);
        assert_null(parts.texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
