#!/usr/bin/env python3
"""packaging/netsonde.service.in: systemd understands every line, and the unit leaves the program what
it needs for its own sandbox."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = (ROOT / "packaging" / "netsonde.service.in").read_text()


class Service(unittest.TestCase):
    def values(self, key):
        return " ".join(re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)).split()

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_systemd_understands_it(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "netsonde")
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
            unit = pathlib.Path(folder, "netsonde.service")
            # The manual pages are not installed where this runs.
            unit.write_text(re.sub(r"^Documentation=.*\n", "", UNIT, flags=re.MULTILINE)
                            .replace("@bindir@", folder))
            done = subprocess.run(["systemd-analyze", "verify", unit], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_helpers_get_what_they_keep_and_no_more(self):
        source = (ROOT / "src/daemon/engines.c").read_text()
        settings = re.search(r"struct keeper_settings settings = {(.*?)};", source, re.DOTALL)[1]
        keeper = set(re.findall(r"\bCAP_\w+", settings))
        source = (ROOT / "src/keeper/finder.c").read_text()
        finder = set(re.findall(r"\bCAP_\w+", re.search(r" kept\[\] = {(.*?)};", source)[1]))
        self.assertTrue(keeper and finder)
        kept = sorted(keeper | finder)
        self.assertEqual(sorted(self.values("AmbientCapabilities")), kept)
        self.assertEqual(sorted(self.values("CapabilityBoundingSet")), kept)

    def test_room_for_the_program(self):
        calls = self.values("SystemCallFilter")
        for call in ("bpf", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"):
            self.assertIn(call, calls)
        self.assertIn("AF_NETLINK", self.values("RestrictAddressFamilies"))
        self.assertIn("AF_UNIX", self.values("RestrictAddressFamilies"))  # NOTIFY_SOCKET, the keeper
        self.assertEqual(self.values("Type"), ["notify"])
        self.assertEqual(self.values("ProtectProc"), ["default"])  # whose a socket is
        self.assertNotIn("pid", self.values("ProcSubset"))  # /proc/sys and /proc/stat are read


if __name__ == "__main__":
    unittest.main()
