"""
Written documents as DOCX and as one HTML file that prints well: headings, paragraphs, tables and figures.

The same document gives the same bytes on any day: the date inside is the one that is given.
"""

import base64
import html
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.paper.writing import Sheet, pack_zip


class Heading(NamedTuple):
    """A heading; level 1 is a chapter."""

    text: str
    level: int = 1


class Paragraph(NamedTuple):
    """Plain text; what is strong stands out."""

    text: str
    is_strong: bool = False


class Picture(NamedTuple):
    """A PNG with a caption below it, and words for those who do not see it."""

    png: bytes
    caption: str
    alt: str


Block = Heading | Paragraph | Picture | Sheet


class Document(NamedTuple):
    """
    A document.

    Parameters
    ----------
    title
        Its title.
    lang
        ``"zh"`` or ``"en"``.
    on
        Its date.
    blocks
        In order; a table is a `Sheet`, its title above it.
    foot
        Small print at the end.
    """

    title: str
    lang: str
    on: date
    blocks: Sequence[Block]
    foot: str


def write_docx(document: Document) -> bytes:
    """
    Write a document for word processors.

    Parameters
    ----------
    document
        What to write.

    Returns
    -------
    data
        The file.

    Raises
    ------
    InvalidInputError
        If python-docx is not installed.
    """
    try:
        import docx
        from docx.oxml.ns import qn
        from docx.shared import Cm, Pt
    except ImportError as error:
        raise InvalidInputError(
            "writing DOCX needs python-docx: pip install 'geo-service[plan]'",
            parameter="format",
            value="docx",
        ) from error
    file = docx.Document()
    section = file.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.0)
    section.top_margin = section.bottom_margin = Cm(1.8)
    normal = file.styles["Normal"]
    normal.font.name, normal.font.size = "Arial", Pt(10)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "Noto Sans CJK SC")
    file.add_heading(document.title, level=0)
    for block in document.blocks:
        if isinstance(block, Heading):
            file.add_heading(block.text, level=block.level)
        elif isinstance(block, Paragraph):
            file.add_paragraph().add_run(block.text).bold = block.is_strong
        elif isinstance(block, Picture):
            shape = file.add_picture(io.BytesIO(block.png), width=Cm(16.5))
            shape._inline.docPr.set("descr", block.alt)
            file.add_paragraph(block.caption).style = file.styles["Caption"]
        else:
            _docx_table(file, block)
    file.add_paragraph().add_run(document.foot).font.size = Pt(8)
    moment = datetime(document.on.year, document.on.month, document.on.day)
    file.core_properties.created = file.core_properties.modified = moment
    file.core_properties.title, file.core_properties.author = document.title, "geo-service"
    file.core_properties.language = "zh-CN" if document.lang == "zh" else "en"
    written = io.BytesIO()
    file.save(written)
    with zipfile.ZipFile(written) as parts:
        return pack_zip({name: parts.read(name) for name in parts.namelist()})


def _docx_table(file: "docx.document.Document", sheet: Sheet) -> None:  # type: ignore[name-defined]  # noqa: F821
    file.add_paragraph().add_run(sheet.title).bold = True
    table = file.add_table(rows=1, cols=len(sheet.headings), style="Table Grid")
    for cell, heading in zip(table.rows[0].cells, sheet.headings, strict=True):
        cell.paragraphs[0].add_run(heading).bold = True
    for row in sheet.rows:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = text_of(value)


def text_of(value: object) -> str:
    """
    Say a value of a table as text.

    Parameters
    ----------
    value
        Text, number, flag, day or nothing.

    Returns
    -------
    text
        Numbers with at most three decimals.

    Examples
    --------
    >>> text_of(3.0), text_of(0.12345), text_of(None), text_of(True)
    ('3', '0.123', '', '✓')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)


_CSS = (
    "body{font:11pt/1.5 'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;max-width:18cm;margin:1.2cm auto;"
    "padding:0 .5cm;color:#111;background:#fff}h1{font-size:18pt}h2{font-size:13pt;margin:1.2em 0 .3em}"
    "table{border-collapse:collapse;width:100%;font-size:9.5pt;margin:.4em 0 1em}"
    "caption{text-align:left;font-weight:bold;padding:.3em 0}"
    "th,td{border:1px solid #777;padding:.2em .45em;text-align:left;vertical-align:top}th{background:#eee}"
    "figure{margin:.8em 0;break-inside:avoid}img{max-width:100%}figcaption{font-size:9.5pt}"
    ".foot{font-size:8.5pt;color:#333;border-top:1px solid #777;margin-top:2em;padding-top:.5em}"
    ".wide{overflow-x:auto}@page{size:A4;margin:1.5cm}@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}"
)


def write_html(document: Document) -> bytes:
    """
    Write a document as one HTML file, to be read and printed to PDF; it asks nothing of any host.

    Parameters
    ----------
    document
        What to write.

    Returns
    -------
    data
        UTF-8.
    """
    lang = "zh-CN" if document.lang == "zh" else "en"
    title = html.escape(document.title)
    body = "\n".join(_html_block(block) for block in document.blocks)
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n"
        f'<p class="foot">{html.escape(document.foot)}</p>\n</main>\n</body>\n</html>\n'
    ).encode()


def _html_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level + 1}>{html.escape(block.text)}</h{block.level + 1}>"
    if isinstance(block, Paragraph):
        text = html.escape(block.text)
        return f"<p><strong>{text}</strong></p>" if block.is_strong else f"<p>{text}</p>"
    if isinstance(block, Picture):
        data = base64.b64encode(block.png).decode()
        return (
            f'<figure><img alt="{html.escape(block.alt)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(block.caption)}</figcaption></figure>"
        )
    head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in block.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text_of(value))}</td>" for value in row) + "</tr>\n"
        for row in block.rows
    )
    return (
        f'<div class="wide"><table><caption>{html.escape(block.title)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>"
    )
