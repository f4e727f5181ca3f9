"""Kernels and run processes forked from one warm parent instead of started cold, and kernels over Unix sockets.

Importing pandas, DuckDB, plotly and the kernel itself takes seconds; the server does it once and then forks, so that a run
starts in a fraction of one with a state of its own. Linux only, and only while the server has a single thread: wherever
anything is off, the process is started the ordinary way and the run is the same, only later.

```
with kernel_server() as server:                       # None where it cannot be
    start(server, "bo_lib.run.execution", …)          # a Popen, forked or not
    execute_notebook(…, kernel_manager_class=kernel_manager(server, folder))
```
"""

from bo_lib.run.kernels.client import PRELOAD, Process, kernel_server, start
from bo_lib.run.kernels.manager import kernel_manager

__all__ = ["PRELOAD", "Process", "kernel_manager", "kernel_server", "start"]
