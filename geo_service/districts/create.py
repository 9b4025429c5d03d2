"""
Making a district: streets, places, store, compiled kernels.

Everything is built in ``DIR.part`` and renamed when whole, so a district directory is
never half a district. Stages that are done are remembered; an interrupted making goes on
where it stopped when the same command is given again.
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from geo_service.demo import DEMO_NAMES, DemoInfo, build_demo_osm, demo_info, seed_layers
from geo_service.districts.config import DistrictConfig, check_id, read_config, write_config
from geo_service.districts.routers import PROFILES, use_jit_cache, warm_up
from geo_service.districts.working_copy import write_working_copy
from geo_service.errors import InvalidInputError, UnavailableError
from geo_service.exchange.from_osm import osm_layers
from geo_service.geo import BBox
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Layer
from geo_service.network.features import load_features, save_features
from geo_service.network.graph import Network, check_streets, load_network, save_network
from geo_service.network.osm import OsmExtract, read_osm_file, read_osm_place
from geo_service.settings import Settings, resource_dir
from geo_service.store.sqlite import open_sqlite

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Recipe:
    """
    What to make a district from: a demo, an OSM file, or a place that OSM servers know.

    Parameters
    ----------
    demo
        Name of a demo district.
    osm
        OSM file (.osm .osm.gz .osm.bz2 .osm.pbf).
    place
        Name that Nominatim finds.
    bbox
        Part of the file to take, or what to fetch: west, south, east, north.
    id
        Key of the district; from the demo or the directory's name if absent.
    name
        Name shown; from the demo, the place or the id if absent.
    on
        Day of making: check dates of demo places and of places read from OSM.
    profiles
        Changes to speeds, delays and rules: profile → entry → value.
    """

    demo: str | None = None
    osm: str | None = None
    place: str | None = None
    bbox: tuple[float, float, float, float] | None = None
    id: str | None = None
    name: str | None = None
    on: date = date(2000, 1, 1)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def create_district(directory: Path, recipe: Recipe, settings: Settings, progress: Progress) -> None:
    """
    Make a district directory.

    Parameters
    ----------
    directory
        To be made; must not exist or be empty.
    recipe
        What to make it from.
    settings
        Where Overpass and Nominatim are.
    progress
        Told the stage, how much is done and of how much (0 if unknown).

    Raises
    ------
    InvalidInputError
        If the recipe cannot be followed; the directory is then as it was.
    BadDataError
        If a shipped file is damaged.
    """
    _check_name(recipe.name)
    recipe = replace(recipe, id=check_id(recipe.id or recipe.demo or _id_from(directory)))
    _check_recipe(recipe)
    _check_free(directory)
    with _part_of(directory, recipe) as part:
        making = _Making(part, recipe, settings, progress)
        making.run()
        part_log = part / "making.json"
        part_log.unlink()
        if directory.is_dir():
            directory.rmdir()
        part.rename(directory)


class _Making:
    """The stages, each of which leaves files that the next ones read."""

    def __init__(self, part: Path, recipe: Recipe, settings: Settings, progress: Progress) -> None:
        self.part = part
        self.recipe = recipe
        self.settings = settings
        self.progress = progress

    def run(self) -> None:
        stages = {
            "streets": self.streets,
            "layers": self.layers,
            "basemap": self.basemap,
            "index": self.index,
            "kernels": self.kernels,
            "config": self.config,
            "pack": self.pack,
        }
        log = self.part / "making.json"
        state = json.loads(log.read_text(encoding="utf-8"))
        for name, stage in stages.items():
            if name not in state["done"]:
                stage()
                state["done"].append(name)
                _write_json(log, state)

    def streets(self) -> None:
        extract = self._read()
        for profile, network in extract.networks.items():
            check_streets(network)
            save_network(network, self.part / "network" / profile)
        save_features(extract.features, self.part / "osm")

    def _read(self) -> OsmExtract:
        recipe, bbox = self.recipe, BBox(*self.recipe.bbox) if self.recipe.bbox else None
        if recipe.demo:
            path = self.part / "osm" / "streets.osm.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            build_demo_osm(recipe.demo, path, progress=self.progress)
            return read_osm_file(path, profiles=PROFILES, overrides=recipe.profiles, progress=self.progress)
        if recipe.osm:
            return read_osm_file(
                Path(recipe.osm),
                profiles=PROFILES,
                bbox=bbox,
                overrides=recipe.profiles,
                progress=self.progress,
            )
        return read_osm_place(
            recipe.place or BBox(*recipe.bbox or (0, 0, 0, 0)),
            profiles=PROFILES,
            overrides=recipe.profiles,
            overpass_url=self.settings.overpass_url,
            nominatim_url=self.settings.nominatim_url,
            cache_dir=self.part / "cache" / "osmnx",
            progress=self.progress,
        )

    def layers(self) -> None:
        path = self.part / "store.sqlite"
        for leftover in self.part.glob("store.sqlite*"):
            leftover.unlink()
        at = datetime.combine(self.recipe.on, datetime.min.time(), SHANGHAI)
        layers, role = self._seed()
        store = open_sqlite(path, create=True)
        try:
            for done, layer in enumerate(layers):
                self.progress("layers", done, len(layers))
                edits = [Edit(layer.name, feature.id, None, None, feature) for feature in layer.features]
                store.apply(edits, actor="init", role=role, source=self._source(), at=at)
                write_working_copy(self.part, store, layer.name)
            self.progress("layers", len(layers), len(layers))
        finally:
            store.close()

    def _seed(self) -> tuple[tuple[Layer, ...], str]:
        if self.recipe.demo:
            return seed_layers(resource_dir("data/geojson"), self.recipe.demo, self.recipe.on), "demo"
        layers = osm_layers(load_features(self.part / "osm"), self.recipe.on)
        return tuple(layer for layer in layers if layer.features), "osm"

    def basemap(self) -> None:
        from geo_service.districts.basemaps import make_basemap

        try:
            make_basemap(self.part, self.progress)
        except UnavailableError:
            # the program does not run everywhere; pages then show places on plain ground
            self.progress("basemap: left out, tippecanoe is not installed here", 0, 0)

    def index(self) -> None:
        (self.part / "cache" / "jit").mkdir(parents=True, exist_ok=True)
        use_jit_cache(self.part)
        from geo_service.engine.router import build_index, save_index

        for profile in PROFILES:
            network = load_network(self.part / "network" / profile)
            save_index(build_index(network, self._named(f"index {profile}")), self.part / "index" / profile)

    def kernels(self) -> None:
        use_jit_cache(self.part)
        from geo_service.engine.router import Router, load_index

        self.progress("kernels", 0, 0)
        network = load_network(self.part / "network" / PROFILES[0])
        warm_up(Router(network, load_index(self.part / "index" / PROFILES[0], network)))
        self.progress("kernels", 1, 1)

    def _named(self, stage: str) -> Progress:
        """Progress of a longer work under one name, whatever its own steps are called."""
        return lambda step, done, total: self.progress(f"{stage}: {step}", done, total)

    def config(self) -> None:
        network = load_network(self.part / "network" / PROFILES[0])
        recipe = self.recipe
        info = demo_info(recipe.demo) if recipe.demo else None
        bbox = info.bbox if info else recipe.bbox or _bbox_of(network)
        name = recipe.name or (recipe.place if recipe.place else None) or recipe.id or ""
        config = DistrictConfig(
            id=recipe.id or "",
            name_zh=recipe.name or (info.name_zh if info else name),
            name_en=recipe.name or (info.name_en if info else name),
            bbox=(bbox[0], bbox[1], bbox[2], bbox[3]),
            centre=_junction_near(network, (bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2),
            boundary=_ring_of(info) if info else (),
            synthetic=info is not None,
            osm_date=load_features(self.part / "osm").timestamp or "",
            source=self._source_table(),
            profiles=recipe.profiles,
        )
        write_config(config, self.part / "district.toml", on=recipe.on)
        read_config(self.part / "district.toml")

    def pack(self) -> None:
        from geo_service.districts.district import open_district

        district = open_district(self.part, self.settings)
        try:
            at = datetime.combine(self.recipe.on, datetime.min.time(), SHANGHAI)
            district.pack.current(at, self.progress)
        finally:
            district.close()

    def _source(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self._source_table().items())

    def _source_table(self) -> dict[str, str]:
        recipe = self.recipe
        if recipe.demo:
            return {"kind": "demo", "name": recipe.demo}
        if recipe.osm:
            return {"kind": "osm", "name": Path(recipe.osm).name}
        return {"kind": "place", "name": recipe.place or str(recipe.bbox)}


def _check_name(name: str | None) -> None:
    if name is not None and not (name.strip() and len(name) <= 80 and name.isprintable()):
        raise InvalidInputError(
            f"name={name!r} is not a name; write 1 to 80 printable characters", parameter="name", value=name
        )


def _check_recipe(recipe: Recipe) -> None:
    given = [name for name in ("demo", "osm", "place") if getattr(recipe, name)]
    if len(given) > 1 or not (given or recipe.bbox):
        raise InvalidInputError(
            f"{' and '.join('--' + name for name in given) or 'nothing'} given; "
            "give exactly one of --demo NAME, --osm FILE, --place NAME, or --bbox W,S,E,N alone",
            parameter="source",
            value=given,
        )
    if recipe.bbox and (recipe.demo or recipe.place):
        raise InvalidInputError(
            f"--bbox does not go with --{given[0]}; it cuts an --osm FILE, or is fetched when it stands alone",
            parameter="bbox",
            value=list(recipe.bbox),
        )
    if recipe.demo and recipe.demo not in DEMO_NAMES:
        raise InvalidInputError(
            f"demo={recipe.demo!r} is not known; allowed: {', '.join(DEMO_NAMES)}",
            parameter="demo",
            value=recipe.demo,
        )
    if recipe.on.year < 2000:
        raise InvalidInputError(
            f"date={recipe.on} is before 2000; write a day of this century",
            parameter="date",
            value=str(recipe.on),
        )
    if recipe.osm and not Path(recipe.osm).is_file():
        raise InvalidInputError(f"{recipe.osm}: no such file", parameter="osm", value=recipe.osm)


def _check_free(directory: Path) -> None:
    if directory.is_symlink() and not directory.exists():
        raise InvalidInputError(
            f"{directory} is a link to nothing; remove it or choose another directory",
            parameter="DIR",
            value=str(directory),
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        what = "already a district" if (directory / "district.toml").is_file() else "not empty"
        raise InvalidInputError(
            f"{directory} is {what}; choose another directory or remove it first",
            parameter="DIR",
            value=str(directory),
        )


@contextmanager
def _part_of(directory: Path, recipe: Recipe) -> Iterator[Path]:
    """The directory being made: resumed if the recipe is the same, kept when interrupted, removed when refused."""
    part = directory.with_name(directory.name + ".part")
    made_parents = [parent for parent in part.parents if not parent.exists()]
    try:
        part.mkdir(parents=True, exist_ok=True)
        lock = (part / "lock").open("w")
    except OSError as error:
        raise InvalidInputError(
            f"{part} cannot be made: {error.strerror}; choose a directory you may write to",
            parameter="DIR",
            value=str(directory),
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InvalidInputError(
                f"{directory} is being made by another process; wait for it",
                parameter="DIR",
                value=str(directory),
            ) from None
        _resume_or_restart(part, _fingerprint(recipe))
        try:
            yield part
        except InvalidInputError:
            shutil.rmtree(part)
            for parent in made_parents:
                parent.rmdir()
            raise
        finally:
            (directory / "lock").unlink(missing_ok=True)


def _resume_or_restart(part: Path, recipe: Mapping[str, Any]) -> None:
    log = part / "making.json"
    try:
        state = json.loads(log.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        state = {}
    if state.get("recipe") == recipe:
        return
    for entry in part.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    _write_json(log, {"recipe": recipe, "done": []})


def _fingerprint(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON, with size and time of the file it names: a changed file starts anew."""
    table = json.loads(json.dumps(asdict(recipe), default=str))
    if recipe.osm:
        stat = Path(recipe.osm).stat()
        table |= {
            "osm": str(Path(recipe.osm).resolve()),
            "osm_size": stat.st_size,
            "osm_mtime_ns": stat.st_mtime_ns,
        }
    return dict(table)


