"""What scripts/bench.d/failover starts beside the far side of a bad network: it kills the target, loses
packets, prints tables, and writes the figures down."""

import argparse
import math
import os
import random
import socket
import sys
import tempfile
import time

from failover_watchers import (
    AGENT_PAUSE, FALL, FAST, INTERVAL, PORT, RISE, STANDBY, TARGET, TIMEOUT, Servers, watchers)


def say(text):
    print(text, file=sys.stderr, flush=True)


def figure(key, value):
    with open(os.environ["BENCH_FIGURES"], "a") as file:
        file.write(f"{key} {value:.4f}\n")


def quantile(values, share):
    """The smallest one that so many are not above."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Link:
    """The bad network's orders."""

    def __init__(self, path):
        self.path = path

    def order(self, line):
        with open(self.path, "w") as orders:
            orders.write(line + "\n")
        return time.time()


class Target:
    def __init__(self, folder, link):
        self.link = link
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(folder, "asking"))
        self.socket.connect(os.path.join(folder, "target"))
        self.socket.settimeout(10)

    def order(self, word):
        self.socket.send(word.encode())
        return float(self.socket.recv(100))

    def kill(self, how):
        """When it was."""
        return self.order("refuse") if how == "refused" else self.link.order("cut")

    def mend(self, how):
        return self.order("serve") if how == "refused" else self.link.order("mend")


def wait(servers, seen, answer, since, seconds=90):
    """Until every watcher has given an answer after a moment, and still does."""
    deadline = time.monotonic() + seconds
    while not all(one.answer == answer and one.since(since, answer) for one in seen):
        servers.look()
        if time.monotonic() > deadline:
            states = ", ".join(f"{one.title}: {one.answer}" for one in seen)
            sys.exit(f"not everybody answers {answer} within {seconds} s: {states}")
        time.sleep(0.02)


def failures(servers, program, seen, target, options):
    """The seconds that each needed, by how the target failed; and by how much we missed the ideal."""
    took = {how: {one.title: [] for one in seen} for how in ("refused", "black hole")}
    over = {how: {one.title: [] for one in seen[:2]} for how in took}
    for number in range(options.failures):
        for how in took:
            # Anywhere in everybody's interval.
            time.sleep(0.5 + random.uniform(0, INTERVAL + 2 * (FALL - 1) * FAST))
            killed = target.kill(how)
            wait(servers, seen, STANDBY, killed)
            for one in seen:
                took[how][one.title].append(one.since(killed, STANDBY) - killed)
            ideal = program.first_slot(killed) + (FALL - 1) * FAST - killed
            if how == "black hole":
                ideal += TIMEOUT
            for title, of in over[how].items():
                of.append((took[how][title][-1] - ideal) * 1000)
            mended = target.mend(how)
            wait(servers, seen, TARGET, mended)
        say(
            f"failure {number + 1} of {options.failures}: refused, at PowerDNS"
            f" {took['refused'][seen[0].title][-1]:.2f} s,"
            f" {over['refused'][seen[0].title][-1]:.0f} ms over the ideal")
    return took, over


def print_failures(took, over):
    for how, by in took.items():
        head = f"from {how} to the changed answer, s"
        print(f"\n{head:44}    p50    p95    max   trials")
        for title, seconds in by.items():
            columns = "".join(f"{quantile(seconds, share):7.2f}" for share in (0.5, 0.95, 1))
            print(f"{title:44}{columns} {len(seconds):8}")
    for how, by in over.items():
        # The first slot after it + (fall − 1) × fast_interval, and for a black hole + timeout.
        head = f"{how}, beyond the ideal, ms"
        print(f"\n{head:44}    p50    p95    max   trials")
        for title, of in by.items():
            columns = "".join(f"{quantile(of, share):7.0f}" for share in (0.5, 0.95, 1))
            print(f"{title:44}{columns} {len(of):8}")


def losses(servers, seen, target, options):
    """How often each left the target, by the share of packets that was lost."""
    left = {}
    for percent in options.loss:
        target.link.order(f"loss {percent}")
        start = time.time()
        while time.time() < start + options.loss_minutes * 60:
            servers.look()
            time.sleep(0.2)
        end = target.link.order("loss 0")
        left[percent] = {one.title: one.left(start, end) for one in seen}
        say(f"{percent} % loss: {left[percent]}")
        # Not before whoever left is back.
        deadline = time.monotonic() + 60
        while any(one.answer != TARGET for one in seen) and time.monotonic() < deadline:
            time.sleep(0.1)
    return left


def pace(one, seen, took):
    """How fast it leaves a black hole, which is what lost packets look like: "" where it takes as long as
    we do, within a fifth."""
    if not took[one.title]:
        return ""
    own = quantile(took[seen[0].title], 0.5)
    over = quantile(took[one.title], 0.5) - own
    return "" if abs(over) <= own / 5 else "leaves later" if over > 0 else "leaves sooner"


def print_losses(left, seen, took, minutes):
    head = f"false switches, in {minutes:g} min"
    heads = "".join(f"{f'{percent:g} % loss':>12}" for percent in left)
    print(f"\n{head:44}{heads}")
    for one in seen:
        mark = pace(one, seen, took)
        columns = "".join(f"{by[one.title]:12}" for by in left.values())
        print(f"{one.title:44}{columns}" + (f"   ({mark})" if mark else ""))


def best_peer(by, seen, took):
    """The fewest false switches of those that take as long as we do to leave a black hole."""
    return min((by[one.title] for one in seen[2:] if not pace(one, seen, took)), default=None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failures", type=int, default=20)
    parser.add_argument("--loss", type=lambda text: [float(n) for n in text.split(",")], default=[5, 20])
    parser.add_argument("--loss-minutes", type=float, default=10)
    parser.add_argument("--folder", required=True)
    options = parser.parse_args()
    link = Link(os.path.join(options.folder, "orders"))
    target = Target(options.folder, link)
    with Servers(options.folder) as servers:
        servers.start(
            "standby", sys.executable, os.path.join(os.path.dirname(__file__), "failover_target.py"),
            STANDBY, str(PORT), os.path.join(options.folder, "standby"))
        program, seen = watchers(servers)
        say("waiting until everybody answers the target …")
        wait(servers, seen, TARGET, 0)
        print(
            f"a probe every {INTERVAL} s, every {FAST} s after a failure, time-out {TIMEOUT} s; {FALL}"
            f" failures to leave, {RISE} successes to come back; agent-check every {AGENT_PAUSE} s")
        took, over = failures(servers, program, seen, target, options)
        if options.failures:
            print_failures(took, over)
            figure("failover.p95_over_ideal_ms", quantile(over["refused"][seen[0].title], 0.95))
        left = losses(servers, seen, target, options) if options.loss_minutes > 0 else {}
        if not left:
            return
        black_hole = took["black hole"]
        print_losses(left, seen, black_hole, options.loss_minutes)
        # Where no peer switches, or none takes as long, there is nothing to compare with.
        compared = [
            by[seen[0].title] - best_peer(by, seen, black_hole) for by in left.values()
            if any(by[one.title] for one in seen[2:]) and best_peer(by, seen, black_hole) is not None]
        if compared:
            figure("failover.false_switches_over_best_peer", max(compared))


main()
