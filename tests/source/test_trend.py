#!/usr/bin/env python3
"""Does the soak run see what grows, and only that?"""

import importlib.util
import pathlib
import random
import unittest

path = pathlib.Path(__file__).parents[2] / "bench" / "trend.py"
spec = importlib.util.spec_from_file_location("trend", path)
trend = importlib.util.module_from_spec(spec)
spec.loader.exec_module(trend)

KIB_HOUR, FLOOR = 1024, 256  # limits as for memory: KiB an hour, KiB


def series(f, seconds=1200, every=2, seed=1):
    rng = random.Random(seed)
    return [(float(t), f(t, rng)) for t in range(0, seconds, every)]


def grows(f, **kwargs):
    return trend.Trend(series(f, **kwargs)).grows(KIB_HOUR, FLOOR)


class Slope(unittest.TestCase):
    def test_line(self):
        self.assertAlmostEqual(trend.slope(series(lambda t, _: 7 + 0.25 * t)), 0.25)

    def test_thinning_keeps_the_line(self):
        points = series(lambda t, _: 7 - 0.25 * t, seconds=20000)
        self.assertEqual(len(trend.thinned(points)), trend.PAIRS_POINTS)
        self.assertAlmostEqual(trend.slope(points), -0.25)

    def test_outliers_do_not_count(self):
        # A fifth of the samples is far away: least squares would be off by a factor.
        wild = trend.slope(series(lambda t, rng: t + (1e6 if rng.random() < 0.2 else 0)))
        self.assertAlmostEqual(wild, 1, delta=0.2)

    def test_needs_two_instants(self):
        self.assertRaises(ValueError, trend.slope, [(1.0, 1.0), (1.0, 2.0)])
        self.assertRaises(ValueError, trend.Trend, [(float(t), 0) for t in range(9)])


class Growth(unittest.TestCase):
    def test_flat(self):
        self.assertFalse(grows(lambda t, _: 9000))

    def test_noise(self):
        for seed in range(6):
            self.assertFalse(grows(lambda t, rng: 9000 + rng.uniform(-300, 300), seed=seed))

    def test_leak(self):
        # 40 bytes at each of ten ticks a second: 0.4 KiB/s, under noise that is as large in total.
        for seed in range(6):
            self.assertTrue(grows(lambda t, rng: 9000 + 0.4 * t + rng.uniform(-200, 200), seed=seed))

    def test_leak_in_steps(self):
        # The allocator takes 132 KiB at a time.
        self.assertTrue(grows(lambda t, _: 9000 + 132 * int(0.4 * t / 132)))

    def test_leak_is_seen_through_a_sawtooth(self):
        self.assertTrue(grows(lambda t, _: 9000 + 0.5 * t + t % 100 * 5))

    def test_sawtooth(self):
        for period in (30, 100, 170):
            self.assertFalse(grows(lambda t, _: 9000 + t % period * 5))

    def test_leak_below_much_that_comes_and_goes(self):
        def busy(t, rng):
            return 9000 + rng.choice((0, 5700, 5700, 11400))
        def leaking(t, rng):
            return busy(t, rng) + 0.4 * t
        judge = lambda f: trend.Trend(trend.floors(series(f), 15)).grows(KIB_HOUR, FLOOR)
        self.assertTrue(judge(leaking))
        self.assertFalse(judge(busy))

    def test_warming_up(self):
        self.assertFalse(grows(lambda t, _: 9000 - 4000 * 0.99 ** t))

    def test_one_step(self):
        for at in (100, 500, 1100):
            self.assertFalse(grows(lambda t, _: 9000 + (2000 if t > at else 0)), at)

    def test_shrinking(self):
        self.assertFalse(grows(lambda t, _: 9000 - 0.5 * t))

    def test_descriptors(self):
        # One leaked in three minutes, among comings and goings.
        leak = trend.Trend(series(lambda t, rng: 40 + t // 180 + rng.choice((-1, 0, 0, 1))))
        self.assertTrue(leak.grows(2, 1))
        busy = trend.Trend(series(lambda t, rng: 40 + rng.choice((-2, -1, 0, 1, 2))))
        self.assertFalse(busy.grows(2, 1))


if __name__ == "__main__":
    unittest.main()
