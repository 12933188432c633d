#!/usr/bin/env python3
"""Holds the documents to the program.

    tools/docs.py --build build/release            says what is wrong; exit code 1 when something is
    tools/docs.py --build build/release --write    first writes anew what is generated (`make docs`)

Generated, each from the one table in the code: docs/CONFIG.md, docs/man/netsonde.yaml.5 and the marked
tables of docs/METRICS.md. Checked in every Markdown file and man page: links and their anchors; and
what is written as code: commands and flags of netsonde, configuration keys, environment variables,
metrics, addresses of the API, targets of make, paths of this repository."""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GENERATED = {"docs/CONFIG.md": "markdown", "docs/man/netsonde.yaml.5": "man"}
METRICS_WRITERS = ["tests/unit/alert/test_alert_document", "tests/unit/collect/test_catalogue",
                   "tests/unit/daemon/test_self"]

FENCE = re.compile(r"^\s*```")
INLINE = re.compile(r"(`+)(.+?)\1")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")


# -- Markdown ------------------------------------------------------------------------------------


def markdown(text):
    """Yields (line number, line without code, [pieces of code])."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
            yield number, "", []
        elif fenced:
            yield number, "", [line]
        else:
            yield number, INLINE.sub("`", line), [m[2] for m in INLINE.finditer(line)]


def slug(heading):
    """As GitHub and its like make an anchor of a heading."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def anchors(text):
    result, seen = set(), {}
    fenced = False
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else HEADING.match(line)
        if heading:
            name = slug(heading[2])
            count = seen.get(name, 0)
            seen[name] = count + 1
            result.add(f"{name}-{count}" if count else name)
        result.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
    return result


def check_links(path, text, root):
    for number, line, _ in markdown(text):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                yield number, f"link to {target}: there is no such file"
            elif not file.is_relative_to(root):
                yield number, f"link to {target}: leaves the repository"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                yield number, f"link to {target}: there is no such heading"


# -- what the program has ------------------------------------------------------------------------


