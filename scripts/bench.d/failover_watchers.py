"""Who watches the target in scripts/bench.d/failover, and what each of them answers.

Every one of them has the target and a standby, and the same orders as far as it takes them: a probe of
INTERVAL, every FAST after a failure, TIMEOUT for each, FALL failures to leave the target and RISE
successes to come back. Where it knows no FAST, its own number of failures is the one that takes as long
on average.

* Health Worker, at PowerDNS: the answer of a PowerDNS into which it writes.
* Health Worker, agent-check: the state that an HAProxy without checks of its own has from it.
* HAProxy: the state by its own checks, with `inter`, `fastinter`, `fall` and `rise`. It counts
  `fastinter` from the end of a check, so that a black hole costs it a time-out more with each: once
  more with a `fastinter` of next to nothing, which takes as long as ours where nothing answers.
* gdnsd knows no faster interval, and its time-out is shorter than its interval: two failures at the
  interval take as long as three of which two are fast.
* PowerDNS Lua, `ifurlup`, before version 5 leaves at the first failure: once at the same interval, which
  is soonest, and once at the interval at which it takes as long.
"""

import os
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

TARGET, STANDBY, PORT = "10.77.0.2", "127.0.0.2", 8080
INTERVAL, FAST, TIMEOUT, FALL, RISE = 2, 1, 1, 3, 2
NAME = "www.example.test"
# All of them are in a network of their own, where nobody else takes ports below 10000.
API, AGENT, SINK_API = 8081, 8082, 8083
SINK, LUA, SLOW_LUA, GDNSD = 5301, 5302, 5303, 5304
AGENT_PAUSE = 0.2


def slow_interval():
    """The interval at which one failure takes as long, on average, as FALL of ours."""
    return INTERVAL + 2 * (FALL - 1) * FAST


class Servers:
    """Processes that end with the `with`; each has a log in the folder."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    def start(self, name, *command, environment=None):
        with open(self.log(name), "a") as log:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append((name, process))
        return process

    def log(self, name):
        return os.path.join(self.folder, f"{name}.log")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def look(self):
        for name, process in self.processes:
            if process.poll() is not None:
                with open(self.log(name)) as log:
                    sys.exit(f"{name} ended:\n{log.read()[-3000:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _, process in reversed(self.processes):
            process.terminate()
        for _, process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Watcher(threading.Thread):
    """Asks every 10 ms, and keeps each moment at which the answer became another one."""

    def __init__(self, name, ask):
        super().__init__(daemon=True)
        self.title = name
        self.ask = ask
        self.changes = [(time.time(), None)]

    def run(self):
        due = time.monotonic()
        while True:
            try:
                answer = self.ask()
            except OSError:
                answer = None  # It is starting, or too busy to answer: neither target is in use.
            if answer is not None and answer != self.changes[-1][1]:
                self.changes.append((time.time(), answer))
            # What it cannot keep up with is left out.
            due = max(due + 0.01, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))

    @property
    def answer(self):
        return self.changes[-1][1]

    def since(self, moment, answer):
        """When it first gave an answer after a moment; None: not yet."""
        return next((at for at, is_ in self.changes if at >= moment and is_ == answer), None)

    def left(self, start, end):
        """How often it left the target for its standby."""
        return sum(start <= at < end and is_ == STANDBY for at, is_ in self.changes)


# How they are asked


class Resolver:
    """The one address that a name server answers."""

    QUESTION = (
        struct.pack(">HHHHHH", 0x6877, 0, 1, 0, 0, 0)
        + b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
        + b"\0\0\1\0\1")

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(1)

    def __call__(self):
        self.socket.send(self.QUESTION)
        answer = self.socket.recv(4096)
        _, flags, _, answers, more, _ = struct.unpack(">HHHHHH", answer[:12])
        if flags & 15 or answers != 1 or more:
            return None
        return socket.inet_ntoa(answer[-4:])


class Proxy:
    """The standby unless the first server of a backend runs and takes traffic."""

    def __init__(self, path, backend):
        self.path = path
        self.question = f"show servers state {backend}\n".encode()

    def __call__(self):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(1)
            asked.connect(self.path)
            asked.sendall(self.question)
            with asked.makefile() as told:
                lines = told.read().splitlines()
        names = next((line[2:].split() for line in lines if line.startswith("# ")), None)
        for line in lines[1:]:
            row = dict(zip(names or [], line.split()))
            if row.get("srv_name") == "target":
                # It runs, and is neither drained nor in maintenance.
                serves = row["srv_op_state"] == "2" and int(row["srv_admin_state"]) & 0x3F == 0
                return TARGET if serves else STANDBY
        return None


# How they are started


def power_dns(servers, name, port, records, *options):
    database = os.path.join(servers.folder, f"{name}.sqlite")
    with sqlite3.connect(database) as zone:
        with open("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql") as schema:
            zone.executescript(schema.read())
        zone.execute("INSERT INTO domains (name, type) VALUES ('example.test', 'NATIVE')")
        soa = "ns.example.test hostmaster.example.test 1 60 60 60 60"
        for owner, kind, content in [("example.test", "SOA", soa), *records]:
            zone.execute(
                "INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, ?, ?, ?, 30)",
                (owner, kind, content))
    zone.close()
    servers.start(
        name, "pdns_server", f"--config-dir={servers.folder}", f"--socket-dir={servers.folder}",
        f"--config-name={name}", "--local-address=127.0.0.1", f"--local-port={port}",
        "--launch=gsqlite3", f"--gsqlite3-database={database}", "--guardian=no", "--daemon=no",
        "--disable-syslog", *options)


def lua(servers, name, port, interval):
    sets = f"{{{{'{TARGET}'}}, {{'{STANDBY}'}}}}"
    record = f"A \"ifurlup('http://{NAME}:{PORT}/', {sets}, {{timeout={TIMEOUT}}})\""
    # Nothing is kept back by a cache, so that what it found is answered at once.
    power_dns(
        servers, name, port, [(NAME, "LUA", record)], "--enable-lua-records=yes",
        f"--lua-health-checks-interval={interval}", "--cache-ttl=0", "--query-cache-ttl=0")
    return Resolver(port)


def gdnsd(servers):
    failures = 1 + (FALL - 1) * FAST // INTERVAL
    run, state = (os.path.join(servers.folder, "gdnsd", part) for part in ("run", "state"))
    servers.write("gdnsd/zones/example.test", f"""\
