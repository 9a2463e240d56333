#!/usr/bin/env python3
"""Shows what load_bench.py measured: medians of all rounds with their ranges, ratios and bars.

Usage: load_report.py RESULT.json...        exit status 1 if a bar is missed
"""
import json
import os
import statistics
import sys

OURS, PEER, RELAY = "lastmile", "kamailio+rtpengine", "rtpengine"


class Row:
    """One figure of ours, and what it is held to: a ratio to the peer's, or a value."""

    def __init__(self, name, unit, ours, peer=None, ratio=None, value=None, more_is_better=False):
        self.name, self.unit = name, unit
        self.ours, self.peer = ours, peer
        self.ratio_bar, self.value_bar = ratio, value
        self.more_is_better = more_is_better

    def ratios(self):
        # Paired: round by round.
        return [one / other for one, other in zip(self.ours, self.peer or []) if other]

    def verdict(self):
        told = []
        for bar, values, mark in ((self.ratio_bar, self.ratios(), "x"), (self.value_bar, self.ours, "")):
            if bar is None or not values:
                continue
            median = statistics.median(values)
            met = median >= bar if self.more_is_better else median <= bar
            told.append((met, f"{'>=' if self.more_is_better else '<='} {bar:g}{mark} "
                              f"{'met' if met else 'MISSED'}"))
        return all(met for met, _ in told), ", ".join(text for _, text in told)


def shown(values):
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    digits = 3 if high < 1 else 2 if high < 10 else 1 if high < 100 else 0
    if len(values) == 1:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} [{low:.{digits}f}-{high:.{digits}f}]"


def rows_of(results):
    def of(what, program, name, scale=1.0):
        return [run[name] * scale for run in results
                if run["what"] == what and run["program"] == program and name in run]

    def rate(program):
        return [1000 / ms for ms in of("calls", program, "setup_ms") if ms]

    def both(name):
        return {"ours": of("calls", OURS, name), "peer": of("calls", PEER, name)}

    def against(program, name):
        return {"ours": of("calls", OURS, name), "peer": of("relay", program, name)}

    return [
        Row("CPU a packet / rtpengine, CM_80", "us", **against(RELAY, "us_per_packet"), ratio=0.60),
        Row("CPU a packet / rtpengine, GCM", "us", **against(RELAY + " GCM", "us_per_packet")),
        Row("CPU a packet / Kamailio+rtpengine", "us", **both("us_per_packet")),
        Row("core used by it, of 1", "", **both("core")),
        Row("added latency p50 / rtpengine", "ms", **against(RELAY, "p50_ms"), value=0.1),
        Row("added latency p99", "ms", **against(RELAY, "p99_ms"), value=3),
        Row("added latency p99.9", "ms", **against(RELAY, "p999_ms")),
        Row("loss", "%", of("calls", OURS, "loss", 100), of("relay", RELAY, "loss", 100)),
        Row("beside 20 handshakes a second: p50", "ms", **both("beside_p50_ms"), value=0.1),
        Row("    p99", "ms", **both("beside_p99_ms"), value=3),
        Row("    p99.9", "ms", **both("beside_p999_ms")),
        Row("    loss", "%", of("calls", OURS, "beside_loss", 100), of("calls", PEER, "beside_loss", 100)),
        Row("    core used by all of it, of 1", "", **both("beside_core")),
        Row("    handshakes a second", "", **both("handshakes"), value=19, more_is_better=True),
        Row("    handshakes that failed", "", **both("handshakes_failed"), value=0),
        Row("    INVITE to media, p50", "ms", **both("handshake_p50_ms")),
        Row("    INVITE to media, p99", "ms", **both("handshake_p99_ms")),
        Row("calls a core", "", of("capacity", OURS, "capacity"), of("capacity", PEER, "capacity"), ratio=1.7,
            more_is_better=True),
        Row("set-up CPU a call", "ms", **both("setup_ms"), ratio=0.30),
        Row("set-ups that fit into a core's second", "", rate(OURS), rate(PEER), ratio=3, more_is_better=True),
        Row("release CPU a call", "ms", **both("release_ms")),
        Row("INVITE to 200, p50", "ms", **both("answer_p50_ms")),
        Row("INVITE to 200, p99", "ms", **both("answer_p99_ms")),
        Row("INVITE to media, p50", "ms", **both("media_p50_ms")),
        Row("INVITE to media, p99", "ms", **both("media_p99_ms")),
        Row("wss connect CPU", "ms", **both("connect_ms"), ratio=0.30),
        Row("REGISTER CPU (ours with digest)", "ms", **both("register_ms"), ratio=1.0),
        Row("memory a registered wss client", "KiB", **both("client_kib"), value=24),
        Row("memory a call", "KiB", **both("call_kib"), value=90),
        Row("threads and processes", "", **both("threads")),
        Row("10,000 idle wss clients: core used", "%", of("idle", OURS, "idle_core", 100), value=2),
        Row("10,000 idle: memory a client", "KiB", of("idle", OURS, "client_kib"), value=24),
    ]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else '?'}, Linux {os.uname().release}"


def main():
    results = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            results += json.load(file)
    print(machine())
    print(f"{'median [range]':40}{'unit':>5}{'lastmile':>24}{'peer':>24}{'ratio':>24}  bar")
    all_met = True
    for row in rows_of(results):
        if not row.ours:
            continue
        met, verdict = row.verdict()
        all_met = all_met and met
        print(f"{row.name:40}{row.unit:>5}{shown(row.ours):>24}{shown(row.peer):>24}"
              f"{shown(row.ratios()):>24}  {verdict}")
    full = [run for run in results if run["what"] == "capacity" and run.get("load_was_full")]
    if full:
        print("calls a core: the load was full at " + ", ".join(
            sorted({f"{run['capacity']} of {run['program']}" for run in full})) + ": it may take more")
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
