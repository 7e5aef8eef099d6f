"""Runs schemathesis against an API of its own, as one role after the other. See scripts/fuzz-api."""

import argparse
import os
import random
import subprocess
import sys
import tempfile

from running import ENGINES, ROLES, running

PHASES = ("examples", "coverage", "fuzzing", "stateful")


def main():
    parser = argparse.ArgumentParser(prog="scripts/fuzz-api")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--role", action="append", choices=ROLES)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--phases", default=",".join(PHASES))
    given = parser.parse_args()

    failed = []
    for role in given.role or ROLES:
        print(f"\n── {given.engine}, as {role}, seed {given.seed}", flush=True)
        # Each role finds an empty database: what it meets does not depend on the roles before.
        with running(given.engine, SETTINGS) as api:
            if fuzz(api, role, given) != 0:
                failed.append(role)
            for other in ROLES:
                status, _, _ = api.request("GET", "/v1/checks", role=other)
                if status != 200:
                    print(f"Afterwards the key of the role {other} is answered {status}.")
                    failed.append(role)
    if failed:
        sys.exit(f"scripts/fuzz-api: failed as {', '.join(dict.fromkeys(failed))}")


# More requests are sent than anybody may send: a refusal for that would hide what is looked for.
SETTINGS = {
    "HEALTH_WORKER_API_LIMITS_PER_KEY": "0",
    "HEALTH_WORKER_API_LIMITS_PER_ADDRESS": "0",
    "HEALTH_WORKER_API_LIMITS_REFUSED_KEYS": "0",
}


def fuzz(api, role, given):
    here = os.path.dirname(os.path.abspath(__file__))
    command = [
        os.path.join(os.path.dirname(sys.executable), "st"), "run", f"{api.url}/openapi.json",
        "--header", f"Authorization: Bearer {api.keys[role]}",
        "--phases", given.phases, "--max-examples", str(given.examples), "--seed", str(given.seed),
        "--generation-database", "none", "--warnings", "off", "--no-color",
        "--suppress-health-check", "all", "--request-timeout", "30",
    ]
    if given.seconds:
        command += ["--max-time", str(given.seconds)]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            command,
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": here,
                "SCHEMATHESIS_HOOKS": "refusals",
                "HEALTH_WORKER_FUZZ_KEYS": " ".join(key.split("_")[1] for key in api.keys.values()),
            },
        ).returncode


main()
