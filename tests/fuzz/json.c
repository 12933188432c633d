/*
 * json.c: any bytes as a client's message, as a string to write, and as a number to write. What
 * the writer writes must be JSON, whatever it was given.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_writer(const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT;
    double number = 0;
    memcpy(&number, data, MIN(size, sizeof(number)));
    json_open(&b, '[');
    json_put_string_n(&b, (const char *)data, size);
    json_put_double(&b, number);
    json_put_rounded(&b, number, 6);
    json_close(&b, ']');

    char why[200];
    CHECK(text_utf8_valid(b.data, b.len) == b.len);
    json_t *back = json_parse(b.data, b.len, why, sizeof(why));
    if (memchr(data, '\0', size)) {
        json_decref(back); /* refused in what others send, but written as the escape it is */
    } else {
        CHECK(back && json_array_size(back) == 3);
        json_t *second = json_array_get(back, 1);
        CHECK(isfinite(number) ? json_number_value(second) == number : json_is_null(second));
        json_decref(back);
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[200] = "";
    json_setup();
    json_t *value = json_parse((const char *)data, size, why, sizeof(why));
    CHECK(value || why[0]);
    json_decref(value);
    if (size)
        check_writer(data, size);
    return 0;
}
