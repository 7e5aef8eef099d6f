"""What scripts/soak starts: a fleet, its faults, and the verdict."""

import argparse
import contextlib
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse

import matplotlib
import psycopg

from queue_load import (
    INTERVAL, PROGRAM, REDIS, execute, free_port, make_template, pid_of, quantile, rate_held, scraped,
    start_wheel, tally, url,
)

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

SAMPLE = 5
BUDGET_MS = 250
GROWTH = 1.05
# Idle connections and open probes come and go.
DESCRIPTORS = 50
# Seconds after the end of a fault from which on probes are to be in time again: the leases of a worker
# that was killed have ended by then, and what waited was probed.
RECOVERY = 20


class Role:
    """A process of the program that is started again where it was killed."""

    def __init__(self, name, role, environment):
        self.name, self.role = name, role
        self.port = free_port()
        self.environment = {
            **environment, "HEALTH_WORKER_METRICS_LISTEN": f"127.0.0.1:{self.port}",
            "HEALTH_WORKER_WORKER_NAME": name,
        }
        self.start()

    def start(self):
        self.process = subprocess.Popen([PROGRAM, self.role], env=self.environment)
        self.lags = {}

    def end(self, with_signal):
        self.process.send_signal(with_signal)
        self.process.wait(60)

    def used(self):
        """Megabytes in RAM, and descriptors."""
        folder = f"/proc/{self.process.pid}"
        with open(f"{folder}/status") as file:
            rss = int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024
        return rss, len(os.listdir(f"{folder}/fd"))

    def new_lags(self):
        """Counts by bucket since the last question; nothing while it does not answer."""
        try:
            now = scraped(self.port)
        except OSError:
            return {}
        new = {bound: count - self.lags.get(bound, 0) for bound, count in now.items()}
        self.lags = now
        return new


class Fleet:
    def __init__(self, connection, environment):
        self.connection = connection
        # The first of each lives through it all: its memory is what is looked at.
        self.roles = [
            Role(f"{role}-{number}", role, environment)
            for role in ("register", "worker") for number in (1, 2)
        ]

    def named(self, name):
        return next(role for role in self.roles if role.name == name)

    def replace(self, name, with_signal):
        role = self.named(name)
        role.end(with_signal)
        time.sleep(2)
        role.start()

    def kill_worker(self):
        self.replace("worker-2", signal.SIGKILL)

    def drain_worker(self):
        self.replace("worker-2", signal.SIGTERM)

    def kill_register(self):
        self.replace("register-2", signal.SIGKILL)

    def empty_redis(self):
        subprocess.run(["redis-cli", "-u", REDIS, "FLUSHALL"], check=True, stdout=subprocess.DEVNULL)

    def stop_redis(self):
        self.pause(pid_of("redis"), 8)

    def stop_targets(self):
        self.pause(pid_of("nginx"), 12)

    def cut_connections(self):
        self.connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)

    def hold_a_transaction(self):
        with psycopg.connect(url("soak")) as other:
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT txid_current()")
            time.sleep(20)

    @staticmethod
    def pause(pid, seconds):
        below = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        pids = [pid, *map(int, below)]
        for each in pids:
            os.kill(each, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            for each in pids:
                os.kill(each, signal.SIGCONT)

    @property
    def faults(self):
        return [
            self.kill_worker, self.kill_register, self.drain_worker, self.empty_redis, self.stop_redis,
            self.stop_targets, self.cut_connections, self.hold_a_transaction,
        ]


def faults_of(fleet, seed):
    """Each once, in another order every time, for ever."""
    chance = random.Random(seed)
    while True:
        yield from chance.sample(fleet.faults, len(fleet.faults))


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--checks", type=int, default=30_000)
    parser.add_argument("--warm-up", type=int, default=9)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--graph", default=".build-data/soak.png")
    options = parser.parse_args()
    if options.minutes <= options.warm_up + 1:
        sys.exit("scripts/soak: --minutes is to be at least two more than --warm-up")
    print(f"{options.checks:,} HTTP checks at {INTERVAL} s, {options.minutes} minutes, seed {options.seed}")

    port = urllib.parse.urlsplit(os.environ["HEALTH_WORKER_TEST_NGINX"]).port
    make_template("soak", options.checks, port)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEALTH_WORKER")},
        "HEALTH_WORKER_DATABASE_URL": url("soak"), "HEALTH_WORKER_REDIS_URL": REDIS,
        "HEALTH_WORKER_LOG_LEVEL": "error",
    }
    # Of each minute: how late all probes were, and those once its fault was over.
    samples, minutes, recovered = [], [], []
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(url("soak"), autocommit=True))
        fleet = Fleet(connection, environment)
        stack.callback(lambda: [role.end(signal.SIGTERM) for role in fleet.roles])
        start_wheel("soak")
        time.sleep(INTERVAL + 5)
        faults = faults_of(fleet, options.seed)
        before, start = tally(connection), time.monotonic()
        for role in fleet.roles:
            role.new_lags()
        for minute in range(options.minutes):
            end = start + (minute + 1) * 60
            # The first minute is as it is without faults.
            fault = next(faults) if minute > 0 else None
            lags, later, steady = {}, {}, time.monotonic()
            if fault:
                add(lags, fleet)
                fault()
                steady = time.monotonic() + RECOVERY
            while (now := time.monotonic()) < end:
                time.sleep(min(SAMPLE, end - now))
                add(lags, fleet, later if now >= steady else None)
                samples.append((
                    time.monotonic() - start,
                    {role.name: role.used() for role in fleet.roles},
                    quantile({}, lags, 0.99) if lags and lags[max(lags)] else 0.0))
            minutes.append(lags)
            recovered.append(later)
            p99 = quantile({}, lags, 0.99)
            used = {name: f"{rss:.0f} MB" for name, (rss, _) in samples[-1][1].items()}
            print(
                f"minute {minute + 1:3}: late p99 {p99:8.1f} ms   "
                + "   ".join(f"{name} {text}" for name, text in used.items())
                + (f"   {fault.__name__.replace('_', ' ')}" if fault else ""), flush=True)
        after, passed = tally(connection), time.monotonic() - start
        held = rate_held(before, after, options.checks / INTERVAL * passed)
        for role in fleet.roles:
            if role.role == "register":
                role.end(signal.SIGTERM)
        settle(connection)
        problems = broken_promises(connection)
        for role in fleet.roles:
            if role.role == "register":
                role.start()
    draw(samples, options)
    problems += verdict(samples, minutes, recovered, held, options)
    if problems:
        sys.exit("scripts/soak: " + "; ".join(problems))
    print("Everything holds.")


