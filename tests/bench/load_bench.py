#!/usr/bin/env python3
"""Measures this gateway and its peers in turn under the load of tests/bench/load, on one core each.

Usage: load_bench.py BUILD_FOLDER [--rounds 5] [--calls 400] [--seconds 5] [--out RESULT.json]
                     [--steps relay,gateways,capacity,idle] [--realtime] [--alone]

Steps: relay, rtpengine alone; gateways, Kamailio with rtpengine; own, this gateway, which relay and
gateways bring with them; capacity, calls a core; idle, many clients that do nothing. The calls of
a gateway talk twice, the second time beside others that come and go.

The load runs on the first core that this process may use, what it measures on the second one, where
a program of the lowest priority takes what is left unless --alone: a core that is idle in between
has other figures (docs/performance.md). The result is a list of objects for load_report.py, one a
run: what was run, and what came of it.
"""
import argparse
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
DOMAIN = "bench.example"
ORIGIN = "https://page.bench.example"
START_LIMIT = 20  # seconds until a program listens
RUN_LIMIT = 600  # seconds of one load
MEDIA_PORTS = (20002, 31999)  # below those that the load's sockets get
RATE = 40  # calls a second: less than half of what the slowest peer takes
HANDSHAKES = 20  # calls a second that come and go beside those that are measured
PEER_STEPS = (200, 50)  # where the search for its capacity begins, and how it goes on
OUR_STEPS = (400, 50)
MOST_CALLS = 1300  # about what the load itself can do on a core
IDLE_CLIENTS = 10000
IDLE_SECONDS = 60
REALTIME_PRIORITY = 10


def free_ports(count, kind=socket.SOCK_STREAM):
    sockets = [socket.socket(type=kind) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def take_what_is_left(core):
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def pin(core, realtime):
    os.sched_setaffinity(0, {core})
    if realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))


class Bench:
    """One set of programs under test in a folder of its own, which ends them."""

    def __init__(self, folder, build, core, realtime, alone):
        self.folder = pathlib.Path(folder)
        self.build = build
        self.core = core
        self.realtime = realtime
        self.programs = []
        self.rest = None if alone else subprocess.Popen(
            ["timeout", str(RUN_LIMIT), "sh", "-c", "while :; do :; done"],
            preexec_fn=lambda: take_what_is_left(core))

    def start(self, *command):
        name = pathlib.Path(command[0]).name
        with open(self.folder / f"{name}.log", "wb") as log:
            program = subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=subprocess.STDOUT,
                preexec_fn=lambda: pin(self.core, self.realtime))
        self.programs.append((name, program))

    def stop(self):
        if self.rest:
            self.rest.terminate()
            self.rest.wait()
        for _, program in self.programs:
            program.terminate()
        for _, program in self.programs:
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()

    def logs(self):
        return "".join(f"--- {name}\n" + (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                       for name, _ in self.programs)

    def wait_for(self, port):
        """Until HTTP is answered there: who listens already may yet have to make its processes."""
        give_up = time.monotonic() + START_LIMIT
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as http:
                http.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                if http.recv(100):
                    return
            if time.monotonic() > give_up:
                sys.exit(f"nothing listens on port {port}\n{self.logs()}")
            time.sleep(0.05)

    def certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", f"/CN={DOMAIN}", "-keyout", self.folder / "key.pem",
             "-out", self.folder / "cert.pem"], check=True, capture_output=True)

    def rtpengine(self):
        [ng] = free_ports(1)
        self.start("/usr/bin/rtpengine", "--config-file=none", "--foreground", "--log-stderr",
                   "--log-level=3", "--table=-1", "--num-threads=1", "--interface=127.0.0.1",
                   f"--listen-ng=127.0.0.1:{ng}", f"--port-min={MEDIA_PORTS[0]}",
                   f"--port-max={MEDIA_PORTS[1]}")
        give_up = time.monotonic() + START_LIMIT
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            control.settimeout(0.2)
            while time.monotonic() < give_up:
                with contextlib.suppress(OSError):
                    control.sendto(b"1 d7:command4:pinge", ("127.0.0.1", ng))
                    if control.recv(100).endswith(b"4:ponge"):
                        return ng
                    time.sleep(0.05)
        sys.exit(f"rtpengine does not answer\n{self.logs()}")

    def kamailio(self, carrier):
        ng = self.rtpengine()
        self.certificate()
        ws, wss = free_ports(2)
        text = (HERE / "load/kamailio.cfg").read_text(encoding="utf-8")
        for name, value in {"DOMAIN": DOMAIN, "WS": ws, "WSS": wss, "NG": ng, "CARRIER": carrier,
                            "FOLDER": self.folder}.items():
            text = text.replace(f"@{name}@", str(value))
        (self.folder / "kamailio.cfg").write_text(text, encoding="utf-8")
        (self.folder / "tls.cfg").write_text(
            f"[server:default]\nmethod = TLSv1.2+\ncertificate = {self.folder}/cert.pem\n"
            f"private_key = {self.folder}/key.pem\n", encoding="utf-8")
        self.start("/usr/sbin/kamailio", "-DD", "-E", "-f", self.folder / "kamailio.cfg", "-Y", self.folder,
                   "-m", "1024", "-M", "32")
        self.wait_for(ws)
        return ws, wss

    def lastmile(self, carrier, users):
        self.certificate()
        ws, wss = free_ports(2)
        [browsers] = free_ports(1, socket.SOCK_DGRAM)
        accounts = "\n".join(f"    - {{ name: user{i}, password: secret }}" for i in range(users))
        (self.folder / "lastmile.yaml").write_text(f"""version: 1
domain: {DOMAIN}
listen:
  ws: {{ addr: "127.0.0.1:{ws}" }}
  wss: {{ addr: "127.0.0.1:{wss}" }}
  origins: ["{ORIGIN}"]
tls: {{ cert: {self.folder}/cert.pem, key: {self.folder}/key.pem }}
media:
  browser: {{ bind: "127.0.0.1", advertise: "127.0.0.1", port: {browsers} }}
  trunk: {{ bind: "127.0.0.1", advertise: "127.0.0.1", ports: {MEDIA_PORTS[0]}-{MEDIA_PORTS[1]} }}
users:
  inline:
{accounts}
trunks:
  carrier: {{ transport: tcp, servers: ["127.0.0.1:{carrier}"], codecs: [pcma] }}
routes:
  - {{ to: "^[0-9]+$", trunk: carrier }}
log: {{ level: warn }}
""", encoding="utf-8")
        self.start(self.build / "gateway/app/lastmile", "run", "-c", self.folder / "lastmile.yaml")
        self.wait_for(ws)
        return ws, wss


