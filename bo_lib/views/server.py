"""The dashboard server: Voila with only the pages of one folder, the pages of runs, and no way around them.

Started by ``dashboards.serve``. What is not needed is not served: no file listing, no other files, no sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from traitlets import Unicode
from voila.app import Voila
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

PROTOCOL = "v1.kernel.websocket.jupyter.org"
PARTS_MAX = 64  # of a kernel message; there are seven or eight
RUNS = "runs"
NOT_SERVED = (TornadoVoilaTreeHandler, VoilaContentsHandler, AllowListFileHandler)
NEEDED = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget", "jupyterlab-plotly")
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'self'"
)
RUN_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)


class GuardedWebsocket(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """Refuses clients that would hang the server.

    Voila and jupyter_server read the number of parts from a message's first eight bytes and count up to it: a client
    without the v1 protocol, or with a broken message, made them build lists of billions.
    """

    async def pre_get(self) -> None:
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [name.strip() for name in offered.split(",")]:
            raise web.HTTPError(400, f"the kernel websocket needs the sub-protocol {PROTOCOL}")
        await super().pre_get()

    def on_message(self, ws_message: Any) -> None:
        if not isinstance(ws_message, bytes) or not 0 < int.from_bytes(ws_message[:8], "little") <= PARTS_MAX:
            self.close(1003, "not a kernel message")
            return
        super().on_message(ws_message)


class RunPages(JupyterHandler, web.StaticFileHandler):
    """Executed runs as HTML, and the plotly.js beside them; nothing else of the outputs folder.

    A page is shown in a sandbox of its own: what runs in it cannot reach the dashboards.
    """

    SERVED = re.compile(r"(?:\d{4}-\d\d-\d\d(?:/[\w.-]+){3}/executed\.html|assets/plotly-[\d.]+\.min\.js)")

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        name = Path(absolute_path).relative_to(root).as_posix() if Path(absolute_path).is_relative_to(root) else ""
        if not self.SERVED.fullmatch(name) or not Path(absolute_path).resolve().is_relative_to(Path(root).resolve()):
            raise web.HTTPError(404)
        path: str | None = super().validate_absolute_path(root, absolute_path)
        return path

    @property
    def content_security_policy(self) -> str:
        return RUN_POLICY


class Dashboards(Voila):  # type: ignore[misc]
    """Voila over one folder of notebooks; ``home`` is where ``/`` leads."""

    home = Unicode("control_tower.ipynb").tag(config=True)
    outputs = Unicode().tag(config=True)

    def _config_file_paths_default(self) -> list[str]:
        return []  # what is served does not depend on configuration files that lie about

    def init_handlers(self) -> list[Any]:
        kept = [route for route in super().init_handlers() if route[1] not in NOT_SERVED]
        guarded = [(r[0], GuardedWebsocket, *r[2:]) if r[1] is VoilaKernelWebsocketHandler else r for r in kept]
        start = url_path_join(self.base_url, "voila", "render", self.home)
        return [
            (url_path_join(self.server_url, "/?"), web.RedirectHandler, {"url": start, "permanent": False}),
            (url_path_join(self.server_url, RUNS, "(.*)"), RunPages, {"path": self.outputs}),
            *guarded,
        ]


def pages_of(folder: Path) -> list[str]:
    """Names of the dashboards in a folder, the control tower first."""
    names = [p.name for p in folder.glob("*.ipynb")]
    return sorted(names, key=lambda name: (name != "control_tower.ipynb", name))


def frame(firm: str, folder: Path, user_header: str, base_url: str) -> Callable[..., None]:
    """A hook that gives each page its header bar: firm, pages, day and the user whom the proxy names."""

    def add(request: Any, notebook: Any, cwd: str) -> None:
        here = Path(request.request.path).name
        pages = [
            {"title": _title(name), "href": url_path_join(base_url, "voila", "render", name), "here": name == here}
            for name in pages_of(folder)
        ]
        day = datetime.now().astimezone().strftime("%A, %-d %B %Y")
        user = request.request.headers.get(user_header, "") if user_header else ""
        notebook.metadata["desk"] = {"firm": firm, "pages": pages, "day": day, "user": user[:80]}

    return add


def _title(name: str) -> str:
    return name.removesuffix(".ipynb").replace("_", " ").capitalize()
