#!/usr/bin/env python3
"""Turns a directory into one C file: the table of src/http/assets.h with every byte in it.

A file that gzip makes clearly smaller is kept only compressed, since every browser takes it that
way (who does not gets it inflated); everything else is kept as it is. The ETag is a hash of the
plain content. The same directory always gives the same C file, byte for byte: sorted names, no
times, no paths of this machine."""

import argparse
import gzip
import hashlib
import pathlib

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

# Files below this directory carry a hash in their name: the browser may keep them for ever.
IMMUTABLE = "/assets/"


def c_bytes(name, data):
    """A byte array as a string literal: compilers read those far faster than lists of numbers."""
    # Octal escapes end after three digits, so no byte can run into the next one.
    lines = ["".join(f"\\{byte:03o}" for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    body = "\n    ".join(f'"{line}"' for line in lines or [""])
    return f"static const char {name}[] =\n    {body};\n"


def embed(root):
    arrays, rows = [], []
    files = sorted((("/" + path.relative_to(root).as_posix()).encode(), path)
                   for path in root.rglob("*") if path.is_file())
    for number, (url, path) in enumerate(files):
        url = url.decode()
        if path.suffix not in TYPES:
            raise SystemExit(f"{url}: no content type is known for {path.suffix or 'no suffix'}")
        plain = path.read_bytes()
        packed = gzip.compress(plain, compresslevel=9, mtime=0)
        # Byte 9 of the header names the operating system; say "unknown" everywhere.
        packed = packed[:9] + b"\xff" + packed[10:]
        pays = len(packed) < 0.9 * len(plain)
        data = packed if pays else plain
        symbol = f"asset_{number}"
        arrays.append(f"/* {url} */\n" + c_bytes(symbol, data))
        pointer = f"(const unsigned char *){symbol}"
        etag = hashlib.sha256(plain).hexdigest()[:32]
        rows.append("    {" + ", ".join([
            f'.path = "{url}"',
            f'.content_type = "{TYPES[path.suffix]}"',
            f'.etag = "\\"{etag}\\""',
            f".gzip = {pointer if pays else 'NULL'}",
            f".gzip_size = {len(packed) if pays else 0}",
            f".plain = {'NULL' if pays else pointer}",
            f".plain_size = {len(plain)}",
            f".immutable = {'true' if url.startswith(IMMUTABLE) else 'false'}",
        ]) + "},\n")
    if not rows:
        raise SystemExit(f"{root} holds no files")
    return ("/* Made by tools/embed.py from the built dashboard; sorted by path. */\n"
            '#include "http/assets.h"\n\n#include <stddef.h>\n\n'
            + "\n".join(arrays)
            + "\nconst struct asset assets[] = {\n" + "".join(rows) + "};\n"
            + f"const size_t assets_count = {len(rows)};\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.output.write_text(embed(args.root))


if __name__ == "__main__":
    main()
