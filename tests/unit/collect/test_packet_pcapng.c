/*
 * test_packet_pcapng.c: pcapng files: blocks of all kinds in either byte order, several sections
 * and link layers, every resolution of time, what is broken, cut off at every byte, and filters.
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
#include "collect/packet/pcapng.h"
#include "collect/packet/tap.h"

/* ---- making files ----------------------------------------------------------------------------
 */

struct file {
    uint8_t *data;
    size_t len, room, block; /* block: where the one that is written began */
    bool swapped;
};

static uint8_t *grow(struct file *f, size_t len)
{
    if (f->room < f->len + len) {
        f->room = (f->len + len) * 2;
        f->data = realloc(f->data, f->room);
        assert_non_null(f->data);
    }
    f->len += len;
    return f->data + f->len - len;
}

static void put(struct file *f, const void *data, size_t len)
{
    memcpy(grow(f, len), data, len);
}

static void put16(struct file *f, uint16_t value)
{
    value = f->swapped ? __builtin_bswap16(value) : value;
    put(f, &value, 2);
}

static void put32(struct file *f, uint32_t value)
{
    value = f->swapped ? __builtin_bswap32(value) : value;
    put(f, &value, 4);
}

static void pad(struct file *f)
{
    while ((f->len - f->block) % 4)
        put(f, "", 1);
}

static void begin(struct file *f, uint32_t type)
{
    f->block = f->len;
    put32(f, type);
    put32(f, 0);
}

static void set32(struct file *f, size_t at, uint32_t value)
{
    value = f->swapped ? __builtin_bswap32(value) : value;
    memcpy(f->data + at, &value, 4);
}

static void finish(struct file *f)
{
    pad(f);
    uint32_t total = (uint32_t)(f->len - f->block + 4);
    set32(f, f->block + 4, total);
    put32(f, total);
}

static void put_option(struct file *f, uint16_t code, const void *data, uint16_t len)
{
    put16(f, code);
    put16(f, len);
    put(f, data, len);
    pad(f);
}

static void put_section(struct file *f, bool swapped)
{
    f->swapped = swapped;
    begin(f, PCAPNG_MAGIC);
    put32(f, 0x1a2b3c4d);
    put16(f, 1);
    put16(f, 0);
    put32(f, UINT32_MAX);
    put32(f, UINT32_MAX);
    put_option(f, 4, "a program", 9);
    put_option(f, 0, "", 0);
    finish(f);
}

/* resolution 0 and offset 0: not told. */
static void put_interface(struct file *f, uint16_t link, uint32_t snaplen, uint8_t resolution,
                          int64_t offset_s)
{
    begin(f, 1);
    put16(f, link);
    put16(f, 0);
    put32(f, snaplen);
    put_option(f, 2, "eth0", 4);
    if (resolution)
        put_option(f, 9, &resolution, 1);
    if (offset_s) {
        uint64_t value = (uint64_t)offset_s;
        value = f->swapped ? __builtin_bswap64(value) : value;
        put_option(f, 14, &value, 8);
    }
    if (resolution || offset_s)
        put_option(f, 0, "", 0);
    finish(f);
}

static void put_frame(struct file *f, uint32_t captured)
{
    uint8_t *at = grow(f, captured);
    for (uint32_t i = 0; i < captured; i++)
        at[i] = (uint8_t)i;
    pad(f);
}

static void put_packet(struct file *f, uint32_t interface, uint64_t units, uint32_t captured,
                       uint32_t wire)
{
    begin(f, 6);
    put32(f, interface);
    put32(f, (uint32_t)(units >> 32));
    put32(f, (uint32_t)units);
    put32(f, captured);
    put32(f, wire);
    put_frame(f, captured);
    put_option(f, 2, "\1\2\3\4", 4);
    put_option(f, 0, "", 0);
    finish(f);
}

