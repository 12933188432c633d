/* store_report.c: what was measured of the store, for people and as JSON for programs. */
#include "bench/store_bench.h"

#include "bench/report.h"
#include "bench/results.h"
#include "version.h"
#include "wire/json.h"

static const char *const questions[STORE_QUESTIONS] = {"one_recent", "one_all", "many_recent"};
static const char *const meanings[STORE_QUESTIONS] = {
    "one series, 15 minutes", "one series, all of it", "all series, 15 minutes"};

static double per(double value, double divisor)
{
    return divisor > 0 ? value / divisor : 0;
}

void store_report_text(struct buf *out, const struct store_bench_settings *settings,
                       const struct store_result *r)
{
    buf_printf(out, "%zu series, %zu ticks of a second\n\n", settings->series, settings->ticks);
    buf_printf(out, "written        %.0f ticks a second, %.0f samples a second\n",
               per((double)r->ticks, r->seconds), per((double)r->samples, r->seconds));
    buf_printf(out, "on a processor %.0f samples for each of its seconds\n",
               per((double)r->samples, r->cpu_seconds));
    buf_printf(out, "a tick         p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", r->write.p50_ms,
               r->write.p99_ms, r->write.max_ms);
    buf_printf(out, "housekeeping   p50 %.3f ms, p99 %.3f ms, max %.3f ms a piece, %llu pieces\n",
               r->work.p50_ms, r->work.p99_ms, r->work.max_ms, (unsigned long long)r->pieces);
    buf_printf(out, "on a processor p50 %.3f ms, p99 %.3f ms, max %.3f ms of it\n",
               r->work_cpu.p50_ms, r->work_cpu.p99_ms, r->work_cpu.max_ms);
    buf_printf(out, "on disk        %.3f bytes a sample, %.1f MiB in all\n",
               per((double)r->disk_bytes, (double)r->samples), (double)r->disk_bytes / (1 << 20));
    for (size_t i = 0; settings->query && i < STORE_QUESTIONS; i++)
        buf_printf(out, "%-22s p50 %.3f ms, p99 %.3f ms, max %.3f ms (%llu queries)\n", meanings[i],
                   r->questions[i].took.p50_ms, r->questions[i].took.p99_ms,
                   r->questions[i].took.max_ms, (unsigned long long)r->questions[i].asked);
}

void store_report_json(struct buf *out, const struct store_bench_settings *settings,
                       const struct store_result *r)
{
    json_open(out, '{');
    json_put_key(out, "bench");
    json_put_string(out, settings->query ? "query" : "store");
    json_put_key(out, "version");
    json_put_string(out, NETSONDE_VERSION);
    report_put_count(out, "series", settings->series);
    report_put_count(out, "ticks", r->ticks);
    report_put_count(out, "samples", r->samples);
    report_put_number(out, "ticks_per_s", per((double)r->ticks, r->seconds));
    report_put_number(out, "samples_per_s", per((double)r->samples, r->seconds));
    report_put_number(out, "samples_per_cpu_s", per((double)r->samples, r->cpu_seconds));
    report_put_count(out, "disk_bytes", r->disk_bytes);
    report_put_number(out, "bytes_per_sample", per((double)r->disk_bytes, (double)r->samples));
    json_put_key(out, "write");
    json_open(out, '{');
    report_put_spread(out, &r->write);
    json_close(out, '}');
    json_put_key(out, "work");
    json_open(out, '{');
    report_put_count(out, "pieces", r->pieces);
    report_put_spread(out, &r->work);
    json_close(out, '}');
    json_put_key(out, "work_cpu");
    json_open(out, '{');
    report_put_spread(out, &r->work_cpu);
    json_close(out, '}');
    if (settings->query) {
        json_put_key(out, "queries");
        json_open(out, '[');
        for (size_t i = 0; i < STORE_QUESTIONS; i++) {
            json_open(out, '{');
            json_put_key(out, "question");
            json_put_string(out, questions[i]);
            report_put_count(out, "asked", r->questions[i].asked);
            report_put_count(out, "series", r->questions[i].series);
            report_put_spread(out, &r->questions[i].took);
            json_close(out, '}');
        }
        json_close(out, ']');
    }
    json_close(out, '}');
    buf_char(out, '\n');
}

/* ---- the document ------------------------------------------------------------------------ */

void store_results_begin(struct results *r, const struct store_bench_settings *settings)
{
    results_set_number(r, "series", (double)settings->series);
    results_set_number(r, "ticks", (double)settings->ticks);
    if (settings->query)
        results_set_number(r, "seconds", settings->seconds);
}

void store_results(struct results *r, const struct store_bench_settings *settings,
                   const struct store_result *result)
{
    results_no_labels(r);
    results_add(r, "samples_per_s", BENCHMARK_THROUGHPUT, "1/s",
                per((double)result->samples, result->seconds));
    results_add(r, "samples_per_cpu_s", BENCHMARK_THROUGHPUT, "1/s",
                per((double)result->samples, result->cpu_seconds));
    results_add(r, "bytes_per_sample", BENCHMARK_SIZE, "bytes",
                per((double)result->disk_bytes, (double)result->samples));
    results_add_spread(r, "write", &result->write);
    /* Most pieces find nothing to do, so the middle says little; the largest is what may delay a
     * tick. */
    results_tell_spread(r, "work", &result->work);
    results_tell_spread(r, "work_cpu", &result->work_cpu);
    for (size_t i = 0; settings->query && i < STORE_QUESTIONS; i++) {
        results_label(r, "question", questions[i]);
        results_add_spread(r, "answer", &result->questions[i].took);
    }
}
