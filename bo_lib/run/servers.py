"""JupyterLab on the firm's notebooks, on this machine only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def serve_lab(root: Path, port: int) -> int:
    """JupyterLab on the firm's folder, until it is stopped; returns its exit code."""
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", f"--ServerApp.root_dir={root}"]
    command = [sys.executable, "-m", "jupyterlab", *options, "--LabApp.default_url=/lab/tree/notebooks"]
    return subprocess.run(command, cwd=root, env={**os.environ, "BO_ROOT": str(root)}, check=False).returncode
