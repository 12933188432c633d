#!/usr/bin/env python3
"""Does layers.py find what it is there for? Each case builds a small tree with one fault."""

import pathlib
import subprocess
import tempfile
import unittest

import layers


class Includes(unittest.TestCase):
    def problems(self, where, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, where)
            path.parent.mkdir(parents=True)
            path.write_text(text)
            return list(layers.check_includes(pathlib.Path(folder)))

    def test_allowed(self):
        self.assertEqual(self.problems("store/a.c", '#include "store/a.h"\n#include "base/buf.h"\n'
                                       '#include <sqlite3.h>\n#include "version.h"\n'), [])
        self.assertEqual(self.problems("collect/procfs/a.c", '#include "wire/json.h"\n'), [])

    def test_upwards(self):
        self.assertEqual(self.problems("model/a.c", '\n#include "store/a.h"\n'),
                         ['model/a.c:2: model may not include "store/a.h"'])

    def test_daemon_is_nobodys_layer(self):
        self.assertEqual(len(self.problems("api/a.h", '#  include "daemon/a.h"\n')), 1)

    def test_short_name(self):
        self.assertEqual(len(self.problems("base/a.c", '#include "buf.h"\n')), 1)

    def test_internal_header(self):
        self.assertEqual(len(self.problems("api/a.c", '#include "hub/hub_internal.h"\n')), 1)
        self.assertEqual(self.problems("hub/a.c", '#include "hub/hub_internal.h"\n'), [])

    def test_outside(self):
        self.assertEqual(len(self.problems("api/a.c", "#include <sqlite3.h>\n")), 1)
        self.assertEqual(len(self.problems("store/a.c", "#include <sys/socket.h>\n")), 1)

    def test_unknown_folder(self):
        self.assertEqual(len(self.problems("util/a.c", "int a;\n")), 1)


class Symbols(unittest.TestCase):
    def problems(self, sources):
        with tempfile.TemporaryDirectory() as folder:
            libraries = {}
            for name, text in sources.items():
                base = pathlib.Path(folder, name)
                base.with_suffix(".c").write_text(text)
                subprocess.run(["cc", "-c", f"{base}.c", "-o", f"{base}.o"], check=True)
                subprocess.run(["ar", "rc", f"{base}.a", f"{base}.o"], check=True)
                libraries[name] = f"{base}.a"
            return list(layers.check_symbols(libraries))

    def test_downwards(self):
        self.assertEqual(self.problems({"base": "void buf_add(void) {}",
                                        "model": "void buf_add(void); void m(void) {buf_add();}"}),
                         [])

    def test_upwards_without_a_header(self):
        self.assertEqual(self.problems({"model": "void put(void); void m(void) {put();}",
                                        "store": "void put(void) {}"}),
                         ["model uses put of store"])

    def test_twice(self):
        self.assertEqual(self.problems({"base": "void a(void) {}", "wire": "void a(void) {}"}),
                         ["a is defined in base and in wire"])


if __name__ == "__main__":
    unittest.main()
