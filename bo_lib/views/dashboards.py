"""Serve ``notebooks/dashboards`` with Voila: on loopback, behind an authenticating reverse proxy when others may look."""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
from pathlib import Path
from typing import Any

from bo_lib.config import ParameterError, load_firm

PORT = 8866
IDLE_MINUTES = 60  # a page nobody has touched for so long gives its kernel back
MEMORY_MAX_MB = 8192  # address space of the server, and of each page's kernel
LOG = logging.getLogger(__name__)


def serve(
    root: Path,
    port: int = PORT,
    ip: str = "127.0.0.1",
    open_browser: bool = False,
    *,
    user_header: str = "X-Forwarded-User",
    hosts: tuple[str, ...] = (),
    base_url: str = "/",
    memory_mb: int = MEMORY_MAX_MB,
) -> None:
    """Serve the dashboards of the firm at ``root`` until interrupted.

    ``user_header`` is the HTTP header in which the reverse proxy names who is looking; pages find it in their environment
    (``HTTP_X_FORWARDED_USER``). ``hosts`` are the names under which the proxy is reached: requests for other names are refused.
    Limits the memory of this process: it is meant to be the whole process. Raises ``ParameterError`` when there is no firm
    or no dashboard at ``root``.
    """
    from bo_lib.views.server import Dashboards

    root = root.resolve()
    config = configuration(root, port, ip, open_browser, user_header=user_header, hosts=hosts, base_url=base_url)
    if not _is_loopback(ip):
        LOG.warning(
            "serving on %s: whoever reaches this port may name himself in %s; put the authenticating proxy in front",
            ip,
            user_header,
        )
    os.environ.update(BO_ROOT=str(root), JUPYTER_PATH=os.pathsep.join(_template_paths()), OPENBLAS_NUM_THREADS="1")
    _limit_memory(memory_mb)
    app = Dashboards(config=config)
    app.initialize([])
    app.start()


def configuration(
    root: Path, port: int, ip: str, open_browser: bool, *, user_header: str, hosts: tuple[str, ...], base_url: str
) -> Any:
    """The server's settings, as a traitlets ``Config``."""
    from traitlets.config import Config

    from bo_lib.views import server

    firm, folder = load_firm(root), root / "notebooks" / "dashboards"
    pages = server.pages_of(folder)
    if not pages:
        raise ParameterError(f"no dashboard in {folder}; the workbench brings control_tower.ipynb: copy it there")
    base_url = "/" + base_url.strip("/") + "/" if base_url.strip("/") else "/"
    return Config(
        Dashboards={"home": pages[0], "outputs": str(root / firm.outputs)},
        Voila={
            "root_dir": str(folder),
            "port": port,
            "port_retries": 0,
            "ip": ip,
            "open_browser": open_browser,
            "base_url": base_url,
            "tornado_settings": {
                "allow_remote_access": False,
                "local_hostnames": ["localhost", *hosts, *([] if _is_loopback(ip) else [ip])],
                "headers": {
                    "Content-Security-Policy": server.PAGE_POLICY,
                    "X-Content-Type-Options": "nosniff",
                    "Referrer-Policy": "same-origin",
                },
            },
        },
        VoilaConfiguration={
            "template": "workbench",
            "theme": "light",
            "strip_sources": True,
            "show_tracebacks": False,
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "file_allowlist": [],
            "http_header_envs": [user_header] if user_header else [],
            "extension_denylist": _not_needed(server.NEEDED),
            "prelaunch_hook": server.frame(firm.name, folder, user_header, base_url),
        },
        MappingKernelManager={
            "cull_idle_timeout": IDLE_MINUTES * 60,
            "cull_interval": 60,
            "cull_connected": True,
            "cull_busy": False,
        },
        KernelManager={"transport": "ipc"},
    )


def _is_loopback(ip: str) -> bool:
    try:
        return ip == "localhost" or ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def _template_paths() -> list[str]:
    """Where Voila looks for templates: ours first."""
    return [str(Path(__file__).parent), *filter(None, [os.environ.get("JUPYTER_PATH", "")])]


def _not_needed(needed: tuple[str, ...]) -> list[str]:
    """Installed JupyterLab extensions that the dashboards do without."""
    from jupyterlab_server.config import get_federated_extensions
    from voila.utils import get_voila_labextensions_path

    return sorted(set(get_federated_extensions(get_voila_labextensions_path([]))) - set(needed))


def _limit_memory(memory_mb: int) -> None:
    """Cap the address space of this process and its children (Linux), never above a limit that is already there."""
    if sys.platform != "linux":
        return
    import resource

    size = memory_mb * 2**20
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = [limit for limit in (size, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(allowed), hard))
