"""The site builds without a warning, holds together, and needs no other host."""

import ast
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import zlib
from functools import reduce
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import pytest
from nbclient import NotebookClient
from workspace import ROOT, committable_files, find_packages

pytestmark = pytest.mark.slow

#: As in CONTRIBUTING.rst, but in an environment apart, and examples are not run.
BUILD = "run -q --isolated --group docs sphinx-build -W --keep-going -D plot_gallery=0"

#: What readers search for, and which page is to be the first one that is found.
QUERIES = {
    "convert Keras model": "guide/converting",
    "dt": "guide/time_and_rates",
    "early stopping": "guide/classifier",
    "GPU": "guide/gpu",
    "how fast": "performance",
    "low accuracy": "guide/inaccurate_conversion",
    "nan": "guide/nothing_fires",
    "not supported": "explanation/limits",
    "read weights": "guide/reading_weights",
    "restart": "guide/saving",
    "robot": "guide/closed_loop",
    "several machines": "guide/distributed_training",
}

#: What a page cannot be read without: which attribute of which element names it.
NEEDED = {"img": "src", "script": "src", "link": "href", "iframe": "src"}


class Page(HTMLParser):
    """What a page refers to, and which of its places can be referred to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.needed: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if values.get(NEEDED.get(tag)):
            self.needed.append(values[NEEDED[tag]])


def is_elsewhere(link: str) -> bool:
    return bool(urlsplit(link).scheme or urlsplit(link).netloc)


def copy_sources(folder: Path) -> None:
    """Copy what a fresh clone has, so that no earlier build has a part in this one."""
    for path in committable_files():
        if "docs" in path.parts or path.suffix == ".rst":
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the built site."""
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv is not None, "uv is neither on PATH nor named by the variable UV"
    clone = tmp_path_factory.mktemp("clone")
    copy_sources(clone)
    command = [uv, *BUILD.split(), str(clone / "docs"), str(clone / "html")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return clone / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


@pytest.fixture(scope="module")
def described(site):
    """Return the objects that the site describes."""
    _, _, _, _, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    lines = zlib.decompress(packed).decode("utf-8").splitlines()
    names = [line.split()[0] for line in lines if " py:" in line]
    return [find(name) for name in names if name.startswith("nengo_dl")]


def find(name):
    package, *parts = name.split(".")
    try:
        return reduce(getattr, parts, importlib.import_module(package))
    except AttributeError:
        return None  # in a module that its package does not import


def test_links_lead_somewhere(site, pages):
    missing = [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link in page.links
        if not is_elsewhere(link) and not leads_somewhere(path, link, pages)
    ]
    assert len(pages) > 20
    assert not missing


def leads_somewhere(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    name, anchor = urldefrag(link)
    target = (path.parent / unquote(name)).resolve() if name else path
    if target not in pages:
        return target.is_file()
    return not anchor or unquote(anchor) in pages[target].anchors


def neighbours(page: Path, pages: dict[Path, Page]) -> set[Path]:
    links = [link for link in pages[page].links if not is_elsewhere(link)]
    found = {(page.parent / unquote(urldefrag(link)[0])).resolve() for link in links}
    return found & pages.keys()


def test_what_users_read_is_two_clicks_from_the_front(site, pages):
    near = neighbours(site / "index.html", pages)
    near |= {page for start in near for page in neighbours(start, pages)}
    for folder in ("tutorial", "guide", "gallery", "explanation", "reference"):
        assert set((site / folder).glob("*.html")) <= near


def test_no_page_needs_another_host(site, pages):
    for path, page in pages.items():
        assert page.needed, path
        for source in page.needed:
            assert not is_elsewhere(source) or source.startswith("data:"), path
            assert (path.parent / unquote(urlsplit(source).path)).exists(), path


def test_no_style_needs_another_host(site):
    styles = list(site.rglob("*.css"))
    assert site / "_static" / "site.css" in styles
    for path in styles:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), path


@pytest.mark.parametrize("package", find_packages(), ids=lambda package: package.dist)
def test_every_public_name_is_described(package, described):
    module = importlib.import_module(package.module)
    public = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    missing = [
        name
        for name, value in public.items()
        if not any(value is other for other in described)
    ]
    assert public
    assert not missing


@pytest.fixture(scope="module")
def index(site):
    """Return what the search of the site looks into."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


def scores(entry: str, query: str, highest: int) -> int:
    """Score a query as searchtools.js does; words in texts score up to 15."""
    found = query in entry and len(query) >= len(entry) / 2
    return round(highest * len(query) / len(entry)) if found else 0


@pytest.mark.parametrize("query", QUERIES)
def test_search_finds_by_the_words_of_readers(index, query):
    found = [
        (scores(entry, query.lower(), 100), index["docnames"][file])
        for entry, places in index["indexentries"].items()
        for file, _, is_main in places
        if is_main
    ]
    best, page = max(found)
    assert best > 16, "words in texts and titles may score higher"
    assert page == QUERIES[query]


@pytest.fixture(scope="module")
def notebooks(site):
    paths = {path.stem: path for path in (site / "notebooks").glob("*.ipynb")}
    return {name: nbformat.read(path, as_version=4) for name, path in paths.items()}


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def without_docstring(script: str) -> str:
    tree = ast.parse(script)
    tree.body = tree.body[1:]
    return ast.dump(tree)


SCRIPTS = {
    path.stem: path
    for folder in ("tutorials", "examples")
    for path in (ROOT / "docs" / folder).glob("*.py")
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_notebook_is_the_script_that_is_tested(notebooks, name):
    script = SCRIPTS[name].read_text(encoding="utf-8")
    first, *cells = code_of(notebooks[name])
    assert re.search(r'%pip install "nengo-dl(\[nir\])?>=4" matplotlib', first)
    added = [cell for cell in cells if "sys.argv =" in cell or "write_text" in cell]
    assert len(added) == ("argparse" in script) + ("launch.main" in script)
    code = "\n".join(cell for cell in cells if cell not in added)
    assert ast.dump(ast.parse(code)) == without_docstring(script)


def test_notebook_runs_in_a_kernel(notebooks, tmp_path, monkeypatch):
    """One with options, which starts itself: no other needs as much."""
    monkeypatch.delenv("MPLBACKEND", raising=False)
    done = NotebookClient(
        notebooks["distributed_digits"],
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    outputs = [out for cell in done.cells for out in cell.get("outputs", [])]
    assert any("image/png" in out.get("data", {}) for out in outputs)
