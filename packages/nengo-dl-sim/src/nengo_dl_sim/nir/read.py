"""Files of NIR, from anybody: what is in them is checked before it is read."""

from __future__ import annotations

from math import prod
from os import PathLike, fspath
from typing import Any

from nengo.exceptions import ValidationError

from .package import h5py_package, nir_package

#: Filters of HDF5 that are part of h5py: deflate, shuffle, fletcher32, szip, nbit,
#: scaleoffset, lzf. Others would be loaded as a plugin.
_FILTERS = {1, 2, 3, 4, 5, 6, 32000}

_MAX_DEPTH = 32
_MAX_OBJECTS = 100_000


class Budget:
    """How many bytes may still be taken."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.left = max_bytes

    def take(self, n_bytes: int, name: str) -> None:
        """Count bytes that something needs, or say that they are too many."""
        self.left -= n_bytes
        if self.left < 0:
            raise ValidationError(
                f"expected a graph of at most {self.max_bytes:,} bytes, got more: "
                f"{name} alone needs {n_bytes:,}. Give a larger max_bytes if you trust "
                "where it comes from",
                attr="max_bytes",
            )


def read_graph(path: str | PathLike, budget: Budget) -> Any:
    """Read a ``nir.NIRGraph`` from a file."""
    path = fspath(path)
    try:
        with h5py_package().File(path, "r") as file:
            content = _Reader(path, budget).group(file, "", 0)
    except (FileNotFoundError, ValidationError):
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ValidationError(
            f"expected a NIR file (HDF5), got {path}, which is truncated, damaged or "
            f"of another kind: {error}",
            attr="path",
        ) from error
    if not isinstance(content.get("node"), dict):
        raise ValidationError(
            f"expected a NIR file, with a group 'node', got {path}, which is an HDF5 "
            f"file with {sorted(content)}",
            attr="path",
        )
    return make_node(content["node"], "node")


class _Reader:
    """Reads groups of a file into dictionaries."""

    def __init__(self, path: str, budget: Budget) -> None:
        self.path = path
        self.budget = budget
        self.n_objects = 0
        self.h5py = h5py_package()

    def group(self, group: Any, name: str, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise self._refused(name, f"groups nested up to {_MAX_DEPTH} deep")
        return {
            key: self._member(group, key, f"{name}/{key}", depth)
            for key in group.keys()
        }

    def _member(self, group: Any, key: str, name: str, depth: int) -> Any:
        self.n_objects += 1
        if self.n_objects > _MAX_OBJECTS:
            raise self._refused(name, f"at most {_MAX_OBJECTS:,} arrays and groups")
        if not isinstance(group.get(key, getlink=True), self.h5py.HardLink):
            raise self._refused(name, "no links to other places or files")
        member = group[key]
        if isinstance(member, self.h5py.Group):
            return self.group(member, name, depth + 1)
        if not isinstance(member, self.h5py.Dataset):
            raise self._refused(name, "groups and arrays")
        return self._dataset(member, name)

    def _dataset(self, dataset: Any, name: str) -> Any:
        is_text = self.h5py.check_string_dtype(dataset.dtype) is not None
        if not is_text and dataset.dtype.kind not in "biuf":
            raise self._refused(name, f"numbers or text, not {dataset.dtype}")
        if dataset.shape is None:
            raise self._refused(name, "arrays that are not empty")
        plist = dataset.id.get_create_plist()
        filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
        if dataset.is_virtual or dataset.external or filters - _FILTERS:
            raise self._refused(name, "arrays that are in the file, in plain HDF5")
        self.budget.take(prod(dataset.shape) * dataset.dtype.itemsize, repr(name))
        if is_text:
            text = dataset.asstr()[()]
            return text if dataset.shape == () else text.tolist()
        return dataset[()]

    def _refused(self, name: str, expected: str) -> ValidationError:
        return ValidationError(
            f"expected a NIR file with {expected}, got {self.path}, where {name!r} "
            "is something else",
            attr="path",
        )


def make_node(content: dict[str, Any], name: str) -> Any:
    """Make a node of NIR, or a graph, from what a file holds."""
    nir = nir_package()
    kind = content.get("type")
    if kind == "NIRGraph":
        return _make_graph(content, name)
    known = {cls.__name__: cls for cls in nir.NIRNode.__subclasses__()}
    if not isinstance(kind, str) or kind not in known:
        raise ValidationError(
            f"expected a node of a type that nir {nir.__version__} knows "
            f"({', '.join(sorted(known))}), got {kind!r:.100} for the node {name!r}",
            attr="path",
        )
    try:
        return known[kind].from_dict(dict(content))
    except (AssertionError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValidationError(
            f"expected what a {kind} of NIR consists of, got for the node {name!r}: "
            f"{_explained(error)}",
            attr="path",
        ) from error


def _explained(error: Exception) -> str:
    if isinstance(error, (KeyError, AttributeError)):
        return f"no array, or not of the right kind: {error}"
    return str(error) or type(error).__name__


def _make_graph(content: dict[str, Any], name: str) -> Any:
    nodes, edges = content.get("nodes"), content.get("edges")
    nodes = {} if nodes is None else nodes
    if not isinstance(nodes, dict) or not all(
        isinstance(node, dict) for node in nodes.values()
    ):
        raise ValidationError(
            f"expected groups as the nodes of the graph {name!r}, got something else",
            attr="path",
        )
    pairs = [] if edges is None or len(edges) == 0 else edges
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in pairs
    ):
        raise ValidationError(
            f"expected (n_edges, 2) names as the edges of the graph {name!r}, got "
            f"{edges!r:.100}",
            attr="path",
        )
    metadata = content.get("metadata")
    return nir_package().NIRGraph(
        nodes={key: make_node(node, f"{name}.{key}") for key, node in nodes.items()},
        edges=[tuple(pair) for pair in pairs],
        metadata=metadata if isinstance(metadata, dict) else {},
        type_check=False,
    )
