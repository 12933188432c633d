/*
 * message.c: a reader of its own instead of wire/websocket's parser: the crowd must cost little,
 * and what a parser and its twin agree on wrongly would not be noticed.
 */
#include "bench/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "wire/json.h"
#include "wire/websocket.h"

#define FIN 0x80
#define RSV1 0x40
#define OTHER_BITS 0x30
#define MASKED 0x80

void message_write(char *out, size_t size, uint64_t seq, int64_t t_ns)
{
    static const char filler[] = "0123456789 abcdef ";
    char head[MESSAGE_SIZE_MIN];
    int len =
        snprintf(head, sizeof(head), "fanout %llu %lld ", (unsigned long long)seq, (long long)t_ns);
    CHECK(size >= MESSAGE_SIZE_MIN && len < MESSAGE_SIZE_MIN);
    memcpy(out, head, (size_t)len);
    for (size_t i = (size_t)len; i < size; i++)
        out[i] = filler[i % (sizeof(filler) - 1)];
}

struct bytes *message_frame(size_t size, uint64_t seq, int64_t t_ns)
{
    char *payload = malloc(size);
    if (!payload)
        return NULL;
    message_write(payload, size, seq, t_ns);
    struct bytes *frame = ws_frame(WS_TEXT, payload, size);
    free(payload);
    return frame;
}

/* Of a series at a tick, in the proportions of a machine with some traffic: of ten series eight
 * rest at zero, one is a whole number, one a rate: some events in a little more than 100 ms. */
static double series_value(uint64_t id, uint64_t seq)
{
    uint64_t mixed = (id ^ id >> 3) * 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9U >> 24;
    switch (mixed % 10) {
    case 0:
        return (double)(mixed / 16 % 5000 + (id % 3 ? 0 : seq));
    case 1:
        return (double)((mixed / 16 + seq * (mixed % 7)) % 64) * 9.9123;
    default:
        return 0;
    }
}

struct bytes *message_metrics_frame(size_t size, uint64_t seq, int64_t t_ns)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "fanout %llu %lld {\"type\":\"metrics\",\"seq\":%llu,\"t\":%lld,\"values\":[",
               (unsigned long long)seq, (long long)t_ns, (unsigned long long)seq,
               (long long)(t_ns / NS_PER_MS));
    for (uint64_t id = 1; buf_ok(&b) && b.len < size; id++) {
        char value[2 * JSON_NUMBER_MAX + 4], *at = value;
        *at++ = '[';
        at = json_write_u64(at, id);
        *at++ = ',';
        at = json_write_rounded(at, series_value(id, seq), 6);
        *at++ = ']';
        *at++ = ',';
        buf_append(&b, value, (size_t)(at - value));
    }
    struct bytes *frame = buf_ok(&b) ? ws_frame(WS_TEXT, b.data, size) : NULL;
    buf_fini(&b);
    return frame;
}

int64_t message_next(const uint8_t *data, size_t len, struct message_frame *ret)
{
    size_t head = 2;
    uint64_t payload;
    if (len < head)
        return 0;
    if (!(data[0] & FIN) || (data[0] & OTHER_BITS) || (data[1] & MASKED))
        return -EPROTO;
    payload = data[1];
    if (payload >= 126) {
        size_t digits = payload == 126 ? 2 : 8;
        head += digits;
        if (len < head)
            return 0;
        payload = 0;
        for (size_t i = 2; i < head; i++)
            payload = payload << 8 | data[i];
    }
    if (payload > MESSAGE_FRAME_MAX)
        return -EPROTO;
    if (len - head < payload)
        return 0;
    *ret = (struct message_frame){
        .opcode = data[0] & 0x0f,
        .compressed = data[0] & RSV1,
        .payload = data + head,
        .len = (size_t)payload,
    };
    return (int64_t)(head + (size_t)payload);
}

/* The digits at *at, which then stands behind them; false: there are none. */
static bool read_number(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
    const uint8_t *begin = *at;
    uint64_t value = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - begin < 19)
        value = value * 10 + (uint64_t)(*(*at)++ - '0');
    *ret = value;
    return *at > begin;
}

/* What must stand there, and a number after it. */
static bool read_part(const uint8_t **at, const uint8_t *end, const char *text, uint64_t *ret)
{
    size_t len = strlen(text);
    if ((size_t)(end - *at) < len || memcmp(*at, text, len) != 0)
        return false;
    *at += len;
    return read_number(at, end, ret);
}

bool message_read(enum message_kind kind, const uint8_t *payload, size_t len, uint64_t *ret_seq,
                  int64_t *ret_t_ns)
{
    static const char *const parts[][2] = {
        [MESSAGE_FANOUT] = {"fanout ", " "},
        [MESSAGE_METRICS] = {"{\"type\":\"metrics\",\"seq\":", ",\"t\":"},
    };
    const uint8_t *at = payload, *end = payload + len;
    uint64_t time;
    if (!read_part(&at, end, parts[kind][0], ret_seq) ||
        !read_part(&at, end, parts[kind][1], &time))
        return false;
    *ret_t_ns = (int64_t)time * (kind == MESSAGE_METRICS ? NS_PER_MS : 1);
    return true;
}
