"""Headless Chromium for the programs beside this file, and what goes wrong in its pages."""

import contextlib

from playwright.sync_api import expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
# A name of this machine that browsers do not trust without TLS, as they trust loopback.
PLAIN_HOST = "status.test"
# No other host even has an address.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextlib.contextmanager
def chromium():
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=120_000)
        try:
            yield browser
        finally:
            browser.close()


def watched(page, url):
    """What goes wrong in the page, as it comes."""
    troubles = []
    page.add_init_script(
        """
        window.refusedByPolicy = [];
        document.addEventListener("securitypolicyviolation", event =>
            window.refusedByPolicy.push(`${event.violatedDirective} refused ${event.blockedURI}`));
        """
    )
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: troubles.append(f"console: {message.text}") if message.type == "error" else None,
    )
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url} {request.failure}"))
    page.on(
        "request",
        lambda request: None
        if request.url.startswith((url + "/", "data:"))
        else troubles.append(f"elsewhere: {request.url}"),
    )
    return troubles
