"""Kernels for papermill: over Unix sockets, forked by the server where there is one, always of this very Python."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any

from bo_lib.run.kernels.client import fork

_SOCKET_PATH_MAX = 100  # bytes, with the number that each of the five channels adds


def kernel_manager(server: str | None, folder: Path | str, env: Mapping[str, str] | None = None) -> type:
    """The class for papermill's ``kernel_manager_class``: its kernel has its sockets in ``folder``.

    ``folder`` is short, private (0700), for one kernel only, and the caller's to remove; sockets know no port that two runs
    could choose at once and nobody else on the machine can connect. Where the path is too long or the system has no such
    sockets, the kernel listens on loopback. ``env`` replaces the environment that the kernel would inherit.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            self._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")  # whatever is installed elsewhere
            self.client_factory = _client_class()
            self.connection_file = str(Path(folder) / "c.json")
            if os.name == "posix" and len(os.fsencode(Path(folder) / "k-5")) <= _SOCKET_PATH_MAX:
                self.transport = "ipc"
                self.ip = str(Path(folder) / "k")

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            if self.provisioner is None:
                self.provisioner = _provisioner_class()(kernel_spec=self._kernel_spec, server=server or "", parent=self)
            if env is not None:
                options["env"] = dict(env)
            return await super()._async_pre_start_kernel(**options)

        pre_start_kernel = _async_pre_start_kernel

        async def _async_interrupt_kernel(self) -> None:
            if not self.shutting_down:  # an idle kernel that is asked to end only complains about it
                await super()._async_interrupt_kernel()

        interrupt_kernel = _async_interrupt_kernel

        async def _async_finish_shutdown(
            self, waittime: float | None = None, pollinterval: float = 0.01, restart: bool = False
        ) -> None:
            await super()._async_finish_shutdown(waittime, pollinterval, restart)

        finish_shutdown = _async_finish_shutdown

    return Manager


def _provisioner_class() -> Any:
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class ForkedProvisioner(LocalProvisioner):
        """Asks the server for the kernel, and starts it the ordinary way when that cannot be."""

        def __init__(self, server: str, **options: Any) -> None:
            super().__init__(**options)
            self.server = server

        async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
            cwd, env = options.get("cwd") or os.curdir, options.get("env") or dict(os.environ)
            streams = options.get("stdout"), options.get("stderr")
            process = fork(self.server, cmd[2], cmd[3:], subprocess.DEVNULL, *streams, cwd, env) if self.server else None
            if process is None:
                return await super().launch_kernel(cmd, **options)
            self.process: Any = process  # pgid stays None: signals go through the process
            self.pid, self.cwd = process.pid, cwd
            return self.connection_info

    return ForkedProvisioner


def _client_class() -> type:
    from jupyter_client.asynchronous.client import AsyncKernelClient

    class Client(AsyncKernelClient):
        async def wait_for_ready(self, timeout: float | None = None) -> None:
            """As jupyter_client does, without its fixed wait of 0.2 s at the end (nbclient tells late messages by their parent)."""
            end = asyncio.get_running_loop().time() + (timeout or 60)
            while asyncio.get_running_loop().time() < end:
                self.kernel_info()
                try:
                    reply = await self.shell_channel.get_msg(timeout=1)
                    await self.iopub_channel.get_msg(timeout=1)
                    return self._handle_kernel_info_reply(reply)
                except Empty:
                    if self.parent is not None and not await self.parent.is_alive():
                        raise RuntimeError("the kernel died before it answered") from None
            raise RuntimeError(f"the kernel did not answer within {timeout} seconds")

    return Client
