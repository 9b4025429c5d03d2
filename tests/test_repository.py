"""The repository as a whole: what lies in it, what the README promises, what the wheel carries."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests import repository_rules as rules

CHECKOUT = Path(__file__).resolve().parents[1]
VENDOR = CHECKOUT / "geo_service" / "web" / "static" / "vendor"


def _read(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a git checkout: rules on tracked files not tested")
    return rules.known_files(CHECKOUT)


def test_no_file_is_too_large(tracked):
    assert list(rules.too_large(CHECKOUT, tracked)) == []


def test_no_notebook_carries_outputs(tracked):
    assert list(rules.unstripped(CHECKOUT, tracked)) == []


def test_no_file_names_a_path_of_one_machine(tracked):
    assert list(rules.machine_paths(CHECKOUT, tracked)) == []


def test_a_large_file_is_found_but_not_among_the_vendored(tmp_path):
    names = ["big.bin", str(rules.VENDOR / "big.js"), "small.bin"]
    for name, size in zip(names, (rules.MAX_BYTES + 1, rules.MAX_BYTES + 1, rules.MAX_BYTES), strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    assert [line.split(":")[0] for line in rules.too_large(tmp_path, names)] == ["big.bin"]


@pytest.mark.parametrize(
    ("cell", "is_stripped"),
    [
        ({"cell_type": "code", "outputs": [], "execution_count": None}, True),
        ({"cell_type": "markdown"}, True),
        ({"cell_type": "code", "outputs": [{"text": "1"}], "execution_count": None}, False),
        ({"cell_type": "code", "outputs": [], "execution_count": 3}, False),
    ],
)
def test_a_notebook_with_outputs_is_found(tmp_path, cell, is_stripped):
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert (list(rules.unstripped(tmp_path, ["a.ipynb"])) == []) is is_stripped


@pytest.mark.parametrize("folder", ["work/main", "root/.cache", "home/ann/src", "Users/ann/src"])
def test_a_machine_path_is_found_with_its_line(tmp_path, folder):
    (tmp_path / "a.txt").write_text(f"fine\nsee /{folder}/x.py\n", encoding="utf-8")
    assert [line.split(": ")[0] for line in rules.machine_paths(tmp_path, ["a.txt"])] == ["a.txt:2"]


def test_an_address_or_a_relative_path_is_no_machine_path(tmp_path):
    text = "https://example.cn/home/ann/ ../shared/data framework/root/x /static/1/app.js ~/work/x\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert list(rules.machine_paths(tmp_path, ["a.txt"])) == []


def test_the_readmes_two_commands_are_targets_of_the_makefile():
    readme, makefile = _read("README.md"), _read("Makefile")
    for target in ("run", "test"):
        assert re.search(rf"^\s*make {target}\b", readme, re.MULTILINE), target
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_continuous_integration_ends_with_the_readmes_test_command():
    script = _read(".ci/run")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    assert script.rstrip().splitlines()[-1] == "make test"
    assert os.access(CHECKOUT / ".ci" / "run", os.X_OK)


def test_make_explains_every_target():
    said = subprocess.run(["make", "-s"], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    for target in ("run", "test", "test-quick", "check", "test-nojit", "bench"):
        assert re.search(rf"^  {target} +\w", said, re.MULTILINE), target


def test_make_refuses_an_old_python_in_one_line(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$2" in *version_info*) exit 1;; esac\n', encoding="utf-8")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "test", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "older than 3.11" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_make_names_the_missing_venv_package_in_one_line(tmp_path):
    bare = tmp_path / "python3"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n', encoding="utf-8")
    bare.chmod(0o755)
    done = subprocess.run(
        ["make", "run", f"PYTHON={bare}", f"VENV={tmp_path / 'venv'}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stdout


def test_hooks_are_local_and_fetch_nothing():
    config = _read(".pre-commit-config.yaml")
    assert re.findall(r"repo: (\S+)", config) == ["local"]
    assert set(re.findall(r"language: (\S+)", config)) == {"system"}


def test_the_licences_are_whole():
    assert "Apache License" in _read("LICENSE")
    assert "END OF TERMS AND CONDITIONS" in _read("LICENSE")
    assert "CC0 1.0 Universal" in _read("data/geojson/LICENSE")


def test_the_project_states_its_licences_and_extras():
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0 AND CC0-1.0"
    assert project["requires-python"] == ">=3.11"
    assert {"postgis", "scale", "bench", "dev"} <= set(project["optional-dependencies"])


def test_the_changelog_has_an_unreleased_part():
    assert "## Unreleased" in _read("CHANGELOG.md")


def test_decisions_are_numbered_once_each():
    files = [path.name for path in (CHECKOUT / "docs" / "decisions").glob("*.md")]
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in files), files
    numbers = [name[:4] for name in files]
    assert len(set(numbers)) == len(numbers), sorted(files)


def test_every_vendored_file_is_in_the_manifest_with_its_hash():
    files = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    manifest = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    listed = {
        f"{library['folder']}/{name}": digest
        for library in manifest["libraries"]
        for name, digest in library["files"].items()
    }
    assert files - {"manifest.json"} == set(listed)
    assert [name for name, digest in listed.items() if _sha256(VENDOR / name) != digest] == []
    for library in manifest["libraries"]:
        assert all(library[word] for word in ("name", "version", "licence"))
        assert f"{library['folder']}/{library['licence_file']}" in listed


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), "."]
    done = subprocess.run(pip, cwd=CHECKOUT, capture_output=True, text=True)
    if "No matching distribution found for hatchling" in done.stderr:  # pip's words without an index
        pytest.skip("hatchling cannot be installed here: contents of the wheel not tested")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("geo_service-*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_templates_data_statics_and_licences(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "data/geojson"):
        here = {
            f"geo_service/{path.relative_to(CHECKOUT).as_posix()}"
            for path in (CHECKOUT / folder).rglob("*")
            if path.is_file()
        }
        assert here <= names
    static_files = CHECKOUT / "geo_service" / "web" / "static"
    assert {f"{p.relative_to(CHECKOUT).as_posix()}" for p in static_files.rglob("*") if p.is_file()} <= names
    assert "geo_service/py.typed" in names
    assert any(name.endswith("licenses/data/geojson/LICENSE") for name in names)


@pytest.mark.slow
def test_the_wheel_carries_nothing_that_is_not_the_package(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"geo_service"}


@pytest.mark.slow
def test_from_an_unpacked_wheel_resources_are_found_in_the_package(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "from geo_service.settings import resource_dir as r; print(r('templates')); print(r('data/geojson'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    )
    package = tmp_path / "geo_service"
    assert done.stdout.split() == [str(package / "templates"), str(package / "data" / "geojson")]