static void put_obsolete(struct file *f, uint16_t interface, uint64_t units, uint32_t captured,
                         uint32_t wire)
{
    begin(f, 2);
    put16(f, interface);
    put16(f, 7); /* dropped */
    put32(f, (uint32_t)(units >> 32));
    put32(f, (uint32_t)units);
    put32(f, captured);
    put32(f, wire);
    put_frame(f, captured);
    finish(f);
}

static void put_simple(struct file *f, uint32_t wire, uint32_t captured)
{
    begin(f, 3);
    put32(f, wire);
    put_frame(f, captured);
    finish(f);
}

/* ---- reading them ----------------------------------------------------------------------------
 */

struct seen {
    size_t count;
    struct {
        uint32_t link, captured, wire;
        int64_t t_ns;
    } packet[64];
};

static void on_packets(void *user, uint32_t link, const struct packet_frame *frames, size_t count)
{
    struct seen *s = user;
    assert_true(count > 0 && count <= TAP_BATCH);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < frames[i].captured; j++)
            assert_int_equal(frames[i].frame[j], (uint8_t)j);
        if (s->count < ARRAY_LEN(s->packet)) {
            s->packet[s->count].link = link;
            s->packet[s->count].captured = frames[i].captured;
            s->packet[s->count].wire = frames[i].wire;
            s->packet[s->count].t_ns = frames[i].t_ns;
        }
        s->count++;
    }
}

/* What opening it or reading the whole of it ended with. */
static int read_some(const struct file *f, size_t len, const char *filter, struct seen *s,
                     char why[256])
{
    struct tap *tap = NULL;
    char path[64];
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->data, len), (ssize_t)len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *s = (struct seen){0};
    why[0] = '\0';
    int err = tap_open_file(path, filter, &tap, why, 256);
    if (!err) {
        do
            err = tap_read(tap, 5, on_packets, s, why, 256);
        while (err >= 0);
        /* What is wrong is met again. */
        char again[256] = "";
        assert_int_equal(tap_read(tap, 5, on_packets, s, again, 256), err);
        assert_string_equal(again, why);
        tap_close(tap);
    }
    close(fd);
    return err;
}

static int read_all(const struct file *f, struct seen *s, char why[256])
{
    return read_some(f, f->len, "", s, why);
}

static void assert_packet(const struct seen *s, size_t i, uint32_t link, uint32_t captured,
                          uint32_t wire, int64_t t_ns)
{
    assert_true(i < s->count);
    assert_int_equal(s->packet[i].link, link);
    assert_int_equal(s->packet[i].captured, captured);
    assert_int_equal(s->packet[i].wire, wire);
    assert_int_equal(s->packet[i].t_ns, t_ns);
}

/* ---- cases ------------------------------------------------------------------------------------
 */

#define MICRO 1500000000123456ULL

/* Every kind of block, in sections of different byte order. */
static void put_all_kinds(struct file *f, bool swapped)
{
    put_section(f, swapped);
    put_interface(f, 1, 96, 0, 0);
    put_interface(f, 113, 0, 9, 0);
    begin(f, 5); /* statistics of an interface */
    put32(f, 0);
    put32(f, 0);
    put32(f, 0);
    finish(f);
    put_packet(f, 1, MICRO * 1000 + 7, 31, 3000);
    put_packet(f, 0, MICRO, 60, 60);
    put_obsolete(f, 1, MICRO * 1000 + 9, 21, 21);
    put_simple(f, 1500, 96);
    put_interface(f, 101, 65535, 6, 0);
    put_packet(f, 2, MICRO + 1, 0, 40);
    put_section(f, !swapped);
    put_interface(f, 276, 0, 0, 0);
    put_packet(f, 0, MICRO + 2, 50, 20); /* claims to have been shorter on the wire */
    put_simple(f, 41, 41);
}

#define KINDS 7

