#!/usr/bin/env python3
"""Does the closing line of tests/run tell the truth?"""

import importlib.machinery
import importlib.util
import pathlib
import unittest

path = pathlib.Path(__file__).parent.parent / "run"
loader = importlib.machinery.SourceFileLoader("run", str(path))
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
loader.exec_module(module)


class What(unittest.TestCase):
    def test_arguments(self):
        self.assertEqual(module.what_of("build/a", None), ("build/a", 0, None, []))
        self.assertEqual(module.what_of("build/a+1@brief:unit,-store", "all"),
                         ("build/a", 1, "brief", ["unit", "-store"]))
        self.assertEqual(module.what_of("build/a:unit", "all"), ("build/a", 0, "all", ["unit"]))
        self.assertEqual(module.what_of("c++/a+12", None), ("c++/a", 12, None, []))
        self.assertEqual(module.what_of("c++", None).build, "c++")
        self.assertEqual(module.what_of("a@:unit", "all"), ("a", 0, "all", ["unit"]))
        with self.assertRaisesRegex(SystemExit, "':unit' is not BUILD"):
            module.what_of(":unit", None)


class Tally(unittest.TestCase):
    def count(self, result, output):
        tally = module.Tally()
        tally.program("p", result, output)
        return tally.passed, len(tally.failed), len(tally.skipped)

    def test_cases(self):
        self.assertEqual(self.count("FAIL", "1..3\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP c\n"),
                         (1, 1, 1))

    def test_skipped_is_never_failed(self):
        # Older cmocka writes a skipped case as "not ok ... # SKIP".
        self.assertEqual(self.count("OK", "1..1\nnot ok 1 # SKIP a\n"), (0, 0, 1))

    def test_exit_code_alone(self):
        self.assertEqual(self.count("OK", "hello\n"), (1, 0, 0))
        self.assertEqual(self.count("FAIL", "hello\n"), (0, 1, 0))
        self.assertEqual(self.count("SKIP", "no namespaces here\n"), (0, 0, 1))

    def test_died_halfway(self):
        self.assertEqual(self.count("FAIL", "1..3\nok 1 - a\n"), (1, 1, 0))
        self.assertEqual(self.count("FAIL", "1..3\nnot ok 1 - a\n"), (0, 2, 0))
        self.assertEqual(self.count("TIMEOUT", "1..3\nok 1 - a\n"), (1, 1, 0))

    def test_bad_exit_after_all_passed(self):
        # A leak found at exit, for instance.
        self.assertEqual(self.count("FAIL", "1..1\nok 1 - a\n"), (1, 1, 0))

    def test_good_exit_with_cases_missing(self):
        self.assertEqual(self.count("OK", "1..2\nok 1 - a\n"), (1, 1, 0))


if __name__ == "__main__":
    unittest.main()
