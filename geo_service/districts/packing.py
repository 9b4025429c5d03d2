"""
The district's pack: built when the district is made, and again when somebody asks for it and it is no longer true.

What a part of it was made from is written beside it as a key: layers' versions, the day, streets, the code itself.
Whoever asks first after any of that changed builds the parts whose key differs, no others, whichever process it is;
whoever asks meanwhile gets the pack from before. ``pack/pack.json`` is written last and names every file, so half a
pack is never served; a file whose bytes are not those of its name is made again. Where the folder cannot be
written to, the new parts are kept in memory.
"""

import fcntl
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from functools import cache, partial
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from geo_service.districts.config import DistrictConfig
from geo_service.districts.working_copy import write_atomically
from geo_service.errors import InvalidInputError
from geo_service.geo import Extent
from geo_service.hours import SHANGHAI
from geo_service.layers import Catalogue, Layer, Place
from geo_service.network.features import load_features
from geo_service.network.graph import Network
from geo_service.pack.files import PackedFile, is_whole, pack_bytes, pack_json
from geo_service.pack.hours import DAYS, pack_hours
from geo_service.store.base import LayerInfo, Store

if TYPE_CHECKING:
    from geo_service.engine.router import Router
    from geo_service.finder import Ages
    from geo_service.pack.places import Snapped

logger = logging.getLogger(__name__)

FORMAT = 1
EXTENTS: tuple[Extent, ...] = ("mainland", "mainland_hk_macao", "mainland_hk_macao_taiwan")
KEPT_S = 3600.0
"""How long files stay that the pack names no more: a phone may have read the index just before."""

Progress = Callable[[str, int, int], None]

_PACKAGE = Path(__file__).resolve().parents[1]
_CODE = {
    "streets": ("pack/streets.py", "pack/tiles.py", "pack/varints.py", "engine/lines.py"),
    "names": ("pack/names.py", "pack/spelling.py"),
    "places": ("pack/places.py", "pack/spelling.py", "geo.py", "finder/tables.py", "engine/snap.py"),
    "hours": ("pack/hours.py", "hours/timeline.py", "hours/syntax.py", "hours/calendar.py"),
}
"""Code that each part comes from: after an update the parts are made again that may have changed."""

_LIBRARIES = {"names": ("pypinyin",), "places": ("pypinyin",), "hours": ("chinesecalendar",)}


class Pack(NamedTuple):
    """
    A pack as it stands.

    Parameters
    ----------
    said
        What ``index.json`` says that lasts: JSON values.
    keys
        What each part was made from.
    parts
        What each part says of itself in the index, and what other parts need of it.
    files
        Name → bytes of every file.
    versions
        Versions of the layers.
    day
        First of the days whose hours are in it.
    """

    said: Mapping[str, Any]
    keys: Mapping[str, str]
    parts: Mapping[str, Any]
    files: Mapping[str, int]
    versions: Mapping[str, int]
    day: str


