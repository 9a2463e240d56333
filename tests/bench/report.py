#!/usr/bin/env python3
"""Shows what sdp_bench measured as a table and holds it to the bars.

Usage: report.py RESULT.json        exit status 1 if a bar is missed
"""
import json
import sys

# Name of a benchmark -> what its p99 may be at most, in microseconds.
BARS = {"normalise/2500_bytes": 50, "refuse/line_bomb": 5000}


def medians(path):
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    return {run["run_name"].removesuffix("/manual_time"): run
            for run in runs if run.get("aggregate_name") == "median"}


def main():
    rows = medians(sys.argv[1])
    missing = BARS.keys() - rows.keys()
    if missing:
        sys.exit(f"not measured: {', '.join(sorted(missing))}")
    print(f"{'':24}{'bytes':>9}{'p50 us':>9}{'p99 us':>9}{'x floor':>9}  bar")
    missed = []
    for name, row in rows.items():
        floor = rows.get("floor/" + name.split("/")[1])
        ratio = f"{row['p50_us'] / floor['p50_us']:.1f}" if floor else ""
        bar = BARS.get(name)
        verdict = ""
        if bar is not None:
            met = row["p99_us"] <= bar
            verdict = f"p99 <= {bar} us: {'met' if met else 'MISSED'}"
            if not met:
                missed.append(name)
        print(f"{name:24}{row['bytes']:9.0f}{row['p50_us']:9.2f}{row['p99_us']:9.2f}"
              f"{ratio:>9}  {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