class Runs:
    def __init__(self, options):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            sys.exit("two cores are wanted: one for the load, one for what it measures")
        self.load_core, self.core = cores[:2]
        self.build = pathlib.Path(options.build).resolve()
        self.options = options
        self.results = []

    def load(self, bench, *arguments):
        """Runs the load against what `bench` has started and returns what it tells."""
        load = subprocess.Popen(
            [self.build / "tests/bench/lastmile-load", *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: pin(self.load_core, self.options.realtime))
        pids = " ".join(str(program.pid) for _, program in bench.programs)
        try:
            told, _ = load.communicate(pids + "\n", RUN_LIMIT)
        except subprocess.TimeoutExpired:
            load.kill()
            told = ""
        if load.returncode != 0 or not told:
            sys.exit(f"lastmile-load {' '.join(map(str, arguments))} failed\n{bench.logs()}")
        return json.loads(told)

    def keep(self, what, program, result):
        self.results.append({"what": what, "program": program, **result})
        print("    " + json.dumps(self.results[-1]), flush=True)

    @contextlib.contextmanager
    def bench(self):
        with tempfile.TemporaryDirectory(prefix="lastmile-bench-") as folder:
            bench = Bench(folder, self.build, self.core, self.options.realtime, self.options.alone)
            try:
                yield bench
            finally:
                bench.stop()

    def relay(self, gcm):
        with self.bench() as bench:
            ng = bench.rtpengine()
            self.keep("relay", "rtpengine GCM" if gcm else "rtpengine",
                      self.load(bench, "relay", f"127.0.0.1:{ng}", "--calls", self.options.calls,
                                "--seconds", self.options.seconds, *(["--gcm"] if gcm else [])))

    def gateway(self, what, program, clients, *arguments):
        [carrier] = free_ports(1)
        with self.bench() as bench:
            _, wss = (bench.lastmile(carrier, clients) if program == "lastmile" else bench.kamailio(carrier))
            self.keep(what, program,
                      self.load(bench, "calls", "--tls", f"127.0.0.1:{wss}", "--origin", ORIGIN,
                                "--domain", DOMAIN, "--carrier-port", carrier, "--seconds",
                                self.options.seconds, "--clients", clients, "--rate", RATE, *arguments))

    def calls(self, program, calls):
        self.gateway("calls", program, calls + HANDSHAKES, "--calls", calls, "--handshakes", HANDSHAKES)

    def round(self):
        steps, calls = self.options.steps, self.options.calls
        if "relay" in steps:
            self.relay(gcm=False)
            self.relay(gcm=True)
        # Ours is the same for both: a whole gateway.
        if {"relay", "gateways", "own"} & set(steps):
            self.calls("lastmile", calls)
        if "gateways" in steps:
            self.calls("kamailio+rtpengine", calls)
        if "capacity" in steps:
            for program, (first, step) in (("lastmile", OUR_STEPS), ("kamailio+rtpengine", PEER_STEPS)):
                self.gateway("capacity", program, MOST_CALLS, "--calls", first, "--step", step)

    def run(self):
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", flush=True)
            self.round()
        if "idle" in self.options.steps:
            self.gateway("idle", "lastmile", IDLE_CLIENTS, "--calls", 0, "--idle", IDLE_SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--realtime", action="store_true",
                        help="before all others, on a machine that others use, too (as root)")
    parser.add_argument("--alone", action="store_true",
                        help="nothing else on the core, which is idle in between")
    parser.add_argument("--out", default="bench-load.json")
    parser.add_argument("--steps", type=lambda text: text.split(","),
                        default=["relay", "gateways", "capacity", "idle"])
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # By an exception, so that what was started is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    runs = Runs(options)
    try:
        runs.run()
    finally:
        pathlib.Path(options.out).write_text(json.dumps(runs.results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