class Program:
    """What exists, asked of the binary and read from the sources."""

    def __init__(self, binary, root):
        self.root = root
        self.commands = {}  # name: set of flags
        for line in self.ask(binary, "help").splitlines():
            found = re.match(r"  ([a-z][a-z-]+)  +\S", line)
            if found:
                self.commands[found[1]] = set(FLAG.findall(self.ask(binary, "help", found[1])))
        self.flags = set().union(*self.commands.values())
        rows = json.loads(self.ask(binary, "dump-config", "--json"))["config"]
        self.keys = {row["key"] for row in rows}
        self.sections = {key.partition(".")[0] for key in self.keys if "." in key}
        self.variables = {"NETSONDE_" + key.replace(".", "_").upper() for key in self.keys}
        # What a program of a channel is told, and journald.
        told = (ROOT / "src/alert/render_text.c").read_text()
        self.variables |= {"NETSONDE_" + key.upper() for key in
                           re.findall(r'tell\w*\([^")]*, "([a-z_]+)"', told)}
        # What commands ask for beside the configuration.
        for source in sorted((ROOT / "src/daemon").glob("*.c")):
            self.variables |= set(re.findall(r'getenv\("(NETSONDE_[A-Z_]+)"\)', source.read_text()))
        self.targets = set()
        for line in (root / "Makefile").read_text().splitlines():
            if line.startswith(".PHONY:"):
                self.targets.update(line.split()[1:])
        self.metrics = set(re.findall(r"^\| `([a-zA-Z0-9_]+)", (root / "docs/METRICS.md").read_text(), re.M))
        self.sources = "".join(file.read_text() for file in sorted((root / "src").rglob("*.[ch]")))

    def ask(self, binary, *words):
        return subprocess.run([binary, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              check=True).stdout

    def has_metric(self, name):
        """A name, or the beginning or pattern of some."""
        if name in self.metrics or name + "_bucket" in self.metrics:
            return True
        # Fields of the kernel's files have the kernel's own words.
        if re.match(r"node_(netstat|sockstat)_\w+_\w+$", name):
            return True
        pattern = re.escape(name).replace(r"\*", ".*").replace(r"\[", "[").replace(r"\]", "]") + ("" if "*" in name or not name.endswith("_") else ".*")
        return any(re.fullmatch(pattern, metric) for metric in self.metrics)


def check_code(code, program):
    """What is wrong in one piece of code."""
    command = re.match(r"\s*(?:\$ |sudo )?(?:[A-Z_]+=\S+ )*(?:build/)?netsonde(?:\s|$)", code)
    if command:
        # Two blanks begin an explanation, as # does.
        words = re.split(r"#|\s{2,}", code.strip().partition("netsonde")[2])[0].split()
        name = words[0] if words and re.fullmatch(r"[a-z][a-z-]*", words[0]) else "run"
        if name not in program.commands:
            yield f"netsonde {name}: there is no such command"
            return
        for flag in FLAG.findall(" ".join(words)):
            if flag not in program.commands[name]:
                yield f"netsonde {name} takes no --{flag}"
    elif re.fullmatch(r"--[a-z-]+(?:[ =].*)?", code):
        flag = FLAG.match(code)[1]
        if flag not in program.flags and f'"{flag}"' not in (program.root / "bench/load.c").read_text():
            yield f"no command takes --{flag}"
    for target in re.findall(r"(?:^|[;&] *|\b[A-Z_]+=\S+ )make ((?:[a-z-]+ ?)+)", code):
        for word in target.split():
            if word not in program.targets:
                yield f"the Makefile has no target {word}"
    key = re.fullmatch(r"([a-z]+)\.([a-z_]{2,})(?:: .*)?", code)  # store.c is a file
    if key and key[1] in program.sections and f"{key[1]}.{key[2]}" not in program.keys:
        yield f"there is no configuration key {key[1]}.{key[2]}"
    for variable in re.findall(r"\bNETSONDE_[A-Z_]+\b", code):
        if variable not in program.variables and variable != "NETSONDE_SECTION_KEY":
            yield f"there is no variable {variable}"
    for metric in re.findall(r"(?<![\w/.-])(?:node|netsonde)_(?:[A-Za-z0-9_*]|\[[a-z]+\])+", code):
        if not program.has_metric(metric):
            yield f"there is no metric {metric}"
    for address in re.findall(r"/api/v1/([a-z_]+)", code):
        if f"/api/v1/{address}" not in program.sources:
            yield f"there is no address /api/v1/{address}"
    path = re.fullmatch(r"(?:src|tests|tools|bench|docs|packaging|web)/[\w./-]*", code)
    if path and not re.search(r"[A-Z]{4}", code.replace("README", "").replace("RESULTS", "")):
        there = [program.root / code] + list((program.root / code).parent.glob(pathlib.Path(code).name + ".*"))
        if not any(file.exists() for file in there):
            yield f"there is no {code}"


HELD = re.compile(r"(test_\w+\.(?:py|c|mjs)|\w+\.c)(?: (test_\w+))?")


def check_claim(code, root):
    """`test_file.c test_name` in docs/SECURITY.md is a test that exists."""
    held = HELD.fullmatch(code)
    if not held:
        return
    files = list((root / "tests").rglob(held[1]))
    if not files:
        yield f"there is no test program {held[1]}"
    elif held[2] and not any(re.search(rf"\b{held[2]}\(", f.read_text()) for f in files):
        yield f"{held[1]} has no {held[2]}"


def check_markdown(path, program):
    text = path.read_text()
    yield from check_links(path, text, program.root)
    if path.name == "SECURITY.md":
        for number, _, codes in markdown(text):
            yield from ((number, wrong) for code in codes for wrong in check_claim(code, program.root))
    if path.name == "ROADMAP.md":
        return  # it is about what is not there
    for number, _, codes in markdown(text):
        for code in codes:
            for wrong in check_code(code, program):
                yield number, wrong


# -- man pages -----------------------------------------------------------------------------------


def check_manual(text, program):
    """The page netsonde(1) has every command and every flag, and no other."""
    plain = text.replace("\\-", "-")
    plain = re.sub(r"\\f[A-Z]", "", plain)
    flags = set(FLAG.findall(plain))
    for flag in sorted(program.flags - flags):
        yield f"--{flag} is missing"
    for flag in sorted(flags - program.flags):
        yield f"no command takes --{flag}"
    commands = re.search(r"^\.SH COMMANDS$(.*?)^\.SH ", plain, re.M | re.S)
    told = set(re.findall(r"^\.TP\n\.BR? \"?([a-z-]+)", commands[1], re.M)) if commands else set()
    for name in sorted(set(program.commands) - told):
        yield f"the command {name} is missing"
    for name in sorted(told - set(program.commands)):
        yield f"there is no command {name}"


def lint_manual(path):
    if shutil.which("mandoc"):
        command = ["mandoc", "-T", "lint", "-W", "warning", str(path)]
    elif shutil.which("groff"):
        command = ["groff", "-man", "-ww", "-z", str(path)]
    else:
        return
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    yield from done.stdout.splitlines()


# -- all of it -----------------------------------------------------------------------------------


def documents(root):
    skip = {"build", "node_modules"}
    return [file for file in sorted(root.rglob("*.md"))
            if not any(part in skip or part.startswith(".") for part in file.relative_to(root).parts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build directory with the tests")
    parser.add_argument("--write", action="store_true", help="write what is generated")
    args = parser.parse_args()
    binary = args.build / "netsonde"

    wrong = []
    for name, form in GENERATED.items():
        wanted = subprocess.run([binary, "dump-config", "--documentation", form], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, check=True).stdout
        if args.write and (ROOT / name).read_bytes() != wanted:
            (ROOT / name).write_bytes(wanted)
            print(f"{name}: written")
        elif (ROOT / name).read_bytes() != wanted:
            wrong.append(f"{name}: not what the table says; `make docs` writes it")
    for writer in METRICS_WRITERS if args.write else []:
        # Without --write these programs are tests of their own and compare.
        subprocess.run([args.build / writer, "--write"], stdin=subprocess.DEVNULL, check=True)

    program = Program(binary, ROOT)
    files = documents(ROOT)
    for file in files:
        wrong += [f"{file.relative_to(ROOT)}:{number}: {text}" for number, text in check_markdown(file, program)]
    manual = ROOT / "docs/man/netsonde.1"
    wrong += [f"docs/man/netsonde.1: {text}" for text in check_manual(manual.read_text(), program)]
    for file in sorted((ROOT / "docs/man").iterdir()):
        wrong += list(lint_manual(file))
    for text in wrong:
        print(text)
    print(f"docs: {len(files)} Markdown files, {len(program.commands)} commands, {len(wrong)} mistakes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
