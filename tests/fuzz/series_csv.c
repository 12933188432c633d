/*
 * series_csv.c: any bytes as a CSV with a time and a value, and whatever comes out of it through a
 * detector. What is taken is within its bounds; what is refused has a reason of one line.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "daemon/series_csv.h"
#include "detect/bank.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_verdict(const struct verdict *v)
{
    CHECK(isnan(v->score) || (v->score >= 0 && v->score <= 1));
    CHECK(isnan(v->z) || isfinite(v->z));
    CHECK(isnan(v->mean) || isfinite(v->mean));
    CHECK(isnan(v->sigma) || (isfinite(v->sigma) && v->sigma > 0));
    CHECK(v->alarm >= -1 && v->alarm <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct series_csv csv;
    struct bank_settings settings = BANK_SETTINGS_DEFAULT;
    settings.min_samples = 5; /* so that a short input gets somewhere */
    struct detector *d = detector_new(&settings, 60000, 1);
    const char *p = (const char *)data, *end = p + size;
    series_csv_begin(&csv);
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t len = newline ? (size_t)(newline - p) + 1 : (size_t)(end - p);
        struct series_row row;
        char why[160] = "";
        int got = series_csv_line(&csv, p, len, &row, why, sizeof(why));
        CHECK(got == 1 || got == 0 || got == -EINVAL);
        if (got < 0)
            CHECK(*why && !strchr(why, '\n'));
        if (got > 0) {
            CHECK(row.t_ms >= 0 && !isinf(row.value));
            CHECK(strlen(row.time) < SERIES_CSV_TIME_MAX);
            struct verdict v = detector_step(d, row.t_ms, row.value);
            check_verdict(&v);
        }
        p += len;
    }
    detector_free(d);
    return 0;
}
