"""
Packed files (XLSX, KMZ, Shapefile): unpacked in memory, counted while that happens, their own words not believed.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.rows import MOST_INFLATED, refused

MOST_MEMBERS = 1000
MOST_RATIO = 100
RATIO_FROM = 2**20
"""Bytes from which on the ratio counts: short runs of blanks pack better than that, honestly."""
_CHUNK = 2**16
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NESTED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")
_IS_UTF8 = 0x800
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, OverflowError, RuntimeError)
"""What ``zipfile`` raises over damage. RuntimeError for NotImplementedError: a version or a way of packing that it does
not know, which damaged bytes can spell as well. No ValueError: our own refusals are such."""


def open_zip(data: bytes) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """
    Open a packed file and look at its table of contents.

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    packed
        The open archive.
    members
        Entries by name, folders left out; names of Chinese Windows are decoded from GB18030.

    Raises
    ------
    InvalidInputError
        If it is damaged, protected by a password, has too many entries, or one that leads elsewhere.
    """
    try:
        packed = zipfile.ZipFile(io.BytesIO(data))
    except (*_DAMAGED, ValueError) as error:
        raise refused(f"the packed file is damaged or cut off: {_said(error)}") from error
    entries = packed.infolist()
    if len(entries) > MOST_MEMBERS:
        raise refused(f"the packed file has {len(entries)} entries; at most {MOST_MEMBERS} are read")
    declared = sum(entry.file_size for entry in entries)
    if declared > MOST_INFLATED:  # what it admits; what it hides is counted while it comes out
        raise refused(f"it unpacks to more than {MOST_INFLATED >> 20} MiB", "size", declared)
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = _name(entry)
        _check_entry(entry, name)
        if name in members:
            raise refused(f"the packed file has two entries {name[:80]!r}")
        if not name.endswith("/"):
            members[name] = entry
    _check_overlaps(entries)
    return packed, members


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _name(entry: zipfile.ZipInfo) -> str:
    # before flag bit 11 a name is in the code page of whoever packed it; zipfile takes CP437
    if entry.flag_bits & _IS_UTF8 or entry.orig_filename.isascii():
        return entry.orig_filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return entry.orig_filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return entry.orig_filename


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    shown = name[:80]
    if "\0" in name or ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]:
        raise refused(f"the packed file has an entry {shown!r} that leads out of it", "entry", shown)
    if entry.flag_bits & 0x41:
        raise refused(f"entry {shown!r} is protected by a password; save it without one", "entry", shown)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"entry {shown!r} is a link or a device, not a file", "entry", shown)
    if entry.compress_type not in _PLAIN:
        raise refused(
            f"entry {shown!r} is packed by method {entry.compress_type}; deflate is read", "entry", shown
        )


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share their bytes are how a small file becomes a boundless one."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise refused(
                f"entries of the packed file overlap at {entry.filename[:80]!r}", "entry", entry.filename[:80]
            )
        end = entry.header_offset + 30 + entry.compress_size


class Budget:
    """Counts what comes out of an archive, whatever its table of contents says."""

    def __init__(self) -> None:
        self.inflated = 0

    def chunks(self, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """
        Unpack one entry piece by piece.

        Parameters
        ----------
        packed
            The archive.
        entry
            One of its entries.

        Yields
        ------
        chunk
            At most 64 KiB.
        """
        own, name = 0, entry.filename[:80]
        try:
            with packed.open(entry) as file:
                while chunk := file.read(_CHUNK):
                    if own == 0 and chunk.startswith(_NESTED):
                        raise refused(f"entry {name!r} is a packed file within a packed file", "entry", name)
                    own += len(chunk)
                    self.inflated += len(chunk)
                    self._check(own, entry)
                    yield chunk
        except _DAMAGED as error:
            raise refused(f"entry {name!r} is damaged: {_said(error)}", "entry", name) from error

    def _check(self, own: int, entry: zipfile.ZipInfo) -> None:
        name = entry.filename[:80]
        if self.inflated > MOST_INFLATED:
            raise refused(f"it unpacks to more than {MOST_INFLATED >> 20} MiB", "size", self.inflated)
        if own > RATIO_FROM and own > MOST_RATIO * max(entry.compress_size, 1):
            raise refused(f"entry {name!r} unpacks to more than {MOST_RATIO} times its size", "entry", name)

    def bytes_of(self, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        """
        Unpack one entry whole.

        Parameters
        ----------
        packed
            The archive.
        entry
            One of its entries.

        Returns
        -------
        data
            Its bytes.
        """
        return b"".join(self.chunks(packed, entry))


def check_workbook(data: bytes) -> int:
    """
    Unpack a whole workbook once, to nothing, and have each of its XML parts read.

    Parameters
    ----------
    data
        An XLSX file.

    Returns
    -------
    without_value
        Formulas that have no value saved with them.

    Raises
    ------
    InvalidInputError
        If any part is damaged, too large, protected, nested, or has a document type.
    """
    packed, members = open_zip(data)
    budget, without_value = Budget(), 0
    for name, entry in members.items():
        if name.lower().endswith((".xml", ".rels", ".vml")):
            without_value += _check_part(name, budget.chunks(packed, entry))
        else:
            for _ in budget.chunks(packed, entry):
                pass
    return without_value


def _check_part(name: str, chunks: Iterator[bytes]) -> int:
    parser, part = plain_parser(), _Part(name)
    parser.StartElementHandler, parser.EndElementHandler = part.start, part.end
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise refused(f"part {name[:80]!r} is no XML we read: {_said(error)}", "entry", name[:80]) from error
    return part.without_value


class _Part:
    """Follows one part of a workbook: how deep it is, and which formulas have no value."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 0
        self.has_formula = self.has_value = False
        self.without_value = 0

    def start(self, tag: str, _attributes: object) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            fault = f"part {self.name[:80]!r} is nested deeper than {MOST_DEPTH} levels"
            raise refused(fault, "depth", MOST_DEPTH)
        self.has_formula = self.has_formula or tag == "f"
        self.has_value = self.has_value or tag == "v"

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag == "c":
            self.without_value += self.has_formula and not self.has_value
            self.has_formula = self.has_value = False


MOST_DEPTH = 100


def plain_parser(encoding: str | None = None) -> expat.XMLParserType:
    """
    Make an XML parser that refuses document types: with them go entities, and all that they can do.

    Parameters
    ----------
    encoding
        Overrides what the file says.

    Returns
    -------
    parser
        Expat's.
    """
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise refused(
            "it has a document type (DTD not allowed): no list of places needs one", "DTD", "DOCTYPE"
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser
