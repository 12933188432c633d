/*
 * test_packet_tap.c: files of packets: either byte order, micro- and nanoseconds, what libpcap
 * reads and what is read without it, cut off at every byte, and files that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/defs.h"
#include "collect/packet/tap.h"

struct file {
    int fd;
    char path[64];
};

static struct file file_of(const void *data, size_t len)
{
    struct file f = {.fd = memfd_create("capture", MFD_CLOEXEC)};
    assert_true(f.fd >= 0);
    assert_int_equal(write(f.fd, data, len), (ssize_t)len);
    snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
    return f;
}

struct capture {
    uint8_t data[4096];
    size_t len;
    bool swapped;
};

static void put32(struct capture *c, uint32_t value)
{
    if (c->swapped)
        value = __builtin_bswap32(value);
    memcpy(c->data + c->len, &value, 4);
    c->len += 4;
}

static void begin(struct capture *c, uint32_t magic, bool swapped, uint32_t link)
{
    *c = (struct capture){.swapped = swapped};
    put32(c, magic);
    const uint16_t version[] = {swapped ? 0x0200 : 2, swapped ? 0x0400 : 4};
    memcpy(c->data + c->len, version, 4);
    c->len += 4;
    put32(c, 0);
    put32(c, 0);
    put32(c, 65535);
    put32(c, link);
}

static void add(struct capture *c, uint32_t seconds, uint32_t part, uint32_t captured,
                uint32_t wire)
{
    put32(c, seconds);
    put32(c, part);
    put32(c, captured);
    put32(c, wire);
    for (uint32_t i = 0; i < captured; i++)
        c->data[c->len++] = (uint8_t)i;
}

struct seen {
    size_t count;
    uint32_t link, captured, wire;
    int64_t t_ns;
};

static void on_packets(void *user, uint32_t link, const struct packet_frame *frames, size_t count)
{
    struct seen *s = user;
    assert_true(count > 0 && count <= TAP_BATCH);
    s->count += count;
    s->link = link;
    for (size_t i = 0; i < count; i++) {
        s->captured = frames[i].captured;
        s->wire = frames[i].wire;
        s->t_ns = frames[i].t_ns;
        for (uint32_t j = 0; j < frames[i].captured; j++)
            assert_int_equal(frames[i].frame[j], (uint8_t)j);
    }
}

/* What reading the whole of it ended with. */
static int read_all(const char *path, const char *filter, struct seen *s, char why[256])
{
    struct tap *tap = NULL;
    *s = (struct seen){0};
    why[0] = '\0';
    int err = tap_open_file(path, filter, &tap, why, 256);
    if (err)
        return err;
    assert_int_equal(tap_fd(tap), -1);
    while ((err = tap_read(tap, 2, on_packets, s, why, 256)) >= 0)
        assert_true(err <= 2);
    tap_close(tap);
    return err;
}

static void test_formats(void **state)
{
    static const struct {
        uint32_t magic;
        bool swapped;
        int64_t t_ns;
    } formats[] = {
        {0xa1b2c3d4, false, 1500000000123456000},
        {0xa1b2c3d4, true, 1500000000123456000},
        {0xa1b23c4d, false, 1500000000000123456},
        {0xa1b23c4d, true, 1500000000000123456},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct capture c;
        begin(&c, formats[i].magic, formats[i].swapped, 1);
        add(&c, 1, 0, 14, 14);
        add(&c, 2, 0, 0, 1500); /* nothing of it was captured */
        add(&c, 3, 0, 60, 20);  /* claims to have been shorter on the wire */
        add(&c, 1500000000, 123456, 100, 70000);
        struct file f = file_of(c.data, c.len);
        /* Without a filter this program reads, with one libpcap does: both see the same. */
        for (int by = 0; by < 2; by++) {
            struct seen s;
            char why[256];
            int err = read_all(f.path, by ? "greater 0 or less 1000000" : "", &s, why);
            if (by && err == -ENOENT)
                skip(); /* no libpcap here */
            assert_int_equal(err, -ENODATA);
            assert_int_equal(s.count, 4);
            assert_int_equal(s.link, 1);
            assert_int_equal(s.captured, 100);
            assert_int_equal(s.wire, 70000);
            assert_int_equal(s.t_ns, formats[i].t_ns);
        }
        close(f.fd);
    }
}

static void test_cut(void **state)
{
    (void)state;
    struct capture c;
    begin(&c, 0xa1b2c3d4, false, 101);
    size_t head = c.len;
    add(&c, 1, 0, 30, 30);
    size_t first = c.len;
    add(&c, 2, 0, 30, 30);
    for (size_t len = head; len <= c.len; len++) {
        struct file f = file_of(c.data, len);
        struct seen s;
        char why[256];
        int err = read_all(f.path, "", &s, why);
        bool whole = len == head || len == first || len == c.len;
        assert_int_equal(err, whole ? -ENODATA : -EBADMSG);
        assert_int_equal(s.count, len < first ? 0 : len < c.len ? 1 : 2);
        assert_true(whole || strstr(why, "ends within packet"));
        close(f.fd);
    }
}

static void test_none(void **state)
{
    (void)state;
    struct capture c;
    struct seen s;
    char why[256];
    assert_int_equal(read_all("/nowhere/at.all", "", &s, why), -ENOENT);
    assert_non_null(strstr(why, "/nowhere/at.all"));
    struct file f = file_of("hello, world: no capture at all", 31);
    int err = read_all(f.path, "", &s, why);
    close(f.fd);
    if (err == -ENOENT)
        skip(); /* no libpcap here */
    assert_int_equal(err, -EBADMSG);
    assert_true(*why);
    f = file_of("", 0);
    assert_int_equal(read_all(f.path, "", &s, why), -EBADMSG);
    close(f.fd);
    begin(&c, 0xa1b2c3d4, false, 147); /* a link layer of somebody's own */
    f = file_of(c.data, c.len);
    assert_int_equal(read_all(f.path, "", &s, why), -EPROTONOSUPPORT);
    assert_non_null(strstr(why, "link layer"));
    close(f.fd);
    begin(&c, 0xa1b2c3d4, false, 1);
    f = file_of(c.data, c.len);
    assert_int_equal(read_all(f.path, "this is no filter", &s, why), -EINVAL);
    assert_non_null(strstr(why, "packet.filter"));
    close(f.fd);
    /* A packet of more bytes than there can be. */
    put32(&c, 1);
    put32(&c, 0);
    put32(&c, 0x7fffffff);
    put32(&c, 0x7fffffff);
    f = file_of(c.data, c.len);
    assert_int_equal(read_all(f.path, "", &s, why), -EBADMSG);
    assert_non_null(strstr(why, "claims"));
    close(f.fd);
    assert_int_equal(read_all("/proc/self", "", &s, why), -EINVAL);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    assert_int_equal(read_all(path, "", &s, why), -EINVAL);
    assert_non_null(strstr(why, "not a regular file"));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
