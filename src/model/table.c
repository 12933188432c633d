/*
 * table.c: rows of typed cells. Cells grow in one array; the texts of a table live in its own
 * chain of blocks, so a table is freed in a few calls whatever its size. Each block is twice as
 * large as the one before: those of a large table are large to the allocator, too, which maps them
 * and gives them back whole, instead of holes between what lives longer.
 */
#include "model/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/series_internal.h"

static const struct table_column interfaces_columns[IF_COLUMNS] = {
    [IF_ID] = {"id", CELL_UINT, ""},
    [IF_DEVICE] = {"device", CELL_TEXT, ""},
    [IF_KIND] = {"kind", CELL_TEXT, ""},
    [IF_STATE] = {"state", CELL_TEXT, ""},
    [IF_SPEED_BPS] = {"speed_bps", CELL_UINT, "bits/s"},
    [IF_MTU] = {"mtu", CELL_UINT, "bytes"},
    [IF_ADDRESSES] = {"addresses", CELL_LIST, ""},
    [IF_RX_BYTES] = {"rx_bytes", CELL_UINT, "bytes"},
    [IF_TX_BYTES] = {"tx_bytes", CELL_UINT, "bytes"},
    [IF_RX_RATE] = {"rx_rate", CELL_REAL, "bytes/s"},
    [IF_TX_RATE] = {"tx_rate", CELL_REAL, "bytes/s"},
    [IF_RX_PACKETS] = {"rx_packets", CELL_UINT, "packets"},
    [IF_TX_PACKETS] = {"tx_packets", CELL_UINT, "packets"},
    [IF_ERRORS] = {"errors", CELL_UINT, ""},
    [IF_DROPS] = {"drops", CELL_UINT, ""},
    [IF_CONTAINER] = {"container", CELL_TEXT, ""},
};

static const struct table_column connections_columns[CONN_COLUMNS] = {
    [CONN_ID] = {"id", CELL_UINT, ""},
    [CONN_PROTOCOL] = {"protocol", CELL_TEXT, ""},
    [CONN_LOCAL] = {"local", CELL_TEXT, ""},
    [CONN_REMOTE] = {"remote", CELL_TEXT, ""},
    [CONN_STATE] = {"state", CELL_TEXT, ""},
    [CONN_DIRECTION] = {"direction", CELL_TEXT, ""},
    [CONN_PID] = {"pid", CELL_UINT, ""},
    [CONN_PROCESS] = {"process", CELL_TEXT, ""},
    [CONN_UNIT] = {"unit", CELL_TEXT, ""},
    [CONN_RX_BYTES] = {"rx_bytes", CELL_UINT, "bytes"},
    [CONN_TX_BYTES] = {"tx_bytes", CELL_UINT, "bytes"},
    [CONN_RX_RATE] = {"rx_rate", CELL_REAL, "bytes/s"},
    [CONN_TX_RATE] = {"tx_rate", CELL_REAL, "bytes/s"},
    [CONN_RTT_MS] = {"rtt_ms", CELL_REAL, "ms"},
    [CONN_RETRANSMITS] = {"retransmits", CELL_UINT, ""},
    [CONN_OPENED] = {"opened", CELL_UINT, "ms"},
    [CONN_METHOD] = {"method", CELL_TEXT, ""},
    [CONN_REMOTE_NAME] = {"remote_name", CELL_TEXT, ""},
};

static const struct table_column processes_columns[PROC_COLUMNS] = {
    [PROC_ID] = {"id", CELL_UINT, ""},
    [PROC_PID] = {"pid", CELL_UINT, ""},
    [PROC_PROCESS] = {"process", CELL_TEXT, ""},
    [PROC_USER] = {"user", CELL_TEXT, ""},
    [PROC_UNIT] = {"unit", CELL_TEXT, ""},
    [PROC_STATE] = {"state", CELL_TEXT, ""},
    [PROC_RX_BYTES] = {"rx_bytes", CELL_UINT, "bytes"},
    [PROC_TX_BYTES] = {"tx_bytes", CELL_UINT, "bytes"},
    [PROC_LOCAL_BYTES] = {"local_bytes", CELL_UINT, "bytes"},
    [PROC_RX_RATE] = {"rx_rate", CELL_REAL, "bytes/s"},
    [PROC_TX_RATE] = {"tx_rate", CELL_REAL, "bytes/s"},
    [PROC_CONNECTIONS] = {"connections", CELL_UINT, ""},
    [PROC_METHOD] = {"method", CELL_TEXT, ""},
    [PROC_RTT_MS] = {"rtt_ms", CELL_REAL, "ms"},
    [PROC_RETRANSMITS] = {"retransmits", CELL_UINT, ""},
};

