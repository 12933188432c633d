/*
 * websocket.c: RFC 6455 as a state machine over bytes.
 *
 * Receiving: two states. In the head of a frame bytes are gathered until the length and the mask
 * are known (2 to 14 bytes; what the first two already betray is refused there). In the payload
 * bytes are unmasked straight into their place: `control` for control frames, which may come
 * between the fragments of a message, `text` for data. So nothing depends on how the bytes were
 * cut, and a connection that is quiet holds no memory but the struct. Memory grows with bytes that
 * really came, never with a length that was only announced.
 *
 * Text is checked as it comes: `checked` is the length known to be UTF-8; behind it there may be
 * up to 3 bytes of a character that has begun. A wrong byte fails at once, not at the message's
 * end.
 *
 * A compressed message (permessage-deflate, wire/deflate) is gathered as it came and inflated when
 * it is complete: what is shared by all connections of a loop cannot wait for one of them. Then its
 * text is checked, and the limit is held against what came out.
 *
 * Sending: a server's frames are unmasked and equal for all receivers, so a frame is one shared
 * struct bytes.
 */
#include "wire/websocket.h"

/* The old SHA-1 calls instead of EVP: one hash that is no secret needs none of the providers, whose
 * first use reads a configuration file (the sandbox forbids that) and takes 2 MB for ever. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"
#include "wire/deflate.h"

enum { BIT_FIN = 0x80, BITS_RESERVED = 0x70, BITS_OPCODE = 0x0f, BIT_MASKED = 0x80 };

void ws_parser_init(struct ws_parser *p, enum ws_role role, size_t message_limit_bytes)
{
    *p = (struct ws_parser){.role = (uint8_t)role, .head_need = 2, .limit = message_limit_bytes};
}

void ws_parser_fini(struct ws_parser *p)
{
    buf_fini(&p->text);
    buf_fini(&p->control);
}

void ws_parser_inflate(struct ws_parser *p, struct inflater *inflater)
{
    p->inflater = inflater;
}

void ws_parser_release(struct ws_parser *p)
{
    if (p->control_delivered)
        buf_fini(&p->control);
    p->control_delivered = false;
    if (!p->delivered)
        return;
    buf_fini(&p->text);
    p->checked = 0;
    p->delivered = false;
}

static enum ws_event fail(struct ws_parser *p, struct ws_received *ret, unsigned code,
                          const char *why)
{
    p->ended = true;
    buf_fini(&p->text);
    *ret = (struct ws_received){.code = code, .why = why};
    return WS_EVENT_ERROR;
}

static bool is_control(unsigned opcode)
{
    return opcode & 0x8;
}

/* Only a message's first frame may be marked as compressed, and only when that was agreed. */
static bool are_reserved_bits_good(const struct ws_parser *p)
{
    unsigned bits = p->head[0] & BITS_RESERVED;
    return bits == 0 || (bits == WS_BIT_COMPRESSED && p->inflater &&
                         (p->opcode == WS_TEXT || p->opcode == WS_BINARY));
}

/* Judges the first two bytes and says how long the head will be; NULL or what is wrong. */
static const char *head_start(struct ws_parser *p)
{
    unsigned length = p->head[1] & 0x7f;
    bool masked = p->head[1] & BIT_MASKED;
    p->fin = p->head[0] & BIT_FIN;
    p->opcode = p->head[0] & BITS_OPCODE;

    if (!are_reserved_bits_good(p))
        return "a reserved bit is set that was not agreed on";
    if (masked != (p->role == WS_SERVER))
        return masked ? "a server's frame is masked" : "a client's frame is not masked";
    switch (p->opcode) {
    case WS_CONTINUATION:
        if (!p->message)
            return "a continuation without a message";
        break;
    case WS_TEXT:
    case WS_BINARY:
        if (p->message)
            return "a new message inside a fragmented one";
        break;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        if (!p->fin)
            return "a fragmented control frame";
        if (length > WS_CONTROL_MAX)
            return "a control frame of more than 125 bytes";
        break;
    default:
        return "an unknown opcode";
    }
    p->head_need = (uint8_t)(2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (masked ? 4 : 0));
    return NULL;
}

