"""Every report page in Chromium: nothing is asked for, everything moves, nothing is cut off."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import PAGES, SLIDERS

_PHONE, _DESK = 390, 1440
_LARGEST = 3_000_000
_UNMARKED = "discover a table"
_GRAVE = ("serious", "critical")

Made = Callable[[str], Path]


def cases(names: Any) -> list[Any]:
    marks = {name: [] if name == _UNMARKED else [pytest.mark.slow] for name in names}
    return [pytest.param(name, marks=marks[name], id=name) for name in sorted(names)]


every_page = pytest.mark.parametrize("name", cases(PAGES))
every_slider = pytest.mark.parametrize("name", cases(SLIDERS))


def open_page(driver: Any, page: Path, width: int = _DESK, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == _PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get_log("browser")
    driver.get_log("performance")
    driver.get(page.as_uri())


def find(driver: Any, selector: str) -> list[Any]:
    found: list[Any] = driver.find_elements("css selector", selector)
    return found


def requests(driver: Any) -> set[str]:
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [
        e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
    ]
    return {url for url in asked if not url.startswith("data:")}


@every_page
def test_a_page_opens_from_disk_and_asks_for_nothing(driver: Any, made: Made, name: str) -> None:
    page = made(name)
    open_page(driver, page)
    assert requests(driver) == {page.as_uri()}
    assert driver.get_log("browser") == []
    assert page.stat().st_size < _LARGEST
    pictures = driver.execute_script("return [...document.images].map((i) => i.naturalWidth)")
    assert pictures
    assert min(pictures) > 0


@every_page
@pytest.mark.parametrize("width", [_PHONE, _DESK])
def test_nothing_is_cut_off(driver: Any, made: Made, name: str, width: int) -> None:
    open_page(driver, made(name), width)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    for details in find(driver, "details"):
        driver.execute_script("arguments[0].open = true", details)
    wider = driver.execute_script(
        "return [...document.querySelectorAll('.scroll, .sample figure, .answer')]"
        ".filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.textContent)"
    )
    assert wider == []
    keep_screenshot(driver, f"{name}-{width}", width)


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(driver: Any, made: Made, name: str, scheme: str) -> None:
    open_page(driver, made(name), scheme=scheme)
    for details in find(driver, "details"):
        driver.execute_script("arguments[0].open = true", details)
    assert_nothing_grave(driver)


def assert_nothing_grave(driver: Any) -> None:
    """Ask axe for faults that keep someone from reading the page that is open."""
    found = pytest.importorskip("axe_core_python.selenium").Axe().run(driver)
    assert len(found["passes"]) > 10
    grave = [each for each in found["violations"] if each["impact"] in _GRAVE]
    told = [(e["id"], [node["html"][:200] for node in e["nodes"][:3]]) for e in grave]
    assert told == []


def shown_frame(orbit: Any) -> tuple[str, str]:
    """The words of the frame that is seen, and those that are read out."""
    frames = [f for f in orbit.find_elements("css selector", "[data-frame]") if f.is_displayed()]
    assert len(frames) == 1
    words: str = frames[0].get_attribute("data-frame")
    live = orbit.find_element("css selector", "output[aria-live=polite]")
    assert live.text.endswith(f": {words}")
    slider = orbit.find_element("css selector", "input[type=range]")
    assert slider.get_attribute("aria-valuetext") == words
    return words, live.text


@every_slider
def test_the_slider_moves_by_keyboard_mouse_and_touch(driver: Any, made: Made, name: str) -> None:
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_TOUCH
    from selenium.webdriver.common.actions.pointer_input import PointerInput
    from selenium.webdriver.common.keys import Keys

    open_page(driver, made(name))
    for orbit in find(driver, "[data-orbit]"):
        slider = orbit.find_element("css selector", "input[type=range]")
        last = int(slider.get_attribute("max"))
        slider.send_keys(Keys.HOME)
        seen = [shown_frame(orbit)]
        assert seen[0][1].startswith(f"1 of {last + 1}: identity")
        slider.send_keys(Keys.ARROW_RIGHT)
        seen.append(shown_frame(orbit))
        assert seen[1][1].startswith(f"2 of {last + 1}: ")
        for kind, end in ((POINTER_MOUSE, 0), (POINTER_TOUCH, last), (POINTER_MOUSE, 0)):
            driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
            half = slider.size["width"] // 2 - 4
            actions = ActionBuilder(driver, PointerInput(kind, f"{kind}-{end}"))
            actions.pointer_action.move_to(slider, half if end else -half, 0)
            actions.pointer_action.pointer_down().pointer_up()
            actions.perform()
            assert shown_frame(orbit)[1].startswith(f"{end + 1} of {last + 1}: "), kind
        backwards, forwards = orbit.find_elements("css selector", "[data-step]")
        backwards.click()  # from the first to the last
        assert shown_frame(orbit)[1].startswith(f"{last + 1} of ")
        forwards.click()
        assert shown_frame(orbit)[1].startswith("1 of ")


@every_slider
def test_another_sample_can_be_chosen(driver: Any, made: Made, name: str) -> None:
    open_page(driver, made(name))
    for orbit in find(driver, "[data-orbit]"):
        for option in orbit.find_elements("css selector", "option"):
            option.click()
            (sample,) = (
                s for s in orbit.find_elements("css selector", "[data-sample]") if s.is_displayed()
            )
            assert (
                sample.find_element("css selector", "figcaption").text == f"Before: {option.text}"
            )
            shown_frame(orbit)


def value_of(text: str) -> float | None:
    try:
        return float(text.replace(",", "").split()[0])
    except (ValueError, IndexError):
        return None


@every_page
def test_tables_sort_both_ways_and_back(driver: Any, made: Made, name: str) -> None:
    open_page(driver, made(name))
    for details in find(driver, "details"):
        driver.execute_script("arguments[0].open = true", details)
    for table in find(driver, "table[data-sortable]"):
        heads = table.find_elements("css selector", "thead th")
        first = texts(table)
        for column, head in enumerate(heads):
            button = head.find_element("css selector", "button.sort")
            for order in ("ascending", "descending"):
                driver.execute_script("arguments[0].click()", button)
                assert head.get_attribute("aria-sort") == order
                values = [value_of(row[column]) for row in texts(table)]
                numbers = [value for value in values if value is not None]
                assert numbers == sorted(numbers, reverse=order == "descending")
                assert None not in values[: len(numbers)]
            driver.execute_script("arguments[0].click()", button)
            assert head.get_attribute("aria-sort") == "none"
            assert texts(table) == first


def texts(table: Any) -> list[list[str]]:
    rows = table.find_elements("css selector", "tbody tr")
    return [[c.text for c in row.find_elements("css selector", "th, td")] for row in rows]


@every_page
def test_a_page_can_be_read_without_its_script(driver: Any, made: Made, name: str) -> None:
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(driver, made(name))
        frames = find(driver, "[data-frame]")
        assert all(frame.is_displayed() for frame in frames)
        assert not any(each.is_displayed() for each in find(driver, ".controls"))
        assert not find(driver, "button.sort")
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def keep_screenshot(driver: Any, name: str, width: int) -> None:
    folder = os.environ.get("GROUPLEARN_SCREENSHOTS")
    if folder is None:
        return
    height = driver.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    options = {"format": "png", "clip": clip, "captureBeyondViewport": True}
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", options)
    Path(folder).mkdir(parents=True, exist_ok=True)
    file = Path(folder) / f"{name.replace(' ', '-')}.png"
    file.write_bytes(base64.b64decode(taken["data"]))