static const struct table_column flows_columns[FLOW_COLUMNS] = {
    [FLOW_ID] = {"id", CELL_UINT, ""},
    [FLOW_PROTOCOL] = {"protocol", CELL_TEXT, ""},
    [FLOW_CLIENT] = {"client", CELL_TEXT, ""},
    [FLOW_SERVER] = {"server", CELL_TEXT, ""},
    [FLOW_APPLICATION] = {"application", CELL_TEXT, ""},
    [FLOW_HOST] = {"host", CELL_TEXT, ""},
    [FLOW_RX_BYTES] = {"rx_bytes", CELL_UINT, "bytes"},
    [FLOW_TX_BYTES] = {"tx_bytes", CELL_UINT, "bytes"},
    [FLOW_PACKETS] = {"packets", CELL_UINT, "packets"},
    [FLOW_RTT_MS] = {"rtt_ms", CELL_REAL, "ms"},
    [FLOW_RETRANSMITS] = {"retransmits", CELL_UINT, ""},
    [FLOW_OPENED] = {"opened", CELL_UINT, "ms"},
    [FLOW_ALPN] = {"alpn", CELL_TEXT, ""},
};

static const struct table_column dns_columns[DNS_COLUMNS] = {
    [DNS_ID] = {"id", CELL_UINT, ""},         [DNS_T] = {"t", CELL_UINT, "ms"},
    [DNS_NAME] = {"name", CELL_TEXT, ""},     [DNS_TYPE] = {"type", CELL_TEXT, ""},
    [DNS_RCODE] = {"rcode", CELL_TEXT, ""},   [DNS_LATENCY_MS] = {"latency_ms", CELL_REAL, "ms"},
    [DNS_SERVER] = {"server", CELL_TEXT, ""}, [DNS_PROCESS] = {"process", CELL_TEXT, ""},
};

static const struct table_schema schemas[TABLE_KINDS] = {
    [TABLE_INTERFACES] = {TABLE_INTERFACES, "interfaces", IF_COLUMNS, interfaces_columns},
    [TABLE_CONNECTIONS] = {TABLE_CONNECTIONS, "connections", CONN_COLUMNS, connections_columns},
    [TABLE_PROCESSES] = {TABLE_PROCESSES, "processes", PROC_COLUMNS, processes_columns},
    [TABLE_FLOWS] = {TABLE_FLOWS, "flows", FLOW_COLUMNS, flows_columns},
    [TABLE_DNS] = {TABLE_DNS, "dns", DNS_COLUMNS, dns_columns},
};

#define TABLE_BLOCK_BYTES 4096
#define TABLE_BLOCK_BYTES_MAX (256 * 1024)

struct table_block {
    struct table_block *next;
    size_t used, size;
    char text[];
};

const struct table_schema *table_schema(enum table_kind kind)
{
    CHECK(kind < TABLE_KINDS);
    return &schemas[kind];
}

const struct table_schema *table_schema_named(const char *name)
{
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (strcmp(schemas[i].name, name) == 0)
            return &schemas[i];
    }
    return NULL;
}