static void assert_all_kinds(const struct seen *s)
{
    const int64_t ns = MICRO * 1000;
    assert_int_equal(s->count, KINDS);
    assert_packet(s, 0, 113, 31, 3000, ns + 7);
    assert_packet(s, 1, 1, 60, 60, ns);
    assert_packet(s, 2, 113, 21, 21, ns + 9);
    assert_packet(s, 3, 1, 96, 1500, ns + 9); /* without a time: that of the one before */
    assert_packet(s, 4, 101, 0, 40, ns + 1000);
    assert_packet(s, 5, 276, 50, 50, ns + 2000);
    assert_packet(s, 6, 276, 41, 41, ns + 2000);
}

static void test_kinds(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        struct file f = {0};
        struct seen s;
        char why[256];
        put_all_kinds(&f, swapped);
        assert_int_equal(read_all(&f, &s, why), -ENODATA);
        assert_all_kinds(&s);
        free(f.data);
    }
}

static void test_cut(void **state)
{
    (void)state;
    struct file f = {0};
    struct seen whole, s;
    char why[256];
    put_all_kinds(&f, true);
    assert_int_equal(read_all(&f, &whole, why), -ENODATA);
    size_t ends = 0, last = 0;
    for (size_t len = 0; len < f.len; len++) {
        int err = read_some(&f, len, "", &s, why);
        assert_true(s.count >= last && s.count <= last + 1 && s.count < KINDS + 1);
        last = s.count;
        for (size_t i = 0; i < s.count; i++)
            assert_packet(&s, i, whole.packet[i].link, whole.packet[i].captured,
                          whole.packet[i].wire, whole.packet[i].t_ns);
        ends += err == -ENODATA;
        assert_true(err == -ENODATA || *why);
        if (s.count && err != -ENODATA) {
            char behind[64];
            snprintf(behind, sizeof(behind), "behind packet %zu", s.count);
            assert_non_null(strstr(why, "ends within block"));
            assert_non_null(strstr(why, behind));
        }
    }
    /* Between two blocks it ends well: behind every block from the first interface on, but the last
     * whose end is the file's. */
    assert_int_equal(ends, 12);
    free(f.data);
}

static void test_times(void **state)
{
    const int64_t end = ((int64_t)1 << 33) * NS_PER_S;
    const struct {
        uint8_t resolution;
        int64_t offset_s;
        uint64_t units;
        int64_t t_ns;
    } times[] = {
        {0, 0, MICRO, MICRO * 1000},
        {6, 0, MICRO, MICRO * 1000},
        {9, 0, 1500000000123456789ULL, 1500000000123456789},
        {3, 0, 1500000000123ULL, 1500000000123000000},
        {8, 0, 150000000012345678ULL, 1500000000123456780},
        {10, 0, 15000000001234567899ULL, 1500000000123456789},
        {12, 0, 5000000000123ULL, 5000000000},
        {19, 0, UINT64_MAX, 1844674407},
        {28, 0, UINT64_MAX, 1},
        {29, 0, UINT64_MAX, 0},
        {127, 0, UINT64_MAX, 0},
        {0x80 | 0, 0, 1500000000, 1500000000000000000},
        {0x80 | 10, 0, (1500000000ULL << 10) + 512, 1500000000500000000},
        {0x80 | 30, 0, (1500000000ULL << 30) + 1, 1500000000000000000},
        {0x80 | 32, 0, (1500000000ULL << 32) + (1ULL << 31) + 5, 1500000000500000001},
        {0x80 | 64, 0, 1ULL << 63, 500000000},
        {0x80 | 127, 0, UINT64_MAX, 0},
        {6, 1500000000, 123456, 1500000000123456000},
        {9, -1, 1500000001000000001ULL, 1500000000000000001},
        {9, -1, 5, 0},
        {6, 0, UINT64_MAX, end},
        {0x80 | 0, 0, UINT64_MAX, end},
        {9, INT64_MAX, UINT64_MAX, end},
        {9, INT64_MIN, 0, 0},
    };
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        for (size_t i = 0; i < ARRAY_LEN(times); i++) {
            struct file f = {0};
            struct seen s;
            char why[256];
            put_section(&f, swapped);
            put_interface(&f, 1, 0, times[i].resolution, times[i].offset_s);
            put_packet(&f, 0, times[i].units, 4, 4);
            assert_int_equal(read_all(&f, &s, why), -ENODATA);
            assert_packet(&s, 0, 1, 4, 4, times[i].t_ns);
            free(f.data);
        }
    }
}