def add(lags, fleet, later=None):
    for role in fleet.roles:
        if role.role == "worker":
            for bound, count in role.new_lags().items():
                lags[bound] = lags.get(bound, 0) + count
                if later is not None:
                    later[bound] = later.get(bound, 0) + count


def together(minutes):
    whole = {}
    for lags in minutes:
        for bound, count in lags.items():
            whole[bound] = whole.get(bound, 0) + count
    return whole


def settle(connection):
    """Nothing new comes: what was under way ends."""
    deadline = time.monotonic() + 90
    while connection.execute("SELECT count(*) FROM probe_jobs").fetchone()[0]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)


def broken_promises(connection):
    problems, counts = [], tally(connection)
    live = connection.execute("SELECT count(*) FROM probe_jobs").fetchone()[0]
    ended = counts["completed"] + counts["lost"] + counts["void"]
    print(f"enqueued {counts['enqueued']:,} = ended {ended:,} + live {live}; lost {counts['lost']}, "
          f"rescued {counts['rescued']:,}, stale {counts['stale']}")
    if counts["enqueued"] != ended + live:
        problems.append(f"{counts['enqueued']} jobs were enqueued and {ended + live} are accounted for")
    doubled = connection.execute(
        "SELECT count(*) - count(DISTINCT job_id) FROM outcomes").fetchone()[0]
    if doubled:
        problems.append(f"{doubled} outcomes are of jobs that have another one")
    missed = connection.execute(
        "SELECT count(*) FROM evaluations WHERE due_at < now_us() - 5000000").fetchone()[0]
    if missed:
        problems.append(f"{missed} evaluations have been due for 5 s")
    return problems


def verdict(samples, minutes, recovered, held, options):
    problems = []
    p50, p99 = (quantile({}, together(minutes), share) for share in (0.5, 0.99))
    later = quantile({}, together(recovered), 0.99)
    quiet = sum(quantile({}, lags, 0.99) <= BUDGET_MS for lags in recovered)
    print(f"held {held:.4f} of the rate; late p50 {p50:.1f} ms, p99 {p99:.1f} ms, of which {RECOVERY} s "
          f"after each fault p99 {later:.1f} ms; {quiet} of {len(minutes)} minutes within {BUDGET_MS} ms then")
    if later > BUDGET_MS:
        problems.append(f"probes were late by {later:.0f} ms (p99) when the faults were over")
    warm = [used for at, used, _ in samples if options.warm_up * 60 <= at < options.warm_up * 60 + 60]
    last = [used for at, used, _ in samples if at >= options.minutes * 60 - 60]
    for name in ("register-1", "worker-1"):
        (rss, open_), (rss_then, open_then) = (
            [statistics.median(used[name][kind] for used in part) for kind in (0, 1)]
            for part in (last, warm))
        print(f"{name}: {rss_then:.1f} MB after {options.warm_up} minutes, {rss:.1f} MB at the end "
              f"({rss / rss_then - 1:+.1%}); descriptors {open_then:.0f}, {open_:.0f}")
        if rss > rss_then * GROWTH:
            problems.append(f"{name} grew from {rss_then:.1f} to {rss:.1f} MB")
        if open_ > open_then + DESCRIPTORS:
            problems.append(f"{name} has {open_:.0f} descriptors and had {open_then:.0f}")
    return problems


def draw(samples, options):
    figure, (memory, descriptors, late) = pyplot.subplots(
        3, 1, sharex=True, figsize=(10, 8), layout="constrained")
    times = [at / 60 for at, _, _ in samples]
    for name in samples[0][1]:
        memory.plot(times, [used[name][0] for _, used, _ in samples], label=name)
        descriptors.plot(times, [used[name][1] for _, used, _ in samples], label=name)
    late.plot(times, [p99 for _, _, p99 in samples])
    late.axhline(BUDGET_MS, linestyle="--", linewidth=1)
    late.set_yscale("log")
    memory.set_ylabel("MB in RAM")
    memory.set_ylim(bottom=0)
    descriptors.set_ylabel("descriptors")
    late.set_ylabel("late, p99 of the minute so far, ms")
    late.set_xlabel("minutes")
    memory.legend(loc="lower right", ncols=4)
    figure.suptitle(f"{options.checks:,} HTTP checks at {INTERVAL} s, a fault a minute, seed {options.seed}")
    figure.savefig(options.graph, dpi=100)
    print(f"{options.graph} has the graph.")


if __name__ == "__main__":
    main()
