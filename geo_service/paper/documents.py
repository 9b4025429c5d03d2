"""
Written documents as DOCX and as one HTML file that prints well: headings, paragraphs, tables and figures.

The same document gives the same bytes on any day: the date inside is the one that is given.
"""

import base64
import html
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

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


class Beside(NamedTuple):
    """
    Blocks side by side; on a narrow screen one above the other.

    Parameters
    ----------
    left, right
        Blocks.
    left_share
        Share of the width that the left takes.
    """

    left: "Sequence[Block]"
    right: "Sequence[Block]"
    left_share: float = 0.5


class Break(NamedTuple):
    """On paper a new page begins here."""


Block = Heading | Paragraph | Picture | Sheet | Beside | Break


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
        Small print below every page, on a screen at the end.
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
    except ImportError as error:
        raise InvalidInputError(
            "writing DOCX needs python-docx: pip install 'geo-service[plan]'",
            parameter="format",
            value="docx",
        ) from error
    file = docx.Document()
    _set_page(file)
    file.add_paragraph(document.title, style="Title")
    _docx_blocks(file, document.blocks, PAGE_CM)
    foot = file.sections[0].footer.paragraphs[0]
    foot.add_run(document.foot)
    moment = datetime(document.on.year, document.on.month, document.on.day)
    file.core_properties.created = file.core_properties.modified = moment
    file.core_properties.title, file.core_properties.author = document.title, "geo-service"
    file.core_properties.language = "zh-CN" if document.lang == "zh" else "en"
    written = io.BytesIO()
    file.save(written)
    with zipfile.ZipFile(written) as parts:
        return pack_zip({name: parts.read(name) for name in parts.namelist()})


PAGE_CM = 18.0
"""Width of the text on A4."""

_STYLES = {
    # points, above, below
    "Normal": (8.5, 0.0, 2.0),
    "Title": (15.0, 0.0, 3.0),
    "Heading 1": (10.5, 5.0, 1.5),
    "Heading 2": (9.5, 4.0, 1.0),
    "Caption": (7.5, 0.0, 2.0),
    "Footer": (6.5, 0.0, 0.0),
}
_CELL_PT = 7.5


def _set_page(file: Any) -> None:
    """A4 with small margins, black type in a font that has Chinese characters."""
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    section = file.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21.0 - PAGE_CM) / 2)
    section.top_margin, section.bottom_margin = Cm(1.1), Cm(1.4)
    section.header_distance = section.footer_distance = Cm(0.6)
    for name, (size, above, below) in _STYLES.items():
        style = file.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = "Arial", Pt(size), RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), "Noto Sans CJK SC")
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)  # a theme would win over a name
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(above), Pt(below)
        style.paragraph_format.line_spacing = 1.0


def _docx_blocks(container: Any, blocks: "Sequence[Block]", width_cm: float) -> None:
    for block in blocks:
        if isinstance(block, Heading):
            container.add_paragraph(block.text, style=f"Heading {block.level}")
        elif isinstance(block, Paragraph):
            container.add_paragraph().add_run(block.text).bold = block.is_strong
        elif isinstance(block, Picture):
            _docx_picture(container, block, width_cm)
        elif isinstance(block, Beside):
            _docx_beside(container, block, width_cm)
        elif isinstance(block, Break):
            container.add_page_break()
        else:
            _docx_table(container, block, width_cm)


def _docx_picture(container: Any, picture: Picture, width_cm: float) -> None:
    from docx.shared import Cm

    paragraph = container.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    shape = paragraph.add_run().add_picture(io.BytesIO(picture.png), width=Cm(width_cm))
    shape._inline.docPr.set("descr", picture.alt)
    container.add_paragraph(picture.caption, style="Caption")


