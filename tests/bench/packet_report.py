#!/usr/bin/env python3
"""Shows what packet_bench measured: CPU a packet, beside what its cryptography alone takes.

Usage: packet_report.py RESULT.json
"""
import json
import sys


def medians(path):
    """Nanoseconds a packet, by name."""
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    return {run["run_name"].removesuffix("/manual_time"): 1e9 / run["items_per_second"]
            for run in runs if run.get("aggregate_name") == "median"}


def main():
    rows = medians(sys.argv[1])
    print(f"{'median':20}{'ns':>8}{'floor ns':>10}{'ratio':>8}{'a second':>12}")
    for name, ns in rows.items():
        kind, of_what = name.split("/")
        if kind == "floor":
            continue
        floor = rows.get(f"floor/{of_what}")
        beside = f"{floor:10.0f}{ns / floor:8.2f}" if floor else " " * 18
        print(f"{name:20}{ns:8.0f}{beside}{1e9 / ns:12,.0f}")


if __name__ == "__main__":
    main()
