"""A real browser for tests: the system's Chromium, driven by Playwright."""

import contextlib
import shutil

import pytest


def chromium() -> str:
    """Chromium's path; leaves the test out where there is none."""
    pytest.importorskip('playwright.sync_api', reason='Playwright is not installed: requirements-dev.txt')
    for name in ('chromium', 'chromium-browser', 'google-chrome'):
        if shutil.which(name):
            return shutil.which(name)
    pytest.skip('no Chromium on PATH: apt-get install chromium')


@contextlib.contextmanager
def running():
    """Yields a Playwright browser."""
    path = chromium()
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        # Its sandbox refuses to start for root, and in most containers.
        browser = playwright.chromium.launch(executable_path=path, args=['--no-sandbox'])
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page with what it did: its requests, errors and dialogs."""

    def __init__(self, browser, path, **options):
        self.context = browser.new_context(**options)
        self.requests, self.errors, self.dialogs = [], [], []
        self.page = self.context.new_page()
        self.page.on('request', lambda request: self.requests.append(request.url))
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.page.on('console', lambda message: message.type == 'error' and self.errors.append(message.text))
        self.page.on('dialog', lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.goto('file://' + path)


def draw_seven(page):
    """On the pad, with the mouse."""
    page.locator('#pad').scroll_into_view_if_needed()
    box = page.locator('#pad').bounding_box()
    points = [(60, 60), (210, 60), (120, 230)]
    page.mouse.move(box['x'] + points[0][0], box['y'] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box['x'] + x, box['y'] + y, steps=20)
    page.mouse.up()
