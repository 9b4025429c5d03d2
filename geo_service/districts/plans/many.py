"""
Many districts at once through dask.distributed: on the processors of this machine, or on a cluster.

Each result is written as soon as it is there, under the fingerprint of its data and parameters: what was interrupted
goes on, and what is known is not worked out again. A worker that dies loses nothing but its own last minute.
"""

import json
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from geo_service.districts.district import open_district
from geo_service.districts.plans.tally import Ages, fingerprint_of, is_tally, tally_district
from geo_service.districts.working_copy import write_atomically
from geo_service.errors import GeoServiceError, InvalidInputError
from geo_service.planning.parameters import Parameters
from geo_service.settings import Settings

if TYPE_CHECKING:
    from distributed import Client

Answer = dict[str, Any]

SCHEDULER_WAIT_S = 30.0
"""How long a scheduler and its first worker may take to answer."""

NAME = "district.toml"


class Crew(NamedTuple):
    """
    Who does the work.

    Parameters
    ----------
    workers
        Processes on this machine.
    scheduler
        Address of a dask scheduler instead, such as ``tcp://10.0.0.5:8786``; its workers see the same directories.
    """

    workers: int = 2
    scheduler: str | None = None


class Tallied(NamedTuple):
    """
    What became of one district.

    Parameters
    ----------
    directory
        The district.
    outcome
        ``"done"``, ``"kept"`` from a run before, or ``"failed"``.
    reason
        Why it failed; empty otherwise.
    tally
        What `tally_district` gives; empty of a district that failed.
    """

    directory: Path
    outcome: str
    reason: str
    tally: Answer


def find_districts(paths: Sequence[Path]) -> tuple[Path, ...]:
    """
    Find the districts that some directories are or hold.

    Parameters
    ----------
    paths
        Districts, and folders of districts.

    Returns
    -------
    directories
        Absolute, each once, in the order given; those of a folder by name.

    Raises
    ------
    InvalidInputError
        If a path neither is a district nor holds one.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = (
            [path.resolve()]
            if (path / NAME).is_file()
            else sorted(p.parent.resolve() for p in path.glob(f"*/{NAME}"))
        )
        if not inside:
            raise InvalidInputError(
                f"{path} is no district and holds none; name directories that `geo-service init` made",
                parameter="DIR",
                value=str(path),
            )
        found |= dict.fromkeys(inside)
    return tuple(found)


def tally_many(
    directories: Sequence[Path], parameters: Parameters, ages: Ages, folder: Path, crew: Crew
) -> Iterator[Tallied]:
    """
    Work out many districts, those that are known from a run before first.

    Parameters
    ----------
    directories
        Districts.
    parameters
        The same for all.
    ages
        When facts are stale.
    folder
        Where results are kept, one file each; made if it is not there.
    crew
        Who works.

    Yields
    ------
    tallied
        One for each directory, as it is ready; the file of what is done was written before.

    Raises
    ------
    InvalidInputError
        If dask is not installed, no scheduler answers, or the folder cannot be written.
    """
    distributed = _distributed()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"{folder} cannot be made: {error.strerror}", parameter="--results", value=str(folder)
        ) from error
    todo = []
    for directory in directories:
        known = _known(directory, parameters, ages, folder)
        if known is None:
            todo.append(directory)
        else:
            yield known
    if todo:
        with _client(distributed, crew, len(todo)) as client:
            yield from _work(distributed, client, todo, (parameters.to_json(), ages), folder)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InvalidInputError(
            "many districts are worked out through dask: pip install 'geo-service[scale]'",
            parameter="--all",
        ) from error
    return distributed


def _known(directory: Path, parameters: Parameters, ages: Ages, folder: Path) -> Tallied | None:
    """What is kept of a district, or why it cannot be opened; None if there is work to do."""
    try:
        district = open_district(directory, replace(Settings(), **ages._asdict()))
        try:
            fingerprint, key = fingerprint_of(district, parameters, ages), district.id
        finally:
            district.close()
    except GeoServiceError as error:
        return Tallied(directory, "failed", error.message, {})
    path = _path(folder, key, fingerprint)
    try:
        tally: Answer = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError):
        return None  # damaged: it is worked out again, and written over
    return Tallied(directory, "kept", "", tally) if is_tally(tally, fingerprint) else None


def _path(folder: Path, key: str, fingerprint: str) -> Path:
    return folder / f"{key}-{fingerprint[:16]}.json"


@contextmanager
def _client(distributed: Any, crew: Crew, n_todo: int) -> Iterator["Client"]:
    if crew.scheduler is not None:
        with _client_of(distributed, crew.scheduler) as client:
            yield client
        return
    with (
        distributed.LocalCluster(
            n_workers=min(crew.workers, n_todo),
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.register_worker_callbacks(_ignore_interrupts)
        yield client


def _ignore_interrupts() -> None:
    """A terminal interrupts every process; the one that was started ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _client_of(distributed: Any, address: str) -> Iterator["Client"]:
    try:
        client = distributed.Client(address, timeout=SCHEDULER_WAIT_S)
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"--scheduler={address}: no dask scheduler answers there; start `dask scheduler` and `dask worker`",
            parameter="--scheduler",
            value=address,
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=SCHEDULER_WAIT_S)
        except TimeoutError as error:
            raise InvalidInputError(
                f"--scheduler={address} has no workers; start `dask worker {address}`",
                parameter="--scheduler",
                value=address,
            ) from error
        yield client


def _work(
    distributed: Any, client: "Client", todo: Sequence[Path], asked: tuple[Answer, Ages], folder: Path
) -> Iterator[Tallied]:
    futures = {
        client.submit(tally_district, os.fspath(directory), *asked, pure=False): directory
        for directory in todo
    }
    for future in distributed.as_completed(futures):
        directory, error = futures.pop(future), future.exception()
        if error is not None:
            yield Tallied(directory, "failed", _reason(error), {})
            continue
        tally = future.result()
        future.release()  # a worker need not keep it
        path = _path(folder, tally["district"], tally["fingerprint"])
        write_atomically(path, json.dumps(tally, ensure_ascii=False).encode() + b"\n")
        yield Tallied(directory, "done", "", tally)


def _reason(error: BaseException) -> str:
    """One line for a table; what nobody foresaw goes with its kind."""
    if isinstance(error, GeoServiceError):
        return error.message
    if type(error).__name__ == "KilledWorker":
        return "each worker that took it died; it may need more memory than a worker has"
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said}"[:300]
