#!/usr/bin/env python3
"""Does tools/docs.py see what is wrong in a document, and only that?"""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import docs  # noqa: E402


class Documents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        for name, text in {
            "README.md": "# One\n## Two `code` words\n## Two `code` words\n```\n# No heading\n```\n",
            "docs/OTHER.md": "# Käse & more\n",
            "bench/load.c": '{"churn", required_argument}',
            "src/store/store.c": "",
        }.items():
            (self.root / name).parent.mkdir(exist_ok=True, parents=True)
            (self.root / name).write_text(text)
        self.program = docs.Program.__new__(docs.Program)
        self.program.root = self.root
        self.program.commands = {"run": {"interval", "help"}, "query": {"metric", "help"}}
        self.program.flags = {"interval", "metric", "help"}
        self.program.keys = {"serve.listen", "store.raw", "data_dir"}
        self.program.sections = {"serve", "store"}
        self.program.variables = {"NETSONDE_SERVE_LISTEN"}
        self.program.targets = {"run", "docs"}
        self.program.metrics = {"node_network_up", "netsonde_ticks_total", "netsonde_wait_bucket"}
        self.program.sources = '"/api/v1/query"'

    def links(self, text):
        file = self.root / "docs" / "HERE.md"
        file.write_text(text)
        return [wrong for _, wrong in docs.check_links(file, text, self.root)]

    def code(self, text):
        return list(docs.check_code(text, self.program))

    def test_links(self):
        for good in ("[a](OTHER.md)", "[a](../README.md#two-code-words)", "[a](../README.md#two-code-words-1)",
                     "[a](OTHER.md#käse--more)", "[a](https://example.net/x)", "`[a](NOTHING.md)`",
                     "```\n[a](NOTHING.md)\n```", "# Here\n[a](#here)"):
            self.assertEqual(self.links(good), [], good)
        for bad in ("[a](NOTHING.md)", "![a](x.png)", "[a](../README.md#three)", "[a](../README.md#no-heading)",
                    "[a](#here)", "[a](../../..)", "[![b](x.png)](OTHER.md)"):
            self.assertEqual(len(self.links(bad)), 1, bad)

    def test_lines_are_told(self):
        self.assertEqual([n for n, *_ in docs.markdown("a\n```\nb\n```\nc")], [1, 2, 3, 4, 5])

    def test_commands(self):
        for good in ("netsonde", "netsonde query --metric 'x'", "netsonde --interval 1s", "netsonde   says --this",
                     "sudo netsonde run", "--interval", "--churn", "netsonde run  # --metric"):
            self.assertEqual(self.code(good), [], good)
        for bad in ("netsonde doctor", "netsonde query --interval 1s", "build/netsonde --metric x", "--nothing"):
            self.assertEqual(len(self.code(bad)), 1, bad)

    def test_names(self):
        for good in ("make docs", "make run docs", "NO_INSTALL=1 make run", "serve.listen", "store.c", "store.h",
                     "serve.listen: [x]", "NETSONDE_SERVE_LISTEN", "node_network_*", "netsonde_wait",
                     "netsonde_ticks_total{a=\"b\"}", "node_netstat_Tcp_Any", "/api/v1/query?x", "src/store",
                     "src/store/store", "tests/fuzz/TARGET.c"):
            self.assertEqual(self.code(good), [], good)
        for bad in ("make nothing", "X=1 make run nothing", "serve.nothing", "NETSONDE_NOTHING", "node_network_down",
                    "netsonde_nothing_*", "/api/v1/nothing", "src/nothing"):
            self.assertEqual(len(self.code(bad)), 1, bad)

    def test_manual(self):
        page = (".SH COMMANDS\n.TP\n.B run\nx\n.TP\n.BR query \" x\"\n.SH OPTIONS\n.BR \\-\\-interval , \\-\\-help\n"
                ".BR \\-\\-metric \" \\fIX\\fR\"\n")
        self.assertEqual(list(docs.check_manual(page, self.program)), [])
        self.assertEqual(len(list(docs.check_manual(page.replace("interval", "nothing"), self.program))), 2)
        self.assertEqual(len(list(docs.check_manual(page.replace("B run", "B walk"), self.program))), 2)


if __name__ == "__main__":
    unittest.main()
