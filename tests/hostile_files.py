"""
Files that want to do harm, made on the spot: what each is called, its bytes, and the reason a refusal must give.

None is kept in the repository. They are of the kinds that broke real programs: bombs, entities, lying sizes, depth,
paths that lead out, damage in every format.
"""

import io
import json
import random
import sqlite3
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import openpyxl
import pyogrio.raw


class Hostile(NamedTuple):
    """One file: its name, how its bytes are made, and a pattern of the reason."""

    name: str
    make: Callable[[], bytes]
    reason: str


POINT = {"type": "Point", "coordinates": [116.45, 39.96]}
LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">'
    '<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">]>'
)
XXE = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
EXTERNAL = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'
PARAMETER = '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>'
XML = '<?xml version="1.0" encoding="UTF-8"?>'


# --- builders ---------------------------------------------------------------------------


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_symlink(members: dict[str, bytes], name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key, data in members.items():
            archive.writestr(key, data)
        link = zipfile.ZipInfo(name)
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def flagged(data: bytes, flag: int) -> bytes:
    """Set a general purpose flag in every header."""
    out = bytearray(data)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(magic)
        while at >= 0:
            out[at + offset] |= flag
            at = out.find(magic, at + 4)
    return bytes(out)


def with_wrong_sum(data: bytes) -> bytes:
    """Change the checksum of the first entry wherever it stands."""
    out = bytearray(data)
    central = out.find(b"PK\x01\x02")
    out[central + 16] ^= 0xFF
    out[14] ^= 0xFF
    return bytes(out)


def with_small_promise(data: bytes, name: str) -> bytes:
    """Let the table of contents say that an entry unpacks to 10 bytes."""
    out = bytearray(data)
    at = out.rfind(name.encode())
    central = out.rfind(b"PK\x01\x02", 0, at)
    out[central + 24 : central + 28] = struct.pack("<I", 10)
    return bytes(out)


def overlapping(data: bytes) -> bytes:
    """Let the second entry of the table of contents point at the first one's bytes."""
    out = bytearray(data)
    second = out.find(b"PK\x01\x02", out.find(b"PK\x01\x02") + 4)
    out[second + 42 : second + 46] = struct.pack("<I", 0)
    return bytes(out)


@cache
def workbook() -> dict[str, bytes]:
    """Parts of a plain workbook of one station."""
    book = openpyxl.Workbook()
    book.active.append(["名称", "经度", "纬度"])
    book.active.append(["驿站", 116.45, 39.96])
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


SHEET = "xl/worksheets/sheet1.xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet_of(rows: str, before: str = "") -> bytes:
    return f'{XML}{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def cell(ref: str, text: str) -> str:
    return f'<c r="{ref}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{cell("A1", "名称")}{cell("B1", "经度")}{cell("C1", "纬度")}</row>'


def xlsx(**changed: bytes) -> bytes:
    return packed({**workbook(), **{name.replace("__", "/"): data for name, data in changed.items()}})


def xlsx_sheet(rows: str, before: str = "") -> bytes:
    return packed({**workbook(), SHEET: sheet_of(rows, before)})


def kml(body: str, before: str = "") -> bytes:
    head = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
    return f"{XML}{before}{head}{body}</Document></kml>".encode()


def placemark(coordinates: str = "116.45,39.96", name: str = "驿站") -> str:
    return (
        f"<Placemark><name>{name}</name><Point><coordinates>{coordinates}</coordinates></Point></Placemark>"
    )


def gpx(body: str, before: str = "") -> bytes:
    return f'{XML}{before}<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">{body}</gpx>'.encode()


def geojson(*features: object, **members: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **members}).encode()


def feature(key: object = "s1", geometry: object = None, **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "id": key,
        "geometry": POINT if geometry is None else geometry,
        "properties": {"name": "驿站", **properties},
    }


def wkb_point(lon: float = 116.45, lat: float = 39.96) -> bytes:
    return struct.pack("<BI2d", 1, 1, lon, lat)


def wkb_polygon() -> bytes:
    ring = [(116.0, 39.0), (117.0, 39.0), (117.0, 40.0), (116.0, 39.0)]
    return struct.pack("<BIII", 1, 3, 1, 4) + b"".join(struct.pack("<2d", *one) for one in ring)