@ 60 SOA ns hostmaster 1 7200 1800 259200 900
@ 60 NS ns
ns 60 A 127.0.0.1
www 30 DYNA simplefo!www
""")
    servers.write("gdnsd/config", f"""\
options => {{ listen => 127.0.0.1:{GDNSD}, run_dir => {run}, state_dir => {state} }}
service_types => {{
  web => {{
    plugin => http_status, port => {PORT}, interval => {INTERVAL}, timeout => {TIMEOUT},
    up_thresh => {RISE}, ok_thresh => 1, down_thresh => {failures}
  }}
}}
plugins => {{ simplefo => {{
  service_types => web
  www => {{ primary => {TARGET}, secondary => {STANDBY} }}
}} }}
""")
    servers.start("gdnsd", "gdnsd", "-c", os.path.join(servers.folder, "gdnsd"), "start")
    return Resolver(GDNSD)


def proxy(servers):
    path = os.path.join(servers.folder, "haproxy.sock")
    configuration = servers.write("haproxy.cfg", f"""\
global
    nbthread 1
    stats socket {path} level admin
defaults
    mode http
    timeout connect {TIMEOUT}s
    timeout check {TIMEOUT}s
    timeout client 5s
    timeout server 5s
backend own
    option httpchk GET /
    default-server inter {INTERVAL}s fastinter {FAST}s fall {FALL} rise {RISE}
    server target {TARGET}:{PORT} check
    server standby {STANDBY}:{PORT} check backup
backend quick
    option httpchk GET /
    default-server inter {INTERVAL}s fastinter 10ms fall {FALL} rise {RISE}
    server target {TARGET}:{PORT} check
    server standby {STANDBY}:{PORT} check backup
backend told
    default-server agent-check agent-inter {round(AGENT_PAUSE * 1000)}ms agent-addr 127.0.0.1 agent-port {AGENT}
    server target {TARGET}:{PORT} agent-send "www/target\\n"
    server standby {STANDBY}:{PORT} agent-send "www/standby\\n"
""")
    servers.start("haproxy", "haproxy", "-db", "-f", configuration)
    return (Proxy(path, backend) for backend in ("own", "quick", "told"))


class HealthWorker:
    """Two registers, two workers and an API on PostgreSQL and Redis, as one would run them."""

    DOCUMENT = f"""\
