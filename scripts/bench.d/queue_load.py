"""What scripts/bench.d/queue starts: it measures, prints a table, and writes the figures down."""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import psycopg

BENCH = os.environ["QUEUE_BENCH"]
PROGRAM = os.environ["HEALTH_WORKER"]
SERVER = urllib.parse.urlsplit(os.environ["HEALTH_WORKER_TEST_POSTGRESQL"])
REDIS = os.environ["HEALTH_WORKER_TEST_REDIS"]
FOLDER = os.environ["HEALTH_WORKER_TEST_SERVERS"]
PEERS = os.path.join(os.path.dirname(__file__), "peers.py")
INTERVAL = 10


def say(text):
    print(text, file=sys.stderr, flush=True)


def row(name, *columns):
    print(f"{name:34}" + "".join(f"{column:>16}" for column in columns), flush=True)


def figure(key, value):
    if path := os.environ.get("BENCH_FIGURES"):
        with open(path, "a") as file:
            file.write(f"{key} {value:.4f}\n")


# Databases.


def url(database):
    return SERVER._replace(path="/" + database).geturl()


def execute(database, *statements):
    """Runs each statement by itself; the rows of the last one."""
    with psycopg.connect(url(database), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def new_database(name, template=None):
    execute("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    execute("postgres", f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    execute(name, "CHECKPOINT")


def make_template(name, checks, port=None):
    """A database with so many healthy checks, none of them due. One is written by the program, and
    the others are copies of its rows."""
    new_database(name)
    http = ["--http-port", str(port)] if port else []
    subprocess.run([BENCH, "fill", "--url", url(name), "--checks", "1", *http], check=True)
    columns = "revision, epoch, type, is_enabled, interval_us, timeout_ms, location, created_at, updated_at"
    execute(
        name,
        "DELETE FROM probe_jobs",
        "UPDATE check_health SET health = 'healthy'",
        f"""
        INSERT INTO checks (name, slot, spec, {columns})
        SELECT 'web-' || n, n % 256, replace(spec, '"web-0"', '"web-' || n || '"'), {columns}
        FROM checks, generate_series(1, {checks - 1}) AS n
        """,
        """
        INSERT INTO check_health (check_id, epoch, health, health_since)
        SELECT check_id, epoch, 'healthy', 0
        FROM checks
        WHERE name <> 'web-0'
        """,
        "DELETE FROM schedule_slots",
        "TRUNCATE queue_tallies",
        "VACUUM ANALYZE",
    )


def insert_jobs(database, location="NULL"):
    """Every check due now.
    Returns the moment just before that is seen, by the clock on the wall."""
    with psycopg.connect(url(database)) as connection:
        connection.execute(
            f"""
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, location, timeout_ms)
            SELECT check_id, now_us(), now_us(), epoch, {location}, timeout_ms
            FROM checks
            ORDER BY check_id
            """)
        now = time.time()
    return now


def start_wheel(database):
    """Every slot due within one interval from now on."""
    execute(
        database,
        f"""
        INSERT INTO schedule_slots (interval_us, slot, due_at)
        SELECT {INTERVAL}000000, n, now_us() + {INTERVAL}000000::bigint * n / 256
        FROM generate_series(0, 255) AS n
        """)


def tally(connection):
    names = "enqueued completed lost void rescued stale superseded missed".split()
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in names)
    return dict(zip(names, connection.execute(f"SELECT {sums} FROM queue_tallies").fetchone()))


# Processes.


class Process:
    """One of queue-bench's or a peer's: it says ready, and answers each line."""

    def __init__(self, *arguments):
        self.child = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        if line != "ready\n":
            sys.exit(f"{arguments[:3]} did not start: {line!r}")

    def ask(self):
        self.tell()
        return json.loads(self.child.stdout.readline())

    def tell(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def end(self):
        self.child.stdin.close()
        if self.child.wait() != 0:
            sys.exit(f"{self.child.args} ended with {self.child.returncode}")


@contextlib.contextmanager
def running(*lists):
    processes = []
    try:
        for arguments in lists:
            processes.append(Process(*arguments))
        yield processes
    finally:
        for process in processes:
            process.end()


def ours(database, *options):
    return [BENCH, "process", "--url", url(database), *options]


def cpu_of(pid):
    """Seconds, those of its ended children included."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def cpu_of_server():
    with open(f"{FOLDER}/postgresql/pid") as file:
        postmaster = int(file.read())
    children = subprocess.run(
        ["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
    total = cpu_of(postmaster)
    for child in children:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_of(child)
    return total


def wal(connection):
    return connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone()[0]


# Drains.


def drain_ours(template, jobs, workers, concurrency, locations=0):
    new_database("ours", template)
    location = f"'|site' || check_id % {locations} || '|'" if locations else "NULL"
    lists = [
        ours("ours", "--worker", "--concurrency", str(concurrency),
             *(["--location", f"site{n}"] if locations else []))
        for n in range(workers)
    ]
    with running(*lists) as processes, psycopg.connect(url("ours"), autocommit=True) as connection:
        for process in processes:
            process.ask()
        start = insert_jobs("ours", location)
        inserted, server_inserted = wal(connection), cpu_of_server()
        deadline = time.time() + 120
        while (done := tally(connection)["completed"]) < jobs:
            if time.time() > deadline:
                sys.exit(f"only {done} of {jobs} jobs were drained in two minutes")
            time.sleep(0.05)
        seen = [process.ask() for process in processes]
        spent = {
            "wal": (wal(connection) - inserted) / jobs,
            "server": (cpu_of_server() - server_inserted) / jobs,
            "workers": sum(each["cpu_s"] for each in seen) / jobs,
        }
    return jobs / (max(each["completed_at"] for each in seen) - start), spent


def drain_raw(template, jobs, batch=500, clients=4):
    new_database("raw", template)
    functions, script, settings = (
        subprocess.run([BENCH, "statements", *flags], check=True, capture_output=True, text=True).stdout
        for flags in (["--functions"], [], ["--settings"]))
    execute("raw", functions)
    insert_jobs("raw")
    execute("raw", "CHECKPOINT")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        options = " ".join(
            "-c " + setting.replace("SET ", "").replace(" ", "").replace("'", "")
            for setting in settings.strip().split(";\n"))
        said = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-D", f"batch={batch}", "-c", str(clients), "-j", "2",
             "-t", str(jobs // batch // clients), "-f", file.name, url("raw")],
            env={**os.environ, "PGOPTIONS": options}, capture_output=True, text=True)
    with psycopg.connect(url("raw"), autocommit=True) as connection:
        done = tally(connection)["completed"]
    rate = re.search(r"tps = ([0-9.]+)", said.stdout)
    if said.returncode != 0 or done < 0.98 * jobs or not rate:
        sys.exit(f"pgbench drained {done} of {jobs} jobs:\n{said.stdout}{said.stderr}")
    return done / (jobs // batch // clients * clients / float(rate[1]))


def drain_peer(peer, jobs, workers, number):
    new_database("peer")
    subprocess.run([sys.executable, PEERS, peer, "fill", url("peer"), str(jobs)], check=True)
    execute("peer", "VACUUM ANALYZE", "CHECKPOINT")
    table = {"pgqueuer": "pgqueuer", "procrastinate": "procrastinate_jobs"}[peer]
    lists = [[sys.executable, PEERS, peer, "drain", url("peer"), str(number)] for _ in range(workers)]
    with running(*lists) as processes, psycopg.connect(url("peer"), autocommit=True) as connection:
        start = time.time()
        for process in processes:
            process.tell()
        while connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()[0]:
            time.sleep(0.02)
        return jobs / (time.time() - start)


def drains(options):
    make_template("many", options.jobs)
    runs = {
        "pgbench, our statements": lambda: drain_raw("many", options.jobs),
        "ours, 2 workers": lambda: drain_ours("many", options.jobs, 2, 2000),
        "pgqueuer": lambda: drain_peer("pgqueuer", options.jobs // 4, 2, 500),
        "procrastinate": lambda: drain_peer("procrastinate", options.jobs // 100, 2, 10),
    }
    if "scale" in options.phases:
        runs["ours, 16 workers of 500 places"] = lambda: drain_ours("many", options.jobs, 16, 500)
    if "locations" in options.phases:
        runs["ours, 20 workers, no location"] = lambda: drain_ours("many", options.jobs, 20, 500)
        runs["ours, 20 workers, 20 locations"] = lambda: drain_ours("many", options.jobs, 20, 500, 20)
    if "drain" not in options.phases:
        runs = {name: run for name, run in runs.items() if name.startswith(("pgbench", "ours, 16", "ours, 20"))}
    rates = {name: [] for name in runs}
    spent = {}
    for round in range(options.rounds):
        for name, run in runs.items():
            rate = run()
            if isinstance(rate, tuple):
                rate, spent[name] = rate
            rates[name].append(rate)
            say(f"round {round + 1}: {name}: {rate:,.0f} jobs/s")
    raw = rates["pgbench, our statements"]

    def ratio(name, to):
        return statistics.median(a / b for a, b in zip(rates[name], rates[to]))

    print()
    row("drain", "jobs/s", "lowest", "highest", "of pgbench", "WAL B/job", "server µs/job", "worker µs/job")
    for name, found in rates.items():
        more = spent.get(name)
        row(name, f"{statistics.median(found):,.0f}", f"{min(found):,.0f}", f"{max(found):,.0f}",
            f"{statistics.median(a / b for a, b in zip(found, raw)):.3f}",
            *([f"{more['wal']:.0f}", f"{more['server'] * 1e6:.1f}", f"{more['workers'] * 1e6:.1f}"] if more else []))
    if "drain" in options.phases:
        figure("queue.drain_vs_raw", ratio("ours, 2 workers", "pgbench, our statements"))
        figure("queue.drain_vs_pgqueuer", ratio("ours, 2 workers", "pgqueuer"))
        figure("queue.drain_vs_procrastinate", ratio("ours, 2 workers", "procrastinate"))
    if "scale" in options.phases:
        figure("queue.scale_16_vs_raw", ratio("ours, 16 workers of 500 places", "pgbench, our statements"))


# Steady loads.


def loss(before, after, expected):
    """The share of the ticks that were probed: not missed, and not due while the job before waited."""
    gone = sum(after[name] - before[name] for name in ("superseded", "missed"))
    completed = after["completed"] - before["completed"]
    return min(1 - gone / expected, completed / expected)


def steady(options, pinned=False):
    checks = options.checks
    new_database("steady", "all_checks")
    lists = [
        ours("steady", "--register"),
        *[ours("steady", "--worker", "--redis", REDIS, "--failing", "0.02")] * 2,
    ]
    with running(*lists) as processes, psycopg.connect(url("steady"), autocommit=True) as connection:
        start_wheel("steady")
        time.sleep(INTERVAL + 5)
        pin = None
        if pinned:
            pin = psycopg.connect(url("steady"))
            pin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            pin.execute("SELECT txid_current()")
        for process in processes:
            process.ask()
        before, server, log = tally(connection), cpu_of_server(), wal(connection)
        start = time.time()
        time.sleep(options.seconds)
        seen = [process.ask() for process in processes]
        after, passed = tally(connection), time.time() - start
        server, log = cpu_of_server() - server, wal(connection) - log
        hot = connection.execute(
            """
            SELECT relname, n_tup_hot_upd::float / nullif(n_tup_upd, 0)
            FROM pg_stat_user_tables
            WHERE relname IN ('probe_jobs', 'check_health', 'schedule_slots')
            ORDER BY relname
            """).fetchall()
        if pin:
            pin.close()
    workers = seen[1:]
    lags = {name: max(each["lag_ms"][name] for each in workers) for name in ("p0.5", "p0.99", "max")}
    completed = after["completed"] - before["completed"]
    held = loss(before, after, checks / INTERVAL * passed)
    name = f"{checks:,} checks at {INTERVAL} s" + (", pinned xmin" if pinned else "")
    row(name, f"{completed / passed:,.0f}", f"{held:.4f}", *(f"{lags[key]:.1f}" for key in lags),
        f"{log / completed:.0f}", f"{server / passed * 100:.0f} %",
        f"{sum(each['cpu_s'] for each in workers) / passed * 100:.0f} %",
        f"{seen[0]['cpu_s'] / passed * 100:.0f} %", f"{max(each['rss_mb'] for each in workers)}")
    print(f"{'':34}" + ", ".join(f"HOT updates of {table} {share:.1%}" for table, share in hot if share))
    key = "queue.pinned" if pinned else "queue.steady"
    figure(f"{key}_lag_p99_ms", lags["p0.99"])
    figure(f"{key}_rate_held", held)


def scraped(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    found = {}
    for bound, count in re.findall(
            r'health_worker_queue_lag_seconds_bucket\{[^}]*le="([^"]+)"\} (\d+)', text):
        found[float(bound.replace("+Inf", "inf"))] = int(count)
    return found


def quantile(before, after, share):
    """Within its bucket as if evenly spread, in milliseconds."""
    bounds = sorted(after)
    counts = [after[bound] - before.get(bound, 0) for bound in bounds]
    wanted, low = share * counts[-1], (0.0, 0)
    for bound, count in zip(bounds, counts):
        if count >= wanted:
            top = low[0] * 2 if bound == float("inf") else bound
            return 1000 * (low[0] + (top - low[0]) * (wanted - low[1]) / max(1, count - low[1]))
        low = (bound, count)


def http(options):
    """The program itself, each role a process, against an HTTP server on this machine."""
    checks = options.http_checks
    port = urllib.parse.urlsplit(os.environ["HEALTH_WORKER_TEST_NGINX"]).port
    make_template("http_checks", checks, port)
    new_database("http", "http_checks")
    listen = {"register": 0, "worker": free_port()}
    processes = {}
    with contextlib.ExitStack() as stack, psycopg.connect(url("http"), autocommit=True) as connection:
        for role in ("register", "worker"):
            environment = {
                **os.environ, "HEALTH_WORKER_DATABASE_URL": url("http"), "HEALTH_WORKER_REDIS_URL": REDIS,
                "HEALTH_WORKER_LOG_LEVEL": "warning",
            }
            if listen[role]:
                environment["HEALTH_WORKER_METRICS_LISTEN"] = f"127.0.0.1:{listen[role]}"
            processes[role] = subprocess.Popen([PROGRAM, role], env=environment)
            stack.callback(processes[role].wait)
            stack.callback(processes[role].terminate)
        start_wheel("http")
        time.sleep(INTERVAL + 5)
        with open(f"{FOLDER}/nginx/pid") as file:
            master = file.read().strip()
        web = subprocess.run(["pgrep", "-P", master], capture_output=True, text=True).stdout.split()

        def now():
            return {
                "server": cpu_of_server(), "nginx": sum(cpu_of(pid) for pid in web),
                **{role: cpu_of(process.pid) for role, process in processes.items()},
            }
        before, cpu, lags, start = tally(connection), now(), scraped(listen["worker"]), time.time()
        time.sleep(options.seconds)
        after, spent, seen, passed = tally(connection), now(), scraped(listen["worker"]), time.time() - start
        with open(f"/proc/{processes['worker'].pid}/status") as file:
            rss = int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024
        bad = connection.execute("SELECT count(*) FROM outcomes WHERE outcome <> 'success'").fetchone()[0]
    completed = after["completed"] - before["completed"]
    held = loss(before, after, checks / INTERVAL * passed)
    p50, p99 = (quantile(lags, seen, share) for share in (0.5, 0.99))
    percent = {name: f"{(spent[name] - cpu[name]) / passed * 100:.0f} %" for name in spent}
    row(f"{checks:,} HTTP checks at {INTERVAL} s", f"{completed / passed:,.0f}", f"{held:.4f}",
        f"{p50:.1f}", f"{p99:.1f}", "", "", percent["server"], percent["worker"], percent["register"], f"{rss:.0f}")
    print(f"{'':34}nginx {percent['nginx']} CPU, {bad} outcomes were no success")
    figure("queue.load_30k_lag_p99_ms", p99)
    figure("queue.load_30k_rate_held", held)
    figure("queue.load_30k_worker_rss_mb", rss)


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def sqlite(options):
    checks = min(options.jobs, 20_000)
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:{folder}/bench.sqlite"
        subprocess.run([BENCH, "fill", "--url", address, "--checks", str(checks)], check=True)
        with running([BENCH, "process", "--url", address, "--worker", "--concurrency", "2000"]) as (worker,):
            deadline, done = time.time() + 60, 0
            first = time.time()
            while done < checks and time.time() < deadline:
                time.sleep(0.05)
                seen = worker.ask()
                done += seen["completed"]
    row("SQLite, first probes of new checks", f"{done / (seen['completed_at'] - first):,.0f}")


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=200_000)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--http-checks", type=int, default=30_000)
    parser.add_argument("--phases", default="drain,scale,locations,steady,pinned,http,sqlite")
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.jobs, options.seconds = 1, 100_000, 15
    options.phases = options.phases.split(",")

    if {"drain", "scale", "locations"} & set(options.phases):
        drains(options)
    if {"steady", "pinned"} & set(options.phases):
        make_template("all_checks", options.checks)
    if {"steady", "pinned", "http"} & set(options.phases):
        print()
        row("steady load", "jobs/s", "held", "lag p50 ms", "lag p99 ms", "lag max ms", "WAL B/job",
            "PostgreSQL", "workers", "register", "worker MB")
    if "steady" in options.phases:
        steady(options)
    if "pinned" in options.phases:
        steady(options, pinned=True)
    if "http" in options.phases:
        http(options)
    if "sqlite" in options.phases:
        print()
        sqlite(options)


main()
