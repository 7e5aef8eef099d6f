"""Uses Swagger UI as a person does, in headless Chromium: "Authorize", "Try it out", "Execute".

Nothing may be fetched from elsewhere, and the page's content security policy may not have to refuse
anything. A screenshot of the successful call is written to the file that is named.
"""

import os
import sys

from browser import chromium, watched
from playwright.sync_api import expect
from running import running


def main(screenshot):
    with running("sqlite") as api, chromium() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        page.set_default_timeout(60_000)
        troubles = watched(page, api.url)
        use(page, api)
        os.makedirs(os.path.dirname(os.path.abspath(screenshot)), exist_ok=True)
        page.screenshot(path=screenshot)
        come_back(page, api)
        refused = page.evaluate("window.refusedByPolicy")
        if troubles or refused:
            sys.exit("Swagger UI met trouble:\n" + "\n".join(troubles + refused))
    print(f"Swagger UI works offline under its content security policy: {screenshot}")


def use(page, api):
    page.goto(f"{api.url}/docs")
    page.locator(".scheme-container .btn.authorize").click()
    dialog = page.locator(".dialog-ux")
    bearer = dialog.locator(".auth-container").filter(has_text="bearer")
    bearer.locator("input").fill(api.keys["write"])
    bearer.locator(".btn.authorize").click()
    expect(bearer.get_by_role("button", name="Remove authorization")).to_be_visible()
    bearer.get_by_role("button", name="Close").click()
    answer = execute(page, "Checks-createCheck", "201")
    expect(answer).to_contain_text("shop-login")
    status, _, _ = api.request("GET", "/v1/checks/shop-login")
    if status != 200:
        sys.exit(f"What Swagger UI created is answered {status}.")


def come_back(page, api):
    """The key is kept: after a reload the next call succeeds at once."""
    page.reload()
    answer = execute(page, "Checks-listChecks", "200")
    expect(answer).to_contain_text("shop-login")


def execute(page, operation, status):
    block = page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table")
    expect(answer.locator(".response-col_status").nth(1)).to_contain_text(status)
    answer.scroll_into_view_if_needed()
    return answer


main(*sys.argv[1:])
