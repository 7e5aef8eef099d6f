"""Generates a Python client from the running API's description and works with it as a script would:
creates, reads, updates, overrides and deletes for real.

Every answer has to be of the class that the client was generated with; an answer that it does not
know would be none.
"""

import http
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile

from running import ENGINES, running

NAME = "health_worker_client"


def main(engine="sqlite"):
    if engine not in ENGINES:
        sys.exit(f"client.py: the engines are {', '.join(ENGINES)}")
    with tempfile.TemporaryDirectory() as folder, running(engine) as api:
        generate(api, folder)
        sys.path.insert(0, folder)
        steps = Steps(api)
        for step in (steps.checks, steps.policies, steps.overrides, steps.documents, steps.refusals):
            step()
            print(f"  {step.__doc__}")
    print(f"The generated client works on {engine}.")


def generate(api, folder):
    """What the generator would leave out is a failure."""
    status, _, document = api.request("GET", "/openapi.json")
    assert status == 200, status
    path = os.path.join(folder, "openapi.json")
    with open(path, "wb") as file:
        file.write(document)
    config = os.path.join(folder, "config.json")
    with open(config, "w") as file:
        # No formatting of what nobody reads.
        json.dump({"package_name_override": NAME, "post_hooks": []}, file)
    told = subprocess.run(
        [
            os.path.join(os.path.dirname(sys.executable), "openapi-python-client"), "generate",
            "--path", path, "--config", config, "--meta", "none",
            "--output-path", os.path.join(folder, NAME),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    # It knows no YAML: bodies are sent as JSON.
    warnings = re.findall(r"^(?:WARNING|ERROR|Error)[^\n]*\n\n([^\n]*)", told.stdout, re.MULTILINE)
    others = [warning for warning in warnings if warning != "Unsupported content type application/yaml"]
    if told.returncode != 0 or others:
        sys.exit(f"The client cannot be generated as a whole: {others}\n{told.stdout[-4000:]}")


class Steps:
    def __init__(self, api):
        package = importlib.import_module(NAME)
        self.models = importlib.import_module(f"{NAME}.models")
        self.clients = {
            role: package.AuthenticatedClient(
                base_url=api.url, token=key, timeout=30, headers={"Accept": "application/json"}
            )
            for role, key in api.keys.items()
        }

    def call(self, tag, operation, *arguments, role="admin", status=200, **keywords):
        module = importlib.import_module(f"{NAME}.api.{tag}.{operation}")
        answer = module.sync_detailed(*arguments, client=self.clients[role], **keywords)
        assert answer.status_code == http.HTTPStatus(status), (
            f"{operation} answered {answer.status_code}: {answer.content.decode()[:2000]}"
        )
        return answer

    def model(self, name, value):
        return getattr(self.models, name).from_dict(value)

    def checks(self):
        """creates, reads, lists, replaces, patches and deletes checks"""
        check = {
            "name": "mail",
            "type": "tcp",
            "target": {"host": "192.0.2.10", "port": 25},
            "interval": "30s",
            "labels": {"env": "prod"},
        }
        made = self.call("checks", "create_check", role="write", status=201, body=self.model("Check", check))
        assert made.parsed.name == "mail" and made.parsed.observed.health.value == "unknown"
        assert made.headers["location"] == "/v1/checks/mail"
        read = self.call("checks", "get_check", "mail", role="read")
        assert read.parsed.to_dict() == made.parsed.to_dict()
        again = self.call("checks", "put_check", "mail", role="write", body=self.model("Check", check))
        assert again.headers["etag"] == read.headers["etag"], "putting the same back changed something"
        patch = self.model("PatchCheckBody", {"interval": "10s", "labels": {"env": None, "tier": "1"}})
        patched = self.call(
            "checks", "patch_check", "mail", role="write", body=patch, if_match=read.headers["etag"]
        ).parsed
        assert patched.interval == "10s" and patched.labels.to_dict() == {"tier": "1"}
        for number in range(5):
            more = self.model("Check", {**check, "name": f"mail-{number}"})
            self.call("checks", "put_check", more.name, role="write", status=201, body=more)
        names, cursor = [], {}
        while True:
            page = self.call("checks", "list_checks", role="read", limit=2, **cursor).parsed
            names += [item.name for item in page.items]
            if not page.next_cursor:
                break
            cursor = {"cursor": page.next_cursor}
        assert names == ["mail"] + [f"mail-{number}" for number in range(5)], names
        for name in names[1:]:
            self.call("checks", "delete_check", name, role="write", status=204)
        self.call("checks", "get_check", "mail-1", role="read", status=404)

    def policies(self):
        """creates a policy and reads its evaluation"""
        policy = self.model(
            "Policy",
            {
                "name": "www",
                "type": "failover",
                "member_check": {"type": "tcp", "target": {"port": 25}},
                "members": [
                    {"name": "fra1", "value": "192.0.2.10", "priority": 10},
                    {"name": "ams1", "value": "198.51.100.10", "priority": 20},
                ],
            },
        )
        made = self.call("policies", "create_policy", role="write", status=201, body=policy).parsed
        assert [member.name for member in made.members] == ["fra1", "ams1"]
        evaluation = self.call("policies", "get_evaluation", "www", role="read").parsed
        assert {member.name for member in evaluation.members} == {"fra1", "ams1"}, evaluation
        self.call("policies", "put_policy", "www", role="write", body=policy)

    def overrides(self):
        """overrides members, sees the route follow, and clears the overrides"""

        def say(word, **members):
            order = {"policy": "www", "word": word, "reason": "test", "for": "1h", **members}
            return self.call(
                "overrides", "set_override", role="operate", status=201,
                body=self.model("SetOverrideJsonBody", order),
            ).parsed.items

        def published():
            route = self.call("routes", "get_route", "www", role="read")
            return [record.value for record in route.parsed.records], route.headers["etag"]

        assert {item.member for item in say("up", members=["fra1", "ams1"])} == {"fra1", "ams1"}
        assert published()[0] == ["192.0.2.10"], published()
        say("drain", member="fra1")
        values, tag = published()
        assert values == ["198.51.100.10"], values
        self.call("routes", "get_route", "www", role="read", status=304, if_none_match=tag)
        for item in self.call("overrides", "list_overrides", role="read").parsed.items:
            self.call("overrides", "clear_override", item.id, role="operate", status=204)
        assert self.call("overrides", "list_overrides", role="read").parsed.items == []

    def documents(self):
        """applies a document, and finds that what is exported changes nothing"""
        document = self.model(
            "Document",
            {
                "format": 1,
                "set": "shop",
                "checks": [{"name": "web", "type": "http", "target": {"host": "192.0.2.20"}}],
            },
        )
        plan = self.call("documents", "apply", role="write", body=document).parsed
        assert plan.counts.create == 1 and not plan.dry_run
        exported = self.call("documents", "export", role="read", set_="shop").parsed
        kept = self.call("documents", "apply", role="write", dry_run=True, body=document).parsed
        assert [check.name for check in exported.checks] == ["web"]
        assert kept.counts.unchanged == 1 and kept.counts.update == 0

    def refusals(self):
        """is told what is wrong, where, and who may not"""
        refused = self.call(
            "checks", "create_check", role="read", status=403,
            body=self.model("Check", {"name": "a", "type": "tcp", "target": {"host": "a.example", "port": 1}}),
        ).parsed
        assert refused.type_ == "urn:problem-type:health-worker:forbidden", refused
        wrong = self.call(
            "checks", "create_check", role="write", status=422,
            body=self.model("Check", {"name": "a", "type": "tcp", "target": {"host": "a.example"}}),
        ).parsed
        assert wrong.errors[0].pointer.startswith("/target"), wrong
        self.call("policies", "delete_policy", "www", role="write", status=204)
        self.call("checks", "delete_check", "mail", role="write", status=204)


main(*sys.argv[1:])
