/*
 * bench_deflate.c: what levels, strategies and sizes of zlib make of recorded stream messages.
 * docs/adr/030-permessage-deflate.md has the table.
 *
 *     bench_deflate FILE...      each: messages with a 32-bit length in front (little-endian)
 *
 * Every setting deflates every message on its own, as wire/deflate.c does, in turns, so that what
 * else the machine does meets all settings alike. Prints bytes of plain and CPU time a message.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

#define ROUNDS 20

struct setting {
    const char *name;
    int level, window, memory, strategy;
    z_stream z;
    double ns;
    size_t bytes;
};

struct messages {
    const uint8_t **data;
    uint32_t *len;
    size_t count, bytes;
};

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct messages read_messages(const char *path)
{
    struct messages m = {0};
    uint8_t head[4];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(2);
    }
    while (fread(head, 1, 4, f) == 4) {
        uint32_t len = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16;
        uint8_t *data = mem_alloc(len);
        CHECK(fread(data, 1, len, f) == len);
        m.data = mem_resize(m.data, m.count + 1, sizeof(*m.data));
        m.len = mem_resize(m.len, m.count + 1, sizeof(*m.len));
        m.data[m.count] = data;
        m.len[m.count++] = len;
        m.bytes += len;
    }
    fclose(f);
    CHECK(m.count);
    return m;
}

static void run(struct setting *s, const struct messages *m, uint8_t *out, size_t room)
{
    double start = cpu_ns();
    for (size_t i = 0; i < m->count; i++) {
        CHECK(deflateReset(&s->z) == Z_OK);
        s->z.next_in = (Bytef *)(uintptr_t)m->data[i];
        s->z.avail_in = m->len[i];
        s->z.next_out = out;
        s->z.avail_out = (uInt)room;
        CHECK(deflate(&s->z, Z_SYNC_FLUSH) == Z_OK && s->z.avail_in == 0);
        s->bytes += room - s->z.avail_out - 4;
    }
    s->ns += cpu_ns() - start;
}

int main(int argc, char **argv)
{
    static struct setting settings[] = {
        {.name = "level 1", .level = 1, .window = -15, .memory = 8},
        {.name = "level 1, memory 9", .level = 1, .window = -15, .memory = 9},
        {.name = "level 1, window 13, memory 8", .level = 1, .window = -13, .memory = 8},
        {.name = "level 2", .level = 2, .window = -15, .memory = 8},
        {.name = "level 3", .level = 3, .window = -15, .memory = 8},
        {.name = "level 4", .level = 4, .window = -15, .memory = 8},
        {.name = "level 4, filtered",
         .level = 4,
         .window = -15,
         .memory = 8,
         .strategy = Z_FILTERED},
        {.name = "level 5", .level = 5, .window = -15, .memory = 8},
        {.name = "level 6", .level = 6, .window = -15, .memory = 8},
        {.name = "level 9", .level = 9, .window = -15, .memory = 8},
        {.name = "level 6, filtered",
         .level = 6,
         .window = -15,
         .memory = 8,
         .strategy = Z_FILTERED},
        {.name = "Huffman only",
         .level = 1,
         .window = -15,
         .memory = 8,
         .strategy = Z_HUFFMAN_ONLY},
        {.name = "run lengths", .level = 1, .window = -15, .memory = 8, .strategy = Z_RLE},
        {.name = "level 1, fixed codes",
         .level = 1,
         .window = -15,
         .memory = 8,
         .strategy = Z_FIXED},
    };
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct setting *s = &settings[i];
        CHECK(deflateInit2(&s->z, s->level, Z_DEFLATED, s->window, s->memory, s->strategy) == Z_OK);
    }
    for (int a = 1; a < argc; a++) {
        struct messages m = read_messages(argv[a]);
        size_t room = (2U << 20) + m.bytes;
        uint8_t *out = mem_alloc(room);
        for (size_t i = 0; i < ARRAY_LEN(settings); i++)
            settings[i].ns = 0, settings[i].bytes = 0;
        for (int round = 0; round < ROUNDS; round++) {
            for (size_t i = 0; i < ARRAY_LEN(settings); i++)
                run(&settings[i], &m, out, room);
        }
        printf("%s: %zu messages of %zu bytes\n", argv[a], m.count, m.bytes / m.count);
        for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
            const struct setting *s = &settings[i];
            printf("  %-30s %.3f of plain   %6.1f us a message\n", s->name,
                   (double)s->bytes / (double)(m.bytes * ROUNDS),
                   s->ns / 1000 / (double)(m.count * ROUNDS));
        }
    }
    return 0;
}
