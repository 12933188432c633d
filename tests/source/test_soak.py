#!/usr/bin/env python3
"""Does the soak run fail when it must? Its verdicts on made-up samples."""

import contextlib
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import soak  # noqa: E402

GOOD = "".join(f"# TYPE {name} counter\n{name} 0\n" for name in soak.ZERO)
GOOD += "netsonde_collect_errors_total{engine=\"netlink\"} 0\nnetsonde_ticks_total 1000\nnetsonde_ticks_missed_total 0\n"


def sampled(seconds=1800, **columns):
    row = {"rss": 14000, "rss_anon": 9000, "keeper_rss": 2600, "fds": 48, "keeper_fds": 4, "threads": 9,
           "maps": 101, "database": 20000, "wal": 4000}
    return [{"t": t, **row, **{name: f(t) for name, f in columns.items()}} for t in range(0, seconds, 2)]


class Verdicts(unittest.TestCase):
    def failures(self, judge):
        report = soak.Report()
        with contextlib.redirect_stdout(io.StringIO()):
            judge(report)
        return len(report.failures)

    def trends(self, seconds=1800, **columns):
        return self.failures(lambda r: r.trends(sampled(1200, **columns), seconds))

    def test_growth(self):
        self.assertEqual(self.trends(), 0)
        self.assertEqual(self.trends(rss_anon=lambda t: 9000 + t), 1)
        self.assertEqual(self.trends(rss_anon=lambda t: 9000 + t % 7 * 2000), 0)
        self.assertEqual(self.trends(seconds=120, rss_anon=lambda t: 9000 + t), 0)
        self.assertEqual(self.trends(seconds=120, fds=lambda t: 48 + t // 300), 1)
        self.assertEqual(self.trends(fds=lambda t: 48 + t // 300), 1)
        self.assertEqual(self.trends(fds=lambda t: 48 + t // 2 % 3), 0)
        self.assertEqual(self.trends(threads=lambda t: 9 + t // 300, maps=lambda t: 100 + t // 50), 2)

    def test_a_keeper_may_be_missing(self):
        rows = [{k: v for k, v in row.items() if "keeper" not in k} for row in sampled(1200)]
        self.assertEqual(self.failures(lambda r: r.trends(rows, 1800)), 0)

    def test_counters(self):
        def judge(text, due=1000, waited_s=20):
            return self.failures(lambda r: r.counters(text, due, 0.1, waited_s))
        self.assertEqual(judge(GOOD), 0)
        self.assertEqual(judge(GOOD, due=1100), 1)
        for name in soak.ZERO:
            self.assertEqual(judge(GOOD.replace(f"\n{name} 0", f"\n{name} 1")), 1, name)
            self.assertEqual(judge(GOOD.replace(f"\n{name} 0", "")), 1, name)
        self.assertEqual(judge(GOOD.replace('"} 0', '"} 3')), 1)
        missed = GOOD.replace("missed_total 0", "missed_total 100")
        self.assertEqual(judge(missed, due=1100), 0)
        self.assertEqual(judge(missed, due=1200), 1)
        self.assertEqual(judge(missed, due=1100, waited_s=5), 1)
        self.assertEqual(judge(missed, due=1100, waited_s=None), 1)
        self.assertEqual(judge(GOOD.replace("netsonde_ticks_missed_total 0\n", "")), 1)

    def test_history(self):
        def judge(seconds, database, age=soak.RAW_SECONDS + 100):
            rows = sampled(seconds, database=database)
            return self.failures(lambda r: r.history(rows, seconds, age))
        full = soak.RAW_SECONDS + soak.SEAL_SECONDS
        self.assertEqual(judge(1800, lambda t: 20 * min(t, full)), 0)
        self.assertEqual(judge(1800, lambda t: 20 * t), 1)
        self.assertEqual(judge(1800, lambda t: 20000, age=2000), 1)
        self.assertEqual(judge(120, lambda t: 20 * t), 0)

    def test_wal(self):
        self.assertEqual(self.failures(lambda r: r.wal(sampled())), 0)
        self.assertEqual(self.failures(lambda r: r.wal(sampled(wal=lambda t: 20 * t))), 1)

    def test_trouble_is_counted(self):
        trouble = soak.Trouble()
        worker = soak.Worker(trouble, 0.001, lambda: None, lambda: 1 / 0)
        worker.start()
        self.assertTrue(soak.settles(lambda: worker.done >= 4))
        worker.over.set()
        worker.join()
        count, first = trouble.kinds["request"]
        self.assertGreaterEqual(count, 2)
        self.assertIn("ZeroDivisionError", first)


if __name__ == "__main__":
    unittest.main()
