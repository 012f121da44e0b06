"""Notebooks that run as they are, at addresses that do not change."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sphinx.application import Sphinx
from sphinx_gallery.notebook import add_code_cell

#: Where the site's folder of notebooks can be opened from, once it is published.
_COLAB = (
    "https://colab.research.google.com/github/nengo/nengo-dl/blob/gh-pages/notebooks"
)

_INSTALL = """\
# Installs NengoDL, and what draws and brings data, where it is not there yet (Colab).
import importlib.util

if importlib.util.find_spec("nengo_dl") is None:
    %pip install "nengo-dl{extra}>=4" matplotlib scikit-learn{more}"""

_OPTIONS = """\
# The options of the script: without --quick it takes longer, and does better.
import sys

sys.argv = ["{name}.py", "--quick"]"""

_FILE = """\
# The script starts itself again, so it has to be a file, too.
from pathlib import Path

Path("{name}.py").write_text({text!r});"""


def first_cells(name: str, text: str) -> list[str]:
    """Return what stands before the code of a script in its notebook."""
    more = " nengo-spa" if "nengo_spa" in text else ""
    extra = "[nir]" if "nir.export" in text else ""
    cells = [_INSTALL.format(extra=extra, more=more)]
    if "argparse" in text:
        cells.append(_OPTIONS.format(name=name))
    if "launch.main" in text:
        cells.append(_FILE.format(name=name, text=text))
    return cells


def _complete(path: Path) -> None:
    """Add these to a notebook that sphinx-gallery wrote, if it wrote it anew."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if notebook["metadata"].get("complete"):
        return
    script = path.with_suffix(".py")
    made: dict[str, Any] = {"cells": []}
    for cell in first_cells(path.stem, script.read_text(encoding="utf-8")):
        add_code_cell(made, cell)
    notebook["cells"][1:1] = made["cells"]  # after the title
    notebook["metadata"]["complete"] = True
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    with ZipFile(path.with_suffix(".zip"), "w") as archive:
        for file in (script, path):
            archive.write(file, file.name)


def _written(app: Sphinx) -> Iterator[Path]:
    for gallery in app.config.sphinx_gallery_conf["gallery_dirs"]:
        yield from Path(app.srcdir, gallery).glob("*.ipynb")


def _complete_all(app: Sphinx) -> None:
    for path in _written(app):
        _complete(path)


def _copy(app: Sphinx, exception: Exception | None) -> None:
    """Copy notebooks to where links from other hosts find them."""
    if exception is None and app.builder.name == "html":
        folder = Path(app.outdir) / "notebooks"
        folder.mkdir(exist_ok=True)
        for path in _written(app):
            shutil.copy(path, folder)


def _link(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any
) -> None:
    """Begin the page of a script with links to its notebook."""
    path = Path(app.srcdir, page).with_suffix(".ipynb")
    if path.is_file():
        here = context["pathto"](f"notebooks/{path.name}", 1)
        context["body"] = (
            f'<p class="notebook"><a href="{here}" download>Notebook</a> '
            f'<a href="{_COLAB}/{path.name}">Open in Colab</a></p>{context["body"]}'
        )


def setup(app: Sphinx) -> dict:
    """Complete notebooks after sphinx-gallery, copy them, and link to them."""
    app.connect("builder-inited", _complete_all, priority=900)
    app.connect("build-finished", _copy)
    app.connect("html-page-context", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