class Packing:
    """
    Builds the pack of one district and gives out its files; safe to share between threads and processes.

    Parameters
    ----------
    directory
        The district's directory.
    config
        Its district.toml.
    catalogue
        Its categories and kinds of service.
    store
        Where layers come from.
    routers
        One router per profile; asked only when places must be snapped anew.
    ages
        When facts become stale.
    """

    def __init__(
        self,
        directory: Path,
        config: DistrictConfig,
        catalogue: Catalogue,
        store: Store,
        routers: "Mapping[str, Router]",
        ages: "Ages",
    ) -> None:
        self._directory = directory
        self._folder = directory / "pack"
        self._config = config
        self._catalogue = catalogue
        self._store = store
        self._routers = routers
        self._ages = ages
        self._held: Pack | None = None
        self._is_compared = False
        self._memory: dict[str, PackedFile] = {}
        self._verified: set[str] = set()
        self._lock = threading.Lock()

    def current(self, at: datetime, progress: Progress | None = None) -> Pack:
        """
        Give the pack, built as far as it is not true any more.

        Parameters
        ----------
        at
            The present, aware.
        progress
            Hears what is built.

        Returns
        -------
        pack
            That of the present layers and day; the one before while another thread or process builds.
        """
        day = at.astimezone(SHANGHAI).date().isoformat()
        held = self._held = self._held or self._saved()
        is_of_today = held is not None and self._is_compared and held.day == day
        if held is not None and is_of_today and held.versions == _versions(self._store.layers()):
            return held
        if held is not None and self._lock.locked():
            return held
        with self._lock, self._turn(is_waiting=held is None) as has_turn:
            if held is None or has_turn:
                held = self._held = self._renewed(at, progress or (lambda *_: None))
                self._is_compared = True
        return held

    def read(self, name: str, at: datetime) -> PackedFile | None:
        """
        Read a file of the pack.

        Parameters
        ----------
        name
            As the index names it.
        at
            The present, aware: the index may have come from another process.

        Returns
        -------
        file
            Its bytes are those its name stands for; None if there is no such file.
        """
        found = self._find(name)
        if found is None and "/" not in name and name in self.current(at).files:
            self._is_compared = False  # damaged or taken away: what is missing is made again
            self.current(at)
            found = self._find(name)
        return found

    @property
    def is_there(self) -> bool:
        """Whether a pack was ever built here."""
        return self._held is not None or (self._folder / "pack.json").is_file()

    def sizes(self) -> dict[str, int]:
        """
        Say how large the parts are.

        Returns
        -------
        sizes
            By part, bytes as they travel; empty if there is none yet.
        """
        held = self._held or self._saved()
        parts = held.parts if held else {}
        streets = {f"streets {profile}": part for profile, part in parts.get("streets", {}).items()}
        rest = {name: part for name, part in parts.items() if name != "streets"}
        return {name: part["bytes"] for name, part in (streets | rest).items() if part}

    def check(self) -> tuple[str, ...]:
        """
        Look for damage.

        Returns
        -------
        problems
            A sentence each; none for a whole pack, and none if there is no pack yet.
        """
        if not self.is_there:
            return ()
        pack = self._saved()
        if pack is None:
            return ("pack.json cannot be read",)
        bad = [name for name in pack.files if not _is_whole(_read(self._folder, name))]
        if not bad:
            return ()
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        return (f"{len(bad)} of {len(pack.files)} files missing or damaged: {', '.join(bad[:3])}{more}",)

    # -- where it is kept ------------------------------------------------------------------------

    @contextmanager
    def _turn(self, *, is_waiting: bool) -> Iterator[bool]:
        """One process builds; others take what there is, or wait if there is nothing yet."""
        try:
            self._folder.mkdir(exist_ok=True)
            lock = (self._folder / ".lock").open("w")
        except OSError:
            yield True  # nobody can write here: each process for itself
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if is_waiting else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _find(self, name: str) -> PackedFile | None:
        if name in self._memory:
            return self._memory[name]
        if "/" in name:
            return None
        file = _read(self._folder, name)
        if file is not None and name not in self._verified:
            if not is_whole(file):
                logger.warning("%s: damaged; it is made again", self._folder / name)
                return None
            self._verified.add(name)
        return file

    def _has(self, name: str) -> bool:
        is_there = name in self._verified and (self._folder / name).is_file()
        return name in self._memory or is_there or self._find(name) is not None

    def _saved(self) -> Pack | None:
        try:
            said = json.loads((self._folder / "pack.json").read_text(encoding="utf-8"))
            return Pack(**said["pack"]) if said["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, file: PackedFile) -> None:
        """On disk, or where that cannot be in memory."""
        try:
            for suffix, data in (("", file.body), (".br", file.br), (".gz", file.gz)):
                part = self._folder / f"{file.name}{suffix}.{os.getpid()}.part"
                part.write_bytes(data)
                part.replace(self._folder / f"{file.name}{suffix}")
            self._verified.add(file.name)
        except OSError:
            self._memory[file.name] = file

    def _commit(self, pack: Pack) -> None:
        body = orjson.dumps({"format": FORMAT, "pack": pack._asdict()}, option=orjson.OPT_INDENT_2)
        if self._memory.keys() & pack.files.keys():
            return
        try:
            write_atomically(self._folder / "pack.json", body)
        except InvalidInputError as error:
            logger.warning("%s", error.message)
            return
        self._tidy(pack)

    def _tidy(self, pack: Pack) -> None:
        for path in self._folder.iterdir():
            name = path.name.removesuffix(".br").removesuffix(".gz")
            if name in pack.files or name in ("pack.json", ".lock"):
                continue
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink(missing_ok=True)

    # -- how it is built -------------------------------------------------------------------------

    def _renewed(self, at: datetime, tell: Progress) -> Pack:
        """The pack on disk if it is of the present, else one with every part made again that is not."""
        old = self._held if self._memory else self._saved()
        day = at.astimezone(SHANGHAI).date()
        work = _Work(self, old, day, tell)
        parts = work.parts()
        if old is not None and work.keys == old.keys and work.n_made == 0:
            return old._replace(versions=work.versions)
        pack = Pack(
            self._index(parts, work.infos, day, at),
            work.keys,
            parts,
            work.files,
            work.versions,
            day.isoformat(),
        )
        self._memory = {name: file for name, file in self._memory.items() if name in pack.files}
        self._commit(pack)
        return pack

    def _index(
        self, parts: Mapping[str, Any], infos: Sequence[LayerInfo], day: date, at: datetime
    ) -> dict[str, Any]:
        config, catalogue = self._config, self._catalogue
        count = {info.name: (info.count, info.version) for info in infos}
        layers = [
            {
                "key": key, "zh": kind.zh, "en": kind.en, "pin": kind.pin, "colour": kind.colour,
                "count": count[key][0], "version": count[key][1],
            }
            for key, kind in catalogue.items()
            if key in count and not kind.is_area
        ]  # fmt: skip
        profiles = [{"id": profile} | parts["streets"][profile] for profile in self._routers]
        return {
            "format": FORMAT,
            "district": config.id,
            "name": {"zh": config.name_zh, "en": config.name_en},
            "synthetic": config.synthetic,
            "made": at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "day_s": int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()),
            "days": DAYS,
            "timezone_offset_min": 480,
            "centre": list(config.centre),
            "bbox": list(config.bbox),
            "profiles": profiles,
            "places": {key: parts["places"][key] for key in ("file", "bytes")},
            "hours": parts["hours"],
            "names": parts["names"],
            "boundary": parts["boundary"],
            "layers": layers,
            "services": {kind: words._asdict() for kind, words in catalogue.services.items()},
        }


