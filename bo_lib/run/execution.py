"""The process of one run: ``python -m bo_lib.run.execution``. Executes a notebook with papermill, judges and renders it.

It reads one line of JSON from its standard input and then keeps the pipe open: when the pipe closes, the starter is gone
or the deadline has passed, and the kernel and this process end at once. ``answer.json`` says how it went.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # a second of grammar for a check nobody needs

EXECUTED = "executed.ipynb"
CONCLUSION = "conclusion.json"
ANSWER = "answer.json"
_THREAD_DIED = re.compile(r"^Exception in thread .*", re.MULTILINE)
_IMPORTS = re.compile(r"^\s*(?:import|from)\s", re.MULTILINE)


class Lifeline(threading.Thread):
    """Ends this process and its kernel when the starter closes the pipe."""

    def __init__(self, sockets: str) -> None:
        super().__init__(daemon=True)
        self.kernel: Any = None
        self.sockets = sockets

    def run(self) -> None:
        while os.read(0, 4096):
            pass
        shutil.rmtree(self.sockets, ignore_errors=True)
        pid = getattr(getattr(self.kernel, "provisioner", None), "pid", None)
        if pid:
            os.kill(pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        os._exit(1)


def _kernel_manager(request: dict[str, Any], lifeline: Lifeline, clock: dict[str, float]) -> type:
    """The kernel manager of the house, known to the lifeline, that notes when it starts."""
    from bo_lib.run.kernels import kernel_manager

    base: Any = kernel_manager(request["server"], request["sockets"])

    class Manager(base):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            lifeline.kernel = self

        async def _async_start_kernel(self, **options: Any) -> None:
            clock["kernel"] = time.time()
            await super()._async_start_kernel(**options)

        start_kernel = _async_start_kernel

    return Manager


def execute(request: dict[str, Any], lifeline: Lifeline) -> dict[str, Any]:
    """Execute the notebook of ``request`` into the current folder; returns what went wrong, and the seconds it took."""
    from papermill.execute import execute_notebook
    from papermill.iorw import load_notebook_node

    clock: dict[str, float] = {}
    early = False

    def before_cell(cell: Any, cell_index: int) -> None:
        nonlocal early
        clock.setdefault("cells", time.time())
        early = Path(CONCLUSION).exists()

    error = ""
    try:
        execute_notebook(
            load_notebook_node(request["notebook"]), EXECUTED, request["parameters"], kernel_name="python3", language="python",
            progress_bar=False, kernel_manager_class=_kernel_manager(request, lifeline, clock), on_cell_execute=before_cell,
            resources={"metadata": {"path": request["cwd"]}}, start_timeout=120,
        )  # fmt: skip
    except Exception as reason:
        error = _sentence(reason)
    if not error and early:
        error = "a cell before the last recorded the conclusion; what the cells after it found is not in it"
    if "cells" not in clock:
        return {"error": error, "seconds": {}}
    return {
        "error": error,
        "seconds": {"process": clock["kernel"] - request["sent_at"], "kernel": clock["cells"] - clock["kernel"]},
    }


def _sentence(reason: Exception) -> str:
    """A failed cell in one line: which cell, which error; the traceback stays in the executed notebook."""
    if ename := getattr(reason, "ename", ""):
        return f"cell {getattr(reason, 'exec_count', '?')}: {ename}: {getattr(reason, 'evalue', '')}"
    said = str(reason).strip()
    return f"{type(reason).__name__}: {said.splitlines()[-1] if said else 'no message'}"


def finish(request: dict[str, Any], error: str) -> dict[str, Any]:
    """Judge what stands in the current folder and render its page. Returns error and seconds of the cells."""
    import nbformat

    from bo_lib.run.page import render

    try:
        notebook = nbformat.read(EXECUTED, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as reason:  # killed while it was being written
        Path(EXECUTED).unlink(missing_ok=True)
        return {"error": error or f"the executed notebook is not readable: {type(reason).__name__}", "seconds": {}}
    imports, cells = _seconds_of_cells(notebook)
    error = error or _died_thread(notebook) or _not_concluded()
    heading = _heading(request, *(("failed", error) if error else _said_conclusion()))
    Path("executed.html").write_text(render(notebook, request["title"], heading, request["plotly_js"]), "utf-8")
    return {"error": error, "seconds": {"imports": imports, "cells": cells}}


def _heading(request: dict[str, Any], verdict: str, says: str) -> str:
    """The verdict first, then of what, then what was known and under which number the run is kept."""
    given = request["parameters"]
    known = given.get("known_at") or "the time of the run"
    title = _escape(request["title"].replace("_", " "))
    quiet = f"known at: {known} · run {request['run_id']}"
    return (
        f'<header class="{verdict}"><div class="verdict">{verdict}</div><div class="of"><b>{title}</b></div>'
        f'<div>{_escape(says)}</div><div class="quiet">{_escape(quiet)}</div></header>'
    )


def _escape(text: str) -> str:
    import html

    return html.escape(text)


def _not_concluded() -> str:
    try:
        conclusion = json.loads(Path(CONCLUSION).read_text("utf-8"))
    except FileNotFoundError:
        return "the notebook ended without a conclusion: its last cell did not run, or does not call conclude"
    except (json.JSONDecodeError, UnicodeDecodeError) as reason:
        return f"the conclusion is not readable: {reason}"
    if not isinstance(conclusion, dict) or conclusion.get("verdict") not in ("pass", "attention", "blocked"):
        return "the conclusion has no verdict of pass, attention or blocked"
    return ""


def _said_conclusion() -> tuple[str, str]:
    from bo_lib.views.wording import in_words

    conclusion = json.loads(Path(CONCLUSION).read_text("utf-8"))
    return conclusion["verdict"], in_words(str(conclusion.get("summary", "")))


def _died_thread(notebook: Any) -> str:
    """What a thread that died has left in the outputs, or nothing."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and (found := _THREAD_DIED.search(output["text"])):
                last = output["text"].strip().splitlines()[-1]
                return f"{found.group().removesuffix(':')}: {last}"
    return ""


def _seconds_of_cells(notebook: Any) -> tuple[float, float]:
    """Seconds spent in the cells that import, and in all the others, as papermill noted them."""
    imports = others = 0.0
    for cell in notebook.cells:
        took = cell.get("metadata", {}).get("papermill", {}).get("duration") or 0.0
        if cell.cell_type == "code" and _IMPORTS.search(cell.source):
            imports += took
        else:
            others += took
    return imports, others


def main() -> None:
    request = json.loads(_first_line())
    lifeline = Lifeline(request["sockets"])
    lifeline.start()
    error, seconds = request["error"], {}
    if not error:
        said = execute(request, lifeline)
        error, seconds = said["error"], said["seconds"]
    started = time.monotonic()
    said = finish(request, error)
    seconds = {**seconds, **said["seconds"], "page": time.monotonic() - started}
    Path(ANSWER).write_text(json.dumps({"error": said["error"], "seconds": seconds}), "utf-8")
    os._exit(0)


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 1)
        if not part:
            os._exit(1)
        line += part
    return line


if __name__ == "__main__":
    main()
