"""What scripts/bench.d/idle starts: it measures, prints a table, and writes the figures down."""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api.d"))
from running import running

PROGRAM = os.environ["HEALTH_WORKER"]
FOLDER = os.environ["HEALTH_WORKER_TEST_SERVERS"]
TICKS = os.sysconf("SC_CLK_TCK")
# Between the first probes and the first figure: what was opened for them is closed again.
SETTLING = 20


def say(text):
    print(text, file=sys.stderr, flush=True)


def row(name, *columns):
    print(f"{name:34}" + "".join(f"{column:>14}" for column in columns), flush=True)


def figure(key, value):
    if path := os.environ.get("BENCH_FIGURES"):
        with open(path, "a") as file:
            file.write(f"{key} {value:.4f}\n")


def document(checks):
    return {
        "format": 1,
        "set": "idle",
        "checks": [
            # Each succeeds at its first probe: a server listens on every address of the loopback.
            {
                "name": f"idle-{number:06}", "type": "tcp",
                "target": {"host": f"127.0.{number >> 8 & 255}.{number & 255}", "port": 1},
                "interval": "24h", "fast_interval": "1s",
            }
            for number in range(checks)
        ],
    }


class Listener:
    """A port at which all of the loopback answers, for the checks' first probes."""

    def __init__(self):
        code = (
            "import socket\n"
            "s = socket.create_server(('0.0.0.0', 0), backlog=4096)\n"
            "print(s.getsockname()[1], flush=True)\n"
            "while True: s.accept()[0].close()\n")
        self.child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())

    def end(self):
        self.child.terminate()
        self.child.wait()


def apply(api, checks, listener):
    given = document(checks)
    for check in given["checks"]:
        check["target"]["port"] = listener.port
    status, _, body = api.request(
        "POST", "/v1/apply", body=json.dumps(given).encode(),
        headers={"Content-Type": "application/json"})
    if status != 200:
        sys.exit(f"apply: {status} {body[:400]}")


def wait_until_all_are_probed(api):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        _, _, body = api.request("GET", "/v1/checks?health=unknown&limit=1")
        if not json.loads(body)["items"]:
            return
        time.sleep(0.5)
    sys.exit("the checks were not all probed within 2 min")


def cpu(pid):
    """Seconds."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_with_children(pid):
    below = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    total = 0
    for each in (pid, *below):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += cpu(each)
    return total


def rss(pid):
    """Megabytes."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


def measure(processes, seconds, servers=()):
    """Percent of a processor, and megabytes at the end, of each."""
    time.sleep(SETTLING)
    pids = {server: int(open(f"{FOLDER}/{server}/pid").read()) for server in servers}
    before = {name: cpu(pid) for name, pid in processes.items()}
    before |= {server: cpu_with_children(pid) for server, pid in pids.items()}
    start = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - start
    used = {
        name: (100 * (cpu(pid) - before[name]) / passed, rss(pid)) for name, pid in processes.items()
    }
    for server, pid in pids.items():
        row(f"  {server}, for all of them", f"{100 * (cpu_with_children(pid) - before[server]) / passed:.2f}", "")
    for name, (percent, megabytes) in used.items():
        row(f"  {name}", f"{percent:.2f}", f"{megabytes:.1f}")
    return used.values()


def roles(given, listener):
    """`api`, `register` and `worker`, each a process."""
    settings = {
        "HEALTH_WORKER_REDIS_URL": os.environ["HEALTH_WORKER_TEST_REDIS"],
        "HEALTH_WORKER_API_LIMITS_PER_KEY": "1000000",
    }
    with running("postgresql", settings) as api, tempfile.TemporaryDirectory() as folder:
        environment = api.environment
        started = {}
        try:
            for role in ("register", "worker"):
                with open(f"{folder}/{role}.log", "w") as log:
                    started[role] = subprocess.Popen([PROGRAM, role], env=environment, stdout=log, stderr=log)
            apply(api, given.checks, listener)
            wait_until_all_are_probed(api)
            pids = {"api": api.pid, **{role: child.pid for role, child in started.items()}}
            return measure(pids, given.seconds, ("postgresql", "redis"))
        finally:
            for child in started.values():
                child.terminate()
            for child in started.values():
                child.wait(60)


def standalone(given, listener):
    """All of them in one process."""
    with running("sqlite", command="standalone") as api:
        apply(api, given.checks, listener)
        wait_until_all_are_probed(api)
        return measure({"standalone": api.pid}, given.seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--checks", type=int, default=1000)
    given = parser.parse_args()
    listener = Listener()
    try:
        say(f"{given.checks} checks, each every 24 h; {given.seconds} s each")
        row("with nothing due", "CPU %", "MB")
        print("PostgreSQL and Redis")
        used = list(roles(given, listener))
        print("SQLite")
        standalone(given, listener)
    finally:
        listener.end()
    figure("idle.cpu_percent", max(percent for percent, _ in used))
    figure("idle.rss_mb", max(megabytes for _, megabytes in used))


main()
