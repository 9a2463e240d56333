#!/usr/bin/env python3
"""Checks Dockerfile and docker-compose.yml where there is no container engine to try them.

Usage: lint_docker.py [ROOT]      exit status 1 and one line for each finding
       lint_docker.py --self-test
"""
import json
import pathlib
import re
import sys
import tempfile
import unittest

import yaml

INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD", "ENV", "ARG", "EXPOSE", "LABEL"}
SERVICE_KEYS = {"build", "command", "network_mode", "read_only", "tmpfs", "cap_drop", "security_opt",
                "restart", "volumes", "environment", "ports", "depends_on"}


def instructions(text):
    """Yields (line number, instruction, argument), continuation lines joined."""
    start, whole = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not whole and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if whole else number
        whole += line.rstrip("\\").strip() + " "
        if not line.endswith("\\"):
            word, _, rest = whole.strip().partition(" ")
            yield start, word.upper(), rest.strip()
            whole = ""


class Dockerfile:
    def __init__(self, root):
        self.root = root
        self.stages = {}  # name -> the stage it stands on, its user
        self.findings = []
        self.stage = None
        for number, word, rest in instructions((root / "Dockerfile").read_text(encoding="utf-8")):
            check = getattr(self, f"on_{word.lower()}", None)
            complaint = f"unknown instruction {word}" if word not in INSTRUCTIONS else check and check(rest)
            if complaint:
                self.findings.append(f"Dockerfile:{number}: {complaint}")

    def on_from(self, rest):
        match = re.fullmatch(r"(\S+) AS (\S+)", rest)
        if not match:
            return "a stage needs a name: FROM image AS name"
        base, self.stage = match.groups()
        self.stages[self.stage] = {"user": self.stages.get(base, {}).get("user", "root")}
        if base not in self.stages and (":" not in base or base.endswith(":latest")):
            return f"{base} has no fixed tag"
        return None

    def on_user(self, rest):
        self.stages[self.stage]["user"] = rest

    def on_run(self, rest):
        if "apt-get install" in rest:
            for needed in ("apt-get update", "--no-install-recommends", "rm -rf /var/lib/apt/lists"):
                if needed not in rest:
                    return f"apt-get install without {needed}"
        return None

    def on_copy(self, rest):
        words = rest.split()
        if words[0].startswith("--from="):
            source = words[0].removeprefix("--from=")
            return None if source in self.stages else f"no stage {source} above"
        missing = [w for w in words[:-1] if not (self.root / w).exists()]
        return f"not in the project: {', '.join(missing)}" if missing else None

    def on_entrypoint(self, rest):
        try:
            json.loads(rest)
        except ValueError:
            return "must be a JSON list: a shell would not pass SIGTERM on"
        return None

    on_cmd = on_entrypoint


def compose_findings(root, stages):
    services = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        where = f"docker-compose.yml: {name}"
        for key in service.keys() - SERVICE_KEYS:
            yield f"{where}: unknown key {key}"
        target = service.get("build", {}).get("target")
        if target not in stages:
            yield f"{where}: the Dockerfile has no stage {target}"
        elif stages[target]["user"] == "root":
            yield f"{where}: stage {target} runs as root"
        if service.get("network_mode") == "host" and "ports" in service:
            yield f"{where}: ports say nothing on the host's network"


def findings(root):
    dockerfile = Dockerfile(root)
    return dockerfile.findings + list(compose_findings(root, dockerfile.stages))


class SelfTest(unittest.TestCase):
    GOOD = 'FROM debian:12-slim AS a\nUSER x\nENTRYPOINT ["a"]\n'

    def found(self, dockerfile, service='build: { context: ., target: a }'):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "Dockerfile").write_text(dockerfile, encoding="utf-8")
            (root / "docker-compose.yml").write_text(f"services:\n  s:\n    {service}\n", encoding="utf-8")
            return findings(root)

    def test_a_good_pair_passes(self):
        self.assertEqual([], self.found(self.GOOD))

    def test_each_fault_is_found(self):
        for dockerfile in (
                "FROM debian AS a\nUSER x\n", "FROM debian:latest AS a\nUSER x\n", "FROM debian:12\n" + self.GOOD,
                self.GOOD + "RUN apt-get update && apt-get install -y x\n", self.GOOD + "COPY missing x\n",
                self.GOOD + "COPY --from=b /x x\n", self.GOOD + "CMD a b\n", self.GOOD + "RUNS x\n"):
            with self.subTest(dockerfile):
                self.assertEqual(1, len(self.found(dockerfile)))

    def test_root_unknown_stages_and_keys_are_found(self):
        self.assertIn("runs as root", self.found("FROM debian:12 AS a\n")[0])
        self.assertIn("no stage b", self.found(self.GOOD, "build: { target: b }")[0])
        self.assertIn("unknown key comand", self.found(self.GOOD, "{ build: { target: a }, comand: x }")[0])


def main():
    if sys.argv[1:] == ["--self-test"]:
        return unittest.main(argv=sys.argv[:1])
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    found = findings(root)
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