format: 1
set: bench
policies:
- name: www
  type: failover
  member_check:
    type: http
    target: {{port: {PORT}}}
    interval: {INTERVAL}s
    fast_interval: {FAST}s
    timeout: {TIMEOUT}s
    fall: {FALL}
    rise: {RISE}
  members:
  - {{name: target, value: {TARGET}, priority: 10}}
  - {{name: standby, value: {STANDBY}, priority: 20}}
  failback_delay: 0s
  publish:
  - {{sink: dns, name: {NAME}}}
"""

    def __init__(self, servers):
        self.servers = servers
        self.binary = os.environ["HEALTH_WORKER"]
        self.database = os.environ["HEALTH_WORKER_TEST_POSTGRESQL"]
        # The program knows every variable that begins like its own.
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith("HEALTH_WORKER")
        } | {
            "HEALTH_WORKER_DATABASE_URL": self.database,
            "HEALTH_WORKER_REDIS_URL": os.environ["HEALTH_WORKER_TEST_REDIS"],
            "HEALTH_WORKER_LOG_LEVEL": "info",
            "HEALTH_WORKER_API_LISTEN": f"127.0.0.1:{API}",
            "HEALTH_WORKER_AGENT_LISTEN": f"127.0.0.1:{AGENT}",
        }

    def run(self, *arguments, **more):
        process = subprocess.run(
            [self.binary, *arguments], env=self.environment | more, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        if process.returncode:
            sys.exit(f"health-worker {' '.join(arguments)}: {process.stdout}")
        return process.stdout

    def start(self):
        power_dns(
            self.servers, "sink", SINK, [], "--api=yes", "--api-key=bench", "--webserver=yes",
            "--webserver-address=127.0.0.1", f"--webserver-port={SINK_API}")
        configuration = self.servers.write("worker.toml", f"""\
[sinks.dns]
type = "powerdns"
url = "http://127.0.0.1:{SINK_API}"
api_key = "bench"
""")
        self.run("migrate", "up")
        key = self.servers.write(
            "key", self.run("keys", "create", "--role", "admin", "--name", "bench"))
        roles = ["register", "register", "worker", "worker", "api"]
        for number, role in enumerate(roles):
            self.servers.start(
                f"{role}-{number}", self.binary, role, "--config", configuration,
                environment=self.environment)
        document = self.servers.write("www.yaml", self.DOCUMENT)
        deadline = time.monotonic() + 60
        while True:
            self.servers.look()
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", API)) == 0:
                    break
            if time.monotonic() > deadline:
                sys.exit("the API does not listen")
            time.sleep(0.1)
        self.run(
            "apply", "-f", document, HEALTH_WORKER_SERVER=f"http://127.0.0.1:{API}",
            HEALTH_WORKER_KEY_FILE=key)
        return Resolver(SINK)

    def query(self, sql):
        told = subprocess.run(
            ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql,
             self.database], stdout=subprocess.PIPE, text=True, check=True).stdout
        return told.split()

    def first_slot(self, moment):
        """When the target is due for the first time after a moment, both by the wall's clock."""
        (due,) = self.query(
            "SELECT s.due_at FROM checks c JOIN schedule_slots s USING (interval_us, slot)"
            " WHERE c.name = 'www.target'")
        slot = int(due) / 1e6 % INTERVAL
        return moment + (slot - moment) % INTERVAL


def watchers(servers):
    """All of them, started; and the program."""
    program = HealthWorker(servers)
    sink = program.start()
    own, quick, told = proxy(servers)
    slow = slow_interval()
    found = [
        Watcher("Health Worker, at PowerDNS", sink),
        Watcher("Health Worker, agent-check", told),
        Watcher("HAProxy, own checks", own),
        Watcher("HAProxy, fastinter 10 ms", quick),
        Watcher("gdnsd, http_status", gdnsd(servers)),
        Watcher(f"PowerDNS Lua, every {slow} s", lua(servers, "lua-slow", SLOW_LUA, slow)),
        Watcher(f"PowerDNS Lua, every {INTERVAL} s", lua(servers, "lua", LUA, INTERVAL)),
    ]
    for watcher in found:
        watcher.start()
    return program, found
