#!/usr/bin/env python3
"""Shows what transcode_bench measured: CPU of each direction, and the calls that a core has time for.

Usage: transcode_report.py RESULT.json
"""
import json
import sys

FRAME_US = 20000  # of audio


def medians(path):
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    return {run["run_name"]: run["cpu_time"] for run in runs if run.get("aggregate_name") == "median"}


def main():
    microseconds = medians(sys.argv[1])
    codecs = list(dict.fromkeys(name.split("/")[0] for name in microseconds))
    print("us of CPU for 20 ms, from the row's codec to the column's")
    print(f"{'':8}" + "".join(f"{out:>10}" for out in codecs))
    for source in codecs:
        print(f"{source:8}" + "".join(f"{microseconds[f'{source}/{out}']:10.1f}" for out in codecs))
    print("\ncalls a core: both directions, nothing else")
    for index, one in enumerate(codecs):
        for other in codecs[index:]:
            both = microseconds[f"{one}/{other}"] + microseconds[f"{other}/{one}"]
            print(f"{one + ' <-> ' + other:20}{FRAME_US / both:8.0f}")
    print("\nthe codecs alone, with Opus at 48 kHz and a resampler: us for 20 ms")
    for name in (name for name in microseconds if name.endswith("/over_48_khz")):
        print(f"{name.removesuffix('/over_48_khz'):20}{microseconds[name]:8.1f}")


if __name__ == "__main__":
    main()
