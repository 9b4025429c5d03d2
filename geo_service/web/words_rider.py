"""
Words of the rider's page, Chinese first, English beside it.

Entries whose key starts with ``js_`` go to the page's scripts, in one data block of the page
(``<script type="application/json" id="words">``, made by the macro ``words_block`` of
``_parts.html``), without that prefix: ``js_here`` is ``words.here`` there. A gap like ``{n}`` is
filled by the script. `JS_ALSO` are entries of the other catalogues that scripts say too.
"""

RIDER_WORDS: dict[str, tuple[str, str]] = {
    "js_loading": ("正在算……", "Working it out …"),
}

JS_ALSO = (
    "open",
    "closing_soon",
    "closed",
    "unknown",
    "stale",
    "until",
    "opens",
    "all_day",
    "hours_unknown",
    "tomorrow",
    "metres",
    "kilometres",
    "minute",
    "navigate",
    "navigate_to",
    "details",
    "centre",
    "me",
    "access_open",
    "access_code",
    "access_qr",
    "access_staff",
    "access_gate",
)
"""Words of the other catalogues that the page's scripts say as well."""
