"""
The index of a network: hierarchy and labels as flat arrays, in memory or mapped from files.

One ``.npy`` per array and ``index.json`` with magic, version, the network's fingerprint, and size and
checksum of every file. Sizes are compared whenever an index is loaded, checksums when asked.
The same network gives the same bytes. Above `LABELS_MAX_NODES` there are no labels but those that
`climb` makes for each question.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_service.engine.constants import LABELS_MAX_NODES
from geo_service.engine.hierarchy import Arcs, Hierarchy, Progress, build_hierarchy
from geo_service.engine.labels import NO_LABELS, Labels, build_labels, check_climbs, prune_hierarchy
from geo_service.engine.lines import freeze
from geo_service.errors import BadDataError
from geo_service.network.graph import Network, check_streets

MAGIC = "geo_service index"
VERSION = 2


@dataclass(frozen=True, eq=False)
class Index:
    """
    What is worked out once for a network, so that questions are quick. Frozen; shared by threads.

    Parameters
    ----------
    fingerprint
        That of the network it was built for.
    hierarchy
        Nodes by importance, and the arcs between them.
    forward
        Labels in the direction of travel, or `NO_LABELS`.
    backward
        Labels against it, or `NO_LABELS`.
    """

    fingerprint: str
    hierarchy: Hierarchy
    forward: Labels
    backward: Labels

    @property
    def has_labels(self) -> bool:
        """Whether labels are there to be read; otherwise they are made for each question."""
        return len(self.forward.first) > 0

    @property
    def n_bytes(self) -> int:
        """Bytes that are mapped."""
        return sum(array.nbytes for array in _arrays(self).values())


def build_index(network: Network, progress: Progress | None = None, *, labels: bool | None = None) -> Index:
    """
    Work out a hierarchy, and labels where they are worth their memory; some seconds for a city.

    Parameters
    ----------
    network
        Streets of one profile.
    progress
        Called with stage, done and total between chunks of work; what it raises ends the building.
    labels
        Whether to make them; by default up to `LABELS_MAX_NODES` nodes. Without, answers are the same.

    Returns
    -------
    index
        The same for the same network.

    Raises
    ------
    InvalidInputError
        If an edge costs or measures nothing, or the network is too large, or its ways too long, for sums to fit.
    """
    check_streets(network)
    hierarchy = build_hierarchy(network, progress)
    if not (network.n_nodes <= LABELS_MAX_NODES if labels is None else labels):
        check_climbs(hierarchy)
        return Index(network.fingerprint, hierarchy, NO_LABELS, NO_LABELS)
    forward, backward = build_labels(hierarchy, progress)
    return Index(network.fingerprint, *prune_hierarchy(hierarchy, forward, backward))


def save_index(index: Index, folder: Path) -> None:
    """
    Write an index as flat files into a new or existing folder.

    Parameters
    ----------
    index
        What to write.
    folder
        One ``.npy`` per array; ``index.json`` is taken away first and written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").unlink(missing_ok=True)
    files = {}
    for name, array in _arrays(index).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
        files[name] = _describe(folder / f"{name}.npy")
    header = {"magic": MAGIC, "version": VERSION, "fingerprint": index.fingerprint, "files": files}
    part = folder / "index.json.part"
    part.write_text(json.dumps(header, indent=1), encoding="utf-8")
    part.replace(folder / "index.json")


def load_index(folder: Path, network: Network, *, verify: bool = False) -> Index:
    """
    Map a saved index into memory.

    Parameters
    ----------
    folder
        Where `save_index` wrote.
    network
        The network it must have been built for.
    verify
        Read every byte and compare checksums; otherwise only sizes and shapes are checked.

    Returns
    -------
    index
        Arrays are read-only views of memory maps, shared by all processes that load them.

    Raises
    ------
    BadDataError
        If files are missing, damaged, of another version or of another network; build it anew.
    """
    try:
        header = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if not isinstance(header, dict) or not isinstance(header.get("files"), dict):
            raise _bad(folder, "index.json is not the header of an index")
        if (header.get("magic"), header.get("version")) != (MAGIC, VERSION):
            raise _bad(folder, f"not an index of version {VERSION}")
        if header["fingerprint"] != network.fingerprint:
            raise _bad(folder, "index of another network")
        arrays = {}
        names = _NAMES if "forward_first" in header["files"] else _NAMES[: -2 * len(Labels._fields)]
        for name in names:
            path, told = folder / f"{name}.npy", header["files"][name]
            if path.stat().st_size != told["size"] or (verify and _describe(path) != told):
                raise _bad(folder, f"{name}.npy damaged")
            arrays[name] = freeze(np.load(path, mmap_mode="r", allow_pickle=False))
        index = _assemble(header["fingerprint"], arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, BadDataError):
            raise
        raise _bad(folder, f"index unreadable ({error})") from error
    _check(index, network, folder)
    return index


def _bad(folder: Path, what: str) -> BadDataError:
    return BadDataError(f"{folder}: {what}; build it anew", path=str(folder))


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


_GROUPS: dict[str, tuple[str, ...]] = {
    "up": Arcs._fields,
    "down": Arcs._fields,
    "forward": Labels._fields,
    "backward": Labels._fields,
}

_NAMES = ("rank", "node", *(f"{group}_{field}" for group, fields in _GROUPS.items() for field in fields))


def _arrays(index: Index) -> dict[str, npt.NDArray[Any]]:
    hierarchy = index.hierarchy
    groups = (hierarchy.up, hierarchy.down, index.forward, index.backward)
    columns = (hierarchy.rank, hierarchy.node, *(column for group in groups for column in group))
    arrays = dict(zip(_NAMES, columns, strict=True))
    return {name: array for name, array in arrays.items() if index.has_labels or "ward_" not in name}


def _assemble(fingerprint: str, arrays: dict[str, npt.NDArray[Any]]) -> Index:
    def columns(group: str) -> Iterator[npt.NDArray[Any]]:
        return (arrays[f"{group}_{field}"] for field in _GROUPS[group])

    hierarchy = Hierarchy(arrays["rank"], arrays["node"], Arcs(*columns("up")), Arcs(*columns("down")))
    if "forward_first" not in arrays:
        return Index(fingerprint, hierarchy, NO_LABELS, NO_LABELS)
    return Index(fingerprint, hierarchy, Labels(*columns("forward")), Labels(*columns("backward")))


def _check(index: Index, network: Network, folder: Path) -> None:
    """Columns are as long as their offsets say, of the types kernels were compiled for."""
    n = network.n_nodes
    hierarchy = index.hierarchy
    is_sound = hierarchy.rank.shape == hierarchy.node.shape == (n,)
    for arcs in (hierarchy.up, hierarchy.down):
        a = int(arcs.first[-1])
        is_sound &= arcs.first.shape == (n + 1,) and arcs.half.shape == (a, 2)
        is_sound &= all(column.shape == (a,) for column in (arcs.end, arcs.ms, arcs.mm))
        is_sound &= all(column.dtype == np.int32 for column in arcs)
    for labels in (index.forward, index.backward) if index.has_labels else ():
        is_sound &= labels.first.shape == (n + 1,)
        is_sound &= labels.entry.shape == labels.mm.shape == (int(labels.first[-1]),)
        is_sound &= labels.first.dtype == labels.entry.dtype == np.int64 and labels.mm.dtype == np.int32
    if not is_sound:
        raise _bad(folder, "shapes of the index do not fit together")