/* Longer blocks than the window in a row of short ones: skipped when nothing is wanted of them. */
static void test_long(void **state)
{
    static const struct {
        uint32_t type, bytes;
        int err;
        const char *why;
    } blocks[] = {
        {10, 3 << 20, -ENODATA, ""}, /* secrets */
        {0x80000001, 512 * 1024, -ENODATA, ""},
        {0x40000bad, 512 * 1024 + 4, -ENODATA, ""},
        {6, 512 * 1024 + 4, -EBADMSG, "longer than is read"},
        {1, 3 << 20, -EBADMSG, "longer than is read"},
        {PCAPNG_MAGIC, 512 * 1024 + 4, -EBADMSG, "longer than is read"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        struct file f = {0};
        struct seen s;
        char why[256];
        put_section(&f, false);
        put_interface(&f, 1, 0, 9, 0);
        put_packet(&f, 0, 1, 14, 14);
        size_t at = f.len;
        memset(grow(&f, blocks[i].bytes), 0x11, blocks[i].bytes);
        set32(&f, at, blocks[i].type);
        set32(&f, at + 4, blocks[i].bytes);
        if (blocks[i].type == PCAPNG_MAGIC)
            set32(&f, at + 8, 0x1a2b3c4d);
        set32(&f, f.len - 4, blocks[i].bytes);
        size_t behind = f.len;
        put_packet(&f, 0, 2, 14, 14);
        assert_int_equal(read_all(&f, &s, why), blocks[i].err);
        assert_int_equal(s.count, blocks[i].err == -ENODATA ? 2 : 1);
        assert_non_null(strstr(why, blocks[i].why));
        if (blocks[i].err == -ENODATA) {
            assert_int_equal(read_some(&f, behind - 1, "", &s, why), -EBADMSG);
            assert_non_null(strstr(why, "ends within block 4, behind packet 1"));
            set32(&f, behind - 4, blocks[i].bytes + 4);
            assert_int_equal(read_all(&f, &s, why), -EBADMSG);
            assert_non_null(strstr(why, "block 4 has two lengths"));
            assert_int_equal(s.count, 1);
        }
        free(f.data);
    }
}

/* Many packets over many fillings of the window, some of them as large as there may be. */
static void test_many(void **state)
{
    (void)state;
    struct file f = {0};
    struct seen s;
    char why[256];
    put_section(&f, true);
    for (uint16_t i = 0; i < 3; i++)
        put_interface(&f, (const uint16_t[]){1, 113, 1}[i], 0, 9, 0);
    for (uint32_t i = 0; i < 40; i++)
        put_packet(&f, i / 5 % 3, i, i % 7 ? 1400 + i : WINDOW_PACKET_MAX, WINDOW_PACKET_MAX);
    assert_int_equal(read_all(&f, &s, why), -ENODATA);
    assert_int_equal(s.count, 40);
    for (uint32_t i = 0; i < 40; i++)
        assert_packet(&s, i, i / 5 % 3 == 1 ? 113 : 1, i % 7 ? 1400 + i : WINDOW_PACKET_MAX,
                      WINDOW_PACKET_MAX, i);
    free(f.data);
}

/* What a block may claim and must not. Each begins with a good section, interface and packet. */
enum harm {
    SHORTER_THAN_ANY,
    NO_MULTIPLE,
    LENGTHS_DIFFER,
    ENDLESS,
    PACKET_TOO_SHORT,
    OBSOLETE_TOO_SHORT,
    SIMPLE_TOO_SHORT,
    CAPTURED_BEYOND,
    CAPTURED_HUGE,
    INTERFACE_UNKNOWN,
    SIMPLE_WITHOUT_INTERFACE,
    INTERFACE_TOO_SHORT,
    OPTION_BEYOND,
    OPTION_OF_WRONG_LENGTH,
    SECTION_TOO_SHORT,
    SECTION_WITHOUT_MAGIC,
    SECTION_OF_THE_FUTURE,
    HARMS
};

static void put_harm(struct file *f, enum harm harm)
{
    static const uint8_t zeros[8];
    begin(f, harm == PACKET_TOO_SHORT || harm == CAPTURED_BEYOND || harm == CAPTURED_HUGE ||
                     harm == INTERFACE_UNKNOWN
                 ? 6
             : harm == OBSOLETE_TOO_SHORT                                    ? 2
             : harm == SIMPLE_TOO_SHORT                                      ? 3
             : harm >= INTERFACE_TOO_SHORT && harm < SECTION_TOO_SHORT       ? 1
             : harm >= SECTION_TOO_SHORT || harm == SIMPLE_WITHOUT_INTERFACE ? PCAPNG_MAGIC
                                                                             : 0x1234);
    size_t at = f->block;
    switch (harm) {
    case SHORTER_THAN_ANY:
    case NO_MULTIPLE:
    case LENGTHS_DIFFER:
    case ENDLESS:
        put(f, zeros, 8);
        finish(f);
        if (harm == LENGTHS_DIFFER)
            set32(f, f->len - 4, 24);
        else
            set32(f, at + 4, harm == SHORTER_THAN_ANY ? 8 : harm == NO_MULTIPLE ? 21 : 0xfffffffc);
        return;
    case PACKET_TOO_SHORT:
    case OBSOLETE_TOO_SHORT:
        put(f, zeros, 8);
        put(f, zeros, 8);
        break;
    case CAPTURED_BEYOND:
    case CAPTURED_HUGE:
    case INTERFACE_UNKNOWN:
        put32(f, harm == INTERFACE_UNKNOWN);
        put32(f, 0);
        put32(f, 0);
        put32(f, harm == CAPTURED_BEYOND ? 9 : harm == CAPTURED_HUGE ? 0xffffffff : 8);
        put32(f, 100);
        put(f, zeros, 8);
        break;
    case INTERFACE_TOO_SHORT:
        put32(f, 1);
        break;
    case OPTION_BEYOND:
    case OPTION_OF_WRONG_LENGTH:
        put16(f, 1);
        put16(f, 0);
        put32(f, 0);
        put16(f, 9);
        put16(f, harm == OPTION_BEYOND ? 5 : 2);
        put32(f, 0);
        break;
    case SECTION_TOO_SHORT:
    case SECTION_WITHOUT_MAGIC:
    case SECTION_OF_THE_FUTURE:
    case SIMPLE_WITHOUT_INTERFACE:
        put32(f, harm == SECTION_WITHOUT_MAGIC ? 0x1a2b3c4e : 0x1a2b3c4d);
        put16(f, harm == SECTION_OF_THE_FUTURE ? 2 : 1);
        put16(f, 0);
        if (harm != SECTION_TOO_SHORT)
            put(f, zeros, 8);
        break;
    default:
        break;
    }
    finish(f);
    if (harm == SIMPLE_WITHOUT_INTERFACE)
        put_simple(f, 4, 4);
}

static void test_harm(void **state)
{
    static const char *const reasons[HARMS] = {
        [SHORTER_THAN_ANY] = "block 4 claims a length that none has: 8",
        [NO_MULTIPLE] = "block 4 claims a length that none has: 21",
        [LENGTHS_DIFFER] = "block 4 has two lengths that differ",
        [ENDLESS] = "ends within block 4, behind packet 1",
        [PACKET_TOO_SHORT] = "block 4 is too short for a packet",
        [OBSOLETE_TOO_SHORT] = "block 4 is too short for a packet",
        [SIMPLE_TOO_SHORT] = "block 4 is too short for a packet",
        [CAPTURED_BEYOND] = "packet 2 is longer than its block: 9",
        [CAPTURED_HUGE] = "packet 2 claims more bytes than are read of one: 4294967295",
        [INTERFACE_UNKNOWN] = "packet 2 is of an interface that was not described: 1",
        [SIMPLE_WITHOUT_INTERFACE] = "packet 2 is of an interface that was not described: 0",
        [INTERFACE_TOO_SHORT] = "block 4 is too short for an interface",
        [OPTION_BEYOND] = "block 4 has an option of a wrong length",
        [OPTION_OF_WRONG_LENGTH] = "block 4 has an option of a wrong length",
        [SECTION_TOO_SHORT] = "block 4 is too short for a section",
        [SECTION_WITHOUT_MAGIC] = "block 4 begins a section without its magic number",
        [SECTION_OF_THE_FUTURE] = "version 2.0 of pcapng is not known",
    };
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        for (int harm = 0; harm < HARMS; harm++) {
            struct file f = {0};
            struct seen s;
            char why[256];
            put_section(&f, swapped);
            put_interface(&f, 1, 0, 9, 0);
            put_packet(&f, 0, 5, 20, 20);
            put_harm(&f, (enum harm)harm);
            put_packet(&f, 0, 6, 20, 20); /* nobody knows any more that it begins here */
            assert_int_equal(read_all(&f, &s, why), -EBADMSG);
            assert_int_equal(s.count, 1);
            assert_non_null(strstr(why, reasons[harm]));
            free(f.data);
        }
    }
}