class _Work:
    """One making of the parts: what is still true is taken over from the pack before."""

    def __init__(self, packing: Packing, old: Pack | None, day: date, tell: Progress) -> None:
        self._packing = packing
        self._old = old
        self._day = day
        self._tell = tell
        self.keys: dict[str, str] = {}
        self.files: dict[str, int] = {}
        self.infos = packing._store.layers()
        self.versions = _versions(self.infos)
        self.n_made = 0

    def parts(self) -> dict[str, Any]:
        """Every part, in the order in which they need one another."""
        packing = self._packing
        streets = {profile: _fingerprint(packing._directory, profile) for profile in packing._routers}
        osm = hashlib.sha256((packing._directory / "osm" / "osm.json").read_bytes()).hexdigest()
        newest = packing._store.history(limit=1)
        change = [[one.id, one.at.isoformat()] for one in newest]
        parts: dict[str, Any] = {"streets": {}}
        for profile, fingerprint in streets.items():
            make = partial(self._streets, profile)
            parts["streets"][profile] = self._part(f"streets {profile}", [fingerprint], make)
        parts["names"] = self._part("names", [streets, osm], self._names)
        causes = [self.versions, change, streets, asdict(packing._ages)]
        parts["places"] = self._part("places", causes, self._places)
        texts = parts["places"]["texts"]
        parts["hours"] = self._part("hours", [texts, self._day.isoformat()], lambda: self._hours(texts))
        parts["boundary"] = self._part("boundary", list(packing._config.boundary), self._boundary)
        self.keys["index"] = _digest(
            [_plain(packing._config), _plain(packing._catalogue), self._day.isoformat()]
        )
        return parts

    def _part(self, name: str, causes: Any, make: Callable[[], Any]) -> Any:
        room = name.split()[0]
        key = _digest([causes, _code(room)])
        self.keys[name] = key
        old = self._old
        if old is not None and old.keys.get(name) == key:
            part = old.parts["streets"][name.split()[1]] if room == "streets" else old.parts[name]
            names = list(_files_of(part))
            if all(self._packing._has(one) for one in names):
                self.files |= {one: old.files[one] for one in names}
                return part
        self._tell(f"pack: {name}", 0, 0)
        self.n_made += 1
        return make()

    def _put(self, file: PackedFile) -> dict[str, Any]:
        self._packing._keep(file)
        self.files[file.name] = len(file.body)
        return {"file": file.name, "bytes": len(file.br)}

    def _streets(self, profile: str) -> dict[str, Any]:
        from geo_service.pack.streets import pack_streets
        from geo_service.pack.tiles import TILED_ABOVE_LINKS, pack_tiles

        network: Network = self._packing._routers[profile].network
        size = {"nodes": network.n_nodes, "edges": network.n_edges, "links": network.n_links}
        if network.n_links <= TILED_ABOVE_LINKS:
            return size | self._put(pack_bytes(f"network-{profile}", "bin", pack_streets(network)))
        grid, tiles = pack_tiles(network, f"tile-{profile}")
        rows = []
        for tile in tiles:
            told = self._put(tile.file)
            rows.append([tile.column, tile.row, told["file"], told["bytes"]])
            self._tell(f"pack: streets {profile}", len(rows), 0)
        return size | {"bytes": sum(row[3] for row in rows), "tiles": grid._asdict() | {"files": rows}}

    def _names(self) -> dict[str, Any]:
        from geo_service.pack.names import pack_names

        packing = self._packing
        networks = [router.network for router in packing._routers.values()]
        return self._put(pack_names(networks, load_features(packing._directory / "osm")))

    def _places(self) -> dict[str, Any]:
        from geo_service.pack.places import pack_places

        packing = self._packing
        held = [
            name for name, kind in packing._catalogue.items() if name in self.versions and not kind.is_area
        ]
        layers = [packing._store.layer(name) for name in held]  # an edit meanwhile makes the next pack
        snaps = {
            layer.name: {profile: _snap(router, layer) for profile, router in packing._routers.items()}
            for layer in layers
        }
        packed = pack_places(layers, snaps, packing._ages.stale_on, EXTENTS)
        return self._put(packed.file) | {"texts": list(packed.texts)}

    def _hours(self, texts: Sequence[str | None]) -> dict[str, Any]:
        return self._put(pack_json("hours", pack_hours(texts, self._day)))

    def _boundary(self) -> dict[str, Any] | None:
        ring = self._packing._config.boundary
        if not ring:
            return None
        shape = {"type": "Polygon", "coordinates": [[list(corner) for corner in ring]]}
        return self._put(pack_json("boundary", shape))


