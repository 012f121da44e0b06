"""Let every public name of an object link to the one place that describes it."""

from functools import reduce
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def _find(name: str) -> Any:
    """Return the object of a name, None if there is none."""
    package, *parts = name.split(".")
    try:
        return reduce(getattr, parts, import_module(package))
    except (AttributeError, ImportError):
        return None


def _described(found: Any, short_name: str, names: list[str]) -> str | None:
    """Return which of the names that end in ``short_name`` is one of the object."""
    for name in names:
        if name.rpartition(".")[2] == short_name and _find(name) is found:
            return name
    return None


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    if node.get("refdomain") != "py":
        return None
    target, module = node["reftarget"], node.get("py:module")
    domain = env.domains["py"]
    for name in (f"{module}.{target}", target):
        found = _find(name) if name.startswith("nengo_dl") else None
        if found is not None:
            described = _described(found, name.rpartition(".")[2], [*domain.objects])
            return described and domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", described, node, content
            )
    return None


def setup(app: Sphinx) -> dict:
    """Resolve what Sphinx did not find."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
