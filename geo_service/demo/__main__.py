"""
Writes the layers that ship: ``python -m geo_service.demo --out data/geojson --date 2026-11-21``.

With ``--osm FOLDER`` the OSM files are written there too.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

from geo_service.demo import DEMO_NAMES, SHIPPED_ON, build_demo_osm, write_seed


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m geo_service.demo", description="Write the demo districts."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for DISTRICT/LAYER.geojson")
    parser.add_argument(
        "--date", type=date.fromisoformat, default=SHIPPED_ON, help="day of the demo, YYYY-MM-DD"
    )
    parser.add_argument("--osm", type=Path, help="also write DISTRICT.osm.gz here")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """
    Write both districts and print each file.

    Parameters
    ----------
    argv
        Arguments; None takes those of the process.

    Returns
    -------
    code
        0.
    """
    arguments = _arguments(argv)
    for name in DEMO_NAMES:
        paths = list(write_seed(arguments.out, name, arguments.date))
        if arguments.osm is not None:
            arguments.osm.mkdir(parents=True, exist_ok=True)
            paths.append(build_demo_osm(name, arguments.osm / f"{name}.osm.gz"))
        for path in paths:
            sys.stdout.write(f"{path} {path.stat().st_size}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