def _docx_beside(container: Any, block: Beside, width_cm: float) -> None:
    from docx.shared import Cm

    table = container.add_table(rows=1, cols=2)
    shares = (block.left_share, 1 - block.left_share)
    _set_widths(table, [Cm(width_cm * share) for share in shares])
    for cell, share, inside in zip(table.rows[0].cells, shares, (block.left, block.right), strict=True):
        _docx_blocks(cell, inside, width_cm * share - _GUTTER_CM)
        first = cell.paragraphs[0]
        if not first.text and len(cell._tc) > 2:  # every cell begins with an empty line
            first._p.getparent().remove(first._p)


_GUTTER_CM = 0.3


def _docx_table(container: Any, sheet: Sheet, width_cm: float) -> None:
    from docx.shared import Cm

    if sheet.title:
        title = container.add_paragraph()
        title.add_run(sheet.title).bold = True
        title.paragraph_format.keep_with_next = True
    table = container.add_table(rows=1 + len(sheet.rows), cols=len(sheet.headings))
    table.style = "Table Grid"
    _set_widths(table, [Cm(width_cm * share) for share in _shares(sheet, width_cm)])
    texts = [list(sheet.headings), *([text_of(value) for value in row] for row in sheet.rows)]
    for number, (row, said) in enumerate(zip(table.rows, texts, strict=True)):
        _keep_whole(row, is_head=number == 0)
        for cell, text in zip(row.cells, said, strict=True):
            _docx_cell(cell, text, is_head=number == 0)
    _thin_line(container)  # two tables in a row would grow together


def _thin_line(container: Any) -> None:
    """What must stand after a table and shall not be seen; in a cell it is there already."""
    from docx.shared import Pt

    paragraph = container.paragraphs[-1] if hasattr(container, "_tc") else container.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.paragraph_format.line_spacing = Pt(2)
    paragraph.add_run().font.size = Pt(1)


def _set_widths(table: Any, widths: Sequence[int]) -> None:
    """Word reads the widths of cells, LibreOffice those of columns."""
    table.autofit = False
    _set_margins(table)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
        for cell in column.cells:
            cell.width = width