def written(driver: str, suffix: str, wkb: bytes, kind: str = "Point", **options: object) -> dict[str, bytes]:
    """Have GDAL write one feature; gives the files by suffix."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"stations{suffix}"
        pyogrio.raw.write(
            str(path),
            geometry=np.array([wkb], dtype=object),
            field_data=[np.array(["驿站"], dtype=object)],
            fields=["name"],
            geometry_type=kind,
            crs=options.pop("crs", "EPSG:4326"),
            driver=driver,
            encoding="UTF-8",
            **options,
        )
        return {file.suffix: file.read_bytes() for file in Path(folder).iterdir()}


@cache
def gpkg_bytes() -> bytes:
    return written("GPKG", ".gpkg", wkb_point())[".gpkg"]


def gpkg(*statements: str) -> bytes:
    """Change a good GeoPackage with SQL."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stations.gpkg"
        path.write_bytes(gpkg_bytes())
        with sqlite3.connect(path) as database:
            database.create_function("ST_IsEmpty", 1, lambda _: 0)
            for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
                database.create_function(name, 1, lambda _: 1.0)
            for statement in statements:
                database.execute(statement)
        database.close()
        return path.read_bytes()


@cache
def shp_parts() -> dict[str, bytes]:
    return written("ESRI Shapefile", ".shp", wkb_point())


def shp(without: tuple[str, ...] = (), **changed: bytes) -> bytes:
    parts = {**shp_parts(), **{f".{suffix}": data for suffix, data in changed.items()}}
    return packed({f"stations{suffix}": data for suffix, data in parts.items() if suffix not in without})


