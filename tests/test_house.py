"""The house stands: imports go down, libraries stay in their rooms, `import geo_service` is light."""

import importlib.metadata
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import house

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "geo_service"


def test_every_import_goes_down_and_every_library_stays_in_its_room():
    assert house.package_sins(PACKAGE) == []


def test_import_geo_service_loads_nothing_heavy():
    program = (
        "import json, sys, geo_service; print(json.dumps([m for m in sys.argv[1:] if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *house.HEAVY],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == []


def test_the_light_import_check_notices_a_heavy_package(tmp_path):
    (tmp_path / "geo_service.py").write_text("import numpy\n", encoding="utf-8")
    program = (
        "import json, sys, geo_service; print(json.dumps([m for m in sys.argv[1:] if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *house.HEAVY],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "numpy" in json.loads(done.stdout)


def test_every_library_the_package_imports_is_declared():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + extras["postgis"] + extras["plan"] + extras["scale"]
    declared = {house.requirement_name(text) for text in requirements}
    providers = importlib.metadata.packages_distributions()
    undeclared = {
        library
        for library in house.third_party(PACKAGE)
        if not declared & {house.requirement_name(name) for name in providers.get(library, [library])}
    }
    assert undeclared == set()


def test_every_room_on_disk_has_a_floor():
    rooms = {house.room_of(file.relative_to(PACKAGE).as_posix()) for file in PACKAGE.rglob("*.py")}
    assert rooms - set(house.FLOORS) == {"__init__"}


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("geo.py", "from geo_service.layers import Place", "upward import: geo (floor 1) imports layers"),
        ("network/osm.py", "import geo_service.engine.router", "upward import: network"),
        ("network/osm.py", "from geo_service import finder", "upward import: network"),
        ("finder.py", "def f():\n    from geo_service.web import app", "finder.py:2: upward import"),
        (
            "geo.py",
            "if TYPE_CHECKING:\n    from geo_service.network.graph import Network",
            "upward import: geo",
        ),
        ("geo.py", "importlib.import_module('geo_service.finder')", "upward import: geo"),
        ("engine/router.py", "import geo_service.store.base", "sideways import: engine"),
        ("layers.py", "from geo_service.network.graph import Network", "sideways import: layers"),
        ("geo.py", "from geo_service import hours", "sideways import: geo"),
        ("errors.py", "from geo_service.geo import check_lonlat", "upward import: errors"),
        ("cli.py", "from geo_service.web import create_app", "sideways import: cli"),
        ("web/rider.py", "def f():\n    import geo_service.cli", "sideways import: web"),
        ("finder.py", "from geo_service.settings import Settings", "settings are read by"),
        ("web/rider.py", "from . import http", "relative import"),
        ("web/rider.py", "from .http import parse", "relative import"),
        ("finder.py", "import numba", "numba lives in engine, not in finder"),
        ("web/rider.py", "from numba import njit", "numba lives in engine"),
        ("engine/router.py", "import osmnx as ox", "osmnx lives in network"),
        ("exchange/files.py", "import osmium.filter", "osmium lives in network"),
        ("web/planner.py", "def f():\n    import folium", "folium lives in maps"),
        ("finder.py", "import apsw", "apsw lives in store"),
        ("districts/door.py", "from flask import Flask", "flask lives in web"),
        ("web/api.py", "import click", "click lives in cli"),
        ("finder.py", "import rich.progress", "rich lives in cli"),
        ("finder.py", "import geopandas as gpd", "geopandas lives in"),
        ("planning/case.py", "import docx", "docx lives in paper"),
        ("engine/router.py", "import scipy.sparse", "scipy is not for the package"),
        ("store/sqlite.py", "import sqlite3", "sqlite3 is not for the package"),
        ("finder.py", "__import__('flask')", "flask lives in web"),
        ("__init__.py", "from geo_service.frames import open", "the package itself imports frames"),
        (
            "__init__.py",
            "if TYPE_CHECKING:\n    import pathlib\nelse:\n    import flask",
            "flask lives in web",
        ),
        ("cli.py", "def nearest():\n    from geo_service.web import create_app", "sideways import: cli"),
        ("__init__.py", "def open():\n    import numpy\n    import geo_service.web", "itself imports web"),
        ("helpers.py", "", "room 'helpers' has no floor"),
    ],
)
def test_a_planted_sin_is_found(path, source, complaint):
    found = house.sins(path, source)
    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("web/rider.py", "from geo_service.districts import open_district"),
        ("web/rider.py", "from geo_service.web.http import parse\nfrom geo_service.settings import Settings"),
        ("engine/router.py", "import numba\nfrom geo_service.network.graph import Network"),
        ("network/build.py", "import osmnx\nfrom geo_service import errors\nfrom geo_service import geo"),
        ("cli.py", "import click\n\ndef serve():\n    from geo_service.web import create_app"),
        ("__init__.py", "from geo_service.errors import GeoServiceError\n__version__ = '1'"),
        ("__init__.py", "def open():\n    from geo_service.frames import open_frames"),
        (
            "__init__.py",
            "if TYPE_CHECKING:\n    import networkx\n    from geo_service.frames import DistrictFrames",
        ),
        ("finder.py", "from geo_service import __version__\nimport numpy as np"),
        ("store/sqlite.py", "import apsw.bestpractice\nfrom geo_service.layers import Place"),
    ],
)
def test_what_is_allowed_is_not_a_sin(path, source):
    assert house.sins(path, source) == []


def test_a_sin_in_a_file_of_a_package_is_found_with_its_place(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "rider.py").write_text("import flask\nimport numba\n", encoding="utf-8")
    (tmp_path / "geo.py").write_text("import math\n", encoding="utf-8")
    assert house.package_sins(tmp_path) == ["web/rider.py:2: numba lives in engine, not in web"]


def test_third_party_imports_are_told_from_pythons_own(tmp_path):
    (tmp_path / "geo.py").write_text("import math, numpy.linalg\nimport geo_service.errors\n", "utf-8")
    assert house.third_party(tmp_path) == {"numpy"}
