"""Circles of imports within a package: between files, and between folders.

In every folder each file and each folder is one node, and imports are the arrows
between them. So a circle between files of one folder is found there, and one between
files of different folders where these folders lie side by side. All imports count: also
those within functions, and those for types only.
"""

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from workspace import Package

#: The nodes that each node imports from, with one place where it does so.
Arrows = dict[str, dict[str, str]]


def import_circles(package: Package) -> list[str]:
    """Return a message for each circle, with one import for each of its arrows."""
    return [
        describe(package, folder, arrows, circle)
        for folder, arrows in sorted(find_arrows(package).items())
        for circle in find_circles(arrows)
    ]


def find_arrows(package: Package) -> dict[Path, Arrows]:
    """Return, for each folder, which of its files and folders imports which."""
    folders: dict[Path, Arrows] = {}
    for importer, line, imported in inner_imports(package):
        pairs = enumerate(zip(importer.parts, imported.parts, strict=False))
        depth = next((depth for depth, (a, b) in pairs if a != b), None)
        if depth is not None:  # else a file imports itself
            node, other = importer.parts[depth], imported.parts[depth]
            arrows = folders.setdefault(Path(*importer.parts[:depth]), {})
            arrows.setdefault(node, {}).setdefault(other, f"{importer}:{line}")
    return folders


def inner_imports(package: Package) -> Iterator[tuple[Path, int, Path]]:
    """Yield each import of a file of the package: importer, line, and what it is of."""
    for path in sorted(package.src.rglob("*.py")):
        importer = path.relative_to(package.src)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in absolute_names(node, importer, package.module):
                imported = file_of(name, package)
                if imported is not None:
                    yield importer, node.lineno, imported


def absolute_names(node: ast.AST, importer: Path, module: str) -> list[str]:
    """Return the dotted names that an import statement reaches, also if relative."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    here = [module, *importer.parent.parts]
    above = here[: len(here) - node.level + 1] if node.level else []
    origin = [*above, *([node.module] if node.module else [])]
    return [".".join([*origin, alias.name]) for alias in node.names]


def file_of(name: str, package: Package) -> Path | None:
    """Return the file of the package that a dotted name is, or is defined in."""
    top, *parts = name.split(".")
    if top != package.module:
        return None
    for n in range(len(parts), -1, -1):
        path = Path(*parts[:n])
        for found in (path.with_suffix(".py") if n else None, path / "__init__.py"):
            if found is not None and (package.src / found).is_file():
                return found
    return None


def find_circles(arrows: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """Return a shortest circle through each node, but those with a node of another."""
    circles: list[list[str]] = []
    for start in sorted(arrows):
        circle = shortest_circle(arrows, start)
        if circle and not any(set(circle) & set(other) for other in circles):
            circles.append(circle)
    return circles


def shortest_circle(
    arrows: Mapping[str, Mapping[str, str]], start: str
) -> list[str] | None:
    """Return the nodes on a shortest way from a node to itself; None without one."""
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for following in sorted(arrows.get(node, ())):
            if following == start:
                way = [node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if following not in came_from:
                came_from[following] = node
                waiting.append(following)
    return None


def describe(package: Package, folder: Path, arrows: Arrows, circle: list[str]) -> str:
    """Name the nodes of a circle, and where each imports the next."""
    places = (
        arrows[node][following]
        for node, following in zip(circle, [*circle[1:], circle[0]], strict=True)
    )
    where = "/".join([package.module, *folder.parts])
    return f"{where}: {' -> '.join([*circle, circle[0]])} ({', '.join(places)})"
