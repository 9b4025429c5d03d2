"""
Files of strangers that somebody at the desk is looking at: one folder each, gone after a day.

A job belongs to the account that uploaded it. What the confined child read is kept beside the file, so that a
step of the wizard does not read it again.
"""

import re
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import orjson
from flask import request
from werkzeug.datastructures import FileStorage

from geo_service.districts import District
from geo_service.districts.importing import Columns, Order
from geo_service.districts.working_copy import write_atomically
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.exchange.intake import ColumnMapping, Row, Table
from geo_service.exchange.intake.confine import MOST_BYTES
from geo_service.geo import Datum
from geo_service.web.desk.door import csrf, current_account, here_district

KEPT_S = 24 * 3600
"""A job that nobody finished goes after this, seconds."""

FORM_BYTES = 1_000_000
_ID = re.compile(r"[0-9a-f]{24}")

Kind = Literal["import", "vendor"]


@dataclass(frozen=True)
class Job:
    """
    One file, and what was said of it so far.

    Parameters
    ----------
    id
        Random; part of the address.
    kind
        What it is looked at for.
    account
        Who uploaded it, and alone may go on with it.
    name
        What the file was called there.
    layer
        Where it goes.
    source
        What its source is called; empty goes by the name.
    vendor
        Whose list it is, of a comparison.
    sheet
        Sheet that was read.
    datum
        What the coordinates are taken for; ``auto`` until it is settled.
    mapping
        What the columns hold, as JSON; None until the file was read.
    is_remembered
        Whether the mapping was remembered of the source.
    last_datum
        What its coordinates were last time.
    is_complete
        The list is whole.
    skip_bad
        Bad rows are left.
    """

    id: str
    kind: Kind
    account: str
    name: str
    layer: str
    source: str = ""
    vendor: str = ""
    sheet: str = ""
    datum: Datum | Literal["auto", "rows"] = "auto"
    mapping: dict[str, Any] | None = field(default=None)
    is_remembered: bool = False
    last_datum: str = ""
    is_complete: bool = False
    skip_bad: bool = False

    @property
    def order(self) -> Order:
        """The same in the words of an import."""
        said = (self.layer, self.datum, self.sheet, self.source, self.name)
        return Order(*said, is_complete=self.is_complete, skip_bad=self.skip_bad)

    @property
    def columns(self) -> Columns:
        """What the columns hold."""
        if self.mapping is None:
            raise NotFoundError("this file was not read yet; begin anew", parameter="job")
        return Columns(ColumnMapping.from_json(self.mapping), self.is_remembered, self.last_datum)


def take_upload(kind: Kind, layer: str, *, source: str = "", vendor: str = "") -> Job:
    """
    Keep the uploaded file of this request in a folder of its own.

    Parameters
    ----------
    kind
        What it is looked at for.
    layer
        Where it goes.
    source
        What its source is called.
    vendor
        Whose list it is.

    Returns
    -------
    job
        Not read yet.

    Raises
    ------
    InvalidInputError
        If there is no file in the form.
    """
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInputError("file is missing; choose one", parameter="file", value=None)
    name = plain_name(file.filename)
    sweep(here_district())
    source = " ".join("".join(sign if sign.isprintable() else " " for sign in source).split())[:80]
    job = Job(secrets.token_hex(12), kind, current_account().name, name, layer, source, vendor=vendor)
    folder = _folder(here_district(), job.id)
    folder.mkdir(parents=True, mode=0o700)
    _save_file(file, folder / "file")
    save_job(job)
    return job


def plain_name(sent: str) -> str:
    """
    The name of a file that somebody sent.

    Parameters
    ----------
    sent
        As the browser gives it, perhaps with folders.

    Returns
    -------
    name
        Its last part, printable, 1 to 120 characters.
    """
    name = "".join(sign for sign in Path(sent.replace("\\", "/")).name if sign.isprintable())
    return name[-120:] or "file"


def open_form() -> None:
    """Allow this request a file of the size that is read at all, and only then look at its form and token."""
    request.max_content_length = MOST_BYTES + FORM_BYTES
    csrf.protect()


