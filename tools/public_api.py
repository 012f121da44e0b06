"""The public names of a package, with their call signatures, as lines of text.

A package's record is the file ``API.txt`` beside its ``pyproject.toml``.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from workspace import Package


def exported_names(source: str, definitions: bool = False) -> list[str]:
    """Return the names that a module's source offers.

    They are those it imports as ``X as X`` or lists in ``__all__``; of a public
    module inside a package, also those that it defines.
    """
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname for a in node.names if a.asname == a.name}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names |= set(ast.literal_eval(node.value))
        elif definitions and isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return sorted(name for name in names if name and not name.startswith("_"))


def describe_module(module: ModuleType, top: bool = True) -> Iterator[str]:
    """Yield a line for everything public in a module."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    for name in exported_names(source, definitions=not top):
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield name
            yield from (f"{name}.{line}" for line in describe_module(value, top=False))
        elif inspect.isclass(value):
            yield from describe_class(name, value)
        else:
            yield name + signature(value)


def describe_class(name: str, kind: type) -> Iterator[str]:
    """Yield a line for a class, and for each public member that is not inherited
    from another project."""
    yield name + signature(kind)
    project = kind.__module__.partition(".")[0][:8]
    for member in sorted(dir(kind)):
        owner = next((base for base in kind.__mro__ if member in vars(base)), None)
        if member.startswith("_") or owner is None:
            continue
        if owner.__module__.startswith(project):
            yield f"{name}.{member}{signature(inspect.getattr_static(kind, member))}"


def signature(value: Any) -> str:
    """Return how something is called, without annotations; nothing if it is not."""
    value = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    if not callable(value):
        return ""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    plain = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=plain, return_annotation=found.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def count_changes(package: Package) -> int:
    """Return how many lines of changes the history of a package has."""
    text = (package.path / "CHANGES.rst").read_text(encoding="utf-8")
    return len(re.findall(r"^- ", text, flags=re.MULTILINE))


def read_record(package: Package) -> tuple[int, list[str]]:
    """Return how many changes were recorded, and the lines of the record."""
    path = package.path / "API.txt"
    if not path.is_file():
        return -1, []
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    return int(first.rpartition(" ")[2]), lines


def api_faults(package: Package, current: list[str]) -> list[str]:
    """Return a message for each difference between the record and what there is."""
    _, recorded = read_record(package)
    signs = {"+": set(current) - set(recorded), "-": set(recorded) - set(current)}
    return [
        f"{package.dist}: public API not as recorded: {sign} {line}"
        for sign, lines in signs.items()
        for line in sorted(lines)
    ]


def rewrite_record(package: Package, current: list[str]) -> list[str]:
    """Record the public API, if a new line of CHANGES.rst tells of what differs."""
    n_recorded, recorded = read_record(package)
    n_changes = count_changes(package)
    if set(current) != set(recorded) and n_changes <= n_recorded:
        return [
            *api_faults(package, current),
            f"{package.dist}: expected a new line in CHANGES.rst that tells of it "
            f"(there are {n_changes}, as there were)",
        ]
    lines = [f"# lines in CHANGES.rst: {n_changes}", *current]
    text = "\n".join(lines) + "\n"
    (package.path / "API.txt").write_text(text, encoding="utf-8")
    return []


def current_api(package: Package) -> list[str]:
    """Return the public API of a package, as it is installed."""
    return list(describe_module(importlib.import_module(package.module)))
