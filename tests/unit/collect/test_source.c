/* Files that are read again and again. */
#include "stand.h"

#include <unistd.h>

#include "collect/procfs/source.h"

static void test_reads_again(void **state)
{
    (void)state;
    char *root = stand_make_tree();
    struct source s;
    struct scan text;
    source_init(&s, root, "net/file");
    assert_int_equal(source_read(&s, &text), -ENOENT);
    stand_write(root, "net/file", "one\n");
    assert_int_equal(source_read(&s, &text), 0); /* it is there now */
    assert_true(scan_is(&text, "one\n", 4));
    int fd = s.fd;
    stand_write(root, "net/file", "another one\n");
    assert_int_equal(source_read(&s, &text), 0);
    assert_true(scan_is(&text, "another one\n", 12));
    assert_int_equal(s.fd, fd); /* not opened again */
    stand_write(root, "net/file", "");
    assert_int_equal(source_read(&s, &text), 0);
    assert_int_equal(scan_len(&text), 0);
    source_fini(&s);
    stand_remove_tree(root);
}

static void any_size(bool whole)
{
    char *root = stand_make_tree();
    static const size_t sizes[] = {1, 16383, 16384, 16385, 100000, SOURCE_BYTES_MAX - 1};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *content = malloc(sizes[i] + 1);
        for (size_t at = 0; at < sizes[i]; at++)
            content[at] = (char)('a' + at % 26);
        content[sizes[i]] = '\0';
        stand_write(root, "file", content);
        struct source s;
        struct scan text;
        source_init(&s, root, "file");
        s.whole = whole;
        assert_int_equal(source_read(&s, &text), 0);
        assert_true(scan_is(&text, content, sizes[i]));
        assert_int_equal(source_read(&s, &text), 0);
        assert_true(scan_is(&text, content, sizes[i]));
        source_fini(&s);
        free(content);
    }
    stand_remove_tree(root);
}

static void test_any_size(void **state)
{
    (void)state;
    any_size(false);
    any_size(true);
}

/* What this kernel gives to one read is all that there is: the last byte is a newline, and a second
 * read from there on has nothing. */
static void test_whole(void **state)
{
    static const char *const files[] = {"net/snmp",      "net/netstat",
                                        "net/snmp6",     "net/sockstat",
                                        "net/sockstat6", "sys/net/netfilter/nf_conntrack_max"};
    size_t seen = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct source s;
        struct scan text;
        char more;
        source_init(&s, "/proc", files[i]);
        s.whole = true;
        if (source_read(&s, &text) == 0) {
            seen++;
            assert_int_equal(text.end[-1], '\n');
            assert_int_equal(pread(s.fd, &more, 1, (off_t)scan_len(&text)), 0);
        }
        source_fini(&s);
    }
    assert_true(seen > 0);
}

static void test_endless(void **state)
{
    (void)state;
    struct source s;
    struct scan text;
    source_init(&s, "/dev", "zero");
    assert_int_equal(source_read(&s, &text), -EFBIG);
    assert_int_equal(s.fd, -1);
    source_fini(&s);
    source_init(&s, "/", "proc");
    assert_int_equal(source_read(&s, &text), -EISDIR);
    assert_int_equal(s.fd, -1);
    source_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_again),
        cmocka_unit_test(test_any_size),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
