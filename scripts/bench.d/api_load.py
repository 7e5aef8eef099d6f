"""What scripts/bench.d/api starts: it measures, prints a table, and writes the figures down."""

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api.d"))
from running import running

# Who asks for a route, at once.
CONNECTIONS = 16
PAGES = 400


def say(text):
    print(text, file=sys.stderr, flush=True)


def row(name, *columns):
    print(f"{name:40}" + "".join(f"{column:>16}" for column in columns), flush=True)


def figure(key, value):
    if path := os.environ.get("BENCH_FIGURES"):
        with open(path, "a") as file:
            file.write(f"{key} {value:.4f}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--checks", type=int, default=100_000)
    given = parser.parse_args()
    # Each part in a database of its own: what one leaves behind is nothing to the next.
    for part in (apply, pages, routes):
        with running("postgresql", SETTINGS) as api:
            part(api, given)


# The limit of requests for each key holds, and is higher than anything that is measured.
SETTINGS = {"HEALTH_WORKER_LOG_LEVEL": "info", "HEALTH_WORKER_API_LIMITS_PER_KEY": "1000000"}


def document(count, of="shop", start=0):
    return {
        "format": 1,
        "set": of,
        "checks": [
            {
                "name": f"{of}-{number:06}",
                "type": "http",
                # Each is probed once before it is stored, and refuses at once: nothing listens there.
                "target": {
                    "host": f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "port": 9,
                },
                "http": {"path": "/health"},
                "labels": {
                    "env": "prod" if number % 5 else "dev",
                    "site": f"site{number % 50}",
                    "tier": f"tier{number % 3}",
                },
            }
            for number in range(start, start + count)
        ],
    }


def store(api, body):
    status, _, answer = api.request(
        "POST", "/v1/apply", body=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    if status != 200:
        sys.exit(f"apply answered {status}: {answer[:500]}")
    return json.loads(answer)


def apply(api, given):
    body = document(10_000)
    start = time.monotonic()
    plan = store(api, body)
    took = time.monotonic() - start
    if plan["counts"]["create"] != 10_000:
        sys.exit(f"the plan was {plan['counts']}")
    start = time.monotonic()
    plan = store(api, body)
    again = time.monotonic() - start
    if plan["counts"]["unchanged"] != 10_000:
        sys.exit(f"the second plan was {plan['counts']}")
    row("apply of 10,000 checks, s", f"{took:.2f}")
    row("the same once more, nothing changes, s", f"{again:.2f}")
    figure("api.apply_10k_s", took)


def pages(api, given):
    # Enough for what is under way; the rest is in one set each, so that no plan grows with them.
    for start in range(0, given.checks, 10_000):
        store(api, document(min(10_000, given.checks - start), of=f"set{start // 10_000}", start=start))
        say(f"{min(start + 10_000, given.checks)} of {given.checks} checks are stored")
    address = urllib.parse.urlsplit(api.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    times = []
    for selector in SELECTORS:
        taken, cursor = [], ""
        for _ in range(PAGES // len(SELECTORS)):
            query = urllib.parse.urlencode(
                {**selector, "limit": 100, **({"cursor": cursor} if cursor else {})},
                quote_via=urllib.parse.quote,
            )
            start = time.monotonic()
            connection.request(
                "GET", f"/v1/checks?{query}", headers={"Authorization": f"Bearer {api.keys['read']}"}
            )
            answer = connection.getresponse()
            text = answer.read()
            taken.append((time.monotonic() - start) * 1000)
            if answer.status != 200:
                sys.exit(f"{query} answered {answer.status}: {text[:500]}")
            page = json.loads(text)
            if len(page["items"]) != 100 and "next_cursor" in page:
                sys.exit(f"{query}: a page of {len(page['items'])}")
            # The last page leads to the first one.
            cursor = page.get("next_cursor", "")
        times += taken
        row(f"page by {urllib.parse.urlencode(selector, safe='=,!')}, p50 p99 ms",
            f"{statistics.median(taken):.1f}", f"{quantile(taken, 0.99):.1f}")
    row("page by selector, all, p50 p99 ms", f"{statistics.median(times):.1f}", f"{quantile(times, 0.99):.1f}")
    figure("api.list_p99_ms", quantile(times, 0.99))


SELECTORS = [
    {"selector": "env=prod"},
    {"selector": "site=site7"},
    {"selector": "env=prod,tier!=tier1"},
    {"selector": "site in (site1,site2),tier=tier2", "set": "set3"},
]


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def routes(api, given):
    policy = {
        "name": "www",
        "type": "failover",
        "members": [
            {"name": "fra1", "value": "192.0.2.10", "priority": 10},
            {"name": "ams1", "value": "198.51.100.10", "priority": 20},
        ],
    }
    status, _, answer = api.request(
        "PUT", "/v1/policies/www", body=json.dumps(policy).encode(), headers={"Content-Type": "application/json"}
    )
    if status != 201:
        sys.exit(f"the policy was answered {status}: {answer[:500]}")
    status, _, answer = api.request("GET", "/v1/routes/www", role="read")
    if status != 200:
        sys.exit(f"the route was answered {status}: {answer[:500]}")
    hello = subprocess.Popen([os.environ["HELLO_BENCH"]], stdout=subprocess.PIPE, text=True)
    try:
        port = re.search(r":(\d+)", hello.stdout.readline())[1]
        ratios = []
        for number in range(given.rounds):
            bare = rate(f"http://127.0.0.1:{port}/hello", given.seconds)
            ours = rate(f"{api.url}/v1/routes/www", given.seconds, api.keys["read"])
            ratios.append(ours / bare)
            row(f"round {number + 1}: hello, route, requests/s", f"{bare:,.0f}", f"{ours:,.0f}")
    finally:
        hello.terminate()
        hello.wait()
    row("route against hello", f"{statistics.median(ratios):.3f}")
    figure("api.route_vs_hello", statistics.median(ratios))


def rate(url, seconds, key=None):
    """Requests per second, all of them answered with 2xx."""
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    if key:
        command += ["--header", f"Authorization: Bearer {key}"]
    told = subprocess.run([*command, url], check=True, stdout=subprocess.PIPE, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        sys.exit(f"{url}:\n{told}")
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", told)[1])


main()
