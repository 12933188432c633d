#!/usr/bin/env python3
"""How netsonde's scores do on the Numenta Anomaly Benchmark (NAB), by its published method.

  bench/nab.py --data DIR [--netsonde build/netsonde] [-- OPTIONS OF netsonde detect]
  bench/nab.py --data DIR --published windowedGaussian --published numenta

DIR is a checkout of the benchmark, which is not part of netsonde:
  git clone https://github.com/numenta/NAB DIR

Every file of DIR/data goes through `netsonde detect` with the same parameters, and its column `score`
is what is judged. --published judges the result files that come with the benchmark instead, to see
that this program computes what the benchmark's own does (windowedGaussian 39.65, numenta 70.10).

The method (A. Lavin and S. Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", 2015): the
first 15 % of a file (of at most 5,000 rows) is for learning and not judged. In each labelled window
the earliest detection counts, by a sigmoid of its place, 1 at the left end and 0 at the right; a
window without one costs 1. Each detection outside costs up to 0.11, less when it follows closely on
a window. One threshold for all files, the best one, makes detections of scores. The sum is put on a
scale on which 0 is what no detection at all gives and 100 what all windows at once would.

The parameters of the detector were chosen by the score of every other file, the first, third, … in
alphabetical order (`tuned on`); `the others` are judged with the threshold of these.
docs/adr/100-detection.md says how that went.
"""
import argparse
import csv
import io
import json
import math
import pathlib
import subprocess
import sys

PROFILES = {  # weights of a detection, of a false one, of a window missed
    "standard": (1.0, 0.11, 1.0),
    "few false alarms": (1.0, 0.22, 1.0),
    "few misses": (1.0, 0.11, 2.0),
}
PROBATION = 0.15
PROBATION_ROWS = 5000


def sigmoid(place):
    """1 far before the right end of a window (place < 0), -1 far after it."""
    return -1.0 if place > 3 else 2 / (1 + math.exp(5 * place)) - 1


class File:
    """One file's scores, and what a detection at each row is worth."""

    def __init__(self, name, times, scores, windows):
        self.name = name
        self.scores = scores
        index = {}
        for i, time in enumerate(times):
            index.setdefault(time, i)
        self.windows = sorted((index[begin], index[end]) for begin, end in windows)
        self.first = math.ceil(PROBATION * PROBATION_ROWS if len(times) > PROBATION_ROWS
                               else math.floor(PROBATION * len(times)))

    def worth(self):
        """(score, value, window or None) of every row that is judged and has a score; a value
        outside of windows is negative and still to be weighed."""
        inside = {}
        for number, (begin, end) in enumerate(self.windows):
            for i in range(begin, end + 1):
                inside.setdefault(i, number)
        last = None
        for i, score in enumerate(self.scores):
            number = inside.get(i)
            if number is not None:
                begin, end = self.windows[number]
                value = sigmoid(-(end - i + 1) / (end - begin + 1)) / sigmoid(-1)
                if i == end:
                    last = number
            elif last is None:
                value = -1.0
            else:
                begin, end = self.windows[last]
                value = sigmoid((i - end) / (end - begin))
            if i >= self.first and score > 0:
                yield score, value, None if number is None else (self.name, number)

    def judged(self):
        """Windows that are not all within the rows for learning."""
        return sum(end >= self.first for _, end in self.windows)


def sweep(files, weights):
    """[(threshold, score 0 to 100)] from the highest threshold to the lowest."""
    hit, false, miss = weights
    rows = sorted((row for file in files for row in file.worth()), key=lambda row: -row[0])
    nothing = -miss * sum(file.judged() for file in files)
    perfect = hit * sum(len(file.windows) for file in files)
    best, total = {}, nothing
    scale = 100 / (perfect - nothing)
    steps = [(math.inf, 0.0)]
    for i, (score, value, window) in enumerate(rows):
        if window is None:
            total += false * value
        elif hit * value > best.get(window, -miss):
            total += hit * value - best.get(window, -miss)
            best[window] = hit * value
        if i + 1 == len(rows) or rows[i + 1][0] != score:
            steps.append((score, (total - nothing) * scale))
    return steps


def at(steps, threshold):
    """What a threshold that was chosen elsewhere gives."""
    return [value for step, value in steps if step >= threshold][-1]


def number(text):
    return float(text) if text else 0.0


def detect(program, options, path):
    done = subprocess.run([program, "detect", *options, str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"nab: {done.stderr.strip()}")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    return [row["timestamp"][:19] for row in rows], [number(row["score"]) for row in rows]


def published(data, detector, name):
    folder, file = name.split("/")
    with open(data / "results" / detector / folder / f"{detector}_{file}", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return [row["timestamp"][:19] for row in rows], [number(row["anomaly_score"]) for row in rows]


def report(what, files):
    halves = files[::2], files[1::2]
    steps = {half: sweep(some, PROFILES["standard"])
             for half, some in (("all", files), ("tuned", halves[0]), ("other", halves[1]))}
    threshold, whole = max(steps["all"], key=lambda step: step[1])
    tuned_threshold, tuned = max(steps["tuned"], key=lambda step: step[1])
    print(f"| NAB, standard profile, {what} | {whole:.1f} of 100 (threshold {threshold:.4g}); files "
          f"tuned on {tuned:.1f}, the others {at(steps['other'], tuned_threshold):.1f} "
          f"(threshold {tuned_threshold:.4g}) |")
    others = [f"{name} {max(sweep(files, weights), key=lambda step: step[1])[1]:.1f}"
              for name, weights in PROFILES.items() if name != "standard"]
    print(f"| the same, other profiles | {', '.join(others)} |", flush=True)
    return whole


def print_files(files):
    threshold = max(sweep(files, PROFILES["standard"]), key=lambda step: step[1])[0]
    for file in files:
        found, false = set(), 0
        for score, _, window in file.worth():
            if score >= threshold:
                false += window is None
                found.add(window)
        print(f"{file.name}: {len(found - {None})} of {file.judged()} windows, {false} false")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--netsonde", default="build/netsonde")
    parser.add_argument("--published", action="append", default=[], metavar="DETECTOR")
    parser.add_argument("--files", action="store_true", help="say how each file fares, too")
    parser.add_argument("--at-least", type=float, default=0, help="exit 3 below")
    parser.add_argument("options", nargs="*", help="of netsonde detect, after --")
    arguments = parser.parse_args()
    with open(arguments.data / "labels" / "combined_windows.json", encoding="utf-8") as f:
        labels = json.load(f)

    def files_of(read):
        return [File(name, *read(name), [(a[:19], b[:19]) for a, b in labels[name]])
                for name in sorted(labels)]

    worst = math.inf
    for detector in arguments.published:
        files = files_of(lambda name, d=detector: published(arguments.data, d, name))
        worst = min(worst, report(f"{detector} as published", files))
    if not arguments.published:
        files = files_of(lambda name: detect(arguments.netsonde, arguments.options,
                                             arguments.data / "data" / name))
        worst = report(" ".join(["netsonde detect", *arguments.options]), files)
        if arguments.files:
            print_files(files)
    sys.exit(3 if worst < arguments.at_least else 0)


if __name__ == "__main__":
    main()
