"""A running API on a database of its own, for the programs beside this file.

HEALTH_WORKER is the binary. On SQLite the database is a file in a temporary folder; on PostgreSQL and
MariaDB it is a schema of its own on the server that HEALTH_WORKER_TEST_POSTGRESQL or
HEALTH_WORKER_TEST_MARIADB names. Only the role `api` runs unless another command is named, so nothing is
probed: what a fuzzer writes into checks may be the address of anybody.
"""

import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROLES = ("read", "operate", "write", "admin")
ENGINES = ("sqlite", "postgresql", "mariadb")


class API:
    def __init__(self, url, keys, log, pid, environment):
        self.url = url
        self.keys = keys
        self.log = log
        self.pid = pid
        # What other roles of the same installation are started with.
        self.environment = environment

    def request(self, method, path, role="admin", body=None, headers=()):
        """The status, the headers and the body of an answer, also of a refusal."""
        sent = {"Authorization": f"Bearer {self.keys[role]}", **dict(headers)}
        request = urllib.request.Request(self.url + path, data=body, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers, refusal.read()


@contextlib.contextmanager
def running(engine, settings=None, command="api"):
    """Migrates, makes a key for each role, serves; ends what was started, whatever happens."""
    binary = os.environ["HEALTH_WORKER"]
    with tempfile.TemporaryDirectory(prefix="health-worker-api-") as folder, database(
        engine, folder
    ) as database_url:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HEALTH_WORKER_") and name not in ("DATABASE_URL", "REDIS_URL")
        }
        environment |= {
            "HEALTH_WORKER_DATABASE_URL": database_url,
            "HEALTH_WORKER_API_LISTEN": "127.0.0.1:0",
            "HEALTH_WORKER_LOG_LEVEL": "info",
            **(settings or {}),
        }

        def call(*arguments):
            return subprocess.run(
                [binary, *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout.strip()

        call("migrate", "up")
        keys = {role: call("keys", "create", "--role", role, "--name", f"test-{role}") for role in ROLES}
        path = os.path.join(folder, "health-worker.log")
        with open(path, "w") as log:
            process = subprocess.Popen([binary, command], env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port(path, process)}"
            yield API(url, keys, path, process.pid, environment)
        except BaseException:
            with open(path) as log:
                sys.stderr.write("The end of the program's log:\n" + log.read()[-4000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def port(path, process):
    """The port that the program found free, as its log tells."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with open(path) as log:
            found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError("the API did not start")


@contextlib.contextmanager
def database(engine, folder):
    if engine == "sqlite":
        yield f"sqlite:{folder}/health-worker.sqlite"
        return
    variable = f"HEALTH_WORKER_TEST_{engine.upper()}"
    if variable not in os.environ:
        raise RuntimeError(f"{variable} is not set: run this with scripts/servers run {engine} -- …")
    server = urllib.parse.urlsplit(os.environ[variable])
    name = f"api_{secrets.token_hex(6)}"
    statement(engine, server, f"CREATE DATABASE {name}")
    try:
        yield urllib.parse.urlunsplit(server._replace(path=f"/{name}"))
    finally:
        statement(engine, server, f"DROP DATABASE {name}")


def statement(engine, server, sql):
    """By the engine's own client, which the server's package brings."""
    environment = dict(os.environ)
    if engine == "postgresql":
        command = ["psql", "--quiet", "--no-psqlrc", "--command", sql, urllib.parse.urlunsplit(server)]
    else:
        environment["MYSQL_PWD"] = urllib.parse.unquote(server.password or "")
        command = [
            "mariadb", "--no-defaults", "--protocol=tcp", f"--host={server.hostname}",
            f"--port={server.port}", f"--user={server.username}", "--execute", sql,
        ]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
