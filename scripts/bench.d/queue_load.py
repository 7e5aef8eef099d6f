"""What scripts/bench.d/queue starts: it measures, prints a table, and writes the figures down."""

import argparse
import contextlib
import json
import os
import re
import resource
import sqlite3
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
    print(f"{name:34}" + "".join(f"{column:>14}" for column in columns), flush=True)


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
    """One of queue-bench's or a peer's: it says ready, and answers each line. What it warns of is
    passed on, and counted: a load that is not borne without an error is not borne."""

    def __init__(self, *arguments):
        self.warnings = tempfile.TemporaryFile("w+")
        self.child = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.warnings, text=True)

    def wait_until_ready(self):
        line = self.child.stdout.readline()
        if line != "ready\n":
            self.child.kill()
            sys.exit(f"{self.child.args[:3]} did not start: {line!r}\n{self.said()}")

    def said(self):
        self.warnings.seek(0)
        return self.warnings.read()

    def ask(self):
        self.tell()
        return json.loads(self.child.stdout.readline())

    def tell(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def end(self):
        self.child.stdin.close()
        if self.child.wait() != 0:
            sys.exit(f"{self.child.args} ended with {self.child.returncode}\n{self.said()}")
        lines = self.said().splitlines()
        if lines:
            say(f"    {len(lines)} warnings, the first: {lines[0][:200]}")


@contextlib.contextmanager
def running(*lists):
    processes = []
    try:
        for arguments in lists:
            processes.append(Process(*arguments))
        for process in processes:
            process.wait_until_ready()
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


def cpu_of_all(*parents):
    """Those that live below them included."""
    total = 0
    for parent in parents:
        below = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout
        for pid in (parent, *below.split()):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += cpu_of(pid)
    return total


def pid_of(kind):
    with open(f"{FOLDER}/{kind}/pid") as file:
        return int(file.read())


class Meter:
    """What was spent since it was made: seconds of CPU by whom, and bytes of WAL."""

    def __init__(self, connection, **pids):
        self.connection = connection
        self.pids = {"PostgreSQL": [pid_of("postgresql")], **pids}
        self.start, self.before = time.time(), self.now()

    def now(self):
        return {
            "wal": self.connection.execute(
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone()[0],
            # Programs that have ended since.
            "ended": sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]),
            **{name: cpu_of_all(*pids) for name, pids in self.pids.items()},
        }

    def spent(self):
        now = self.now()
        return {name: now[name] - self.before[name] for name in now} | {
            "seconds": time.time() - self.start}


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
        meter = Meter(connection, client=[process.child.pid for process in processes])
        deadline = time.time() + 120
        while (done := tally(connection)["completed"]) < jobs:
            if time.time() > deadline:
                sys.exit(f"only {done} of {jobs} jobs were drained in two minutes")
            time.sleep(0.05)
        seen, spent = [process.ask() for process in processes], meter.spent()
    return jobs / (max(each["completed_at"] for each in seen) - start), jobs, spent


