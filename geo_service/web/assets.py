"""
Files under ``/static``: read once, compressed once, named by what they hold.

All files share one version in their address (``/static/<version>/…``), so that an ES module's
relative import stays within the same version and every file can be cached for ever.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import brotli
from flask import Response, request

from geo_service.errors import NotFoundError
from geo_service.web.http import cached

FOREVER = "public, max-age=31536000, immutable"
STATIC_DIR = Path(__file__).parent / "static"

_TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}
_COMPRESSED = (".js", ".css", ".json", ".svg")


@dataclass(frozen=True)
class Asset:
    """
    One file as it goes out.

    Parameters
    ----------
    body
        Its bytes.
    packed
        Its bytes after gzip; None if that does not pay.
    mimetype
        Media type.
    digest
        First half of its SHA-256, hexadecimal.
    squeezed
        Its bytes after brotli; None if they are to be made when first asked for, where gzip pays.
    """

    body: bytes
    packed: bytes | None
    mimetype: str
    digest: str
    squeezed: bytes | None = None


class Assets:
    """
    Every file of a folder, in memory.

    Parameters
    ----------
    folder
        Where the files are; its vendored libraries are listed in ``vendor/manifest.json``.
    """

    def __init__(self, folder: Path = STATIC_DIR) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._assets = {path.relative_to(folder).as_posix(): _read_asset(path) for path in paths}
        digest = hashlib.sha256("".join(f"{n}:{a.digest};" for n, a in self._assets.items()).encode())
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """
        Address of a file.

        Parameters
        ----------
        name
            Path inside the folder.

        Returns
        -------
        url
            Path on this host, good for ever.
        """
        if name not in self._assets:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def names(self) -> tuple[str, ...]:
        """
        Every file.

        Returns
        -------
        names
            Paths inside the folder, in order.
        """
        return tuple(self._assets)

    def read(self, name: str) -> bytes:
        """
        Bytes of a file.

        Parameters
        ----------
        name
            Path inside the folder.

        Returns
        -------
        body
            As they were when the server started.
        """
        return self._assets[name].body

    def answer(self, version: str, name: str) -> Response:
        """
        Send a file.

        Parameters
        ----------
        version
            Version in the address; an old one gets the present file, not to be kept.
        name
            Path inside the folder.

        Returns
        -------
        response
            The file, compressed if the client can read that.

        Raises
        ------
        NotFoundError
            If there is no such file.
        """
        asset = self._assets.get(name)
        if asset is None:
            raise NotFoundError("there is no such file")
        return send_asset(asset, FOREVER if version == self.version else "no-cache")


def _read_asset(path: Path) -> Asset:
    mimetype = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return pack_asset(path.read_bytes(), mimetype, compress=path.suffix in _COMPRESSED)


def pack_asset(body: bytes, mimetype: str, *, compress: bool = True) -> Asset:
    """
    Make bytes ready to go out many times.

    Parameters
    ----------
    body
        The bytes.
    mimetype
        Media type.
    compress
        Whether to keep a gzip copy.

    Returns
    -------
    asset
        With its digest.
    """
    packed = gzip.compress(body, 9, mtime=0) if compress and len(body) > 500 else None
    return Asset(body, packed, mimetype, hashlib.sha256(body).hexdigest()[:32])


def send_asset(asset: Asset, cache_control: str) -> Response:
    """
    Answer with an asset.

    Parameters
    ----------
    asset
        What to send.
    cache_control
        How long it may be kept.

    Returns
    -------
    response
        With ETag; 304 if the client has it.
    """
    body, encoding = asset.body, None
    if asset.packed:
        encoding = best_encoding()
        if encoding == "br":
            body = asset.squeezed or _squeeze(asset.body)
        elif encoding == "gzip":
            body = asset.packed
    response = Response(body, mimetype=asset.mimetype)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.vary.add("Accept-Encoding")
    return cached(response, asset.digest, cache_control=cache_control)


def best_encoding() -> str | None:
    """
    Say how the client of this request likes an answer compressed.

    Returns
    -------
    encoding
        ``"br"``, which is the smaller, unless it likes ``"gzip"`` better; None if it reads neither.
    """
    accepted = request.accept_encodings
    br, gzipped = accepted["br"], accepted["gzip"]
    if br > 0 and br >= gzipped:
        return "br"
    return "gzip" if gzipped > 0 else None


@lru_cache(maxsize=512)
def _squeeze(body: bytes) -> bytes:
    """As far as it pays: a fifth of a second for the largest script, once for each process."""
    squeezed: bytes = brotli.compress(body, quality=10)
    return squeezed
