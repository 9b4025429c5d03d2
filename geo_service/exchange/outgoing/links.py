"""Places as a list of links into map apps: a page, Markdown, or CSV; each link in the datum its app reads."""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from geo_service.exchange.navlinks import Link, build_links
from geo_service.exchange.outgoing.job import Job, Line, about, notice_of
from geo_service.exchange.outgoing.readable import label_of
from geo_service.layers import Layer, Place
from geo_service.paper.writing import write_csv

_DATUM_NAMES = {"wgs84": "WGS-84", "gcj02": "GCJ-02", "bd09": "BD-09"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~:/@])")
_HEADINGS = (
    "图层/layer", "编号/id", "名称/name", "应用/app", "平台/platform", "坐标基准/datum", "方式/mode",
    "链接/url", "提醒/warning", "声明/notice",
)  # fmt: skip
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem;color:#1c1917}"
    "h3{margin:1.2rem 0 0}p{margin:.2rem 0}ul{margin:.2rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.4rem 1rem}"
    "li{list-style:none}small{color:#57534e}dt{font-weight:600}"
)


class _Row(NamedTuple):
    """One place and its links."""

    place: Place
    links: tuple[Link, ...]


def to_html(job: Job) -> bytes:
    """
    Write a page of names and links; it loads nothing and works from a disk.

    Parameters
    ----------
    job
        Layers of places.

    Returns
    -------
    data
        UTF-8.
    """
    facts = "".join(f"<dt>{_esc(f'{a.zh} {a.en}')}</dt><dd>{_esc(a.text)}</dd>" for a in _about(job))
    body = "".join(_section(layer, job) for layer in job.layers)
    page = (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_esc(job.name)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{_esc(job.name)}</h1><dl>{facts}</dl>\n{body}</body></html>\n"
    )
    return page.encode("utf-8", "replace")


def _section(layer: Layer, job: Job) -> str:
    category = job.category(layer)
    rows = "".join(_html_row(row) for row in _rows(layer, job))
    return f"<h2>{_esc(f'{category.zh} {category.en}')}</h2>\n{rows}"


def _html_row(row: _Row) -> str:
    items = "".join(
        f'<li><a href="{_esc(link.url or "")}">{_esc(_app(link))}</a> <small>{_esc(_mind(link))}</small></li>'
        for link in row.links
    )
    said = " · ".join(filter(None, (row.place.address, row.place.hours, notice_of(row.place))))
    return f"<h3>{_esc(label_of(row.place))}</h3><p><small>{_esc(said)}</small></p><ul>{items}</ul>\n"


def to_markdown(job: Job) -> bytes:
    """
    Write names and links as Markdown.

    Parameters
    ----------
    job
        Layers of places.

    Returns
    -------
    data
        UTF-8.
    """
    lines = [f"# {_md(job.name)}", "", *(f"- {_md(f'{a.zh} {a.en}: {a.text}')}" for a in _about(job)), ""]
    for layer in job.layers:
        category = job.category(layer)
        lines += [f"## {_md(f'{category.zh} {category.en}')}", ""]
        lines += [_md_row(row) for row in _rows(layer, job)]
        lines.append("")
    return "\n".join(lines).encode("utf-8", "replace")


def _md_row(row: _Row) -> str:
    links = " · ".join(f"[{_md(_app(link))}](<{link.url}>) {_md(_mind(link))}" for link in row.links)
    notice = notice_of(row.place)
    return f"- **{_md(label_of(row.place))}**{f' ({_md(notice)})' if notice else ''}: {links}"


def to_links_csv(job: Job) -> bytes:
    """
    Write one row for each place and app.

    Parameters
    ----------
    job
        Layers of places.

    Returns
    -------
    data
        UTF-8 with BOM.
    """
    rows = [
        (
            *(
                layer.name,
                row.place.id,
                label_of(row.place),
                link.app,
                link.target.platform,
                link.datum,
                link.mode,
            ),
            *(link.url, " ".join(link.warning) if link.warning else None, notice_of(row.place) or None),
        )
        for layer in job.layers
        for row in _rows(layer, job)
        for link in row.links
    ]
    return write_csv(_HEADINGS, rows)


def _rows(layer: Layer, job: Job) -> Iterator[_Row]:
    for place in layer.features:
        if isinstance(place, Place):
            links = build_links(place.target, place.name, "ebike", job.links)
            yield _Row(place, tuple(link for link in links.values() if link.url))


def _about(job: Job) -> list[Line]:
    """Each link says its own datum, so the file has none."""
    return [line for line in about(job) if line.en != "Datum"]


def _app(link: Link) -> str:
    return f"{link.target.zh} {link.target.platform}"


def _mind(link: Link) -> str:
    """The link's datum, and what one must know before trusting it."""
    return _DATUM_NAMES[link.datum] + (f" ⚠ {' '.join(link.warning)}" if link.warning else "")


def _esc(text: str) -> str:
    return html.escape(text)


def _md(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
