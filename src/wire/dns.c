/*
 * dns.c: see dns.h. Names are read by one function that follows pointers only to places before the
 * one where the current part began: each jump goes backwards, and a name is at most 255 bytes on
 * the wire, so the work for one is bounded whatever the message says.
 */
#include "wire/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "base/load.h"

#define HEADER 12
#define NAME_WIRE_MAX 255
#define RECORDS_MAX 512 /* looked at in one message */

enum { TYPE_A = 1, TYPE_AAAA = 28, TYPE_OPT = 41, CLASS_IN = 1 };

/* ---- names --------------------------------------------------------------------------------- */

static size_t put_byte(char *out, size_t len, uint8_t byte)
{
    if (byte == '.' || byte == '\\') {
        out[len++] = '\\';
        out[len++] = (char)byte;
    } else if (byte > ' ' && byte < 0x7f) {
        out[len++] = (char)byte;
    } else {
        out[len++] = '\\';
        out[len++] = (char)('0' + byte / 100);
        out[len++] = (char)('0' + byte / 10 % 10);
        out[len++] = (char)('0' + byte % 10);
    }
    return len;
}

/*
 * The name at *at, which is moved behind it. `out` may be NULL: only to pass it. 0; -EBADMSG for a
 * name that breaks the rules; -ENODATA when the capture ends within it.
 */
static int read_name(const uint8_t *data, size_t captured, size_t *at, char *out)
{
    size_t from = *at, part = *at, wire = 0, len = 0;
    bool jumped = false;
    for (;;) {
        if (from >= captured)
            return -ENODATA;
        uint8_t label = data[from];
        if ((label & 0xc0) == 0xc0) {
            if (from + 2 > captured)
                return -ENODATA;
            size_t to = load_be16(data + from) & 0x3fff;
            if (!jumped)
                *at = from + 2;
            jumped = true;
            if (to >= part || to < HEADER)
                return -EBADMSG;
            from = part = to;
            if (!out)
                return 0;
            continue;
        }
        if (label & 0xc0)
            return -EBADMSG;
        wire += label + 1U;
        if (wire > NAME_WIRE_MAX)
            return -EBADMSG;
        if (from + 1 + label > captured)
            return -ENODATA;
        from++;
        if (!label)
            break;
        if (out && len)
            out[len++] = '.';
        for (uint8_t i = 0; out && i < label; i++)
            len = put_byte(out, len, data[from + i]);
        from += label;
    }
    if (!jumped)
        *at = from;
    if (out) {
        if (!len)
            out[len++] = '.';
        out[len] = '\0';
    }
    return 0;
}

/* ---- records ------------------------------------------------------------------------------- */

struct record {
    uint16_t type, class, length;
    uint32_t ttl;
    const uint8_t *data; /* length bytes */
};

static int read_record(const uint8_t *data, size_t captured, size_t *at, struct record *ret)
{
    int err = read_name(data, captured, at, NULL);
    if (err)
        return err;
    if (captured - *at < 10)
        return -ENODATA;
    const uint8_t *fixed = data + *at;
    *ret = (struct record){.type = load_be16(fixed),
                           .class = load_be16(fixed + 2),
                           .ttl = load_be32(fixed + 4),
                           .length = load_be16(fixed + 8),
                           .data = fixed + 10};
    *at += 10;
    if (captured - *at < ret->length)
        return -ENODATA;
    *at += ret->length;
    return 0;
}

/* EDNS: the upper bits of the code lie in the OPT record, which is usually the last one. Records
 * that are broken or cut leave the code as the header has it. */
static void read_edns(const uint8_t *data, size_t captured, size_t at, struct dns_message *ret)
{
    uint32_t records = ret->answers + (uint32_t)ret->authorities + ret->additionals;
    for (uint32_t i = 0; i < MIN(records, (uint32_t)RECORDS_MAX); i++) {
        struct record record;
        int err = read_record(data, captured, &at, &record);
        if (err)
            return;
        if (record.type == TYPE_OPT) {
            ret->rcode = (uint16_t)(ret->rcode | record.ttl >> 24 << 4);
            return;
        }
    }
}

