/*
 * text.c: any bytes as numbers, amounts, times and globs. What is read can be written and read
 * back; a glob of only ordinary characters is equality.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_amounts(const char *text)
{
    char out[64];
    int64_t ms, ms_again;
    uint64_t bytes, bytes_again;
    double value;
    if (text_duration_ms(text, &ms) == 0) {
        CHECK(ms >= 0);
        text_format_duration(ms, out, sizeof(out));
        CHECK(text_duration_ms(out, &ms_again) == 0 && ms_again == ms);
    }
    if (text_size_bytes(text, &bytes) == 0) {
        text_format_size(bytes, out, sizeof(out));
        CHECK(text_size_bytes(out, &bytes_again) == 0 && bytes_again == bytes);
    }
    if (text_u64(text, &bytes) == 0)
        CHECK(text_size_bytes(text, &bytes_again) == 0 && bytes_again == bytes);
    if (text_rate_bytes(text, &value) == 0)
        CHECK(value >= 0);
    text_double(text, &value);
    text_time_ms(text, INT64_C(1764000000000), &ms);
}

static void check_glob(const char *glob, const char *text)
{
    bool matches = text_glob(glob, text);
    if (!strpbrk(glob, "*?[\\"))
        CHECK(matches == (strcmp(glob, text) == 0));
    CHECK(text_glob("*", text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Two texts, parted by the first zero byte; exact copies, so that reading past them shows. */
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t first = zero ? (size_t)(zero - data) : size;
    char *one = mem_string_n((const char *)data, first);
    char *two = zero ? mem_string_n((const char *)zero + 1, size - first - 1) : mem_string("");
    check_amounts(one);
    check_glob(one, two);
    text_is_name(one);
    size_t valid = text_utf8_valid((const char *)data, size);
    CHECK(valid <= size);
    CHECK(text_utf8_valid((const char *)data, valid) == valid);
    free(one);
    free(two);
    return 0;
}
