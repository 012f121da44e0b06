"""The site builds without a warning, holds together, and needs no other host."""

import importlib
import inspect
import os
import re
import shutil
import subprocess
import zlib
from functools import reduce
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from workspace import ROOT, committable_files, find_packages

pytestmark = pytest.mark.slow

#: As in CONTRIBUTING.rst, but in an environment apart, and examples are not run.
BUILD = "run -q --isolated --group docs sphinx-build -W --keep-going -D plot_gallery=0"

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