/* The head is complete: reads length and mask. NULL or what is wrong. */
static const char *head_finish(struct ws_parser *p)
{
    uint64_t length = p->head[1] & 0x7f;
    size_t at = 2;
    if (length >= 126) {
        size_t width = length == 126 ? 2 : 8;
        length = 0;
        while (at < 2 + width)
            length = length << 8 | p->head[at++];
        if (width == 8 && length >> 63)
            return "a length of more than 63 bits";
        if (length < 126 || (width == 8 && length <= 0xffff))
            return "a length in more bytes than it needs";
    }
    if (p->head[1] & BIT_MASKED)
        memcpy(p->mask, p->head + at, 4);
    else
        memset(p->mask, 0, 4);
    p->left = length;
    p->mask_at = 0;
    p->in_payload = true;
    if (!is_control(p->opcode) && p->opcode != WS_CONTINUATION) {
        p->message = p->opcode;
        p->compressed = p->head[0] & WS_BIT_COMPRESSED;
    }
    return NULL;
}

/* Could these 1-3 bytes be the beginning of a character? Tried by completing them: the second
 * byte is the only one whose range depends on the first, and the lowest and the highest
 * continuation byte cover every such range. */
static bool is_character_start(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return true;
    size_t need = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 1;
    if (len >= need)
        return false;
    char low[4], high[4];
    memset(low, 0x80, sizeof(low));
    memset(high, 0xbf, sizeof(high));
    memcpy(low, bytes, len);
    memcpy(high, bytes, len);
    return text_utf8_valid(low, need) == need || text_utf8_valid(high, need) == need;
}

static bool text_is_good(struct ws_parser *p, bool complete)
{
    size_t len = p->text.len - p->checked;
    if (len == 0)
        return true;
    const char *rest = p->text.data + p->checked;
    size_t valid = text_utf8_valid(rest, len);
    p->checked += valid;
    if (complete)
        return valid == len;
    return is_character_start((const uint8_t *)rest + valid, len - valid);
}

/* Unmasks `len` bytes of payload into their place. NULL or what is wrong, with *ret_code. */
static const char *payload_take(struct ws_parser *p, const uint8_t *data, size_t len,
                                unsigned *ret_code)
{
    struct buf *into = is_control(p->opcode) ? &p->control : &p->text;
    uint8_t *out = (uint8_t *)buf_reserve(into, len);
    if (!out) {
        *ret_code = WS_CLOSE_INTERNAL;
        return "out of memory";
    }
    into->len += len;
    for (size_t i = 0; i < len; i++)
        out[i] = data[i] ^ p->mask[(p->mask_at + i) & 3];
    p->mask_at = (uint8_t)((p->mask_at + len) & 3);
    p->left -= len;
    if (p->message == WS_TEXT && !p->compressed && !is_control(p->opcode) &&
        !text_is_good(p, false)) {
        *ret_code = WS_CLOSE_BAD_TEXT;
        return "text that is not UTF-8";
    }
    return NULL;
}

/* What came of a control frame; never NULL. */
static const uint8_t *control_data(const struct ws_parser *p)
{
    return p->control.data ? (const uint8_t *)p->control.data : (const uint8_t *)"";
}

static enum ws_event close_received(struct ws_parser *p, struct ws_received *ret)
{
    const uint8_t *data = control_data(p);
    size_t len = p->control.len, skip = 0;
    unsigned code = WS_CLOSE_NONE;
    if (len == 1)
        return fail(p, ret, WS_CLOSE_PROTOCOL, "half a close code");
    if (len >= 2) {
        skip = 2;
        code = (unsigned)data[0] << 8 | data[1];
        if (!ws_close_code_valid(code))
            return fail(p, ret, WS_CLOSE_PROTOCOL, "a close code that must not be sent");
        if (text_utf8_valid((const char *)data + skip, len - skip) != len - skip)
            return fail(p, ret, WS_CLOSE_BAD_TEXT, "a close reason that is not UTF-8");
    }
    p->ended = true;
    p->control_delivered = true;
    buf_fini(&p->text);
    *ret = (struct ws_received){
        .opcode = WS_CLOSE, .data = data + skip, .len = len - skip, .code = code};
    return WS_EVENT_CLOSE;
}