def drain_raw(template, jobs, batch=500, clients=4):
    new_database("raw", template)
    functions, script, settings = (
        subprocess.run([BENCH, "statements", *flags], check=True, capture_output=True, text=True).stdout
        for flags in (["--functions"], [], ["--settings"]))
    execute("raw", functions)
    insert_jobs("raw")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file, \
            psycopg.connect(url("raw"), autocommit=True) as connection:
        file.write(script)
        file.flush()
        options = " ".join(
            "-c " + setting.replace("SET ", "").replace(" ", "").replace("'", "")
            for setting in settings.strip().split(";\n"))
        meter = Meter(connection)
        said = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-D", f"batch={batch}", "-c", str(clients), "-j", "2",
             "-t", str(jobs // batch // clients), "-f", file.name, url("raw")],
            env={**os.environ, "PGOPTIONS": options}, capture_output=True, text=True)
        spent = meter.spent()
        spent["client"] = spent["ended"]
        done = tally(connection)["completed"]
    rate = re.search(r"tps = ([0-9.]+)", said.stdout)
    if said.returncode != 0 or done < 0.98 * jobs or not rate:
        sys.exit(f"pgbench drained {done} of {jobs} jobs:\n{said.stdout}{said.stderr}")
    return done / (jobs // batch // clients * clients / float(rate[1])), done, spent


def drain_peer(peer, jobs, workers, number):
    new_database("peer")
    subprocess.run([sys.executable, PEERS, peer, "fill", url("peer"), str(jobs)], check=True)
    # No checkpoint between the filling and the drain, here as with ours and pgbench: after it the first
    # change of each page would be logged as the whole page.
    execute("peer", "VACUUM ANALYZE")
    table = {"pgqueuer": "pgqueuer", "procrastinate": "procrastinate_jobs"}[peer]
    lists = [[sys.executable, PEERS, peer, "drain", url("peer"), str(number)] for _ in range(workers)]
    with running(*lists) as processes, psycopg.connect(url("peer"), autocommit=True) as connection:
        meter = Meter(connection, client=[process.child.pid for process in processes])
        start = time.time()
        for process in processes:
            process.tell()
        while connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()[0]:
            time.sleep(0.02)
        return jobs / (time.time() - start), jobs, meter.spent()


RAW = "pgbench, our statements"


def drains(options):
    jobs = options.jobs
    make_template("many", jobs)
    # With nothing to drain, pgbench is what the others are compared with.
    runs = {RAW: ("drain", lambda: drain_raw("many", jobs))}
    runs |= {
        "ours, 2 workers": ("drain", lambda: drain_ours("many", jobs, 2, 2000)),
        "pgqueuer, 2 workers": ("drain", lambda: drain_peer("pgqueuer", jobs // 2, 2, 500)),
        "procrastinate, 2 workers of 10": (
            "drain", lambda: drain_peer("procrastinate", jobs // 50, 2, 10)),
        "ours, 16 workers of 500 places": ("scale", lambda: drain_ours("many", jobs, 16, 500)),
        "ours, 20 workers, no location": ("locations", lambda: drain_ours("many", jobs, 20, 500)),
        "ours, 20 workers, 20 locations": (
            "locations", lambda: drain_ours("many", jobs, 20, 500, 20)),
    }
    runs = {
        name: run for name, (phase, run) in runs.items() if name == RAW or phase in options.phases}
    rates = {name: [] for name in runs}
    costs = {name: [] for name in runs}
    for round in range(options.rounds):
        for name, run in runs.items():
            rate, done, spent = run()
            rates[name].append(rate)
            costs[name].append([spent[key] / done for key in ("wal", "PostgreSQL", "client")])
            say(f"round {round + 1}: {name}: {rate:,.0f} jobs/s")

    def ratio(name, to):
        return statistics.median(a / b for a, b in zip(rates[name], rates[to]))

    print(f"\n{options.rounds} rounds, each in this order; the medians")
    row("drain", "jobs/s", "lowest", "highest", "of pgbench", "WAL B/job", "server µs/job",
        "client µs/job", "CPU in use")
    for name, found in rates.items():
        log, server, client = (statistics.median(column) for column in zip(*costs[name]))
        # Near 100 % it is bound by what a job costs, far from it by waiting: for the disk, for answers.
        used = statistics.median(found) * (server + client) / os.cpu_count()
        row(name, f"{statistics.median(found):,.0f}", f"{min(found):,.0f}", f"{max(found):,.0f}",
            f"{ratio(name, RAW):.3f}", f"{log:.0f}", f"{server * 1e6:.1f}", f"{client * 1e6:.1f}",
            f"{used:.0%}")
    if "drain" in options.phases:
        figure("queue.drain_vs_raw", ratio("ours, 2 workers", RAW))
        figure("queue.drain_vs_pgqueuer", ratio("ours, 2 workers", "pgqueuer, 2 workers"))
        figure(
            "queue.drain_vs_procrastinate",
            ratio("ours, 2 workers", "procrastinate, 2 workers of 10"))
    if "scale" in options.phases:
        figure("queue.scale_16_vs_raw", ratio("ours, 16 workers of 500 places", RAW))
    if "locations" in options.phases:
        kept = ratio("ours, 20 workers, 20 locations", "ours, 20 workers, no location")
        print(f"with 20 locations: {kept:.2f} of the speed without")


# Steady loads.


def rate_held(before, after, expected):
    """The share of the ticks that were probed: not missed, and not due while the job before waited."""
    gone = sum(after[name] - before[name] for name in ("superseded", "missed"))
    completed = after["completed"] - before["completed"]
    return min(1 - gone / expected, completed / expected)


def percent(seconds, passed):
    return f"{seconds / passed * 100:.0f} %"


def steady(options, pinned=False):
    """Two workers without probes; a third process is the register."""
    checks = options.checks
    new_database("steady", "all_checks")
    lists = [
        ours("steady", "--register"),
        *[ours("steady", "--worker", "--redis", REDIS, "--failing", "0.02")] * 2,
    ]
    with running(*lists) as processes, contextlib.ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(url("steady"), autocommit=True))
        start_wheel("steady")
        time.sleep(INTERVAL + 5)
        if pinned:
            pin = stack.enter_context(psycopg.connect(url("steady")))
            pin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            pin.execute("SELECT txid_current()")
        for process in processes:
            process.ask()
        register, *workers = (process.child.pid for process in processes)
        before = tally(connection)
        meter = Meter(connection, workers=workers, register=[register], Redis=[pid_of("redis")])
        time.sleep(options.seconds)
        spent, after = meter.spent(), tally(connection)
        seen = [process.ask() for process in processes][1:]
        hot = connection.execute(
            """
            SELECT relname, n_tup_hot_upd::float / nullif(n_tup_upd, 0), n_dead_tup
            FROM pg_stat_user_tables
            WHERE relname IN ('probe_jobs', 'check_health', 'schedule_slots')
            ORDER BY relname
            """).fetchall()
    passed = spent["seconds"]
    lags = {name: max(each["lag_ms"][name] for each in seen) for name in ("p0.5", "p0.99", "max")}
    completed = after["completed"] - before["completed"]
    held = rate_held(before, after, checks / INTERVAL * passed)
    name = f"{checks:,} checks at {INTERVAL} s" + (", pinned xmin" if pinned else "")
    row(name, f"{completed / passed:,.0f}", f"{held:.4f}", *(f"{lags[key]:.1f}" for key in lags),
        f"{spent['wal'] / completed:.0f}",
        *(percent(spent[name], passed) for name in ("PostgreSQL", "workers", "register", "Redis")),
        f"{max(each['rss_mb'] for each in seen)}")
    print(
        f"{'':34}HOT updates, dead rows: " + "; ".join(
            f"{table} {share or 0:.1%}, {dead:,}" for table, share, dead in hot))
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
    # The program knows every variable that begins like its own.
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEALTH_WORKER")},
        "HEALTH_WORKER_DATABASE_URL": url("http"), "HEALTH_WORKER_REDIS_URL": REDIS,
        "HEALTH_WORKER_LOG_LEVEL": "warning",
    }
    listen = free_port()
    processes = {}
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(url("http"), autocommit=True))
        for role, more in (
                ("register", {}), ("worker", {"HEALTH_WORKER_METRICS_LISTEN": f"127.0.0.1:{listen}"})):
            processes[role] = subprocess.Popen([PROGRAM, role], env={**environment, **more})
            stack.callback(processes[role].wait)
            stack.callback(processes[role].terminate)
        start_wheel("http")
        time.sleep(INTERVAL + 5)
        for role, process in processes.items():
            if process.poll() is not None:
                sys.exit(f"the {role} ended with {process.returncode}")
        before, lags = tally(connection), scraped(listen)
        meter = Meter(
            connection, nginx=[pid_of("nginx")], Redis=[pid_of("redis")],
            **{role: [process.pid] for role, process in processes.items()})
        time.sleep(options.seconds)
        spent, after, seen = meter.spent(), tally(connection), scraped(listen)
        with open(f"/proc/{processes['worker'].pid}/status") as file:
            rss = int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024
        bad = connection.execute(
            "SELECT outcome, reason, count(*) FROM outcomes WHERE outcome <> 'success' GROUP BY 1, 2"
        ).fetchall()
    passed = spent["seconds"]
    completed = after["completed"] - before["completed"]
    held = rate_held(before, after, checks / INTERVAL * passed)
    p50, p99, greatest = (quantile(lags, seen, share) for share in (0.5, 0.99, 1))
    row(f"{checks:,} HTTP checks at {INTERVAL} s", f"{completed / passed:,.0f}", f"{held:.4f}",
        f"{p50:.1f}", f"{p99:.1f}", f"≤ {greatest:.0f}", f"{spent['wal'] / completed:.0f}",
        *(percent(spent[name], passed) for name in ("PostgreSQL", "worker", "register", "Redis")),
        f"{rss:.0f}")
    print(
        f"{'':34}nginx {percent(spent['nginx'], passed)} CPU; no successes: "
        + (", ".join(f"{count} {outcome}({reason})" for outcome, reason, count in bad) or "none"))
    figure("queue.load_30k_lag_p99_ms", p99)
    figure("queue.load_30k_rate_held", held)
    figure("queue.load_30k_worker_rss_mb", rss)


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def sqlite(options):
    """Two processes drain one file, and neither is ever told that it is locked."""
    jobs = options.jobs // 2
    rates, costs, locked = [], [], 0
    for round in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/bench.sqlite"
            address = f"sqlite:{path}"
            subprocess.run([BENCH, "fill", "--url", address, "--checks", "1"], check=True)
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
                fill_sqlite(file, jobs)
                command = [BENCH, "process", "--url", address, "--worker", "--concurrency", "2000"]
                with running(command, command) as processes:
                    pids = [process.child.pid for process in processes]
                    for process in processes:
                        process.ask()
                    file.execute("PRAGMA busy_timeout = 10000")
                    file.execute(
                        """
                        INSERT INTO probe_jobs (check_id, due_at, visible_at, location, timeout_ms)
                        SELECT check_id, ?1, ?1, location, timeout_ms FROM checks ORDER BY check_id
                        """, (int(time.time() * 1e6),))
                    start, spent = time.time(), cpu_of_all(*pids)
                    while file.execute("SELECT EXISTS (SELECT 1 FROM probe_jobs)").fetchone()[0]:
                        if time.time() > start + 120:
                            sys.exit("SQLite was not drained in two minutes")
                        time.sleep(0.05)
                    rates.append(jobs / (max(p.ask()["completed_at"] for p in processes) - start))
                    costs.append((cpu_of_all(*pids) - spent) / jobs * 1e6)
                locked += sum("locked" in process.said() for process in processes)
                outcomes = file.execute("SELECT count(*), count(DISTINCT job_id) FROM outcomes").fetchone()
                if outcomes != (jobs, jobs):
                    sys.exit(f"{jobs} jobs have {outcomes[0]} outcomes of {outcomes[1]} jobs")
        say(f"round {round + 1}: SQLite, 2 processes: {rates[-1]:,.0f} jobs/s")
    row("SQLite, 2 processes on one file", f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f}",
        f"{max(rates):,.0f}", "", "", "", f"{statistics.median(costs):.1f}")
    print(f"{'':34}processes that were told \"database is locked\": {locked}")


def fill_sqlite(file, checks):
    """So many healthy checks, copies of the one that is there, none of them due."""
    columns = ", ".join(
        name for _, name, *_ in file.execute("PRAGMA table_info(checks)")
        if name not in ("check_id", "name", "slot", "spec"))
    for statement in (
            "BEGIN IMMEDIATE",
            "DELETE FROM probe_jobs",
            f"""
            INSERT INTO checks (name, slot, spec, {columns})
            WITH RECURSIVE numbers (n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {checks - 1}
            )
            SELECT 'web-' || n, n % 256, replace(spec, '"web-0"', '"web-' || n || '"'), {columns}
            FROM checks, numbers
            """,
            """
            INSERT OR REPLACE INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, epoch, 'healthy', 0 FROM checks
            """,
            "DELETE FROM schedule_slots",
            "DELETE FROM queue_tallies",
            "COMMIT",
            "PRAGMA wal_checkpoint(TRUNCATE)"):
        file.execute(statement).fetchall()


# MariaDB.


class MariaDB:
    """The server of HEALTH_WORKER_TEST_MARIADB, and databases in it."""

    def __init__(self):
        self.server = urllib.parse.urlsplit(os.environ["HEALTH_WORKER_TEST_MARIADB"])

    def url(self, database):
        return self.server._replace(path="/" + database).geturl()

    def execute(self, *statements, database="health"):
        """The first column of each row of the last one."""
        return subprocess.run(
            ["mariadb", "--no-defaults", "--protocol=tcp", f"--host={self.server.hostname}",
             f"--port={self.server.port}", f"--user={self.server.username}",
             f"--password={self.server.password}", "--batch", "--skip-column-names",
             f"--execute={';'.join(statements)}", database],
            check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[:-1]

    def counted(self):
        rows = self.execute("SHOW GLOBAL STATUS WHERE Variable_name IN "
                            "('Innodb_deadlocks', 'Com_commit', 'Innodb_os_log_written')")
        return {name: int(count) for name, count in (row.split("\t") for row in rows)}

    def fill(self, database, checks):
        self.execute(f"DROP DATABASE IF EXISTS {database}",
                     f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
        subprocess.run([BENCH, "fill", "--url", self.url(database), "--checks", "1"], check=True)
        columns = "revision, epoch, type, is_enabled, interval_us, timeout_ms, location, created_at, updated_at"
        self.execute(
            "DELETE FROM probe_jobs",
            f"""
            INSERT INTO checks (check_id, name, slot, spec, {columns})
            SELECT check_id + seq, concat('web-', seq), seq % 256,
                   replace(spec, '"web-0"', concat('"web-', seq, '"')), {columns}
            FROM checks, seq_1_to_{checks - 1}
            """,
            """
            REPLACE INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, epoch, 'healthy', 0 FROM checks
            """,
            "DELETE FROM schedule_slots",
            "DELETE FROM queue_tallies",
            "ANALYZE TABLE checks, check_health",
            database=database)


def mariadb(options):
    """Two workers and a register; of the probes 2 % fail, and are made again 2 s later."""
    server, jobs = MariaDB(), options.jobs // 2
    rates, costs, deadlocks, transactions, warned = [], [], 0, 0, 0
    for round in range(options.rounds):
        server.fill("drained", jobs)
        command = [BENCH, "process", "--url", server.url("drained")]
        worker = [*command, "--worker", "--concurrency", "2000", "--failing", "0.02", "--redis", REDIS]
        with running([*command, "--register"], worker, worker) as processes:
            workers = processes[1:]
            pids = [process.child.pid for process in workers]
            for process in workers:
                process.ask()
            before, spent = server.counted(), (cpu_of_all(*pids), cpu_of_all(pid_of("mariadb")))
            server.execute(
                """
                INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, location, timeout_ms)
                SELECT check_id, now.us, now.us, epoch, location, timeout_ms
                FROM checks, (SELECT CAST(unix_timestamp(now(6)) * 1000000 AS SIGNED) AS us) AS now
                ORDER BY check_id
                """, database="drained")
            start, completed, last = time.time(), 0, 0
            while completed < jobs:
                if time.time() > start + 120:
                    sys.exit(f"only {completed} of {jobs} jobs were drained in two minutes")
                time.sleep(0.05)
                for seen in (process.ask() for process in workers):
                    completed += seen["completed"]
                    last = max(last, seen["completed_at"])
            after = server.counted()
            rates.append(completed / (last - start))
            costs.append([
                (cpu_of_all(*part) - earlier) / completed * 1e6
                for part, earlier in zip((pids, [pid_of("mariadb")]), spent)])
            warned += sum(len(process.said().splitlines()) for process in processes)
        deadlocks += after["Innodb_deadlocks"] - before["Innodb_deadlocks"]
        transactions += after["Com_commit"] - before["Com_commit"]
        say(f"round {round + 1}: MariaDB, 2 workers: {rates[-1]:,.0f} jobs/s")
    clients, servers = (statistics.median(column) for column in zip(*costs))
    row("MariaDB, 2 workers, 2 % failing", f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f}",
        f"{max(rates):,.0f}", "", "", f"{servers:.1f}", f"{clients:.1f}")
    print(f"{'':34}{deadlocks} deadlocks in {transactions:,} transactions; warnings of the processes: {warned}")
    figure("queue.mariadb_deadlock_share", deadlocks / transactions)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=200_000)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--http-checks", type=int, default=30_000)
    parser.add_argument("--phases", default="drain,scale,locations,steady,pinned,http,mariadb,sqlite")
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
            "PostgreSQL", "workers", "register", "Redis", "worker MB")
    if "steady" in options.phases:
        steady(options)
    if "pinned" in options.phases:
        steady(options, pinned=True)
    if "http" in options.phases:
        http(options)
    if {"mariadb", "sqlite"} & set(options.phases):
        print()
        row("drain", "jobs/s", "lowest", "highest", "", "", "server µs/job", "client µs/job")
    if "mariadb" in options.phases:
        mariadb(options)
    if "sqlite" in options.phases:
        sqlite(options)


if __name__ == "__main__":
    main()
