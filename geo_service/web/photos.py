"""Pictures of places, from the district's folder ``photos``; what a camera wrote into them stays here."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, request

from geo_service.districts import District
from geo_service.errors import NotFoundError
from geo_service.layers import Place
from geo_service.web.http import Query, cached
from geo_service.web.served import find_district

photos = Blueprint("photos", __name__)

KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
"""Kinds of picture that are sent: those we can take the camera's notes out of."""

MOST_BYTES = 8_000_000
_JPEG_KEPT = frozenset({0xE0, 0xEE})  # JFIF, and Adobe's note on colours; all other APPn and comments go
_PNG_DROPPED = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})


def photo_urls(district: District, place: Place) -> tuple[str, ...]:
    """
    Addresses of the pictures of a place that are there.

    Parameters
    ----------
    district
        Of the place.
    place
        The place.

    Returns
    -------
    urls
        Paths on this host, in the order of ``photos``; those whose file is missing are left out.
    """
    found = (name for name in place.photos if _file(district, name) is not None)
    return tuple(f"/{district.id}/photos/{quote(name)}" for name in found)


@photos.get("/<district_id>/photos/<path:name>")
def photo(district_id: str, name: str) -> Response:
    """Send a picture of a place without the notes of its camera."""
    Query(request)
    path = _file(find_district(district_id), name)
    if path is None:
        raise NotFoundError("there is no such picture")
    picture = strip_notes(path.read_bytes(), KINDS[path.suffix.lower()])
    stamp = path.stat()
    response = Response(picture, mimetype=KINDS[path.suffix.lower()])
    return cached(response, f"{stamp.st_mtime_ns:x}.{stamp.st_size:x}", cache_control="public, max-age=86400")


def _file(district: District, name: str) -> Path | None:
    """The file of a picture, if it lies below the folder and is one that we send."""
    folder = (district.directory / "photos").resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix.lower() not in KINDS or not path.is_file():
        return None
    return path if path.stat().st_size <= MOST_BYTES else None


def strip_notes(picture: bytes, mimetype: str) -> bytes:
    """
    Take out of a picture what a camera wrote into it: place, time, owner, thumbnail.

    Parameters
    ----------
    picture
        The file.
    mimetype
        ``image/jpeg`` or ``image/png``.

    Returns
    -------
    picture
        The same picture, pixel by pixel.

    Raises
    ------
    NotFoundError
        If it is no such picture, or damaged.
    """
    pieces = _jpeg_pieces(picture) if mimetype == "image/jpeg" else _png_pieces(picture)
    try:
        return b"".join(pieces)
    except (IndexError, ValueError):
        raise NotFoundError("this picture is damaged") from None


def _jpeg_pieces(data: bytes) -> Iterator[bytes]:
    if data[:2] != b"\xff\xd8":
        raise ValueError(data[:2])
    yield data[:2]
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError(at)
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:  # the picture itself, up to the end
            yield data[at:]
            return
        is_note = marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in _JPEG_KEPT)
        if not is_note:
            yield data[at : at + 2 + length]
        at += 2 + length


def _png_pieces(data: bytes) -> Iterator[bytes]:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(data[:8])
    yield data[:8]
    at = 8
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _PNG_DROPPED:
            yield data[at : at + 12 + length]
        at += 12 + length
        if kind == b"IEND":
            return
