"""A browser without a window; tests are skipped where there is none.

GROUPLEARN_BROWSER and GROUPLEARN_DRIVER name Chromium and its driver where they are not found on
the path. GROUPLEARN_SCREENSHOTS names a folder for pictures of all pages, which people look at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import PAGES

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def _program(variable: str, *names: str) -> str:
    named = os.environ.get(variable)
    found = named or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no {names[0]} on the path, and {variable} names none")
    return found


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with an empty profile, which records its console and its requests."""
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = _program("GROUPLEARN_BROWSER", *_BROWSERS)
    profile = tmp_path_factory.mktemp("profile")
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    program = _program("GROUPLEARN_DRIVER", "chromedriver")
    service = webdriver.ChromeService(executable_path=program)
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The pages by name, each made once."""
    kept: dict[str, Path] = {}

    def page(name: str) -> Path:
        if name not in kept:
            kept[name] = PAGES[name](tmp_path_factory.mktemp("page"))
        return kept[name]

    return page
