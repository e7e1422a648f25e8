"""Work on the machines of a Ray cluster, through the interface of :class:`concurrent.futures.Executor`.

Ray finds the machines, hands out the work and does it again where a worker or its machine was lost. All machines see
the same files under the same names, and have this package installed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

from mdsm_ros.arguments import count
from mdsm_ros.errors import CommandError
from mdsm_ros.extras import require
from training.workers import WorkerPool

LOCAL = "local"  # a cluster of this machine alone, for as long as the command runs
RETRIES = 5  # of a piece of work whose worker ended; a bug that ends every worker is not tried for ever
SETTINGS = {  # of Ray, unless they are set; the times let it start on a busy machine, where its own are too short
    "RAY_USAGE_STATS_ENABLED": "0",  # reports nothing to anybody
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_gcs_server_port_wait_time_s": "300",
    "RAY_gcs_server_request_timeout_seconds": "300",
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_worker_register_timeout_seconds": "300",
}
STORE_BYTES = 100 << 20  # for results, which are small: the data go through files


class RayPool(Executor):
    """The workers of a Ray cluster.

    Args:
        address: "local" for a cluster of this machine, "auto" or HOST:PORT for a running one.
        workers: Number of workers of a local cluster.
        gpus: Number of GPUs for each piece of work; without one, Ray hides them from it.

    Raises:
        MissingPackageError: Ray is not installed.
        CommandError: There is no cluster at the address.
    """

    def __init__(self, address: str, workers: int, gpus: float = 0.0) -> None:
        require("ray", purpose="--cluster")
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        import ray

        self._ray = ray
        here: dict[str, Any] = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        try:
            ray.init(logging_level="ERROR", **(here if address == LOCAL else {"address": address}))
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise CommandError(f"--cluster is {address!r}, expected a running Ray cluster: {error}") from error
        self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._call: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_call_in)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hands out a piece of work; what it raises is raised by the future's ``result``.

        Where the work was lost more often than it is tried, ``result`` raises CommandError.
        """
        future: Future[Any] = Future()
        done = self._call.remote(str(Path.cwd()), function, args, kwargs).future()
        done.add_done_callback(partial(self._pass_on, future))
        return future

    def _pass_on(self, future: Future[Any], done: Future[Any]) -> None:
        """Gives a future the result of Ray's."""
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        elif isinstance(error, self._ray.exceptions.RayTaskError):  # of the work itself, and of its class as well
            future.set_exception(error)
        else:
            reason = str(error).strip().splitlines()[0]
            future.set_exception(CommandError(f"Ray could not do the work: {type(error).__name__}: {reason}"))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leaves the cluster, and ends a local one; unfinished work is given up."""
        self._ray.shutdown()


def _call_in(folder: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls a function in the folder of the command, to which relative names refer."""
    os.chdir(folder)
    return function(*args, **kwargs)


def add_worker_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of commands whose work can be shared."""
    parser.add_argument("--workers", type=count, default=1, help="number of processes (default: %(default)s)")
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="share the work by Ray: auto or HOST:PORT of a running cluster, whose machines see the same files; "
        f"{LOCAL} for --workers processes of this machine",
    )


def open_pool(workers: int, cluster: str | None, *, gpus: float = 0.0) -> tuple[Executor, int]:
    """The workers that the options ask for, and their number; ``gpus`` as for :class:`RayPool`.

    Raises:
        MissingPackageError, CommandError: As for :class:`RayPool`.
    """
    if cluster is None:
        return WorkerPool(workers), workers
    pool = RayPool(cluster, workers, gpus)
    return pool, pool.workers
