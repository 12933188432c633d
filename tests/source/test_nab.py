#!/usr/bin/env python3
"""Does bench/nab.py count as the Numenta Anomaly Benchmark does?"""

import importlib.util
import math
import pathlib
import unittest

path = pathlib.Path(__file__).parents[2] / "bench" / "nab.py"
spec = importlib.util.spec_from_file_location("nab", path)
nab = importlib.util.module_from_spec(spec)
spec.loader.exec_module(nab)

STANDARD = nab.PROFILES["standard"]
ROWS = 1000  # 150 of them for learning


def file_of(detections, windows, rows=ROWS):
    """detections: {row: score}"""
    return nab.File("x", list(range(rows)), [detections.get(i, 0.0) for i in range(rows)], windows)


def best(*files, weights=STANDARD):
    return max(nab.sweep(list(files), weights), key=lambda step: step[1])


class Score(unittest.TestCase):
    def test_nothing_is_0(self):
        self.assertEqual(best(file_of({}, [(400, 499)])), (math.inf, 0.0))

    def test_the_first_row_of_every_window_is_100(self):
        file = file_of({400: 0.5, 700: 0.5}, [(400, 499), (700, 799)])
        self.assertAlmostEqual(best(file)[1], 100)

    def test_later_is_worth_less(self):
        scores = [best(file_of({i: 1.0}, [(400, 499)]))[1] for i in (400, 450, 499)]
        self.assertEqual(scores, sorted(scores, reverse=True))
        # Half of the window is left: (1 + (2 sigmoid(2.5) - 1) / (2 sigmoid(5) - 1)) / 2.
        self.assertAlmostEqual(scores[1], 100 * (1 + 0.848284 / 0.986614) / 2, places=3)

    def test_only_the_earliest_counts(self):
        once = best(file_of({400: 1.0}, [(400, 499)]))[1]
        self.assertAlmostEqual(best(file_of({400: 1.0, 450: 1.0, 499: 1.0}, [(400, 499)]))[1], once)

    def test_false_alarms_cost(self):
        # A hit of 1 and one far away, -0.11: 2 - 0.11 of the 2 between nothing and all.
        self.assertAlmostEqual(best(file_of({200: 0.9, 400: 0.9}, [(400, 499)]))[1],
                               100 * (2 - 0.11) / 2)
        # Right behind a window it costs next to nothing.
        self.assertGreater(best(file_of({400: 0.9, 500: 0.9}, [(400, 499)]))[1], 99.7)

    def test_the_threshold_is_the_best_one(self):
        threshold, _ = best(file_of({200: 0.3, 400: 0.6}, [(400, 499)]))
        self.assertEqual(threshold, 0.6)

    def test_rows_for_learning_are_not_judged(self):
        learning = best(file_of({10: 1.0, 149: 1.0, 400: 1.0}, [(400, 499)]))[1]
        self.assertAlmostEqual(learning, 100)
        self.assertEqual(file_of({}, [], rows=20000).first, 750)
        self.assertEqual(file_of({}, []).first, 150)

    def test_files_are_judged_together(self):
        calm, wild = file_of({400: 0.9}, [(400, 499)]), file_of({i: 0.8 for i in range(200, 300)}, [])
        self.assertAlmostEqual(best(calm, wild)[1], 100)
        self.assertLess(nab.at(nab.sweep([calm, wild], STANDARD), 0.8), 0)

    def test_a_threshold_from_elsewhere(self):
        steps = nab.sweep([file_of({200: 0.3, 400: 0.6}, [(400, 499)])], STANDARD)
        self.assertAlmostEqual(nab.at(steps, 0.5), 100)
        self.assertAlmostEqual(nab.at(steps, 0.7), 0)


if __name__ == "__main__":
    unittest.main()