def _set_margins(table: Any) -> None:
    """A millimetre left and right of a text, and the frame within the margin of the page."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = table._tbl.tblPr
    indent, margins = OxmlElement("w:tblInd"), OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(_MARGIN_TWIPS))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    indent.set(qn("w:w"), "0")
    indent.set(qn("w:type"), "dxa")
    layout = properties.find(qn("w:tblLayout"))
    layout.addprevious(indent)  # the order of these is that of the standard
    layout.addnext(margins)


_MARGIN_TWIPS = 57


def _docx_cell(cell: Any, text: str, *, is_head: bool) -> None:
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.paragraph_format.line_spacing = Pt(
        _CELL_PT * 1.25
    )  # fonts with Chinese characters ask for half as much again
    run = paragraph.add_run(text)
    run.bold, run.font.size = is_head, Pt(_CELL_PT)


def _keep_whole(row: Any, *, is_head: bool) -> None:
    """No row is torn by a page, and the headings stand above each part of a table."""
    from docx.oxml import OxmlElement

    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))


def _shares(sheet: Sheet, width_cm: float) -> list[float]:
    """
    Shares of the columns: what cannot be broken fits, and what is left goes to those with long texts.

    Chinese breaks after any character, which takes two units; numbers and words of other scripts do not break.
    """
    columns: list[list[str]] = [[heading] for heading in sheet.headings]
    for row in sheet.rows:
        for column, value in zip(columns, row, strict=True):
            column.append(text_of(value))
    least = [max(map(_unbroken, column)) + _PADDING for column in columns]
    most = [min(_MOST_WIDE, max(map(_wide, column))) + _PADDING for column in columns]
    room = max(0.0, width_cm * _UNITS_PER_CM - sum(least))
    more = [max(0.0, wish - need) for wish, need in zip(most, least, strict=True)]
    each = min(1.0, room / sum(more)) if any(more) else 0.0
    widths = [need + extra * each for need, extra in zip(least, more, strict=True)]
    return [width / sum(widths) for width in widths]


def _wide(text: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


def _unbroken(text: str) -> int:
    """Width of the longest piece that does not break; two Chinese characters at least stay together."""
    latin = max((len(piece) for piece in re.split(r"[\s/\-\u2e80-\uffff]+", text)), default=0)
    return max(latin, min(4, _wide(text)))


_UNITS_PER_CM, _PADDING, _MOST_WIDE = 6.9, 2.2, 60


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


_CSS = """
body { font: 10.5pt/1.4 Arial, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; color: #111;
  background: #fff; max-width: 19cm; margin: 1cm auto; padding: 0 .5cm }
h1 { font-size: 16pt; margin: 0 0 .3em }
h2 { font-size: 11.5pt; margin: .7em 0 .2em }
p { margin: .25em 0 }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt; line-height: 1.25; margin: .2em 0 .4em }
caption { text-align: left; font-weight: bold; padding: .2em 0 }
th, td { border: 1px solid #777; padding: .12em .35em; text-align: left; vertical-align: top }
th { background: #eee }
figure { margin: .3em 0; break-inside: avoid }
img { width: 100% }
figcaption { font-size: 8.5pt }
.foot { font-size: 7.5pt; line-height: 1.25; color: #333; border-top: 1px solid #777; margin-top: .6em;
  padding-top: .2em }
.page:not(:last-child) .foot { display: none }
.beside { display: grid; gap: .4cm }
.beside > div { min-width: 0 }
.wide { overflow-x: auto }
@page { size: A4; margin: 1.1cm 1.5cm }
@media (min-width: 15cm) { .beside { grid-template-columns: var(--columns) } }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 8.5pt; line-height: 1.3 }
  h1 { font-size: 14pt }
  h2 { font-size: 10pt; margin: .4em 0 .1em }
  table, figcaption { font-size: 7.5pt; line-height: 1.2 }
  th, td { padding: 0 .35em }
  .foot { font-size: 6.5pt }
  .page:not(:last-child) .foot { display: block }
  .page:not(:last-child) { break-after: page }
  .beside { grid-template-columns: var(--columns) }
  tr { break-inside: avoid }
  h2, caption { break-after: avoid }
}
"""
"""Prints to A4: what stands before a `Break` on a page of its own."""


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
    foot = f'<p class="foot">{html.escape(document.foot)}</p>'
    pages = [f"<h1>{title}</h1>"]
    for block in document.blocks:
        if isinstance(block, Break):
            pages.append("")
        else:
            pages[-1] += "\n" + _html_block(block)
    body = "\n".join(f'<section class="page">\n{page}\n{foot}\n</section>' for page in pages)
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    ).encode()


def _html_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level + 1}>{html.escape(block.text)}</h{block.level + 1}>"
    if isinstance(block, Paragraph):
        text = html.escape(block.text)
        return f"<p><strong>{text}</strong></p>" if block.is_strong else f"<p>{text}</p>"
    if isinstance(block, Beside):
        columns = f"{block.left_share:g}fr {1 - block.left_share:g}fr"
        left, right = ("\n".join(map(_html_block, inside)) for inside in (block.left, block.right))
        return f'<div class="beside" style="--columns:{columns}"><div>{left}</div><div>{right}</div></div>'
    assert not isinstance(block, Break), "a page does not end within a column"
    if isinstance(block, Picture):
        data = base64.b64encode(block.png).decode()
        return (
            f'<figure><img alt="{html.escape(block.alt)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(block.caption)}</figcaption></figure>"
        )
    caption = f"<caption>{html.escape(block.title)}</caption>" if block.title else ""
    head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in block.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text_of(value))}</td>" for value in row) + "</tr>\n"
        for row in block.rows
    )
    return (
        f'<div class="wide"><table>{caption}\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>"
    )