def _save_file(file: FileStorage, path: Path) -> None:
    with path.open("xb") as kept:
        file.save(kept)


def find_job(job_id: str, kind: Kind) -> Job:
    """
    Find a job of whoever asks.

    Parameters
    ----------
    job_id
        From the address.
    kind
        What it must be for.

    Returns
    -------
    job
        With what was said so far.

    Raises
    ------
    NotFoundError
        If there is none, it is somebody else's, or it is too old.
    """
    folder = _folder(here_district(), job_id) if _ID.fullmatch(job_id) else None
    try:
        job = Job(**orjson.loads((folder / "job.json").read_bytes())) if folder else None
    except (OSError, ValueError, TypeError):
        job = None
    if job is None or job.account != current_account().name or job.kind != kind:
        raise NotFoundError(
            "there is no such file here; it may be finished, or older than a day: upload it again",
            parameter="job",
            value=job_id[:40],
        )
    return job


def save_job(job: Job, **changes: Any) -> Job:
    """
    Keep what was said of a job.

    Parameters
    ----------
    job
        As it was.
    **changes
        Fields that differ now.

    Returns
    -------
    job
        As it is.
    """
    job = replace(job, **changes)
    write_atomically(_folder(here_district(), job.id) / "job.json", orjson.dumps(asdict(job)))
    return job


def drop_job(job: Job) -> None:
    """
    Forget a job with its file.

    Parameters
    ----------
    job
        Done or given up.
    """
    shutil.rmtree(_folder(here_district(), job.id), ignore_errors=True)


def job_file(job: Job) -> Path:
    """
    Where the uploaded file lies.

    Parameters
    ----------
    job
        The job.

    Returns
    -------
    path
        Its bytes as they came.
    """
    return _folder(here_district(), job.id) / "file"


def job_folder(job: Job) -> Path:
    """
    Where everything of a job lies.

    Parameters
    ----------
    job
        The job.

    Returns
    -------
    path
        Its folder.
    """
    return _folder(here_district(), job.id)


def save_table(job: Job, table: Table) -> None:
    """
    Keep what was read of a file.

    Parameters
    ----------
    job
        The job.
    table
        As the child gave it.
    """
    held = {one.name: getattr(table, one.name) for one in fields(table)}
    data = orjson.dumps(held | {"rows": [tuple(row) for row in table.rows]})
    write_atomically(_folder(here_district(), job.id) / "table.json", data)


def load_table(job: Job) -> Table:
    """
    Give what was read of a file.

    Parameters
    ----------
    job
        The job.

    Returns
    -------
    table
        As the child gave it.

    Raises
    ------
    NotFoundError
        If it was not read.
    """
    try:
        held = orjson.loads((_folder(here_district(), job.id) / "table.json").read_bytes())
    except (OSError, ValueError) as error:
        raise NotFoundError(
            "this file was not read yet; upload it again", parameter="job", value=job.id
        ) from error
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()}
    return Table(**plain | {"rows": tuple(_row(*row) for row in held["rows"])})


def _row(
    where: str, cells: list[str | None], point: list[float] | None, feature: Any, fault: str, area: Any
) -> Row:
    return Row(where, tuple(cells), (point[0], point[1]) if point else None, feature, fault, area)


def own_jobs(kind: Kind) -> list[Job]:
    """
    List the jobs that whoever asks has begun and not finished.

    Parameters
    ----------
    kind
        What they are for.

    Returns
    -------
    jobs
        Newest first.
    """
    found = []
    for folder in sorted(_jobs(here_district()), key=lambda one: -_age_key(one)):
        try:
            job = find_job(folder.name, kind)
        except NotFoundError:
            continue
        found += [job] if job.mapping is not None else []
    return found


def sweep(district: District) -> None:
    """
    Remove jobs older than a day.

    Parameters
    ----------
    district
        Whose.
    """
    for folder in _jobs(district):
        if time.time() - _age_key(folder) > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def _jobs(district: District) -> list[Path]:
    folder = district.directory / "cache" / "imports"
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def _age_key(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _folder(district: District, job_id: str) -> Path:
    return district.directory / "cache" / "imports" / job_id
