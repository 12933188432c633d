/*
 * table.h: a frozen table of CONTRACT section 6: named columns, rows of typed cells, the row's id
 * in column 0. Built by a collector row by row, then shared.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/message.h"

enum table_kind {
    TABLE_INTERFACES,
    TABLE_CONNECTIONS,
    TABLE_PROCESSES,
    TABLE_FLOWS,
    TABLE_DNS,
    TABLE_KINDS
};

enum cell_type { CELL_NULL, CELL_UINT, CELL_REAL, CELL_TEXT, CELL_LIST };

/* Nine bytes, not sixteen: a busy host has tens of thousands of rows with 17 of them, in the table
 * that is shown and in the one that is being made. */
struct cell {
    enum cell_type type : 8;
    union {
        uint64_t uint;
        double real;
        const char *text; /* CELL_TEXT: UTF-8. CELL_LIST: items separated by '\n', may be "" */
    };
} __attribute__((packed));

struct table_column {
    const char *name;
    enum cell_type type;
    const char *unit; /* "" when it has none */
};

struct table_schema {
    enum table_kind kind;
    const char *name; /* "interfaces": the channel and the route */
    size_t columns_count;
    const struct table_column *columns;
};

const struct table_schema *table_schema(enum table_kind kind);
const struct table_schema *table_schema_named(const char *name); /* NULL: no such table */

/* Columns of TABLE_INTERFACES in order. */
enum interfaces_column {
    IF_ID,
    IF_DEVICE,
    IF_KIND,
    IF_STATE,
    IF_SPEED_BPS,
    IF_MTU,
    IF_ADDRESSES,
    IF_RX_BYTES,
    IF_TX_BYTES,
    IF_RX_RATE,
    IF_TX_RATE,
    IF_RX_PACKETS,
    IF_TX_PACKETS,
    IF_ERRORS,
    IF_DROPS,
    IF_CONTAINER, /* at the other end of a pair */
    IF_COLUMNS
};

enum connections_column {
    CONN_ID,
    CONN_PROTOCOL,
    CONN_LOCAL,
    CONN_REMOTE,
    CONN_STATE,
    CONN_DIRECTION,
    CONN_PID,
    CONN_PROCESS,
    CONN_UNIT,
    CONN_RX_BYTES,
    CONN_TX_BYTES,
    CONN_RX_RATE,
    CONN_TX_RATE,
    CONN_RTT_MS,
    CONN_RETRANSMITS,
    CONN_OPENED,
    CONN_METHOD,
    CONN_REMOTE_NAME,
    CONN_COLUMNS
};

enum processes_column {
    PROC_ID,
    PROC_PID,
    PROC_PROCESS,
    PROC_USER,
    PROC_UNIT,
    PROC_STATE,
    PROC_RX_BYTES,
    PROC_TX_BYTES,
    PROC_LOCAL_BYTES,
    PROC_RX_RATE,
    PROC_TX_RATE,
    PROC_CONNECTIONS,
    PROC_METHOD,
    PROC_RTT_MS,
    PROC_RETRANSMITS,
    PROC_COLUMNS
};

enum flows_column {
    FLOW_ID,
    FLOW_PROTOCOL,
    FLOW_CLIENT,
    FLOW_SERVER,
    FLOW_APPLICATION,
    FLOW_HOST,
    FLOW_RX_BYTES,
    FLOW_TX_BYTES,
    FLOW_PACKETS,
    FLOW_RTT_MS,
    FLOW_RETRANSMITS,
    FLOW_OPENED,
    FLOW_ALPN,
    FLOW_COLUMNS
};

enum dns_column {
    DNS_ID,
    DNS_T,
    DNS_NAME,
    DNS_TYPE,
    DNS_RCODE,
    DNS_LATENCY_MS,
    DNS_SERVER,
    DNS_PROCESS,
    DNS_COLUMNS
};

#define TABLE_LIST_MAX 4096 /* bytes of one list cell; longer ones are cut between items */

struct table_block;

struct table {
    struct message msg;
    const struct table_schema *schema;
    size_t rows_count;
    size_t rows_capacity;
    struct cell *cells; /* row-major, rows_count * columns_count */
    struct table_block *texts;
};

struct table *table_new(enum table_kind kind, size_t rows_hint); /* one reference */
struct table *table_ref(struct table *t);
void table_unref(struct table *t); /* NULL allowed */

/* A new last row of CELL_NULLs with cell 0 = id; the pointer holds until the next table_row. */
struct cell *table_row(struct table *t, uint64_t id);
void cell_uint(struct cell *c, uint64_t value);
void cell_real(struct cell *c, double value); /* not finite: null */
/* Copied into the table, made valid UTF-8. NULL: null. */
void cell_text(struct table *t, struct cell *c, const char *text);
void cell_list(struct table *t, struct cell *c, const char *lines);
/* Not copied: text that lives as long as the table, a literal or what table_keep has returned. */
void cell_literal(struct cell *c, const char *text);
/* Copied as it is: `len` bytes of ASCII, at most SERIES_TEXT_MAX. */
void cell_ascii(struct table *t, struct cell *c, const char *text, size_t len);

/* A copy as cell_text would make it, for cells of many rows that say the same. Owned by the table.
 */
const char *table_keep(struct table *t, const char *text);

/* A new table of these rows of `from`, in this order. It holds copies: `from` may go. */
struct table *table_pick(const struct table *from, const size_t *rows, size_t count);

const struct cell *table_cell(const struct table *t, size_t row, size_t column);
int cell_compare(const struct cell *a, const struct cell *b); /* total order; null first */
