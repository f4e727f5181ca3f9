"""Forked kernels and processes are as good as new ones: nothing leaks, nothing is left behind, and without a server all goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bo_lib.run.kernels import PRELOAD, kernel_manager, kernel_server, start
from bo_lib.run.kernels.client import Forked

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernels are forked on Linux only")


@pytest.fixture(scope="module")
def server() -> Iterator[str | None]:
    with kernel_server(["numpy.random", "nbformat"]) as path:
        yield path


def execute(server: str | None, folder: Path, *cells: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """Run the cells as papermill does, and return what the last one printed as JSON."""
    from papermill.execute import execute_notebook

    parts = [nbformat.v4.new_code_cell(cell) for cell in ("fund = ''", "import json, os, sys", *cells)]
    parts[0].metadata["tags"] = ["parameters"]
    folder.mkdir(exist_ok=True)
    executed = execute_notebook(
        nbformat.v4.new_notebook(cells=parts), None, parameters or {}, kernel_name="python3", language="python",
        progress_bar=False, kernel_manager_class=kernel_manager(server, folder), resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    return dict(json.loads(executed.cells[-1].outputs[0].text))


def run(server: str | None, folder: Path, code: str, **options: Any) -> Any:
    (folder / "job.py").write_text(code)
    return start(server, "job", stdout=subprocess.PIPE, cwd=folder, **options)


def gone(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_a_notebook_runs_in_a_forked_kernel(server: str, tmp_path: Path) -> None:
    said = execute(
        server,
        tmp_path,
        "print(json.dumps({'fund': fund, 'cwd': os.getcwd(), 'parent': os.getppid(), 'numpy': 'numpy' in sys.modules, "
        "'ours': [m for m in sys.modules if m.startswith('bo_lib')], 'python': sys.executable}))",
        parameters={"fund": "007"},
    )
    parent = Path(f"/proc/{said.pop('parent')}/cmdline").read_text()
    assert said == {"fund": "007", "cwd": str(tmp_path), "numpy": True, "ours": [], "python": sys.executable}
    assert "kernels/server.py" in parent


def test_nothing_leaks_from_one_kernel_to_the_next(server: str, tmp_path: Path) -> None:
    look = (
        "print(json.dumps({'module': hasattr(json, 'leak'), 'variable': 'LEAK' in os.environ, 'name': 'leak' in globals(), "
        "'cwd': os.getcwd(), 'path': '/leak' in sys.path}))"
    )
    spoil = "leak = 1; json.leak = 1; os.environ['LEAK'] = '1'; sys.path.append('/leak'); os.chdir('/')"
    spoiled = execute(server, tmp_path / "1", spoil, look)
    assert spoiled == {"module": True, "variable": True, "name": True, "cwd": "/", "path": True}
    clean = execute(server, tmp_path / "2", look)
    assert clean == {"module": False, "variable": False, "name": False, "cwd": str(tmp_path / "2"), "path": False}


def test_two_kernels_at_once_draw_different_random_numbers(server: str, tmp_path: Path) -> None:
    draw = (
        "import random, time, uuid\nimport numpy as np\ntime.sleep(0.2)\n"
        "print(json.dumps({'python': random.random(), 'numpy': np.random.rand(), 'new': np.random.default_rng().random(), "
        "'uuid': str(uuid.uuid4())}))"
    )
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda name: execute(server, tmp_path / name, draw), "ab")
    assert all(one[kind] != two[kind] for kind in ("python", "numpy", "new", "uuid"))


def test_a_kernel_listens_on_private_sockets_and_leaves_none(server: str, tmp_path: Path) -> None:
    said = execute(
        server,
        tmp_path,
        "from ipykernel.kernelapp import IPKernelApp\nprint(json.dumps({'transport': IPKernelApp.instance().transport, "
        "'files': sorted(os.listdir())}))",
    )
    assert said == {"transport": "ipc", "files": ["c.json", "k-1", "k-2", "k-3", "k-4", "k-5"]}
    assert list(tmp_path.iterdir()) == []


def test_a_forked_process_is_like_one_that_popen_started(server: str, tmp_path: Path) -> None:
    forked = start(server, "json.tool", ["--compact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    assert isinstance(forked, Forked) and forked.stdin and forked.stdout
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.05)
    assert forked.poll() is None
    forked.stdin.write(b'{"isin":  "LU1"}')
    forked.stdin.close()
    assert forked.stdout.read() == b'{"isin":"LU1"}\n'
    assert forked.wait(10) == forked.poll() == forked.returncode == 0


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(3)", 3), ("raise SystemExit('no')", 1), ("import os; os.kill(os.getpid(), 15)", -15), ("1/0", 1), ("", 0)],
)
def test_its_end_is_told_as_popen_tells_it(server: str, tmp_path: Path, code: str, status: int) -> None:
    forked = run(server, tmp_path, code, stderr=subprocess.DEVNULL)
    assert isinstance(forked, Forked) and forked.wait(10) == status


def test_kill_reaches_the_children_too(server: str, tmp_path: Path) -> None:
    forked = run(server, tmp_path, "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()")
    child = int(forked.stdout.readline())
    forked.kill()
    assert forked.wait(10) == -signal.SIGKILL
    assert gone(child)


STARTER = """
import subprocess, sys, time
from bo_lib.run.kernels import kernel_server, start
def main(server):
    forked = start(server, 'timeit', ['-s', 'import time; time.sleep(60)'])
    print(type(forked).__name__, forked.pid, flush=True)
    time.sleep(60)
