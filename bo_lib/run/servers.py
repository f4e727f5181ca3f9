"""JupyterLab and the dashboards, on this machine only; a team puts an authenticating proxy in front."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def serve_lab(root: Path, port: int) -> int:
    """JupyterLab on the firm's folder, until it is stopped; returns its exit code."""
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", f"--ServerApp.root_dir={root}"]
    return _serve(root, ["jupyterlab", *options, "--LabApp.default_url=/lab/tree/notebooks"])


def serve_dashboards(root: Path, port: int) -> int:
    """The notebooks in ``notebooks/dashboards`` as pages without their code, until stopped; returns Voila's exit code."""
    options = ["--Voila.ip=127.0.0.1", f"--port={port}", "--MappingKernelManager.cull_idle_timeout=900"]
    return _serve(root, ["voila", str(root / "notebooks" / "dashboards"), *options])


def _serve(root: Path, words: list[str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=root, env={**os.environ, "BO_ROOT": str(root)}, check=False
    ).returncode
