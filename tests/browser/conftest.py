"""A dashboard server on a small firm, and a browser that cannot reach any other machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import small_firm

LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "file:", "data:", "blob:", "about:")
FLAGS = (
    "--no-sandbox --headless --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
).split()
SERVE = (
    "import sys; from pathlib import Path; from bo_lib.views.dashboards import serve; serve(Path(sys.argv[1]), int(sys.argv[2]))"
)
START_S = 60


@pytest.fixture(scope="session")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_firm.build(tmp_path_factory.mktemp("firm"))


@pytest.fixture(scope="session")
def server(firm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the dashboards, started as ``bo dashboards`` starts them."""
    port = _free_port()
    log = (tmp_path_factory.mktemp("log") / "server.log").open("w")
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(firm), str(port)], stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, process, Path(log.name))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the dashboards did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    found = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    )
    if not found:
        pytest.skip("no Chromium here: install it, or name it in the variable CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here: it comes with the extra `tests`")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page and everything it asked other machines for, which it did not get."""

    def __init__(self, page: Any) -> None:
        self.page, self.refused = page, list[str]()
        self.errors = list[str]()
        page.route("**/*", self._route)
        page.on("websocket", lambda ws: None if ws.url.startswith(LOCAL) else self.refused.append(ws.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if "Content Security Policy" in said.text else None)

    def _route(self, route: Any) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            self.refused.append(route.request.url)
            route.abort()

    def charts(self) -> list[dict[str, float]]:
        """Where each plotly drawing stands, in pixels of the page."""
        script = """all => all.map(e => {
            const r = e.getBoundingClientRect();
            return {x: r.x, y: r.y + scrollY, w: r.width, h: r.height};
        })"""
        boxes: list[dict[str, float]] = self.page.eval_on_selector_all(".js-plotly-plot .main-svg:first-child", script)
        return boxes

    def assert_drawn(self, count: int, width: int) -> None:
        """``count`` charts, each of some size, none beside the page or over another."""
        boxes: list[Any] = []
        for _ in range(60):  # a drawing settles once more after it has its size
            before, boxes = boxes, self.charts()
            if len(boxes) == count and boxes == before:
                break
            self.page.wait_for_timeout(250)
        assert len(boxes) == count, boxes
        for box in boxes:
            assert box["w"] > 300 and box["h"] > 200, box
            assert box["x"] >= 0 and box["x"] + box["w"] <= width, box
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width
        places = {(round(box["x"]), round(box["y"])) for box in boxes}
        assert len(places) == count, boxes


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """``with visit(width, height, headers) as v``: a fresh browser profile."""

    @contextmanager
    def opened(width: int = 1400, height: int = 900, headers: dict[str, str] | None = None) -> Iterator[Visit]:
        context = chromium.new_context(viewport={"width": width, "height": height}, extra_http_headers=headers or {})
        try:
            yield Visit(context.new_page())
        finally:
            context.close()

    yield opened