if sys.argv[1]:
    main(sys.argv[1])
with kernel_server([]) as own:
    main(own)
"""


@pytest.mark.parametrize("own_server", [False, True], ids=["its client is killed", "the starter of the server is killed"])
def test_no_process_outlives(server: str, own_server: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, "" if own_server else server], stdout=subprocess.PIPE) as starter:
        assert starter.stdout
        kind, pid = starter.stdout.readline().split()
        assert kind == b"Forked" and not gone(int(pid), 0.1)
        starter.kill()
    assert gone(int(pid))


def test_a_passed_descriptor_stays_open_as_long_as_the_process(server: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    forked = run(server, tmp_path, "import sys; sys.stdin.read()", stdin=subprocess.PIPE, pass_fds=[write])
    os.close(write)
    os.set_blocking(read, False)
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    forked.stdin.close()
    forked.wait(10)
    assert os.read(read, 1) == b""
    os.close(read)


def test_without_a_server_a_run_starts_the_ordinary_way(tmp_path: Path) -> None:
    for server in (None, str(tmp_path / "nobody")):
        process = run(server, tmp_path, "print('done')")
        assert isinstance(process, subprocess.Popen) and process.communicate()[0] == b"done\n"
    said = execute(str(tmp_path / "nobody"), tmp_path / "k", "print(json.dumps({'parent': os.getppid()}))")
    assert said == {"parent": os.getpid()}


def test_a_process_that_would_differ_from_a_new_one_is_refused(server: str, tmp_path: Path) -> None:
    process = run(server, tmp_path, "print(hash('LU1'))", env={**os.environ, "PYTHONHASHSEED": "7"})
    assert isinstance(process, subprocess.Popen)
    with kernel_server([], env={"PYTHONHASHSEED": "7"}) as seeded:
        forked = run(seeded, tmp_path, "print(hash('LU1'))", env={**os.environ, "PYTHONHASHSEED": "7"})
        assert isinstance(forked, Forked)
        assert forked.stdout and forked.stdout.read() == process.communicate()[0]


def test_a_package_that_starts_a_thread_turns_the_server_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
    )
    with kernel_server(["threaded"], env={"PYTHONPATH": str(tmp_path)}) as server:
        process = run(server, tmp_path, "print('cold')", env={**os.environ, "PYTHONPATH": str(tmp_path)})
        assert isinstance(process, subprocess.Popen) and process.communicate()[0] == b"cold\n"
    assert "2 threads after importing threaded: a fork would not be safe" in caplog.text


def test_a_path_too_long_for_a_socket_means_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with kernel_server() as server:
        assert server is None
    assert list(deep.iterdir()) == []


def test_all_packages_of_the_house_are_there_and_start_no_thread(tmp_path: Path) -> None:
    with kernel_server() as server:
        process = run(server, tmp_path, f"import sys; print([name for name in {PRELOAD} if name not in sys.modules])")
        assert isinstance(process, Forked) and process.stdout and process.stdout.read() == b"[]\n"
