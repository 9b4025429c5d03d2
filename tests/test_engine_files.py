"""The index as files: whatever happens to them is noticed, half of one is none, and processes share one mapping."""

import ast
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from geo_service.engine import index as files
from geo_service.engine.router import Router, build_index, load_index, save_index
from geo_service.errors import BadDataError
from tests.towns import random_network, random_points

SEED = 5


@pytest.fixture(scope="module")
def network():
    return random_network(SEED, n_nodes=60, n_streets=110)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    """A saved index, as bytes by name; write it out with `lay`."""
    folder = tmp_path_factory.mktemp("index")
    save_index(build_index(network), folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def lay(saved, folder, **changed):
    """The saved index with some files changed; only what is not so already is written."""
    for name, data in (saved | changed).items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
    return folder


def answers(network, index):
    router = Router(network, index)
    snaps = router.snap(random_points(network, SEED, 20))
    return router.matrix(snaps, snaps).tolist(), router.coverage(snaps.take(slice(0, 4))).facility.tolist()


def some_places(saved, count):
    """A file and a place in it, the larger files more often; the very first and last bytes of each too."""
    dice, names = random.Random(SEED), sorted(saved)
    sizes = [len(saved[name]) for name in names]
    ends = [(name, at) for name in names for at in (0, len(saved[name]) - 1)]
    drawn = dice.choices(names, sizes, k=count - len(ends))
    return ends + [(name, dice.randrange(len(saved[name]))) for name in drawn]


def is_harmless(name, before, after):
    """Another way to write the same header is no damage."""
    if name != "index.json":
        return False
    try:
        return json.loads(before) == json.loads(after)
    except ValueError:
        return False


@pytest.mark.slow
def test_a_flipped_bit_anywhere_is_noticed(network, saved, tmp_path):
    """Two hundred places; never an error of another kind."""
    dice = random.Random(SEED)
    for name, at in some_places(saved, 200):
        damaged = bytearray(saved[name])
        damaged[at] ^= 1 << dice.randrange(8)
        folder = lay(saved, tmp_path, **{name: bytes(damaged)})
        if is_harmless(name, saved[name], bytes(damaged)):
            continue
        with pytest.raises(BadDataError, match="build it anew"):
            load_index(folder, network, verify=True)


@pytest.mark.slow
def test_a_file_cut_at_any_length_is_noticed_even_without_a_look_at_every_byte(network, saved, tmp_path):
    for name, at in some_places(saved, 200):
        folder = lay(saved, tmp_path, **{name: saved[name][:at]})
        with pytest.raises(BadDataError, match="build it anew"):
            load_index(folder, network)


def test_a_file_that_grew_is_noticed(network, saved, tmp_path):
    for name in sorted(set(saved) - {"index.json"}):
        folder = lay(saved, tmp_path, **{name: saved[name] + b"\0"})
        with pytest.raises(BadDataError, match="damaged"):
            load_index(folder, network)


def test_a_missing_file_is_noticed(network, saved, tmp_path):
    for name in saved:
        folder = lay(saved, tmp_path)
        (folder / name).unlink()
        with pytest.raises(BadDataError, match="build it anew"):
            load_index(folder, network)


def test_files_that_were_swapped_are_noticed(network, saved, tmp_path):
    """Of one size each, so that only a look at every byte tells."""
    by_size = {}
    for name in sorted(set(saved) - {"index.json"}):
        by_size.setdefault(len(saved[name]), []).append(name)
    pairs = [names[:2] for names in by_size.values() if len(names) > 1 and saved[names[0]] != saved[names[1]]]
    assert pairs
    for one, other in pairs:
        folder = lay(saved, tmp_path, **{one: saved[other], other: saved[one]})
        with pytest.raises(BadDataError, match="damaged"):
            load_index(folder, network, verify=True)


def test_a_header_that_is_no_header_is_refused_and_does_not_raise_anything_else(network, saved, tmp_path):
    for text in (
        b"",
        b"null",
        b"[]",
        b"3",
        b'"index"',
        b"{}",
        b"\xff\xfe",
        b'{"magic": "geo_service index"}',
    ):
        with pytest.raises(BadDataError, match="build it anew"):
            load_index(lay(saved, tmp_path, **{"index.json": text}), network)


def test_an_index_of_any_other_version_is_refused(network, saved, tmp_path):
    header = json.loads(saved["index.json"])
    for version in (header["version"] + 1, header["version"] - 1, str(header["version"]), None):
        text = json.dumps(header | {"version": version}).encode()
        with pytest.raises(BadDataError, match="version"):
            load_index(lay(saved, tmp_path, **{"index.json": text}), network)


def test_saving_over_an_old_index_that_is_interrupted_leaves_none(network, saved, tmp_path, monkeypatch):
    """Whenever the writing ends, what stands there afterwards is the new index, or is refused."""
    other = random_network(SEED + 1, n_nodes=60, n_streets=110)
    index, describe = build_index(network), files._describe
    for stop in (1, 2, len(saved) - 1):
        folder = lay(saved, tmp_path)
        save_index(build_index(other), folder)
        calls = iter(range(1, 1000))

        def until(path, stop=stop, calls=calls):
            if next(calls) == stop:
                raise KeyboardInterrupt
            return describe(path)

        monkeypatch.setattr(files, "_describe", until)
        with pytest.raises(KeyboardInterrupt):
            save_index(index, folder)
        monkeypatch.setattr(files, "_describe", describe)
        for expected in (network, other):
            with pytest.raises(BadDataError, match="build it anew"):
                load_index(folder, expected)
        save_index(index, folder)
        assert answers(network, load_index(folder, network, verify=True)) == answers(network, index)


@pytest.mark.slow
def test_the_same_bytes_come_out_of_another_process(saved, tmp_path):
    """Whatever seeds hashing, and however often it runs."""
    for seed in ("0", "4711"):
        script = f"""
from pathlib import Path
from geo_service.engine.router import build_index, save_index
from tests.towns import random_network
save_index(build_index(random_network({SEED}, n_nodes=60, n_streets=110)), Path({str(tmp_path / seed)!r}))
"""
        run(script, PYTHONHASHSEED=seed)
        assert {path.name: path.read_bytes() for path in sorted((tmp_path / seed).iterdir())} == saved


def run(script, **env):
    root = Path(__file__).resolve().parents[1]
    whole = os.environ | {"PYTHONPATH": str(root)} | env
    ran = subprocess.run(
        [sys.executable, "-c", script], env=whole, capture_output=True, text=True, check=False, cwd=root
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


SHARE = """
import sys
from pathlib import Path
import numpy as np
from geo_service.engine.router import Router, load_index
from geo_service.network.graph import load_network
network = load_network(Path(sys.argv[1]) / "network")
index = load_index(Path(sys.argv[1]) / "index", network)
for labels in (index.forward, index.backward):
    assert not labels.entry.flags.writeable and int(labels.entry.sum()) != 0
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="needs /proc to look at mappings")
def test_processes_share_one_mapping_of_an_index(tmp_path):
    """Two processes read all of it: the same file, read-only, every page of the labels in memory once."""
    from benchmarks.rig.city import build_city
    from geo_service.network.graph import save_network

    network = build_city(2_500, seed=1)
    save_network(network, tmp_path / "network")
    save_index(build_index(network), tmp_path / "index")
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", SHARE, str(tmp_path)]
    pipe = subprocess.PIPE
    env = os.environ | {"PYTHONPATH": str(root)}
    readers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env) for _ in range(2)]
    try:
        for reader in readers:
            assert reader.stdout.readline() == "ready\n"
        maps = [mapped(reader.pid, tmp_path / "index") for reader in readers]
    finally:
        for reader in readers:
            reader.communicate("\n")
    size = (tmp_path / "index" / "forward_entry.npy").stat().st_size
    assert size > 200_000
    for held in maps:
        assert set(held) == set(maps[0])
        assert not any(told["writeable"] for told in held.values())
        entry = held["forward_entry.npy"]
        assert entry["resident_kb"] * 1024 >= size
        assert entry["shared_kb"] == entry["resident_kb"]


def mapped(pid, folder):
    """Of each file of a folder that a process maps: whether it may write, and how much is resident and shared."""
    found = {}
    for block in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text()):
        if str(folder) not in block:
            continue
        head, *rows = block.splitlines()
        kb = {row.split(":")[0]: int(row.split()[1]) for row in rows if row.endswith(" kB")}
        found[Path(head.split()[-1]).name] = {
            "writeable": "w" in head.split()[1],
            "resident_kb": kb["Rss"],
            "shared_kb": kb["Shared_Clean"] + kb["Shared_Dirty"],
        }
    return found


@pytest.mark.slow
def test_a_district_with_a_damaged_index_says_so_and_builds_it_anew(own_district, caplog):
    """One flipped bit in the middle of the labels; the files are the same as before afterwards."""
    from geo_service.districts import open_district

    entry = own_district / "index" / "ebike" / "forward_entry.npy"
    before = entry.read_bytes()
    damaged = bytearray(before)
    damaged[len(before) // 2] ^= 1
    entry.write_bytes(damaged)
    district = open_district(own_district)
    try:
        assert district.routers["ebike"].index is not None
    finally:
        district.close()
    assert "forward_entry.npy damaged" in caplog.text
    assert "built anew" in caplog.text
    assert entry.read_bytes() == before


def test_arrays_of_a_mapped_index_cannot_be_written_to(network, saved, tmp_path):
    index = load_index(lay(saved, tmp_path), network)
    with pytest.raises(ValueError, match="read-only"):
        index.forward.entry[0] = 0
    assert isinstance(index.forward.entry, np.ndarray)


def decorator_of(function):
    """``inner``, ``njit`` or nothing."""
    for mark in function.decorator_list:
        name = mark.func if isinstance(mark, ast.Call) else mark
        if isinstance(name, ast.Name) and name.id in ("inner", "njit"):
            return name.id
    return None


def names_in(node):
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def test_kernels_that_have_no_way_in_for_python_are_named_by_kernels_only():
    root = Path(__file__).resolve().parents[1]
    paths = [*sorted((root / "geo_service").rglob("*.py")), *sorted((root / "tests").rglob("*.py"))]
    trees = {
        ".".join(path.relative_to(root).with_suffix("").parts): ast.parse(path.read_text()) for path in paths
    }
    inner = {
        (name, part.name)
        for name, tree in trees.items()
        for part in tree.body
        if isinstance(part, ast.FunctionDef) and decorator_of(part) == "inner"
    }
    assert len(inner) > 20
    for name, tree in trees.items():
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        here = {kernel for module, kernel in inner if module == name}
        here |= {each.name for node in imports for each in node.names if (node.module, each.name) in inner}
        for part in tree.body:
            if not isinstance(part, ast.Import | ast.ImportFrom) and not (
                isinstance(part, ast.FunctionDef) and decorator_of(part)
            ):
                assert here & names_in(part) == set(), name
