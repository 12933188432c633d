#!/usr/bin/env python3
"""tools/embed.py: a C program that links its result must find every byte again."""

import gzip
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import embed  # noqa: E402

HEADER = """
#include <stdbool.h>
#include <stddef.h>
struct asset {
    const char *path, *content_type, *etag;
    const unsigned char *gzip;
    size_t gzip_size;
    const unsigned char *plain;
    size_t plain_size;
    bool immutable;
};
extern const struct asset assets[];
extern const size_t assets_count;
"""

PROGRAM = r"""
#include <stdio.h>
#include "http/assets.h"
int main(void)
{
    for (size_t i = 0; i < assets_count; i++) {
        const struct asset *a = &assets[i];
        printf("%s|%s|%s|%zu|%d|%s|", a->path, a->content_type, a->etag, a->plain_size,
               a->immutable, a->gzip != NULL ? "gzip" : "plain");
        const unsigned char *bytes = a->gzip != NULL ? a->gzip : a->plain;
        for (size_t j = 0; j < (a->gzip != NULL ? a->gzip_size : a->plain_size); j++)
            printf("%02x", bytes[j]);
        putchar('\n');
    }
}
"""


class Embed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name, "web")
        self.build = pathlib.Path(folder.name, "build")
        (self.root / "assets").mkdir(parents=True)
        (self.build / "http").mkdir(parents=True)

    def test_every_byte_comes_back(self):
        files = {
            "/assets/app-1.js": b"let a = 1;\n" * 500,
            "/assets/every-byte.png": bytes(range(256)),
            "/index.html": b'<p title="\\"">0123</p>\x00',
        }
        for url, content in files.items():
            (self.root / url[1:]).write_bytes(content)
        (self.build / "http/assets.h").write_text(HEADER)
        (self.build / "assets.c").write_text(embed.embed(self.root))
        (self.build / "main.c").write_text(PROGRAM)
        subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-I.", "assets.c", "main.c", "-o", "m"],
                       cwd=self.build, check=True)
        output = subprocess.run([self.build / "m"], check=True, capture_output=True, text=True)

        rows = [line.split("|") for line in output.stdout.splitlines()]
        self.assertEqual([row[0] for row in rows], sorted(files))
        for path, content_type, etag, size, immutable, kind, data in rows:
            data = bytes.fromhex(data)
            self.assertEqual(gzip.decompress(data) if kind == "gzip" else data, files[path])
            self.assertEqual(int(size), len(files[path]))
            self.assertEqual(immutable == "1", path.startswith("/assets/"))
            self.assertRegex(etag, r'^"[0-9a-f]{32}"$')
            self.assertEqual(kind == "gzip", path.endswith(".js"))
        self.assertEqual(rows[0][1], "text/javascript; charset=utf-8")

    def test_same_content_same_bytes(self):
        (self.root / "index.html").write_bytes(b"x" * 1000)
        first = embed.embed(self.root)
        (self.root / "index.html").touch()
        self.assertEqual(embed.embed(self.root), first)
        (self.root / "index.html").write_bytes(b"y" * 1000)
        self.assertNotEqual(embed.embed(self.root), first)

    def test_refuses_what_it_cannot_serve(self):
        with self.assertRaises(SystemExit):
            embed.embed(self.root)
        (self.root / "a.exe").write_bytes(b"x")
        with self.assertRaises(SystemExit):
            embed.embed(self.root)


if __name__ == "__main__":
    unittest.main()
