"""
Run the application on granian.

granian starts a process of its own for the application, by name, so the districts' directories
travel in the environment and are opened there: open databases and compiled kernels do not
survive a fork.
"""

import json
import logging
import multiprocessing
import os
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from flask import Flask
from granian import Granian
from granian.constants import Interfaces, SSLProtocols
from granian.log import LogLevels

from geo_service.districts import District, open_district
from geo_service.errors import InvalidInputError
from geo_service.settings import Settings, load_settings
from geo_service.web.app import create_app

DISTRICTS_VARIABLE = "GEO_SERVICE_DISTRICTS"
"""Directories of the served districts, a JSON list; set by `serve` for its worker."""

ACCESS_LOG = '%(time)s "%(method)s %(path)s" %(status)d %(dt_ms).1f ms'
"""Neither address nor query: a query of the API may hold a position."""

STOP_S = 10
"""Requests in flight may take this long to finish after SIGTERM, seconds."""


def serve(
    districts: Mapping[str, District],
    settings: Settings,
    host: str,
    port: int,
    cert: Path | None = None,
    key: Path | None = None,
) -> None:
    """
    Serve districts until SIGTERM or SIGINT.

    Parameters
    ----------
    districts
        Open districts by id; they are closed here and opened again by the process that serves.
    settings
        Log level; the serving process reads the others from the environment, as this one did.
    host
        Address to listen on.
    port
        Port to listen on.
    cert
        Certificate chain in PEM, for HTTPS.
    key
        Its private key in PEM.

    Raises
    ------
    InvalidInputError
        If the port is none, the address cannot be listened on, or certificate and key do not come together.
    """
    _check_port(port)
    _check_certificate(cert, key)
    _check_free(host, port)
    folders = [str(district.directory.resolve()) for district in districts.values()]
    for district in districts.values():
        district.close()
    os.environ[DISTRICTS_VARIABLE] = json.dumps(folders)
    multiprocessing.set_start_method("spawn", force=True)
    _announce(districts, host, port, secure=cert is not None)
    Granian(
        "geo_service.web.server:app_from_environment",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        websockets=False,
        # its only warning is that its default threads are many, which is what slow clients ask for
        log_level=LogLevels.debug if settings.log_level == "debug" else LogLevels.error,
        log_access=settings.log_level in ("debug", "info"),
        log_access_format=ACCESS_LOG,
        workers_kill_timeout=STOP_S,
        # phones before Android 10 know no newer one
        ssl_protocol_min=SSLProtocols.tls12,
        ssl_cert=cert,
        ssl_key=key,
    ).serve()


def app_from_environment() -> Flask:
    """
    Build the application in the serving process.

    Returns
    -------
    app
        For the directories that `DISTRICTS_VARIABLE` names.
    """
    settings = load_settings(os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    opened = [open_district(Path(folder), settings) for folder in json.loads(os.environ[DISTRICTS_VARIABLE])]
    app = create_app({district.id: district for district in opened}, settings)
    threading.Thread(target=_warm, args=(app, opened), daemon=True).start()
    return app


def _warm(app: Flask, districts: Sequence[District]) -> None:
    """Ask for each map once, then load every other profile, so that all is ready before the first rider is."""
    for district in districts:
        app.test_client().get(f"/{district.id}/", base_url=_trusted_base(app))
    for district in districts:
        district.warm_up()


def _trusted_base(app: Flask) -> str:
    hosts = app.config["TRUSTED_HOSTS"] or ["localhost"]
    return f"http://{hosts[0].lstrip('.')}"


def _announce(districts: Mapping[str, District], host: str, port: int, *, secure: bool) -> None:
    shown = f"[{host}]" if ":" in host else host
    root = f"{'https' if secure else 'http'}://{shown}:{port}/"
    for district in districts.values():
        print(f"{district.name_zh} · {district.name_en}: {root}{district.id}/", flush=True)
    print(f"Serving on {root} (Ctrl-C or SIGTERM ends)", flush=True)


def _check_port(port: int) -> None:
    # 0 means "any free one" to a socket, and then no address that we print would be true
    if not 1 <= port <= 65535:
        raise InvalidInputError(
            f"--port {port} is no port; choose one of 1..65535", parameter="port", value=port
        )


def _check_certificate(cert: Path | None, key: Path | None) -> None:
    if (cert is None) != (key is None):
        raise InvalidInputError("a certificate needs its key: give both --cert and --key, or neither")
    for name, file in (("cert", cert), ("key", key)):
        if file is not None and not file.is_file():
            raise InvalidInputError(f"--{name} {file} is not a file", parameter=name, value=str(file))
    if cert is not None and key is not None:
        try:
            # an empty password: nobody sits at the terminal of a server to be asked for one
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, lambda: "")
        except (OSError, ValueError) as error:
            raise InvalidInputError(
                f"--cert {cert} and --key {key} are not a certificate and its unlocked key in PEM",
                parameter="cert",
                value=str(cert),
            ) from error


def _check_free(host: str, port: int) -> None:
    """Try the address before anything starts, as the server will: a refusal belongs on one line."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, proto)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise InvalidInputError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); choose another --port or --host",
            parameter="port",
            value=port,
        ) from error