/* A file of which nothing can be read is refused when it is opened. */
static void test_refused(void **state)
{
    (void)state;
    struct file f = {0};
    struct seen s;
    char why[256];
    put_section(&f, false);
    assert_int_equal(read_all(&f, &s, why), -EBADMSG);
    assert_non_null(strstr(why, "describes no interface"));
    size_t bare = f.len;
    put_packet(&f, 0, 0, 4, 4);
    assert_int_equal(read_all(&f, &s, why), -EBADMSG);
    assert_non_null(strstr(why, "not described"));
    f.len = bare;
    put_interface(&f, 147, 0, 0, 0);
    put_packet(&f, 0, 0, 4, 4);
    assert_int_equal(read_all(&f, &s, why), -EPROTONOSUPPORT);
    assert_non_null(strstr(why, "link layer 147"));
    /* Beside one that can be read its packets come, too: whoever decodes them counts them. */
    f.len = bare;
    put_interface(&f, 147, 0, 0, 0);
    put_interface(&f, 12, 0, 0, 0); /* BSD's number of raw IP */
    put_packet(&f, 0, 0, 4, 4);
    put_packet(&f, 1, 0, 4, 4);
    assert_int_equal(read_all(&f, &s, why), -ENODATA);
    assert_packet(&s, 0, 147, 4, 4, 0);
    assert_packet(&s, 1, 101, 4, 4, 0);
    free(f.data);
}

