#!/usr/bin/env python3
"""Holds the C sources to their layers.

    layers.py SOURCE_ROOT BUILD_ROOT

Each folder of src/ may include headers of the folders in ALLOWED, and its static library may use
symbols of their libraries: the second look catches what a declaration without a header would hide.
Some libraries from outside are allowed in some folders only: where sockets, SQL or the parser are
dealt with is part of the design too. Prints TAP."""

import pathlib
import re
import subprocess
import sys

ALLOWED = {
    "base": set(),
    "model": {"base"},
    "wire": {"base"},
    "loop": {"base"},
    "keeper": {"base", "loop"},
    "collect": {"base", "model", "wire", "loop", "keeper"},
    "store": {"base", "model"},
    "detect": {"base", "model"},
    "net": {"base", "wire", "loop"},
    "alert": {"base", "model", "wire", "detect", "loop", "keeper"},
    "hub": {"base", "model", "wire", "loop", "net"},
    "http": {"base", "wire", "loop", "net"},
    "api": {"base", "model", "wire", "loop", "store", "detect", "net", "alert", "hub", "http"},
    "bench": {"base", "model", "wire", "loop", "collect", "store", "net"},
}
ALLOWED["daemon"] = set(ALLOWED)

# Generated headers, which belong to no folder, and what the programs in the kernel share with src/.
FREE = {"version.h"}
SHARED = {"bpf/abi.h": {"keeper", "collect"}}

# Header of a library from outside -> the folders that may know it.
OUTSIDE = [
    (re.compile(r"^sqlite3\.h$"), {"store"}),
    (re.compile(r"^llhttp\.h$"), {"wire"}),
    (re.compile(r"^yaml\.h$"), {"daemon"}),
    (re.compile(r"^bpf/"), {"keeper"}),
    (re.compile(r"^curl/"), {"alert"}),
    (re.compile(r"^libmnl/"), {"wire", "collect"}),
    (re.compile(r"^uv\.h$"), {"loop", "keeper", "collect", "net", "alert", "hub", "http", "api",
                              "bench", "daemon"}),
    (re.compile(r"^(sys/socket|netinet/in|arpa/inet|netdb)\.h$"),
     set(ALLOWED) - {"model", "store", "detect"}),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def check_includes(src):
    """Yields one line of text for each include that is not allowed."""
    for path in sorted(src.rglob("*.[ch]")):
        where = path.relative_to(src)
        folder = where.parts[0]
        if folder not in ALLOWED or len(where.parts) < 2:
            yield f"{where}: {folder} is no layer"
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            include = INCLUDE.match(line)
            if not include:
                continue
            at = f"{where}:{number}"
            bracket, name = include.groups()
            if bracket == "<":
                for pattern, folders in OUTSIDE:
                    if pattern.match(name) and folder not in folders:
                        yield f"{at}: <{name}> does not belong into {folder}"
                continue
            if name in FREE or folder in SHARED.get(name, ()):
                continue
            target = name.split("/")[0]
            if "/" not in name:
                yield f'{at}: "{name}" must be written from src/ on: "{folder}/{name}"'
            elif target != folder and target not in ALLOWED[folder]:
                yield f'{at}: {folder} may not include "{name}"'
            elif name.endswith(".c"):
                yield f'{at}: a source file is included: "{name}"'
            elif name.endswith("_internal.h") and target != folder:
                yield f'{at}: "{name}" is internal to {target}'


def symbols(library, undefined):
    option = "--undefined-only" if undefined else "--defined-only"
    lines = subprocess.run(["nm", "--extern-only", "--format=posix", option, library],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    # Lines that end with ":" name the member; the others are SYMBOL TYPE ...
    return {line.split()[0] for line in lines if line and not line.endswith(":")}


def check_symbols(libraries):
    """Yields one line for each symbol that a library takes from a folder it may not know."""
    home = {}
    for folder, library in libraries.items():
        for symbol in symbols(library, undefined=False):
            if home.setdefault(symbol, folder) != folder:
                yield f"{symbol} is defined in {home[symbol]} and in {folder}"
    for folder, library in libraries.items():
        for symbol in sorted(symbols(library, undefined=True)):
            owner = home.get(symbol, folder)
            if owner != folder and owner not in ALLOWED[folder]:
                yield f"{folder} uses {symbol} of {owner}"


def check_order():
    """Yields a line for each pair of layers that could include each other."""
    for one, others in ALLOWED.items():
        for other in sorted(others - {one}):
            if one in ALLOWED[other] and one != "daemon" and other != "daemon":
                yield f"{one} and {other} may include each other"


def report(number, name, problems):
    problems = list(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    for problem in problems:
        print(f"# {problem}")
    return not problems


def main():
    root, build = map(pathlib.Path, sys.argv[1:3])
    src = root / "src"
    libraries = {folder: str(build / "src" / folder / f"lib{folder}.a") for folder in ALLOWED
                 if (build / "src" / folder / f"lib{folder}.a").exists()}
    folders = {path.name for path in src.iterdir() if path.is_dir()}
    print("1..4")
    good = [
        report(1, "the layers have an order", check_order()),
        report(2, "every include is allowed", check_includes(src)),
        report(3, "every folder has its library",
               (f"no library of {name}" for name in sorted(folders - set(libraries)))),
        report(4, "every symbol comes from an allowed layer", check_symbols(libraries)),
    ]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
