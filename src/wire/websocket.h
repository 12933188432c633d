/*
 * websocket.h: RFC 6455 without I/O: frames to messages, messages to frames, the handshake's
 * arithmetic. A struct ws_parser belongs to one connection; everything else is stateless.
 * Any thread, one at a time for the same parser.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

struct inflater;

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
};

enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_NONE = 1005, /* a close frame without a code; never on the wire */
    WS_CLOSE_BAD_TEXT = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_TRY_LATER = 1013,
};

#define WS_CONTROL_MAX 125 /* payload of a control frame */
#define WS_HEADER_MAX 14   /* 2 + 8 bytes of length + 4 of mask */

#define WS_BIT_COMPRESSED 0x40 /* RSV1 of a message's first frame, with permessage-deflate */

/* ---- receiving ---- */

enum ws_role { WS_SERVER, WS_CLIENT }; /* who we are: a server takes masked frames only */

struct ws_parser {
    uint8_t role;                /* enum ws_role */
    uint8_t head[WS_HEADER_MAX]; /* of the frame at hand */
    uint8_t head_len, head_need;
    uint8_t opcode;  /* of the frame at hand */
    uint8_t message; /* opcode of the message under way, 0 = none */
    bool in_payload; /* the frame's head is complete */
    bool fin;
    bool ended;                /* after an error or a close frame: nothing more is read */
    bool delivered;            /* `text` was handed out; the next call drops it */
    bool compressed;           /* the message under way: `text` holds its bytes as they came */
    uint8_t mask[4];           /* zero for unmasked frames */
    uint8_t mask_at;           /* the mask's next byte */
    size_t limit;              /* bytes of a message; of a compressed one, of what it stands for */
    uint64_t left;             /* payload bytes of the frame still to come */
    struct buf text;           /* the message under way; holds no memory between messages */
    size_t checked;            /* bytes of it that are known to be UTF-8 */
    struct inflater *inflater; /* permessage-deflate was agreed; borrowed, shared by a loop */
    struct buf control;        /* the control frame under way, which may come between fragments */
    bool control_delivered;    /* ... was handed out; the next call drops it */
};

void ws_parser_init(struct ws_parser *p, enum ws_role role, size_t message_limit_bytes);
void ws_parser_fini(struct ws_parser *p);

/* permessage-deflate without context takeover was agreed. Borrowed for the parser's life. */
void ws_parser_inflate(struct ws_parser *p, struct inflater *inflater);

/* Drops what was handed out last: a connection that is quiet should hold none. */
void ws_parser_release(struct ws_parser *p);

enum ws_event {
    WS_EVENT_MORE,    /* all bytes are used, nothing is complete */
    WS_EVENT_MESSAGE, /* a whole text or binary message; text is valid UTF-8 */
    WS_EVENT_PING,
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* the peer closes: `code` and a reason in data (valid UTF-8) */
    WS_EVENT_ERROR, /* fail the connection with `code`; `why` says it in words */
};

struct ws_received {
    enum ws_opcode opcode;
    const uint8_t *data; /* borrowed until the next call with this parser; not terminated */
    size_t len;
    unsigned code;   /* CLOSE: the peer's, WS_CLOSE_NONE without one. ERROR: the one to send */
    const char *why; /* ERROR only; static text */
};

/* Takes bytes until one event is complete; *ret_used says how many. Call again with the rest until
 * WS_EVENT_MORE. After CLOSE and ERROR every call uses up its bytes and returns MORE. */
enum ws_event ws_parse(struct ws_parser *p, const uint8_t *data, size_t len, size_t *ret_used,
                       struct ws_received *ret);

/* ---- sending ---- */

/* One unfragmented, unmasked frame in one allocation, ready to be shared by any number of
 * connections: a server's frames are the same for everyone. NULL: no memory. */
struct bytes *ws_frame(enum ws_opcode opcode, const void *payload, size_t len);

/* A close frame; the reason is cut at a character's end to fit. WS_CLOSE_NONE: an empty one. */
struct bytes *ws_frame_close(unsigned code, const char *reason);

/* Writes the header of a server's frame into at most 10 bytes of `out`; its length is returned. */
size_t ws_header(enum ws_opcode opcode, uint64_t payload_len, uint8_t *out);

/* Appends a masked frame, as clients must send; for tests and load generators. */
void ws_client_frame(struct buf *b, bool fin, enum ws_opcode opcode, const uint8_t mask[4],
                     const void *payload, size_t len);

/* True for codes that may stand in a close frame (RFC 6455 section 7.4, IANA's registry). */
bool ws_close_code_valid(unsigned code);

/* ---- handshake ---- */

#define WS_ACCEPT_LEN 28 /* base64 of a SHA-1 */

/* True when `key` is base64 of 16 bytes, as a Sec-WebSocket-Key must be. */
bool ws_key_valid(const char *key);

/* The Sec-WebSocket-Accept for a key, and a NUL. */
void ws_accept(const char *key, char accept[WS_ACCEPT_LEN + 1]);

/* True when `protocol` stands in a Sec-WebSocket-Protocol list (commas, case matters). */
bool ws_protocol_offered(const char *list, const char *protocol);