static void test_interfaces_are_bounded(void **state)
{
    (void)state;
    struct file f = {0};
    struct seen s;
    char why[256];
    put_section(&f, false);
    put_interface(&f, 1, 0, 0, 0);
    put_packet(&f, 0, 0, 4, 4);
    for (int i = 1; i < PCAPNG_INTERFACES_MAX; i++) {
        begin(&f, 1);
        put32(&f, 101);
        put32(&f, 0);
        finish(&f);
    }
    put_packet(&f, PCAPNG_INTERFACES_MAX - 1, 0, 4, 4);
    assert_int_equal(read_all(&f, &s, why), -ENODATA);
    assert_packet(&s, 1, 101, 4, 4, 0);
    put_interface(&f, 1, 0, 0, 0);
    assert_int_equal(read_all(&f, &s, why), -EBADMSG);
    assert_non_null(strstr(why, "more interfaces than 65536"));
    assert_int_equal(s.count, 2);
    free(f.data);
}

/* ---- filters ---------------------------------------------------------------------------------
 */

/* An empty datagram to this port on the link: 14, 16, 20, 4 or no bytes, and IPv4 over UDP. */
static void put_datagram(struct file *f, uint32_t interface, uint16_t link, uint16_t port)
{
    uint8_t frame[64] = {0}, *at = frame;
    if (link == 1) {
        at[12] = 8;
        at += 14;
    } else if (link == 113) {
        at[14] = 8;
        at += 16;
    } else if (link == 276) {
        at[0] = 8;
        at += 20;
    } else if (link == 0) { /* in the byte order of who captured, which is the section's */
        const uint32_t family = f->swapped ? __builtin_bswap32(2) : 2;
        memcpy(at, &family, 4);
        at += 4;
    } else if (link == 108) {
        at[3] = 2;
        at += 4;
    }
    const uint8_t ip[] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    memcpy(at, ip, sizeof(ip));
    at += sizeof(ip);
    at[0] = at[2] = (uint8_t)(port >> 8);
    at[1] = at[3] = (uint8_t)port;
    at[5] = 8;
    at += 8;
    uint32_t len = (uint32_t)(at - frame);
    begin(f, 6);
    put32(f, interface);
    put32(f, 0);
    put32(f, port);
    put32(f, len);
    put32(f, len);
    put(f, frame, len);
    finish(f);
}

