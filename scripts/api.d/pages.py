"""Uses the status page as an operator does, in headless Chromium, with real members that fail.

Each page is opened light, dark and as narrow as a phone, and looked through by axe-core; a failover is
watched as it happens, without a reload; orders are given with and without scripts. Nothing may be fetched
from elsewhere, and the content security policy may not have to refuse anything.

    pages.py [FOLDER]    FOLDER: where a picture of each page is written
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

from axe_playwright_python.sync_playwright import Axe
from browser import PLAIN_HOST, chromium, watched
from playwright.sync_api import expect
from running import running

PAGES = {
    "overview": "/",
    "policies": "/policies",
    "policy": "/policies/shop-www",
    "checks": "/checks",
    "check": "/checks/shop-www.fra1",
    "overrides": "/overrides",
    "changes": "/changes",
    "fleet": "/fleet",
    "order": "/policies/shop-www/override?member=fra1",
    "missing": "/policies/none",
}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


def main(pictures=None):
    # Limits are for others: this one looks at everything at once, and guesses at a key.
    with Members() as members, running("sqlite", command="standalone") as api, chromium() as browser:
        prepare(api, members)
        steps = Steps(api, members, browser, pictures)
        for step in (
            steps.sign_in, steps.without_tls, steps.readers, steps.orders, steps.live, steps.pause,
            steps.looks, steps.keyboard, steps.without_script,
        ):
            step()
            print(f"  {step.__doc__}")
    print("The status page works.")


class Members:
    """A server on each of two addresses of loopback, at the same port."""

    ADDRESSES = {"fra1": "127.0.0.2", "ams1": "127.0.0.3"}

    def __enter__(self):
        self.servers = {}
        while True:
            self.port = None
            try:
                for name in self.ADDRESSES:
                    self.start(name)
                return self
            except OSError:
                # The port is free at one of the addresses and not at the other.
                self.__exit__()

    def __exit__(self, *_):
        for name in list(self.servers):
            self.stop(name)

    def start(self, name):
        server = http.server.ThreadingHTTPServer((self.ADDRESSES[name], self.port or 0), Answers)
        self.port = server.server_address[1]
        self.servers[name] = server
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self, name):
        server = self.servers.pop(name)
        server.shutdown()
        server.server_close()


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def prepare(api, members):
    probed = {"interval": "1s", "fast_interval": "1s", "timeout": "1s", "fall": 2, "rise": 2}
    document = {
        "format": 1,
        "set": "shop",
        "defaults": {"checks": probed},
        "checks": [
            {
                "name": "billing", "type": "tcp", "target": {"host": "127.0.0.4", "port": 9},
                "labels": {"env": "prod", "team": "money"}, "description": "Nobody has started it yet",
            },
            {"name": "archive", "type": "tcp", "target": {"host": "127.0.0.3", "port": members.port}},
        ],
        "policies": [
            {
                "name": "shop-www", "type": "failover", "description": "The shop, in Frankfurt first",
                "member_check": {"type": "http", "target": {"port": members.port}, "http": {"path": "/"}},
                "members": [
                    {"name": "fra1", "value": "127.0.0.2", "priority": 10, "labels": {"site": "fra1"}},
                    {"name": "ams1", "value": "127.0.0.3", "priority": 20, "labels": {"site": "ams1"}},
                ],
                "failback_delay": "1s",
            },
            {
                "name": "pool", "type": "detach", "members": [
                    {"name": "one", "value": "127.0.0.3", "check": "shop-www.ams1"},
                    {"name": "two", "value": "127.0.0.4", "check": "billing"},
                ],
            },
        ],
    }
    call(api, "POST", "/v1/apply", document)
    until(lambda: route(api, "shop-www") == ["fra1"], "fra1 is published")
    until(
        lambda: call(api, "GET", "/v1/checks/billing")["observed"]["health"] == "unhealthy",
        "billing is unhealthy",
    )


def call(api, method, path, body=None):
    status, _, text = api.request(
        method, path, body=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    assert status < 300, f"{method} {path} answered {status}: {text.decode()}"
    return json.loads(text) if text else None


def route(api, policy):
    status, _, text = api.request("GET", f"/v1/routes/{policy}")
    return [record["name"] for record in json.loads(text)["records"]] if status == 200 else []


def until(holds, what, seconds=120):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


class Steps:
    def __init__(self, api, members, browser, pictures):
        self.api, self.members, self.browser, self.pictures = api, members, browser, pictures
        self.axe = Axe()

    def page(self, role=None, **look):
        """A page of a browser of its own, signed in."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **look})
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.troubles = watched(page, self.api.url)
        if role:
            page.goto(f"{self.api.url}/sign-in")
            page.get_by_label("Key of the API").fill(self.api.keys[role])
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    def close(self, page):
        refused = page.evaluate("window.refusedByPolicy")
        # What was asked for when the page is left is given up, and a stream always is.
        troubles = [trouble for trouble in page.troubles if "net::ERR_ABORTED" not in trouble]
        assert not troubles and not refused, "\n".join(troubles + refused)
        page.context.close()

    def see(self, page, name):
        """No serious finding of axe-core; a picture for whoever wants one."""
        found = [
            f"{finding['id']} ({finding['impact']}): {finding['help']}: {finding['nodes'][0]['html'][:300]}"
            for finding in self.axe.run(page).response["violations"]
            if finding["impact"] in ("serious", "critical")
        ]
        assert not found, f"{name}: " + "\n".join(found)
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{name} is {width} px wider than the screen"
        if self.pictures:
            os.makedirs(self.pictures, exist_ok=True)
            page.screenshot(path=os.path.join(self.pictures, f"{name}.png"), full_page=True)

    def sign_in(self):
        """asks for a key, refuses a wrong one, comes back to the page, signs out"""
        page = self.page()
        page.goto(f"{self.api.url}/policies/shop-www")
        self.see(page, "sign-in")
        page.get_by_label("Key of the API").fill("hw_wrong_key")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not known")
        page.troubles.clear()  # the console names the refusal
        page.get_by_label("Key of the API").fill(self.api.keys["read"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("shop-www")
        assert page.url == f"{self.api.url}/policies/shop-www", page.url
        cookie = page.context.cookies()[0]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie
        assert self.api.keys["read"].split("_")[2] not in urllib.parse.unquote(cookie["value"])
        assert "hw_" not in page.evaluate("document.cookie")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.goto(f"{self.api.url}/checks")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        self.close(page)

    def without_tls(self):
        """signs in where browsers tell less of a form: at a plain name, without TLS"""
        context = self.browser.new_context()
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{self.api.url.replace('127.0.0.1', PLAIN_HOST)}/sign-in")
        page.get_by_label("Key of the API").fill(self.api.keys["read"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        context.close()

    def readers(self):
        """shows a reader everything, and no order"""
        page = self.page("read")
        for place in ("/policies/shop-www", "/checks/shop-www.fra1", "/overrides"):
            page.goto(self.api.url + place)
            assert page.locator("main form[method=post], main a.button").count() == 0, place
        self.close(page)

    def orders(self):
        """drains a member, is refused the last one, clears, freezes, thaws, probes, pauses, enables"""
        page = self.page("write")
        page.goto(f"{self.api.url}/policies/shop-www")
        page.get_by_role("link", name="Override fra1").click()
        page.get_by_label("drain").check()
        page.get_by_label("Ends").select_option("2h")
        page.get_by_label("Reason").fill("Kernel update <4711>")
        page.get_by_role("button", name="Set the override").click()
        expect(page.locator("main").get_by_role("status")).to_contain_text("The override was set.")
        expect(page).to_have_url(f"{self.api.url}/policies/shop-www")
        expect(page.locator("#members")).to_contain_text("an override says drain")
        expect(page.locator("#overrides")).to_contain_text("Kernel update <4711>")
        assert route(self.api, "shop-www") == ["ams1"]

        page.get_by_role("link", name="Override ams1").click()
        page.get_by_label("down").check()
        page.get_by_label("Reason").fill("the last one")
        page.get_by_role("button", name="Set the override").click()
        expect(page.get_by_role("alert")).to_contain_text("healthy")
        assert route(self.api, "shop-www") == ["ams1"]
        page.troubles.clear()  # the console names the refusal
        page.get_by_role("link", name="Cancel").click()

        page.get_by_role("link", name="Freeze…").click()
        page.get_by_label("Reason").fill("Launch")
        page.get_by_role("button", name="Freeze").click()
        expect(page.locator("#policy")).to_contain_text("Frozen by key:test-write")
        page.get_by_role("link", name="Thaw…").click()
        page.get_by_role("button", name="Thaw").click()
        expect(page.locator("main").get_by_role("status")).to_contain_text("thawed")
        page.goto(f"{self.api.url}/overrides")
        page.get_by_role("link", name="Clear the override of fra1").click()
        page.get_by_role("button", name="Clear it").click()
        expect(page.locator("#overrides")).to_contain_text("No override holds.")

        page.goto(f"{self.api.url}/checks/archive")
        page.get_by_role("button", name="Probe now").click()
        expect(page.locator("main").get_by_role("status")).to_contain_text("It was probed")
        page.get_by_role("link", name="Pause…").click()
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#check")).to_contain_text("It is paused")
        page.goto(f"{self.api.url}/checks/archive")
        page.get_by_role("link", name="Enable…").click()
        page.get_by_role("button", name="Enable").click()
        expect(page.locator("#check")).not_to_contain_text("It is paused")
        self.close(page)
        until(lambda: route(self.api, "shop-www") == ["fra1"], "fra1 is published again")

    def live(self):
        """shows a failover as it happens, without a reload"""
        policy, overview = self.page("read"), self.page("read")
        policy.goto(f"{self.api.url}/policies/shop-www")
        overview.goto(self.api.url)
        for page in (policy, overview):
            expect(page.locator("#live-state")).to_have_text("Live")
            page.evaluate("window.isTheSame = true")
        expect(policy.locator("#policy .verdict")).to_contain_text("127.0.0.2 (fra1)")
        self.members.stop("fra1")
        expect(policy.locator("#policy .verdict")).to_contain_text("127.0.0.3 (ams1)")
        expect(policy.locator("#members")).to_contain_text("unhealthy")
        expect(policy.locator("#lately")).to_contain_text("failover")
        expect(overview.locator("#now")).to_contain_text("shop-www.fra1")
        expect(overview).to_have_title("2 wrong · Health Worker")
        for page in (policy, overview):
            assert page.evaluate("window.isTheSame"), "the page was loaded again"
            self.close(page)

    def pause(self):
        """leaves a page as it is while its updates are paused, and catches up then"""
        page = self.page("read")
        page.goto(f"{self.api.url}/policies/shop-www")
        expect(page.locator("#policy .verdict")).to_contain_text("127.0.0.3 (ams1)")
        page.get_by_role("button", name="Pause updates").click()
        expect(page.locator("#live-state")).to_have_text("Paused")
        self.members.start("fra1")
        until(lambda: route(self.api, "shop-www") == ["fra1"], "fra1 is published again")
        other = self.page("read")
        other.goto(f"{self.api.url}/policies/shop-www")
        expect(other.locator("#policy .verdict")).to_contain_text("127.0.0.2 (fra1)")
        self.close(other)
        expect(page.locator("#policy .verdict")).to_contain_text("127.0.0.3 (ams1)")
        page.get_by_role("button", name="Resume updates").click()
        expect(page.locator("#policy .verdict")).to_contain_text("127.0.0.2 (fra1)")
        self.close(page)

    def looks(self):
        """is light, dark and as narrow as a phone, without serious findings of axe-core"""
        call(
            self.api, "POST", "/v1/overrides",
            {"policy": "pool", "member": "two", "word": "drain", "reason": "Kernel update, ticket 4711",
             "for": "2h"},
        )
        for look, settings in LOOKS.items():
            page = self.page("write", **settings)
            for name, place in PAGES.items():
                page.goto(self.api.url + place)
                expect(page.get_by_role("heading", level=1)).to_be_visible()
                self.see(page, f"{name}-{look}")
                if name == "missing":
                    page.troubles.clear()  # the console names what is not found
            self.close(page)

    def keyboard(self):
        """is used by the keyboard alone"""
        page = self.page("operate")
        page.goto(self.api.url)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.goto(f"{self.api.url}/policies/shop-www")
        page.get_by_role("link", name="Freeze…").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Freeze shop-www")
        page.get_by_role("link", name="Cancel").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("shop-www")
        self.close(page)

    def without_script(self):
        """does all but renew itself where scripts are off"""
        page = self.page("operate", java_script_enabled=False)
        page.goto(self.api.url)
        expect(page.locator("#now")).to_contain_text("billing")
        expect(page.get_by_role("button", name="Pause updates")).to_be_hidden()
        page.goto(f"{self.api.url}/policies/shop-www")
        page.get_by_role("link", name="Override fra1").click()
        page.get_by_label("Reason").fill("without scripts")
        page.get_by_role("button", name="Set the override").click()
        expect(page.locator("#overrides")).to_contain_text("without scripts")
        assert route(self.api, "shop-www") == ["ams1"]
        page.context.close()


main(*sys.argv[1:])
