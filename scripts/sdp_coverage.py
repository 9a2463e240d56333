#!/usr/bin/env python3
"""Sums up gcov's JSON for the files of one folder: lines and branches, one row a file.

Usage: gcov --json-format --stdout ... | sdp_coverage.py FOLDER MINIMUM [--uncovered]

Branches that nobody wrote are left out:
  - gcov marks the edge that an exception takes out of a call as "throw"; it and the edge beside it,
    on which the call returns, are no decision.
  - a line that is nothing but closing brackets has the branches of destructors, most of them on the
    way of an exception.
All instances of one template count as one. Fails if fewer than MINIMUM percent of the other
branches are taken.
"""
import json
import os
import sys
from collections import defaultdict


def decisions(branches):
    """The counts of the branches of one line, without those of calls that may throw."""
    kept = [True] * len(branches)
    for i, branch in enumerate(branches):
        if not branch["throw"]:
            continue
        kept[i] = False
        beside = i - 1 if i > 0 and kept[i - 1] and branches[i - 1]["fallthrough"] else i + 1
        if beside < len(branches):
            kept[beside] = False
    return [branch["count"] for branch, keep in zip(branches, kept) if keep]


def says_something(path):
    """The numbers of the lines that have more than brackets."""
    with open(path, encoding="utf-8") as source:
        return {i for i, line in enumerate(source, 1) if any(c.isalnum() for c in line)}


def read(stream, folder):
    """{file: {line: count}}, {file: {(line, function): [counts]}}; headers come once per use."""
    written = {}
    lines = defaultdict(lambda: defaultdict(int))
    branches = defaultdict(dict)
    for text in stream:
        if not text.strip():
            continue
        report = json.loads(text)
        for entry in report["files"]:
            base = report["current_working_directory"]
            path = os.path.realpath(os.path.join(base, entry["file"]))
            if os.path.dirname(path) != folder:
                continue
            if path not in written:
                written[path] = says_something(path)
            starts = {f["name"]: (f["start_line"], f["start_column"]) for f in entry["functions"]}
            for line in entry["lines"]:
                number = line["line_number"]
                lines[path][number] += line["count"]
                counts = decisions(line["branches"])
                if number not in written[path]:
                    continue
                key = (number, starts.get(line.get("function_name"), (0, 0)))
                before = branches[path].get(key, [0] * len(counts))
                if len(before) == len(counts):
                    counts = [a + b for a, b in zip(before, counts)]
                branches[path][key] = counts
    return lines, branches


def percent(part, whole):
    return 100.0 if whole == 0 else 100.0 * part / whole


def main():
    folder, minimum = os.path.realpath(sys.argv[1]), float(sys.argv[2])
    lines, branches = read(sys.stdin, folder)
    if not lines:
        sys.exit("sdp_coverage.py: gcov reported nothing about " + folder)
    totals = [0, 0, 0, 0]
    print(f"{'file':28} {'lines':>14} {'branches':>18}")
    for path in sorted(lines):
        hit = sum(count > 0 for count in lines[path].values())
        counts = [count for all_counts in branches[path].values() for count in all_counts]
        taken = sum(count > 0 for count in counts)
        row = [hit, len(lines[path]), taken, len(counts)]
        totals = [a + b for a, b in zip(totals, row)]
        print(f"{os.path.basename(path):28} {hit:5}/{row[1]:<5} {percent(hit, row[1]):3.0f}% "
              f"{taken:6}/{row[3]:<5} {percent(taken, row[3]):5.1f}%")
        if "--uncovered" in sys.argv:
            for (number, _), all_counts in sorted(branches[path].items()):
                if 0 in all_counts:
                    print(f"    {os.path.basename(path)}:{number}: "
                          f"{all_counts.count(0)} of {len(all_counts)} never taken")
    lines_percent = percent(totals[0], totals[1])
    branches_percent = percent(totals[2], totals[3])
    print(f"{'all':28} {totals[0]:5}/{totals[1]:<5} {lines_percent:3.0f}% "
          f"{totals[2]:6}/{totals[3]:<5} {branches_percent:5.1f}%")
    if branches_percent < minimum:
        sys.exit(f"sdp_coverage.py: {branches_percent:.1f} % of the branches are taken, "
                 f"{minimum:g} % are asked for")


if __name__ == "__main__":
    main()