int dns_parse(const uint8_t *data, size_t captured, size_t bytes, struct dns_message *ret)
{
    if (captured < HEADER)
        return -EBADMSG;
    *ret = (struct dns_message){
        .id = load_be16(data),
        .response = data[2] & 0x80,
        .opcode = data[2] >> 3 & 0xf,
        .truncated = data[2] & 0x02,
        .rcode = data[3] & 0xf,
        .questions = load_be16(data + 4),
        .answers = load_be16(data + 6),
        .authorities = load_be16(data + 8),
        .additionals = load_be16(data + 10),
        .cut = captured < bytes,
    };
    size_t at = HEADER;
    if (ret->questions > 1)
        return -EBADMSG; /* RFC 9619 */
    if (ret->questions == 1) {
        int err = read_name(data, captured, &at, ret->name);
        if (err == -ENODATA && ret->cut)
            return 0; /* who asks finds type 0 */
        if (err || captured - at < 4) {
            ret->name[0] = '\0';
            return ret->cut ? 0 : -EBADMSG;
        }
        ret->type = load_be16(data + at);
        ret->class = load_be16(data + at + 2);
        at += 4;
    }
    read_edns(data, captured, at, ret);
    return 0;
}

void dns_walk_begin(struct dns_walk *w, const uint8_t *data, size_t captured)
{
    *w = (struct dns_walk){.data = data, .captured = captured, .at = HEADER};
    if (captured < HEADER || load_be16(data + 4) > 1)
        return;
    if (load_be16(data + 4) == 1) {
        if (read_name(data, captured, &w->at, NULL) || captured - w->at < 4)
            return;
        w->at += 4;
    }
    w->left = MIN(load_be16(data + 6), (uint32_t)RECORDS_MAX);
}

bool dns_walk_next(struct dns_walk *w, struct dns_address *ret)
{
    while (w->left) {
        w->left--;
        struct record record;
        if (read_record(w->data, w->captured, &w->at, &record)) {
            w->left = 0;
            return false;
        }
        bool four = record.type == TYPE_A && record.length == 4;
        bool six = record.type == TYPE_AAAA && record.length == 16;
        if (record.class == CLASS_IN && (four || six)) {
            *ret = (struct dns_address){
                .family = four ? 4 : 6, .ttl_s = record.ttl, .address = record.data};
            return true;
        }
    }
    return false;
}

/* ---- TCP ----------------------------------------------------------------------------------- */

size_t dns_stream_feed(struct dns_stream *s, const uint8_t *data, size_t len, bool *ret_message)
{
    size_t used = 0;
    *ret_message = false;
    while (!s->message_bytes && used < len) {
        s->data[s->taken++] = data[used++];
        if (s->taken < 2)
            continue;
        s->message_bytes = load_be16(s->data); /* an empty one has no meaning: go on */
        s->taken = 0;
        s->kept = 0;
    }
    if (!s->message_bytes)
        return used;
    size_t more = MIN(len - used, (size_t)(s->message_bytes - s->taken));
    size_t keep = MIN(more, (size_t)(DNS_STREAM_KEEP - s->kept));
    memcpy(s->data + s->kept, data + used, keep);
    s->kept = (uint16_t)(s->kept + keep);
    s->taken += (uint32_t)more;
    used += more;
    if (s->taken < s->message_bytes)
        return used;
    *ret_message = true;
    s->message_bytes = s->taken = 0;
    return used;
}

/* ---- words: www.iana.org/assignments/dns-parameters ------------------------------------------ */

const char *dns_rcode_name(uint16_t rcode)
{
    static const char *const names[] = {
        "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "DSOTYPENI",
    };
    if (rcode == 16)
        return "BADVERS";
    return rcode < ARRAY_LEN(names) ? names[rcode] : NULL;
}

const char *dns_type_name(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {1, "A"},      {2, "NS"},       {5, "CNAME"},  {6, "SOA"},     {12, "PTR"},   {13, "HINFO"},
        {15, "MX"},    {16, "TXT"},     {17, "RP"},    {24, "SIG"},    {25, "KEY"},   {28, "AAAA"},
        {29, "LOC"},   {33, "SRV"},     {35, "NAPTR"}, {39, "DNAME"},  {41, "OPT"},   {43, "DS"},
        {44, "SSHFP"}, {46, "RRSIG"},   {47, "NSEC"},  {48, "DNSKEY"}, {50, "NSEC3"}, {52, "TLSA"},
        {59, "CDS"},   {60, "CDNSKEY"}, {64, "SVCB"},  {65, "HTTPS"},  {249, "TKEY"}, {250, "TSIG"},
        {251, "IXFR"}, {252, "AXFR"},   {255, "ANY"},  {256, "URI"},   {257, "CAA"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return NULL;
}
