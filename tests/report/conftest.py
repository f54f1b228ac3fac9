"""Debian's Chromium, without a graphics card and without a network."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
PATIENCE_MS = 60_000  # a machine under load is slow, not wrong


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "these tests need Chromium: tools/install-debian"
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def page(browser):
    """A page of which is seen at the end that nothing went wrong in it, and whom it asked."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    troubles, asked, page.attacked = [], [], False
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    stolen = page.evaluate("window.stolen")
    context.close()
    assert stolen is None
    assert page.attacked or troubles == []
    local = ("http://127.0.0.1:", "file:", "data:", "blob:", "about:")
    assert [url for url in asked if not url.startswith(local)] == []
