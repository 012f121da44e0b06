"""Mend the links from source text back to the reference.

Viewcode takes all objects of a module to be described under one name, that of the
first. Here a module's objects may be described under several, so it links to places
that do not exist. Its pages are the right ones: what is left of the links leads there.
"""

import re
from typing import Any

from sphinx.application import Sphinx

_BACK = re.compile(r'(class="viewcode-back" href="[^"#]*)#[^"]*')


def _mend(app: Sphinx, page: str, template: str, context: dict[str, Any], tree) -> None:
    if page.startswith("_modules/"):
        context["body"] = _BACK.sub(r"\1", context["body"])


def setup(app: Sphinx) -> dict:
    """Mend pages before they are written."""
    app.connect("html-page-context", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