def _write_json(path: Path, value: object) -> None:
    part = path.with_name(path.name + ".new")
    part.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)


def _id_from(directory: Path) -> str:
    name = "".join(
        c if c.isascii() and c.isalnum() else "-" for c in directory.absolute().name.lower()
    ).strip("-")
    return name[:40] or directory.name


def _ring_of(info: DemoInfo) -> tuple[tuple[float, float], ...]:
    rings: Any = info.boundary["coordinates"]
    return tuple((float(lon), float(lat)) for lon, lat in rings[0])


def _bbox_of(network: Network) -> tuple[float, float, float, float]:
    lon, lat = network.point_lon_e6, network.point_lat_e6
    return (float(lon.min()) / 1e6, float(lat.min()) / 1e6, float(lon.max()) / 1e6, float(lat.max()) / 1e6)


def _junction_near(network: Network, lon: float, lat: float) -> tuple[float, float]:
    """The node of the largest component nearest to a point, in the metric of the network."""
    x = (network.node_lon_e6 - lon * 1e6) * network.metric.lon_m
    y = (network.node_lat_e6 - lat * 1e6) * network.metric.lat_m
    node = int(np.argmin(np.where(network.node_component == 0, x * x + y * y, np.inf)))
    return float(network.node_lon_e6[node]) / 1e6, float(network.node_lat_e6[node]) / 1e6