def _snap(router: "Router", layer: Layer) -> "Snapped":
    from geo_service.pack.places import Snapped

    targets = [feature.target for feature in layer.features if isinstance(feature, Place)]
    snaps = router.snap(np.array(targets, dtype=np.float64).reshape(-1, 2))
    return Snapped(snaps.link, snaps.share, snaps.forward_ms, snaps.backward_ms, snaps.gap_ms, snaps.gap_m)


def _is_whole(file: PackedFile | None) -> bool:
    return file is not None and is_whole(file)


def _read(folder: Path, name: str) -> PackedFile | None:
    try:
        return PackedFile(name, *((folder / f"{name}{suffix}").read_bytes() for suffix in ("", ".br", ".gz")))
    except OSError:
        return None


def _files_of(part: Any) -> Iterator[str]:
    """Names of files that a part of an index mentions."""
    if isinstance(part, Mapping):
        if isinstance(part.get("file"), str):
            yield part["file"]
        for row in part.get("files", ()):
            yield row[2]
        for value in part.values():
            yield from _files_of(value)


def _versions(infos: Iterable[LayerInfo]) -> dict[str, int]:
    return {info.name: info.version for info in infos}


def _fingerprint(directory: Path, profile: str) -> str:
    head = json.loads((directory / "network" / profile / "network.json").read_text(encoding="utf-8"))
    return str(head["fingerprint"])


@cache
def _code(room: str) -> str:
    digest = hashlib.sha256(str(FORMAT).encode())
    for path in ("pack/files.py", *_CODE.get(room, ())):
        digest.update((_PACKAGE / path).read_bytes())
    for library in _LIBRARIES.get(room, ()):
        digest.update(version_of(library).encode())
    return digest.hexdigest()[:16]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(asdict(value), default=str))


def _digest(causes: Any) -> str:
    return hashlib.sha256(json.dumps(causes, sort_keys=True, default=str).encode()).hexdigest()[:16]