struct chosen {
    size_t count;
    uint32_t link[32];
    int64_t t_ns[32];
};

static void on_chosen(void *user, uint32_t link, const struct packet_frame *frames, size_t count)
{
    struct chosen *s = user;
    for (size_t i = 0; i < count; i++) {
        assert_true(s->count < ARRAY_LEN(s->link));
        s->link[s->count] = link;
        s->t_ns[s->count++] = frames[i].t_ns;
    }
}

static int choose(const struct file *f, const char *filter, struct chosen *s, char why[256])
{
    struct tap *tap = NULL;
    char path[64];
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->data, f->len), (ssize_t)f->len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *s = (struct chosen){0};
    int err = tap_open_file(path, filter, &tap, why, 256);
    while (!err || err > 0)
        err = tap_read(tap, 100, on_chosen, s, why, 256);
    tap_close(tap);
    close(fd);
    return err;
}

static void test_filter(void **state)
{
    static const uint16_t links[] = {0, 1, 101, 108, 113, 228, 276};
    (void)state;
    struct file f = {0};
    struct chosen s;
    char why[256] = "";
    put_section(&f, false);
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        put_interface(&f, links[i], 0, 9, 0);
    put_interface(&f, 147, 0, 9, 0);
    for (uint16_t port = 52; port < 55; port++) {
        for (uint32_t i = 0; i < ARRAY_LEN(links); i++)
            put_datagram(&f, i, links[i], port);
        put_datagram(&f, ARRAY_LEN(links), 101, port); /* of a link layer that nobody knows */
    }
    int err = choose(&f, "udp port 53", &s, why);
    if (err == -ENOENT)
        skip(); /* no libpcap here */
    /* One of each link layer: each was held against the words in its own way. */
    assert_int_equal(err, -ENODATA);
    assert_int_equal(s.count, ARRAY_LEN(links));
    for (size_t i = 0; i < s.count; i++) {
        assert_int_equal(s.link[i], links[i]);
        assert_int_equal(s.t_ns[i], 53);
    }
    assert_int_equal(choose(&f, "udp port 99", &s, why), -ENODATA);
    assert_int_equal(s.count, 0);
    /* Of IPv4 alone nothing can match, which is not wrong. */
    assert_int_equal(choose(&f, "ip6", &s, why), -ENODATA);
    assert_int_equal(s.count, 0);
    assert_int_equal(choose(&f, "no such words", &s, why), -EINVAL);
    assert_non_null(strstr(why, "packet.filter"));
    /* Words that mean nothing for a link layer of the file. */
    assert_int_equal(choose(&f, "ether host 00:00:00:00:00:01", &s, why), -EINVAL);
    assert_non_null(strstr(why, "packet.filter"));
    assert_non_null(strstr(why, "link layer 0"));
    free(f.data);
}

