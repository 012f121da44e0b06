"""What the packages are and what they import, read from files alone.

Nothing here imports a package of the workspace, so that a broken or missing package
cannot hide what another one does wrong.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

# A module may import its own package and these siblings, directly.
ALLOWED_ARROWS = {
    "nengo_dl_signals": set(),
    "nengo_dl_ops": {"nengo_dl_signals"},
    "nengo_dl_objectives": set(),
    "nengo_dl_sim": {"nengo_dl_signals", "nengo_dl_ops", "nengo_dl_objectives"},
    "nengo_dl": {
        "nengo_dl_signals",
        "nengo_dl_ops",
        "nengo_dl_objectives",
        "nengo_dl_sim",
    },
    "nengo_dl_spaun_bench": {"nengo_dl"},
}

# Import names that differ from the name of the distribution that provides them.
PROVIDED_BY = {"progressbar": "progressbar2", "sklearn": "scikit-learn"}

# Not public: each import of these has been a release that broke.
PRIVATE = re.compile(
    r"(tensorflow|tf)\.(python|core|compiler|__internal__)\b|keras\.src\b"
)


def parse_version(text: str) -> str:
    """Return the string assigned to ``version`` in the source of a version.py."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "version":
            return ast.literal_eval(node.value)
    raise ValueError("expected an assignment to `version`, got none")


def parse_top_heading(text: str) -> tuple[str, str]:
    """Return (version, date) of the first release heading of a CHANGES.rst."""
    match = re.search(r"^(\S+) \((.+)\)\n(=+)$", text, flags=re.MULTILINE)
    if match is None:
        raise ValueError(
            "expected a heading 'X.Y.Z (date)' underlined by '=', got none"
        )
    heading = match[0].partition("\n")[0]
    if len(match[3]) != len(heading):
        raise ValueError(f"underline of '{heading}' has {len(match[3])} characters")
    return match[1], match[2]


@dataclass(frozen=True)
class Package:
    """One package of the workspace, by its directory."""

    path: Path

    @property
    def dist(self) -> str:
        return self.path.name

    @property
    def module(self) -> str:
        return self.dist.replace("-", "_")

    @property
    def src(self) -> Path:
        return self.path / "src" / self.module

    @cached_property
    def project(self) -> dict:
        text = (self.path / "pyproject.toml").read_text(encoding="utf-8")
        return tomllib.loads(text)["project"]

    @property
    def version(self) -> str:
        return parse_version((self.src / "version.py").read_text(encoding="utf-8"))

    @property
    def top_heading(self) -> tuple[str, str]:
        text = (self.path / "CHANGES.rst").read_text(encoding="utf-8")
        return parse_top_heading(text)

    @property
    def requirements(self) -> list[Requirement]:
        return [Requirement(text) for text in self.project["dependencies"]]

    @property
    def extras(self) -> dict[str, list[Requirement]]:
        groups = self.project.get("optional-dependencies", {})
        return {name: [Requirement(t) for t in texts] for name, texts in groups.items()}


def find_packages(root: Path = ROOT) -> list[Package]:
    """Return the packages of the workspace at ``root``, sorted by name."""
    return [Package(p.parent) for p in sorted(root.glob("packages/*/pyproject.toml"))]


@dataclass(frozen=True)
class Import:
    """One absolute import: the dotted name, and where it stands."""

    name: str
    path: Path
    line: int

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        return f"{'/'.join(self.path.parts[-2:])}:{self.line}"


def imported_names(node: ast.AST) -> list[str]:
    """Return the dotted names that an import statement reaches, none if relative."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def find_imports(folder: Path) -> Iterator[Import]:
    """Yield every absolute import under ``folder``, also inside functions."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in imported_names(node):
                yield Import(name, path, node.lineno)


def canonical(dist: str) -> str:
    """Return a distribution name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", dist).lower()


def wrong_arrows(package: Package) -> list[str]:
    """Return a message for each import of a sibling that has no allowed arrow."""
    forbidden = set(ALLOWED_ARROWS) - ALLOWED_ARROWS[package.module] - {package.module}
    return [
        f"{imp.place}: {package.module} may not import {imp.name}"
        for imp in find_imports(package.src)
        if imp.top in forbidden
    ]


def declared_names(package: Package, with_tests: bool = False) -> set[str]:
    """Return the distributions that ``package`` declares, and its own name."""
    lists = [package.requirements] + [
        reqs for name, reqs in package.extras.items() if with_tests or name != "tests"
    ]
    return {package.dist} | {canonical(req.name) for reqs in lists for req in reqs}


def undeclared_imports(package: Package) -> list[str]:
    """Return a message for each import that the package's pyproject does not declare.

    What an extra declares may be imported by the sources, save for the extra
    ``tests``, which is for the package's tests. These may also import the helpers
    that lie beside them, or in a folder ``shared``.
    """
    tests = package.path / "tests"
    folders = {package.src: False, tests: True}
    helpers = {path.stem for path in (*tests.glob("*"), *tests.glob("shared/*"))}
    return [
        f"{imp.place}: {package.dist} does not declare {imp.name}"
        for folder, with_tests in folders.items()
        for imp in find_imports(folder)
        if imp.top not in sys.stdlib_module_names
        and not (with_tests and imp.top in helpers)
        and canonical(PROVIDED_BY.get(imp.top, imp.top))
        not in declared_names(package, with_tests)
    ]


def private_uses(path: Path) -> list[str]:
    """Return a message for each private TensorFlow or Keras name in a Python file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [
        (node.lineno, name)
        for node in ast.walk(tree)
        for name in [*imported_names(node), *attribute_name(node)]
    ]
    return [f"{path.name}:{ln}: {name}" for ln, name in names if PRIVATE.match(name)]


def attribute_name(node: ast.AST) -> list[str]:
    """Return the dotted text of an attribute access, nothing for other nodes."""
    return [ast.unparse(node)] if isinstance(node, ast.Attribute) else []


def committable_files(root: Path = ROOT) -> list[Path]:
    """Return the files that are in git, or would be after adding all."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=root, capture_output=True, check=True)
    names = listing.stdout.decode("utf-8").split("\0")
    return [root / name for name in names if name and (root / name).is_file()]