/* Puts what the message stands for in its place. NULL or what is wrong, with *ret_code. */
static const char *message_inflate(struct ws_parser *p, unsigned *ret_code)
{
    struct buf plain = BUF_INIT;
    int error = inflater_unpack(p->inflater, p->text.data, p->text.len, p->limit, &plain);
    buf_fini(&p->text);
    p->text = plain;
    switch (error) {
    case 0:
        return NULL;
    case -EMSGSIZE:
        *ret_code = WS_CLOSE_TOO_BIG;
        return "a message of more than the limit";
    case -ERANGE:
        *ret_code = WS_CLOSE_TOO_BIG;
        return "a message compressed beyond the ratio that is taken";
    case -ENOMEM:
        *ret_code = WS_CLOSE_INTERNAL;
        return "out of memory";
    default:
        *ret_code = WS_CLOSE_BAD_TEXT;
        return "compressed data that cannot be read";
    }
}

/* The frame's payload is complete. */
static enum ws_event frame_end(struct ws_parser *p, struct ws_received *ret)
{
    p->head_len = 0;
    p->head_need = 2;
    p->in_payload = false;
    switch (p->opcode) {
    case WS_CLOSE:
        return close_received(p, ret);
    case WS_PING:
    case WS_PONG:
        p->control_delivered = true;
        *ret = (struct ws_received){
            .opcode = p->opcode, .data = control_data(p), .len = p->control.len};
        return p->opcode == WS_PING ? WS_EVENT_PING : WS_EVENT_PONG;
    default:
        break;
    }
    if (!p->fin)
        return WS_EVENT_MORE;
    if (p->compressed) {
        unsigned code = 0;
        const char *why = message_inflate(p, &code);
        if (why)
            return fail(p, ret, code, why);
    }
    if (p->message == WS_TEXT && !text_is_good(p, true))
        return fail(p, ret, WS_CLOSE_BAD_TEXT, "text that ends inside a character");
    *ret = (struct ws_received){
        .opcode = p->message, .data = (const uint8_t *)p->text.data, .len = p->text.len};
    p->message = 0;
    p->compressed = false;
    p->delivered = true;
    return WS_EVENT_MESSAGE;
}

/* How many bytes of a message may come. Deflate makes what it cannot compress a little larger. */
static size_t bytes_most(const struct ws_parser *p)
{
    return p->compressed ? p->limit + p->limit / 8 + 64 : p->limit;
}

/* One byte of a frame's head. */
static enum ws_event head_take(struct ws_parser *p, uint8_t byte, struct ws_received *ret)
{
    const char *why = NULL;
    p->head[p->head_len++] = byte;
    if (p->head_len == 2)
        why = head_start(p);
    if (!why && p->head_len == p->head_need)
        why = head_finish(p);
    if (why)
        return fail(p, ret, WS_CLOSE_PROTOCOL, why);
    if (!p->in_payload)
        return WS_EVENT_MORE;
    if (!is_control(p->opcode) && p->left > bytes_most(p) - p->text.len)
        return fail(p, ret, WS_CLOSE_TOO_BIG, "a message of more than the limit");
    return p->left ? WS_EVENT_MORE : frame_end(p, ret);
}