/* The same, where such an interface comes behind the first packet. */
static void test_filter_later(void **state)
{
    (void)state;
    struct file f = {0};
    struct chosen s;
    char why[256] = "";
    put_section(&f, false);
    put_interface(&f, 1, 0, 9, 0);
    put_datagram(&f, 0, 1, 53);
    int err = choose(&f, "ether host 00:00:00:00:00:00", &s, why);
    if (err == -ENOENT)
        skip(); /* no libpcap here */
    assert_int_equal(err, -ENODATA);
    assert_int_equal(s.count, 1);
    put_interface(&f, 101, 0, 9, 0);
    put_datagram(&f, 1, 101, 53);
    assert_int_equal(choose(&f, "ether host 00:00:00:00:00:00", &s, why), -EINVAL);
    assert_int_equal(s.count, 1);
    assert_non_null(strstr(why, "link layer 101"));
    free(f.data);
}

/* What only a device can tell is refused of a file, and not taken for a filter that nothing passes;
 * but cooked packets bear their direction, and those of version 2 their interface, themselves. */
static void test_filter_of_devices(void **state)
{
    static const uint16_t links[] = {0, 1, 101, 108, 113, 228, 276};
    static const struct {
        const char *words;
        size_t cooked1, cooked2; /* how many of the one packet; SIZE_MAX: refused */
    } cases[] = {
        {"inbound", 1, 1},          {"outbound", 0, 0},         {"not outbound", 1, 1},
        {"ifindex 0", SIZE_MAX, 1}, {"ifindex 7", SIZE_MAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(links) * 2 * ARRAY_LEN(cases); i++) {
        uint16_t link = links[i / 2 / ARRAY_LEN(cases)];
        size_t which = i / 2 % ARRAY_LEN(cases);
        struct file f = {0};
        struct chosen s;
        char why[256] = "";
        put_section(&f, i % 2);
        put_interface(&f, link, 0, 9, 0);
        put_datagram(&f, 0, link, 53);
        int err = choose(&f, cases[which].words, &s, why);
        free(f.data);
        if (err == -ENOENT)
            skip(); /* no libpcap here */
        size_t expected = link == 113   ? cases[which].cooked1
                          : link == 276 ? cases[which].cooked2
                                        : SIZE_MAX;
        assert_int_equal(err, expected == SIZE_MAX ? -EINVAL : -ENODATA);
        assert_int_equal(s.count, expected == SIZE_MAX ? 0 : expected);
        if (expected == SIZE_MAX) {
            assert_non_null(strstr(why, "packet.filter"));
            assert_non_null(strstr(why, "not supported"));
        }
    }
}

/* The loopback of BSD says IPv4 in the byte order of the section: also where sections of either
 * lie side by side in the window. */
static void test_filter_byte_order(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct file f = {0};
        struct chosen s;
        char why[256] = "";
        for (int section = 0; section < 4; section++) {
            put_section(&f, first ^ (section & 1));
            put_interface(&f, 0, 0, 9, 0);
            for (uint16_t port = 52; port < 55; port++)
                put_datagram(&f, 0, 0, port);
            if (section == 2)
                put_section(&f, f.swapped); /* without a packet */
        }
        int err = choose(&f, "udp", &s, why);
        if (err == -ENOENT) {
            free(f.data);
            skip(); /* no libpcap here */
        }
        assert_int_equal(err, -ENODATA);
        assert_int_equal(s.count, 12);
        assert_int_equal(choose(&f, "ip and udp port 53", &s, why), -ENODATA);
        assert_int_equal(s.count, 4);
        assert_int_equal(choose(&f, "not ip", &s, why), -ENODATA);
        assert_int_equal(s.count, 0);
        free(f.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_harm),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_interfaces_are_bounded),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_later),
        cmocka_unit_test(test_filter_of_devices),
        cmocka_unit_test(test_filter_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
