"""Chromium, headless, to look at pages: for the README's pictures and for the tests."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from grading.faults import Usage

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (  # without these it looks for updates, and for its makers' hosts, at every start
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
UNBOXED = "--no-sandbox"  # as root Chromium does not start with its own; it opens nothing here but our own pages


def found() -> str | None:
    """Where Chromium is installed, or None."""
    return next((place for name in NAMES if (place := shutil.which(name))), None)


@contextlib.contextmanager
def opened() -> Iterator["BrowserContext"]:
    """A browser with an empty profile, to open pages in. Raises Usage where Chromium or Playwright is missing."""
    place = found()
    if place is None:
        raise Usage("this needs Chromium, and none was found: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise Usage("this needs Playwright, which is not installed: python -m pip install playwright") from None
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=place, args=[*QUIET, UNBOXED], chromium_sandbox=False
        )
        yield context
        context.close()
