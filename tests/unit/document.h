/*
 * document.h: the tables of docs/METRICS.md that are made from the code, for the tests that hold
 * the document to it. Each stands between two comments, "<!-- NAME: begin" and "<!-- NAME: end
 * -->". A test program that knows the wanted text compares, and writes it when called with --write.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/metric.h"

#define DOCUMENT_BYTES_MAX (1 << 20)

static inline void document_head(struct buf *out)
{
    buf_text(out, "| name | kind | unit | meaning |\n| --- | --- | --- | --- |\n");
}

static inline void document_row(struct buf *out, const struct metric *m, const char *labels)
{
    buf_printf(out, "| `%s%s%s%s` | %s | %s | %s |\n", m->name, labels[0] ? "{" : "", labels,
               labels[0] ? "}" : "", metric_kind_name(m->kind), m->unit, m->help);
}

/* The whole text, and the places behind the first and before the second comment. */
static inline char *document_read(const char *path, const char *name, size_t *ret_begin,
                                  size_t *ret_end)
{
    char *text = mem_alloc(DOCUMENT_BYTES_MAX), mark[64];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(text, 1, DOCUMENT_BYTES_MAX - 1, file);
    fclose(file);
    assert_in_range(len, 1, DOCUMENT_BYTES_MAX - 2);
    snprintf(mark, sizeof(mark), "<!-- %s: begin", name);
    const char *begin = strstr(text, mark);
    assert_non_null(begin);
    snprintf(mark, sizeof(mark), "<!-- %s: end -->", name);
    const char *end = strstr(begin, mark);
    assert_non_null(end);
    *ret_begin = (size_t)(strchr(begin, '\n') + 1 - text);
    *ret_end = (size_t)(end - text);
    return text;
}

static inline void document_compare(const char *path, const char *name, const struct buf *wanted)
{
    size_t begin, end;
    char *text = document_read(path, name, &begin, &end);
    if (wanted->len != end - begin || memcmp(wanted->data, text + begin, wanted->len) != 0)
        fail_msg("%s is out of date: make docs", path);
    free(text);
}

/* Returns what main may return. */
static inline int document_write(const char *path, const char *name, const struct buf *wanted)
{
    size_t begin, end;
    char *text = document_read(path, name, &begin, &end);
    struct buf out = BUF_INIT;
    buf_append(&out, text, begin);
    buf_append(&out, wanted->data, wanted->len);
    buf_text(&out, text + end);
    FILE *file = fopen(path, "we");
    int failed = !file || fwrite(out.data, 1, out.len, file) != out.len;
    if (file)
        failed |= fclose(file) != 0;
    buf_fini(&out);
    free(text);
    return failed;
}