static void table_destroy(struct message *msg)
{
    struct table *t = CONTAINER_OF(msg, struct table, msg);
    for (struct table_block *block = t->texts, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(t->cells);
    free(t);
}

struct table *table_new(enum table_kind kind, size_t rows_hint)
{
    struct table *t = mem_alloc(sizeof(*t));
    message_init(&t->msg, table_destroy);
    t->schema = table_schema(kind);
    t->rows_capacity = MAX(rows_hint, (size_t)4);
    t->cells = mem_array(t->rows_capacity * t->schema->columns_count, sizeof(*t->cells));
    return t;
}

struct table *table_ref(struct table *t)
{
    message_ref(&t->msg);
    return t;
}

void table_unref(struct table *t)
{
    if (t)
        message_unref(&t->msg);
}

struct cell *table_row(struct table *t, uint64_t id)
{
    size_t columns = t->schema->columns_count;
    if (t->rows_count == t->rows_capacity) {
        t->rows_capacity *= 2;
        t->cells = mem_resize(t->cells, t->rows_capacity * columns, sizeof(*t->cells));
    }
    struct cell *row = t->cells + t->rows_count++ * columns;
    memset(row, 0, columns * sizeof(*row));
    cell_uint(&row[0], id);
    return row;
}

void cell_uint(struct cell *c, uint64_t value)
{
    *c = (struct cell){.type = CELL_UINT, .uint = value};
}

void cell_real(struct cell *c, double value)
{
    *c = isfinite(value) ? (struct cell){.type = CELL_REAL, .real = value} : (struct cell){0};
}

static char *table_text(struct table *t, size_t size)
{
    struct table_block *block = t->texts;
    if (!block || block->size - block->used < size) {
        size_t grown = block ? MIN(2 * block->size, (size_t)TABLE_BLOCK_BYTES_MAX) : 0;
        size_t room = MAX(size, MAX(grown, (size_t)TABLE_BLOCK_BYTES));
        block = mem_alloc(sizeof(*block) + room);
        block->size = room;
        block->next = t->texts;
        t->texts = block;
    }
    char *text = block->text + block->used;
    block->used += size;
    return text;
}

static void cell_put(struct table *t, struct cell *c, enum cell_type type, const char *text,
                     size_t max)
{
    if (!text) {
        *c = (struct cell){0};
        return;
    }
    size_t len = strlen(text);
    char *copy;
    if (len <= max && text_utf8_valid(text, len) == len) {
        copy = table_text(t, len + 1);
        memcpy(copy, text, len + 1);
    } else {
        struct buf clean = BUF_INIT;
        if (!text_append_clean(&clean, text, max) && type == CELL_LIST) {
            /* Whole items only: half an address would be another address. */
            const char *end = clean.len ? memrchr(clean.data, '\n', clean.len) : NULL;
            clean.len = end ? (size_t)(end - clean.data) : 0;
        }
        copy = table_text(t, clean.len + 1);
        memcpy(copy, buf_string(&clean), clean.len + 1);
        buf_fini(&clean);
    }
    *c = (struct cell){.type = type, .text = copy};
}

void cell_text(struct table *t, struct cell *c, const char *text)
{
    cell_put(t, c, CELL_TEXT, text, SERIES_TEXT_MAX);
}

void cell_list(struct table *t, struct cell *c, const char *lines)
{
    cell_put(t, c, CELL_LIST, lines, TABLE_LIST_MAX);
}

void cell_literal(struct cell *c, const char *text)
{
    *c = (struct cell){.type = CELL_TEXT, .text = text};
}

void cell_ascii(struct table *t, struct cell *c, const char *text, size_t len)
{
    CHECK(len <= SERIES_TEXT_MAX);
    char *copy = table_text(t, len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    cell_literal(c, copy);
}

const char *table_keep(struct table *t, const char *text)
{
    struct cell c;
    cell_text(t, &c, text);
    return c.text;
}

struct table *table_pick(const struct table *from, const size_t *rows, size_t count)
{
    size_t columns = from->schema->columns_count;
    struct table *t = table_new(from->schema->kind, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(rows[i] < from->rows_count);
        struct cell *to = table_row(t, 0);
        memcpy(to, &from->cells[rows[i] * columns], columns * sizeof(*to));
        for (size_t c = 0; c < columns; c++) {
            if (to[c].type != CELL_TEXT && to[c].type != CELL_LIST)
                continue;
            size_t size = strlen(to[c].text) + 1; /* valid already */
            char *copy = table_text(t, size);
            memcpy(copy, to[c].text, size);
            to[c].text = copy;
        }
    }
    return t;
}

const struct cell *table_cell(const struct table *t, size_t row, size_t column)
{
    CHECK(row < t->rows_count && column < t->schema->columns_count);
    return &t->cells[row * t->schema->columns_count + column];
}

static int compare_double(double a, double b)
{
    return (a > b) - (a < b);
}

/* Exact: as doubles, neighbours beyond 2^53 would equal the same real and not each other. */
static int compare_uint_real(uint64_t a, double b)
{
    if (b < 0)
        return 1;
    if (b >= 0x1p64)
        return -1;
    uint64_t whole = (uint64_t)b;
    return a != whole ? (a > whole) - (a < whole) : compare_double((double)whole, b);
}

int cell_compare(const struct cell *a, const struct cell *b)
{
    if (a->type != b->type) {
        if (a->type == CELL_UINT && b->type == CELL_REAL)
            return compare_uint_real(a->uint, b->real);
        if (a->type == CELL_REAL && b->type == CELL_UINT)
            return -compare_uint_real(b->uint, a->real);
        return (a->type > b->type) - (a->type < b->type);
    }
    switch (a->type) {
    case CELL_NULL:
        return 0;
    case CELL_UINT:
        return (a->uint > b->uint) - (a->uint < b->uint);
    case CELL_REAL:
        return compare_double(a->real, b->real);
    case CELL_TEXT:
    case CELL_LIST:
        return strcmp(a->text, b->text);
    }
    return 0;
}