enum ws_event ws_parse(struct ws_parser *p, const uint8_t *data, size_t len, size_t *ret_used,
                       struct ws_received *ret)
{
    enum ws_event event = WS_EVENT_MORE;
    size_t used = 0;
    ws_parser_release(p);
    while (used < len && event == WS_EVENT_MORE && !p->ended) {
        if (!p->in_payload) {
            event = head_take(p, data[used++], ret);
            continue;
        }
        size_t n = (size_t)MIN(p->left, (uint64_t)(len - used));
        unsigned code = 0;
        const char *why = payload_take(p, data + used, n, &code);
        used += n;
        if (why)
            event = fail(p, ret, code, why);
        else if (p->left == 0)
            event = frame_end(p, ret);
    }
    *ret_used = event == WS_EVENT_MORE ? len : used;
    return event;
}

/* ---- sending ---- */

size_t ws_header(enum ws_opcode opcode, uint64_t payload_len, uint8_t *out)
{
    size_t width = payload_len < 126 ? 0 : payload_len <= 0xffff ? 2 : 8;
    out[0] = (uint8_t)(BIT_FIN | opcode);
    out[1] = (uint8_t)(width == 0 ? payload_len : width == 2 ? 126 : 127);
    for (size_t i = 0; i < width; i++)
        out[2 + i] = (uint8_t)(payload_len >> 8 * (width - 1 - i));
    return 2 + width;
}

struct bytes *ws_frame(enum ws_opcode opcode, const void *payload, size_t len)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header(opcode, len, header);
    struct bytes *frame = bytes_new(header_len + len);
    if (!frame)
        return NULL;
    memcpy(frame->data, header, header_len);
    if (len)
        memcpy(frame->data + header_len, payload, len);
    return frame;
}

struct bytes *ws_frame_close(unsigned code, const char *reason)
{
    uint8_t payload[WS_CONTROL_MAX];
    if (code == WS_CLOSE_NONE)
        return ws_frame(WS_CLOSE, NULL, 0);
    CHECK(ws_close_code_valid(code));
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    size_t len = reason ? strlen(reason) : 0;
    len = len ? text_utf8_valid(reason, MIN(len, sizeof(payload) - 2)) : 0;
    if (len)
        memcpy(payload + 2, reason, len);
    return ws_frame(WS_CLOSE, payload, len + 2);
}

void ws_client_frame(struct buf *b, bool fin, enum ws_opcode opcode, const uint8_t mask[4],
                     const void *payload, size_t len)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header(opcode, len, header);
    if (!fin)
        header[0] &= (uint8_t)~BIT_FIN;
    header[1] |= BIT_MASKED;
    buf_append(b, header, header_len);
    buf_append(b, mask, 4);
    uint8_t *out = (uint8_t *)buf_reserve(b, len);
    if (!out)
        return;
    for (size_t i = 0; i < len; i++)
        out[i] = ((const uint8_t *)payload)[i] ^ mask[i & 3];
    b->len += len;
}

bool ws_close_code_valid(unsigned code)
{
    if (code >= 3000 && code <= 4999) /* libraries' and applications' own */
        return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

/* ---- handshake ---- */

bool ws_key_valid(const char *key)
{
    /* 16 bytes are 22 characters of base64, whose last carries only 2 bits, and "==". */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strlen(key) == 24 && strspn(key, alphabet) == 22 && strchr("AQgw", key[21]) &&
           strcmp(key + 22, "==") == 0;
}

void ws_accept(const char *key, char accept[WS_ACCEPT_LEN + 1])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    char text[24 + sizeof(magic)];
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX sha;
    CHECK(strlen(key) == 24);
    memcpy(text, key, 24);
    memcpy(text + 24, magic, sizeof(magic));
    CHECK(SHA1_Init(&sha) && SHA1_Update(&sha, text, sizeof(text) - 1) && SHA1_Final(digest, &sha));
    CHECK(EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest)) == WS_ACCEPT_LEN);
}

bool ws_protocol_offered(const char *list, const char *protocol)
{
    size_t wanted = strlen(protocol);
    while (*list) {
        list += strspn(list, ", \t");
        size_t len = strcspn(list, ",");
        size_t name = len;
        while (name && (list[name - 1] == ' ' || list[name - 1] == '\t'))
            name--;
        if (name == wanted && memcmp(list, protocol, name) == 0)
            return true;
        list += len;
    }
    return false;
}
