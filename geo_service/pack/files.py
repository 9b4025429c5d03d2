"""Files of a pack: named by what they hold, and compressed once for the browsers that will ask for them."""

import gzip
import hashlib
import zlib
from typing import Any, NamedTuple

import brotli
import orjson

QUALITY = 10
"""Of brotli: the last step, 11, takes twice as long for one percent, and 9 leaves a tenth more."""


class PackedFile(NamedTuple):
    """
    One file of a pack.

    Parameters
    ----------
    name
        ``<kind>-<hash>.<ext>``; other bytes have another name.
    body
        Its bytes.
    br
        The same after brotli.
    gz
        The same after gzip.
    """

    name: str
    body: bytes
    br: bytes
    gz: bytes


def squeeze(body: bytes) -> tuple[bytes, bytes]:
    """
    Compress bytes about as far as it goes.

    Parameters
    ----------
    body
        The bytes.

    Returns
    -------
    br, gz
        After brotli, and after gzip; the same for the same bytes.
    """
    return brotli.compress(body, quality=QUALITY, lgwin=22), gzip.compress(body, 9, mtime=0)


def pack_bytes(kind: str, ext: str, body: bytes) -> PackedFile:
    """
    Make a file of a pack.

    Parameters
    ----------
    kind
        What it is, ``[a-z0-9_-]+``.
    ext
        ``json`` or ``bin``.
    body
        Its bytes.

    Returns
    -------
    file
        Named and compressed.
    """
    digest = hashlib.sha256(body).hexdigest()[:16]
    return PackedFile(f"{kind}-{digest}.{ext}", body, *squeeze(body))


def pack_json(kind: str, value: Any) -> PackedFile:
    """
    Make a JSON file of a pack.

    Parameters
    ----------
    kind
        What it is.
    value
        JSON values; keys stay in their order.

    Returns
    -------
    file
        Named and compressed.
    """
    return pack_bytes(kind, "json", orjson.dumps(value))


def is_whole(file: PackedFile) -> bool:
    """
    Say whether a file holds the bytes that its name stands for, compressed ones too.

    Parameters
    ----------
    file
        As it was read.

    Returns
    -------
    is_whole
        False after any damage.
    """
    digest = hashlib.sha256(file.body).hexdigest()[:16]
    try:
        unpacked = brotli.decompress(file.br), gzip.decompress(file.gz)
    except (brotli.error, OSError, EOFError, zlib.error):
        return False
    return f"-{digest}." in file.name and unpacked == (file.body, file.body)
