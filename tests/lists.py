"""Lists as offices send them, made of the places of a demo district: headings in Chinese, GB18030, GCJ-02."""

import csv
import io
import random
from collections.abc import Iterable, Sequence

import numpy as np

from geo_service.geo import Datum, convert_datum
from geo_service.layers import Place

HEADINGS = ("序号", "店铺名称", "详细地址", "经度", "纬度", "联系电话", "营业时间", "备注")


def office_rows(
    places: Sequence[Place], *, datum: Datum = "gcj02", prefix: str = "新", seed: int = 7
) -> list[list[str]]:
    """Rows of an office's list in random order; names have a prefix, so that each is a place of its own."""
    lonlat = convert_datum(np.array([(one.lon, one.lat) for one in places]), "wgs84", datum)
    order = list(range(len(places)))
    random.Random(seed).shuffle(order)
    return [
        [
            str(number),
            prefix + places[i].name,
            places[i].address or "",
            f"{lonlat[i, 0]:.7f}",
            f"{lonlat[i, 1]:.7f}",
            f"010-6400{number:04d}",
            "周一至周五 9:00-18:00",
            "",
        ]
        for number, i in enumerate(order, 1)
    ]


def csv_bytes(
    rows: Iterable[Sequence[str]], headings: Sequence[str] = HEADINGS, encoding: str = "gb18030"
) -> bytes:
    """The rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([headings, *rows])
    return text.getvalue().encode(encoding)
