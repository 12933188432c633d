#!/usr/bin/env python3
"""Builds the dashboard with web/build.mjs and tells ninja by a depfile which files and directories
the result stands on (all of web/ but what npm installed), so that an unchanged dashboard is not
built again and a new file is not missed."""

import argparse
import os
import pathlib
import subprocess
import sys

SKIP = {"node_modules"}


def inputs(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIP)
        # The directory itself: its time changes when a file is added or removed. The root is left
        # out because installing packages touches it.
        if folder != str(root):
            yield folder
        for name in sorted(files):
            yield os.path.join(folder, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--web", type=pathlib.Path, required=True, help="directory of package.json")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="where the result goes")
    parser.add_argument("--stamp", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path, required=True)
    args = parser.parse_args()

    web = args.web.resolve()
    if not (web / "node_modules").is_dir():
        sys.exit("web/node_modules is missing: `tools/setup run` installs it")
    before = list(inputs(web))
    built = subprocess.run(["node", "build.mjs", "--out", args.out.resolve()], cwd=web)
    if built.returncode != 0:
        sys.exit("the dashboard did not build")

    def escape(path):
        return path.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#")

    args.depfile.write_text(f"{args.stamp}: " + " ".join(map(escape, before)) + "\n")
    args.stamp.touch()


if __name__ == "__main__":
    main()