def spliced(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def csv(body: str, encoding: str = "utf-8") -> bytes:
    return ("名称,经度,纬度\n" + body).encode(encoding)


def deep(depth: int) -> bytes:
    return b'{"type":"FeatureCollection","features":' + b"[" * depth + b"]" * depth + b"}"


def bomb(megabytes: int) -> bytes:
    return b" " * (megabytes * 2**20)


def large_but_plain(megabytes: int) -> bytes:
    """XML that packs to about a fiftieth: under the ratio, over the total."""
    line = "".join(f"<row>{random.Random(seed).getrandbits(64):x}</row>" for seed in range(300))
    return f"<a>{line * (megabytes * 2**20 // len(line))}</a>".encode()


# --- the files --------------------------------------------------------------------------


def _csv_files() -> Iterator[Hostile]:
    yield Hostile("nul.csv", lambda: csv("a\0b,116.45,39.96\n"), "row 2: a NUL")
    yield Hostile(
        "long.csv", lambda: csv("a" * 131_073 + ",116.45,39.96\n"), "row 2: a cell has more than 131072"
    )
    yield Hostile(
        "quote.csv",
        lambda: csv('好,116.4,39.9\n"a,116.45,39.96\n'),
        "row 3: a quotation mark is never closed",
    )
    yield Hostile("inner-quote.csv", lambda: csv('"a"b,116.45,39.96\n'), "row 2: .*quote")
    yield Hostile("wide-row.csv", lambda: csv("a,116.45,39.96,x\n"), "row 2: 4 cells under 3")
    yield Hostile("short-row.csv", lambda: csv("a,116.45\n"), "row 2: 2 cells under 3")
    yield Hostile(
        "bad-bytes.csv", lambda: csv("a,1,2\n") + b"\xff\xff\xff,116.4,39.9\n", "row 3: byte .* UTF-8"
    )
    yield Hostile("odd-utf16.csv", lambda: b"\xff\xfe" + csv("a,1,2", "utf-16-le") + b"\x00", "UTF-16")
    yield Hostile(
        "surrogate.csv",
        lambda: b"\xff\xfe" + "名称,经度\n".encode("utf-16-le") + b"\x00\xd8,\x001\x00",
        "UTF-16",
    )
    yield Hostile(
        "cut-utf8-bom.csv", lambda: b"\xef\xbb\xbf" + csv("驿站,1,2")[:-6] + b"\xe9", "is not UTF-8"
    )
    yield Hostile("empty.csv", lambda: b"", "is empty")
    yield Hostile("blank.csv", lambda: b"\n\n  \n", "no row of headings")
    yield Hostile("one-column.csv", lambda: "名称\na\nb\n".encode(), "at least two columns")
    yield Hostile(
        "wide.csv",
        lambda: (",".join(f"c{n}" for n in range(201)) + "\n").encode(),
        "201 columns; at most 200",
    )
    yield Hostile("rows.csv", lambda: b"a,b\n" + b"1,2\n" * 200_001, "more than 200000 rows")
    yield Hostile("zeros.csv", lambda: b"\0" * 4096, "NUL|UTF-16|headings")
    yield Hostile("private.csv", lambda: b"\xaa\xa1\xaa\xa1,\xaa\xa1\n1,2\n", "encoding cannot be told")
    yield Hostile("nan.csv", lambda: csv("a,nan,39.96\n"), "row 2.*no coordinate")
    yield Hostile("exponent.csv", lambda: csv("a,1e999,39.96\n"), "row 2.*no coordinate")
    yield Hostile("underscore.csv", lambda: csv("a,1_16.4,39.96\n"), "row 2.*no coordinate")
    yield Hostile("bidi.csv", lambda: csv("a\u202eb,116.45,39.96\n"), "row 2.*control characters")
    yield Hostile(
        "code.csv",
        lambda: "名称,经度,纬度,status_reason\na,116.45,39.96,门禁密码 1234\n".encode(),
        "row 2.*door code",
    )
    yield Hostile("half.csv", lambda: csv("a,116.45,\n"), "row 2.*has no lat")
    yield Hostile("swapped.csv", lambda: csv("a,39.96,116.45\n"), "row 2.*swapped")


def _disguised_files() -> Iterator[Hostile]:
    yield Hostile("picture.csv", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "is a picture")
    yield Hostile("photo.xlsx", lambda: b"\xff\xd8\xff\xe0" + b"\0" * 100, "is a picture")
    yield Hostile("gif.kml", lambda: b"GIF89a" + packed({"doc.kml": kml(placemark())}), "is a picture")
    yield Hostile("paper.geojson", lambda: b"%PDF-1.7\n" + packed({"doc.kml": kml("")}), "is a PDF")
    yield Hostile("program.csv", lambda: b"\x7fELF" + b"\0" * 100, "is a program")
    yield Hostile("windows.csv", lambda: b"MZ" + b"\0" * 100, "is a program")
    yield Hostile(
        "page.kml", lambda: b"<!doctype html><html><body><kml></kml></body></html>", "neither KML nor GPX|DTD"
    )
    yield Hostile("feed.gpx", lambda: b"<rss><wpt lat='1' lon='2'/></rss>", "neither KML nor GPX")
    yield Hostile(
        "vector.gpx",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        "neither KML nor GPX",
    )
    yield Hostile(
        "old.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "protected by a password"
    )
    yield Hostile("pack.csv.gz", lambda: b"\x1f\x8b\x08\0" + b"\0" * 20, "gzip")
    yield Hostile("pack.rar", lambda: b"Rar!\x1a\x07\0" + b"\0" * 20, "RAR")
    yield Hostile("pack.7z", lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 20, "7z")
    yield Hostile("nothing.zip", lambda: b"PK\x05\x06" + b"\0" * 18, "an empty zip")
    yield Hostile("part.shp", lambda: shp_parts()[".shp"], "one part of a Shapefile")
    yield Hostile("text.docx", lambda: packed({"word/document.xml": b"<a/>"}), "without workbook")
    yield Hostile("tail.geojson", lambda: geojson(feature()) + packed({"doc.kml": kml("")}), "no JSON|UTF-8")


def _xlsx_files() -> Iterator[Hostile]:
    yield Hostile("ratio.xlsx", lambda: xlsx(xl__media__a=bomb(120)), "100 times its size")
    yield Hostile(
        "total.xlsx",
        lambda: packed({**workbook(), **{f"xl/x{n}.xml": large_but_plain(42) for n in range(5)}}),
        "more than 200 MiB",
    )
    yield Hostile("sheet-bomb.xlsx", lambda: xlsx_sheet(HEAD + " " * 60 * 2**20), "100 times its size")
    yield Hostile(
        "entries.xlsx", lambda: packed({**workbook(), **{f"x/{n}": b"" for n in range(1000)}}), "at most 1000"
    )
    yield Hostile("up.xlsx", lambda: xlsx(**{"..__..__evil": b"x"}), "leads out of it")
    yield Hostile("absolute.xlsx", lambda: packed({**workbook(), "/etc/cron.d/x": b"x"}), "leads out of it")
    yield Hostile("drive.xlsx", lambda: packed({**workbook(), "C:\\windows\\x": b"x"}), "leads out of it")
    yield Hostile("link.xlsx", lambda: with_symlink(workbook(), "xl/passwd"), "a link or a device")
    yield Hostile("secret.xlsx", lambda: flagged(packed(workbook()), 1), "protected by a password")
    yield Hostile("nested.xlsx", lambda: xlsx(xl__inner=packed({"a": b"x" * 100})), "packed file within")
    yield Hostile("twice.xlsx", lambda: _doubled(), "two entries")
    yield Hostile("overlap.xlsx", lambda: overlapping(packed(workbook())), "overlap|damaged")
    yield Hostile("sum.xlsx", lambda: with_wrong_sum(packed(workbook())), "damaged")
    yield Hostile("promise.xlsx", lambda: with_small_promise(packed(workbook()), SHEET), "damaged|no XML")
    yield Hostile("cut.xlsx", lambda: packed(workbook())[:-400], "damaged or cut off")
    yield Hostile("bzip.xlsx", lambda: packed(workbook(), zipfile.ZIP_BZIP2), "packed by method 12")
    yield Hostile("lzma.xlsx", lambda: packed(workbook(), zipfile.ZIP_LZMA), "packed by method 14")
    yield Hostile("laughs.xlsx", lambda: xlsx_sheet(HEAD.replace("名称", "&f;"), LAUGHS), "DTD not allowed")
    yield Hostile("xxe.xlsx", lambda: xlsx_sheet(HEAD.replace("名称", "&x;"), XXE), "DTD not allowed")
    yield Hostile(
        "types-xxe.xlsx",
        lambda: packed({**workbook(), "[Content_Types].xml": f"{XML}{EXTERNAL}<Types/>".encode()}),
        "DTD not allowed",
    )
    yield Hostile("deep.xlsx", lambda: xlsx_sheet("<a>" * 5000 + "</a>" * 5000), "nested deeper than 100")
    yield Hostile(
        "corner.xlsx",
        lambda: xlsx_sheet(HEAD + f'<row r="1048576">{cell("XFD1048576", "x")}</row>'),
        "row 1048576",
    )
    yield Hostile(
        "far.xlsx",
        lambda: xlsx_sheet(f'<row r="1">{cell("A1", "名称")}{cell("XFD1", "x")}</row>'),
        "columns; at most 200",
    )
    yield Hostile(
        "down.xlsx",
        lambda: xlsx_sheet(HEAD + f'<row r="300000">{cell("A300000", "x")}</row>'),
        "row 300000: more than 200000",
    )
    yield Hostile(
        "outside.xlsx",
        lambda: xlsx_sheet(HEAD + '<row r="2"><c r="ZZZZZ2"><v>1</v></c></row>'),
        "damaged|columns",
    )
    yield Hostile(
        "shared.xlsx",
        lambda: xlsx_sheet(HEAD + '<row r="2"><c r="A2" t="s"><v>99999</v></c></row>'),
        "damaged",
    )
    yield Hostile(
        "number.xlsx", lambda: xlsx_sheet(HEAD + '<row r="2"><c r="A2"><v>abc</v></c></row>'), "damaged"
    )
    yield Hostile(
        "long.xlsx",
        lambda: xlsx_sheet(HEAD + f'<row r="2">{cell("A2", "x" * 131_073)}</row>'),
        "row 2.*131073 characters",
    )
    yield Hostile(
        "broken.xlsx", lambda: packed({**workbook(), "xl/workbook.xml": b"<workbook"}), "no XML we read"
    )
    yield Hostile(
        "homeless.xlsx", lambda: packed({"xl/workbook.xml": workbook()["xl/workbook.xml"]}), "damaged"
    )
    yield Hostile(
        "control.xlsx", lambda: xlsx_sheet(HEAD + f'<row r="2">{cell("A2", "&#x0;")}</row>'), "no XML we read"
    )
    yield Hostile(
        "half.xlsx", lambda: xlsx_sheet(HEAD + f'<row r="2">{cell("A2", "&#xD800;")}</row>'), "no XML we read"
    )
    yield Hostile("several.xlsx", lambda: _several_sheets(), "several sheets.*say which")
    yield Hostile("bare.xlsx", lambda: xlsx_sheet(""), "no sheet with data")


def _doubled() -> bytes:
    buffer = io.BytesIO(packed(workbook()))
    with zipfile.ZipFile(buffer, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that is the point
        archive.writestr(SHEET, sheet_of(HEAD))
    return buffer.getvalue()


def _several_sheets() -> bytes:
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("b")):
        sheet.append(["名称", "经度", "纬度"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _kml_files() -> Iterator[Hostile]:
    for name, head in (("laughs", LAUGHS), ("xxe", XXE), ("external", EXTERNAL), ("parameter", PARAMETER)):
        yield Hostile(f"{name}.kml", lambda head=head: kml(placemark(name="&f;"), head), "DTD not allowed")
        yield Hostile(
            f"{name}.kmz", lambda head=head: packed({"doc.kml": kml(placemark(), head)}), "DTD not allowed"
        )
        yield Hostile(
            f"{name}.gpx", lambda head=head: gpx('<wpt lat="39.96" lon="116.45"/>', head), "DTD not allowed"
        )
    yield Hostile(
        "utf16-xxe.kml",
        lambda: kml(placemark(), XXE).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "DTD not allowed",
    )
    yield Hostile("deep.kml", lambda: kml("<Folder>" * 100_000), "nested deeper than 100")
    yield Hostile("cut.kml", lambda: kml(placemark())[:-15], r"no XML we read.*after 1 place")
    yield Hostile("crossed.kml", lambda: kml("<Folder><Placemark></Folder></Placemark>"), "no XML we read")
    yield Hostile(
        "bytes.kml", lambda: kml(placemark(name="?")).replace(b"?</name", b"\xff\xfe</name"), "no XML we read"
    )
    yield Hostile("charset.kml", lambda: kml("").replace(b"UTF-8", b"UTF-77"), "no XML we read|neither KML")
    yield Hostile(
        "gbk.kml",
        lambda: kml(placemark(name="??")).replace(b"UTF-8", b"GBK").replace(b"??<", b"\x81\xff<"),
        "encoding",
    )
    yield Hostile("nul.kml", lambda: kml(placemark(name="a\0b")), "no XML we read")
    yield Hostile("surrogate.kml", lambda: kml(placemark(name="&#xD800;")), "no XML we read")
    yield Hostile("many.kml", lambda: kml("<Placemark/>" * 200_001), "more than 200000 places")
    yield Hostile(
        "columns.kml",
        lambda: kml(
            "<Placemark><ExtendedData>"
            + "".join(f'<Data name="d{n}"><value>1</value></Data>' for n in range(300))
            + "</ExtendedData></Placemark>"
        ),
        "more than 200 columns",
    )
    yield Hostile("nan.kml", lambda: kml(placemark("nan,nan")), "Placemark 1.*not lon,lat")
    yield Hostile("infinite.kml", lambda: kml(placemark("1e999,39")), "Placemark 1.*not lon,lat")
    yield Hostile("globe.kml", lambda: kml(placemark("216.45,39.96")), "Placemark 1")
    yield Hostile(
        "area.kml",
        lambda: kml(
            "<Placemark><name>a</name><Polygon><outerBoundaryIs><LinearRing><coordinates>1,1 2,2 3,1 1,1"
            "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        ),
        "Placemark 1.*an area",
    )
    yield Hostile("nameless.kml", lambda: kml(placemark(name="")), "Placemark 1.*name.*required")
    yield Hostile("long.kml", lambda: kml(placemark(name="x" * 131_073)), "131073 characters")
    yield Hostile("up.kmz", lambda: packed({"../doc.kml": kml("")}), "leads out of it")
    yield Hostile("absolute.kmz", lambda: packed({"/doc.kml": kml("")}), "leads out of it")
    yield Hostile("link.kmz", lambda: with_symlink({"doc.kml": kml("")}, "files/x"), "a link or a device")
    yield Hostile("bomb.kmz", lambda: packed({"doc.kml": kml(" " * 50 * 2**20)}), "100 times its size")
    yield Hostile(
        "picture-bomb.kmz",
        lambda: packed({"doc.kml": kml(placemark()), "files/a.png": bomb(50)}),
        "100 times its size",
    )
    yield Hostile(
        "nested.kmz", lambda: packed({"doc.kml": packed({"doc.kml": kml("")})}), "packed file within"
    )
    yield Hostile("two.kmz", lambda: packed({"a.kml": kml(""), "b.kml": kml("")}), "2 KML files")
    yield Hostile("secret.kmz", lambda: flagged(packed({"doc.kml": kml("")}), 1), "protected by a password")
    yield Hostile("sum.kmz", lambda: with_wrong_sum(packed({"doc.kml": kml(placemark())})), "damaged")
    yield Hostile("cut.kmz", lambda: packed({"doc.kml": kml(placemark())})[:-30], "damaged or cut off")


def _gpx_files() -> Iterator[Hostile]:
    for name, lat in (
        ("nan", "NaN"),
        ("infinite", "inf"),
        ("exponent", "1e999"),
        ("text", "north"),
        ("empty", ""),
    ):
        body = f'<wpt lat="{lat}" lon="116.45"><name>a</name></wpt>'
        yield Hostile(f"{name}.gpx", lambda body=body: gpx(body), "wpt 1.*not lon,lat")
    yield Hostile("pole.gpx", lambda: gpx('<wpt lat="91" lon="116.45"><name>a</name></wpt>'), "wpt 1")
    yield Hostile("missing.gpx", lambda: gpx('<wpt lat="39.96"><name>a</name></wpt>'), "wpt 1.*not lon,lat")
    yield Hostile("deep.gpx", lambda: gpx("<extensions>" * 1000), "nested deeper than 100")
    yield Hostile("cut.gpx", lambda: gpx('<wpt lat="39.96" lon="116.45"/>')[:-8], "no XML we read")
    yield Hostile("bytes.gpx", lambda: gpx("?").replace(b"?", b"\xc3\x28", 3), "no XML we read|neither KML")


def _geojson_files() -> Iterator[Hostile]:
    whole = geojson(feature())
    yield Hostile("nan.geojson", lambda: whole.replace(b"116.45", b"NaN"), "no JSON we read")
    yield Hostile("infinite.geojson", lambda: whole.replace(b"116.45", b"Infinity"), "no JSON we read")
    yield Hostile("huge.geojson", lambda: whole.replace(b"116.45", b"1e400"), "no JSON we read|must be")
    yield Hostile("surrogate.geojson", lambda: whole.replace(rb"\u9a7f", rb"\ud800"), "no JSON we read")
    yield Hostile("deep.geojson", lambda: deep(200_000), "no JSON we read")
    yield Hostile(
        "deep-point.geojson", lambda: whole.replace(b"[116.45", b"[" * 200 + b"116.45"), "no JSON we read"
    )
    yield Hostile(
        "nested.geojson",
        lambda: geojson(feature(geometry={"type": "Point", "coordinates": [[[[116.4, 39.9]]]]})),
        "two finite numbers",
    )
    yield Hostile("cut.geojson", lambda: whole[:-20], "no JSON we read")
    yield Hostile(
        "gbk.geojson", lambda: json.dumps({"type": "驿站"}, ensure_ascii=False).encode("gbk"), "not UTF-8"
    )
    yield Hostile("twice.geojson", lambda: whole.replace(b'"name"', b'"name": "x", "name"'), "stands twice")
    yield Hostile("list.geojson", lambda: b"[1, 2]", "no GeoJSON FeatureCollection")
    yield Hostile("topo.geojson", lambda: b'{"type": "Topology"}', "no GeoJSON FeatureCollection")
    yield Hostile(
        "features.geojson", lambda: b'{"type": "FeatureCollection", "features": {"a": 1}}', "must be a list"
    )
    yield Hostile("null.geojson", lambda: geojson(None), "must be a GeoJSON Feature")
    yield Hostile(
        "text.geojson",
        lambda: geojson(feature(geometry={"type": "Point", "coordinates": ["116", "39"]})),
        "two finite numbers",
    )
    yield Hostile("bignum.geojson", lambda: whole.replace(b"116.45", b"9" * 400), "must be|no JSON")
    yield Hostile(
        "polygon.geojson",
        lambda: geojson(
            feature(geometry={"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]})
        ),
        "must be a Point",
    )
    yield Hostile(
        "collection.geojson",
        lambda: geojson(feature(geometry={"type": "GeometryCollection", "geometries": [POINT]})),
        "must be a Point",
    )
    yield Hostile(
        "crs.geojson",
        lambda: geojson(feature(), crs={"type": "name", "properties": {"name": "EPSG:3857"}}),
        "GeoJSON is WGS 84",
    )
    yield Hostile("same.geojson", lambda: geojson(feature(), feature()), "same place as feature 1")
    yield Hostile(
        "properties.geojson",
        lambda: json.dumps(
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "id": "a", "geometry": POINT, "properties": [1]}],
            }
        ).encode(),
        "must be an object|name",
    )
    yield Hostile("id.geojson", lambda: geojson(feature("../x")), "an id is")
    yield Hostile(
        "bool.geojson",
        lambda: geojson(feature(geometry={"type": "Point", "coordinates": [True, False]})),
        "two finite numbers",
    )
    yield Hostile("control.geojson", lambda: geojson(feature(name="a\u0000b")), "NUL")
    yield Hostile(
        "kind.geojson", lambda: geojson(feature(services=[{"kind": "casino"}])), "no kind of service"
    )
    yield Hostile(
        "script.geojson", lambda: geojson(feature(photos=["../../etc/passwd"])), "file name of ours"
    )
    yield Hostile("hours.geojson", lambda: geojson(feature(hours="Mo-Fr 99:00-98:00")), "opening_hours")
    yield Hostile(
        "code.geojson",
        lambda: geojson(feature(access=[{"method": "code", "note": "密码 123456"}])),
        "door code",
    )


def _gpkg_files() -> Iterator[Hostile]:
    yield Hostile(
        "trigger.gpkg",
        lambda: gpkg("CREATE TRIGGER evil AFTER INSERT ON stations BEGIN SELECT load_extension('/x'); END"),
        "holds a trigger 'evil'",
    )
    yield Hostile(
        "virtual.gpkg", lambda: gpkg("CREATE VIRTUAL TABLE t USING fts5(x)"), "holds a virtual table|damaged"
    )
    yield Hostile(
        "view.gpkg",
        lambda: gpkg(
            "ALTER TABLE stations RENAME TO real_stations",
            "CREATE VIEW stations AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
            " SELECT real_stations.*, x FROM real_stations, c",
        ),
        "no plain table|damaged|no layer",
    )
    yield Hostile("cut.gpkg", lambda: gpkg_bytes()[:-5000], "damaged")
    yield Hostile("short.gpkg", lambda: gpkg_bytes()[:60], "damaged or cut off")
    yield Hostile("page.gpkg", lambda: spliced(gpkg_bytes(), 16, b"\x00\x03"), "damaged or cut off")
    yield Hostile(
        "noise.gpkg",
        lambda: spliced(gpkg_bytes(), 4096, random.Random(7).randbytes(40_000)),
        "damaged|no layer",
    )
    yield Hostile("zeroed.gpkg", lambda: spliced(gpkg_bytes(), 100, bytes(3000)), "damaged|no layer")
    yield Hostile("header.gpkg", lambda: b"SQLite format 3\0" + b"\0" * 5000, "damaged or cut off")
    yield Hostile(
        "plain.gpkg",
        lambda: gpkg("DELETE FROM gpkg_geometry_columns", "DELETE FROM gpkg_contents"),
        "no layer",
    )
    yield Hostile(
        "area.gpkg", lambda: written("GPKG", ".gpkg", wkb_polygon(), "Polygon")[".gpkg"], "feature 1.*an area"
    )
    yield Hostile(
        "nowhere.gpkg",
        lambda: gpkg("UPDATE stations SET geom = NULL", "UPDATE stations SET name = NULL"),
        "feature 1.*neither a name",
    )
    yield Hostile(
        "world.gpkg", lambda: written("GPKG", ".gpkg", wkb_point(516.0, 39.0))[".gpkg"], "feature 1"
    )


def _shp_files() -> Iterator[Hostile]:
    dbf, main, index = (shp_parts()[suffix] for suffix in (".dbf", ".shp", ".shx"))
    yield Hostile("records.zip", lambda: shp(dbf=spliced(dbf, 4, struct.pack("<I", 900))), "900 records")
    yield Hostile("billions.zip", lambda: shp(dbf=spliced(dbf, 4, struct.pack("<I", 2**31))), "records")
    yield Hostile("dbf-cut.zip", lambda: shp(dbf=dbf[:-30]), "cut off")
    yield Hostile("dbf-head.zip", lambda: shp(dbf=spliced(dbf, 8, b"\0\0\0\0")), "cut off")
    yield Hostile("dbf-none.zip", lambda: shp((".dbf",)), "has no .dbf")
    yield Hostile("shx-none.zip", lambda: shp((".shx",)), "has no .shx")
    yield Hostile("shp-cut.zip", lambda: shp(shp=main[:-10]), "cut off")
    yield Hostile("shx-cut.zip", lambda: shp(shx=index[:-4]), "cut off")
    yield Hostile("shp-magic.zip", lambda: shp(shp=b"\0" * len(main)), "cut off")
    yield Hostile(
        "offset.zip", lambda: shp(shx=spliced(index, 100, struct.pack(">ii", 2**28, 10))), "leads outside"
    )
    yield Hostile(
        "negative.zip", lambda: shp(shx=spliced(index, 100, struct.pack(">ii", -50, 10))), "leads outside"
    )
    yield Hostile(
        "length.zip", lambda: shp(shx=spliced(index, 104, struct.pack(">i", 2**28))), "leads outside"
    )
    yield Hostile("prj.zip", lambda: shp(prj=b"NOT A COORDINATE SYSTEM"), "coordinate system")
    yield Hostile("up.zip", lambda: packed({"../stations.shp": main}), "leads out of it")
    yield Hostile(
        "link.zip",
        lambda: with_symlink({f"stations{key}": data for key, data in shp_parts().items()}, "x.prj"),
        "a link or a device",
    )
    yield Hostile("bomb.zip", lambda: shp(txt=bomb(50)), "100 times its size")
    yield Hostile("secret.zip", lambda: flagged(shp(), 1), "protected by a password")
    yield Hostile(
        "two.zip",
        lambda: packed(
            {
                **{f"a{key}": data for key, data in shp_parts().items()},
                **{f"b{key}": data for key, data in shp_parts().items()},
            }
        ),
        "several layers",
    )
    yield Hostile(
        "area.zip",
        lambda: packed(
            {
                f"s{key}": data
                for key, data in written("ESRI Shapefile", ".shp", wkb_polygon(), "Polygon").items()
            }
        ),
        "feature 0.*an area",
    )


def _ovital_files() -> Iterator[Hostile]:
    line = "g 驿站 116.45 39.96\n"
    yield Hostile("later.txt", lambda: (line * 30 + "not a label\n").encode(), "row 31: .*no label")
    yield Hostile("mixed.txt", lambda: (line + "b 驿站 116.46 39.97\n").encode(), "row 2: its mark says bd09")
    yield Hostile("nul.txt", lambda: (line * 200 + "g a\0b 116.4 39.9\n").encode(), "row 201: a NUL")
    yield Hostile("globe.txt", lambda: b"216.45 39.96 a\n", "row 1")
    yield Hostile("nameless.txt", lambda: b"116.45 39.96\n", "row 1.*name.*required")
    yield Hostile("many.txt", lambda: b"1.5 2.5\n" * 200_001, "more than 200000 rows")


def hostile_files() -> tuple[Hostile, ...]:
    """All of them."""
    makers = (
        _csv_files, _disguised_files, _xlsx_files, _kml_files, _gpx_files, _geojson_files, _gpkg_files, _shp_files,
        _ovital_files,
    )  # fmt: skip
    return tuple(file for maker in makers for file in maker())
