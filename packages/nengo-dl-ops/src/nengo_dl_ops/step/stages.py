"""Stages of a step: each is computed for many steps before the next one begins."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from nengo_dl_signals import SignalLayout, TensorSignal

from ..op_builder import OpBuilder
from .group_uses import GroupUses, mask_of, signals_of
from .state import StateArray

#: A loop of its own costs about as much as so many multiplications in each step: what
#: it lets be computed for all steps at once must be worth it.
_WORTH_A_LOOP = 50_000


@dataclass(frozen=True, eq=False)
class Stage:
    """
    Groups that are computed for many steps before the next stage begins.

    Parameters
    ----------
    groups : list of OpBuilder
        The groups, in order.
    batched : bool
        Whether all steps are computed at once, with time as a part of the batch axis;
        else they are a loop.
    states : list of int
        Which of the program's state arrays the loop carries.
    taken : (n_rows,) array of bool
        Rows of which the loop takes the values in its step from stages before it.
    before, after : list of TensorSignal
        Elements that later stages read, in the beginning of a step (what the step
        before has left) and at its end.
    outputs : list of hashable
        Which of the program's outputs are known at the end of a step of the loop.
    """

    groups: list[OpBuilder]
    batched: bool
    states: list[int]
    taken: np.ndarray
    before: list[TensorSignal]
    after: list[TensorSignal]
    outputs: list[Hashable]


@dataclass(frozen=True, eq=False)
class Stages:
    """
    All of a step, stage by stage.

    Parameters
    ----------
    stages : list of Stage
        The stages, in order.
    n_bytes : int
        How much memory the values between stages take, for one step of one item.
    """

    stages: list[Stage]
    n_bytes: int


def one_stage(
    groups: Sequence[OpBuilder],
    layout: SignalLayout,
    states: Sequence[StateArray],
    outputs: Mapping[Hashable, TensorSignal],
) -> Stages:
    """Let all groups be one loop."""
    nothing = np.zeros(layout.n_rows, dtype=bool)
    every = list(range(len(states)))
    stage = Stage(list(groups), False, every, nothing, [], [], list(outputs))
    return Stages([stage], 0)


def split_in_stages(
    groups: Sequence[OpBuilder],
    layout: SignalLayout,
    states: Sequence[StateArray],
    outputs: Mapping[Hashable, TensorSignal],
    training: bool,
    minibatch_size: int,
) -> Stages:
    """
    Tell what has to wait for the step before from what does not.

    Groups that need each other's results of the step before share a loop. All others
    are computed for all steps, before or after that: so products between layers of
    neurons that spike, which remember, are products of large matrices.

    Parameters
    ----------
    groups : list of OpBuilder
        The groups of a step, in order.
    layout : SignalLayout
        Where their signals are.
    states : list of StateArray
        What a step leaves for the next one.
    outputs : dict from hashable to TensorSignal
        What may be read at the end of a step.
    training : bool
        Whether the differentiable approximation is computed.
    minibatch_size : int
        The number of items.

    Returns
    -------
    stages : Stages
        Of every group once.
    """
    uses = [GroupUses(layout, group, training) for group in groups]
    graph = _Graph(layout, uses, states, outputs)
    cut = graph.cut()
    later = [groups[k] for part in cut[1:] if part.batched for k in part.groups]
    products = sum(_n_products(op) for group in later for op in group.ops)
    gain = products * minibatch_size
    # Python code is shown all of the state, so there is one loop for all of it.
    python = any(group.python for group in groups)
    if python or gain < _WORTH_A_LOOP * sum(not part.batched for part in cut):
        cut = graph.cut(n_loops=1)
    return graph.stages(cut)


@dataclass(frozen=True)
class _Part:
    """The numbers of groups that make up a stage."""

    groups: list[int]
    batched: bool


class _Graph:
    """
    Which groups need which others, in the same step or in the one before.

    Groups that need each other, or that cannot be told apart, are one component.
    """

    def __init__(
        self,
        layout: SignalLayout,
        uses: list[GroupUses],
        states: Sequence[StateArray],
        outputs: Mapping[Hashable, TensorSignal],
    ) -> None:
        self.layout = layout
        self.uses = uses
        self.states = states
        self.outputs = outputs
        self.is_state = mask_of(layout, (array.signal.rows for array in states))
        self.is_updated = mask_of(layout, (use.updates for use in uses))
        self.first, self.last = _writers(layout, [use.writes for use in uses])
        edges = {*self._edges(), *self._bonds()}
        self.component, self.needed = self._components(edges)

    def _edges(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of groups of which the second needs what the first computes."""
        # Who wrote each row last, in the step so far.
        here = np.full(self.layout.n_rows, -1, dtype=np.int32)
        last = self.last
        for k, use in enumerate(self.uses):
            # What is updated is read before that, whatever the order of the groups.
            updated = self.is_updated[use.reads]
            sources = [here[use.reads[~updated]], last[use.reads[updated]]]
            for source in np.unique(np.concatenate([*sources, last[use.previous]])):
                if source >= 0:
                    yield int(source), k
            here[use.sets] = k

    def _bonds(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of groups that stay together, in both directions."""
        for together in self._together():
            for one, other in pairwise(sorted(together)):
                yield one, other
                yield other, one

    def _together(self) -> Iterator[Iterable[int]]:
        uses = list(enumerate(self.uses))
        # Python code may share objects, and layers may share variables.
        yield [k for k, use in uses if use.group.python]
        yield [
            k for k, use in uses if any(not v.trainable for v in use.group.variables)
        ]
        for array in self.states:
            # Matrices that every item has of its own would be kept for all steps.
            readers = self._readers(array.signal.rows) if array.batch_first else set()
            yield self._writers(array.signal.rows) | readers
        for k, use in uses:
            # What all items share, such as the time, would become one value for each.
            yield {k, *self._readers(use.shared)}
        for signal in self.outputs.values():
            if np.any(self.is_updated[signal.rows]):
                yield self._writers(signal.rows)

    def _writers(self, rows: np.ndarray) -> set[int]:
        # Who writes between the first and the last is needed by one, and needs one.
        writers = np.unique([self.first[rows], self.last[rows]]).tolist()
        return {k for k in writers if 0 <= k < len(self.uses)}

    def _readers(self, rows: np.ndarray) -> set[int]:
        if len(rows) == 0:
            return set()
        mask = mask_of(self.layout, [rows])
        return {k for k, use in enumerate(self.uses) if np.any(mask[use.reads])}

    def _components(
        self, edges: Iterable[tuple[int, int]]
    ) -> tuple[np.ndarray, list[set[int]]]:
        """Return the component of each group, and what components each one needs."""
        n = len(self.uses)
        pairs = np.array(sorted(edges), dtype=int).reshape(-1, 2)
        matrix = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(n, n))
        n_components, component = connected_components(matrix, connection="strong")
        needed: list[set[int]] = [set() for _ in range(n_components)]
        self._returns = np.zeros(n_components, dtype=bool)
        for source, target in pairs:
            if component[source] != component[target]:
                needed[component[target]].add(int(component[source]))
            else:
                self._returns[component[target]] = True
        return component, needed

    def _is_batched(self, component: int) -> bool:
        """Whether all steps of a component can be computed at once."""
        groups = np.flatnonzero(self.component == component)
        use = self.uses[groups[0]]
        alone = len(groups) == 1 and not self._returns[component]
        # What is left to the next step is computed in its step.
        return alone and use.memoryless and not np.any(self.is_state[use.writes])

    def cut(self, n_loops: int | None = None) -> list[_Part]:
        """Arrange the components in few stages; in so many loops at most."""
        batched = [self._is_batched(c) for c in range(len(self.needed))]
        waiting, done = list(range(len(batched))), set[int]()
        parts: list[_Part] = []
        kind = True
        while waiting:
            n_before = sum(not part.batched for part in parts)
            rest = not kind and n_loops is not None and n_before == n_loops - 1
            taken = waiting if rest else self._ready(waiting, done, kind, batched)
            done |= set(taken)
            waiting = [c for c in waiting if c not in done]
            groups = np.flatnonzero(np.isin(self.component, taken)).tolist()
            if groups:
                parts.append(_Part(groups, kind))
            kind = not kind
        return parts

    def _ready(
        self, waiting: Iterable[int], done: set[int], kind: bool, batched: list[bool]
    ) -> list[int]:
        """Return components of one kind that need no waiting one of the other kind."""
        taken: list[int] = []
        rest = [c for c in waiting if batched[c] is kind]
        while found := [c for c in rest if self.needed[c] <= done | set(taken)]:
            taken += found
            rest = [c for c in rest if c not in found]
        return taken

    def stages(self, cut: list[_Part]) -> Stages:
        """Find out what stages hand to each other."""
        writes = [[self.uses[k].writes for k in part.groups] for part in cut]
        first, last = _writers(self.layout, [np.concatenate(rows) for rows in writes])
        place = {
            k: int(max(last[sig.rows], default=-1)) for k, sig in self.outputs.items()
        }
        known = [key for key, n in place.items() if n < 0 or cut[n].batched]
        needed = mask_of(self.layout, (self.outputs[key].rows for key in known))
        stages, n_rows = [], 0
        for number, part in reversed([*enumerate(cut)]):
            outputs = [k for k, n in place.items() if n == number and k not in known]
            uses = [self.uses[k] for k in part.groups]
            handed = needed & mask_of(self.layout, (use.writes for use in uses))
            reads = mask_of(self.layout, (use.reads for use in uses))
            reads |= mask_of(self.layout, (self.outputs[k].rows for k in outputs))
            stages.append(self._stage(part, reads & (first < number), handed, outputs))
            needed |= reads
            n_rows += int(handed.sum())
        return Stages(stages[::-1], 8 * n_rows)

    def _stage(
        self,
        part: _Part,
        taken: np.ndarray,
        handed: np.ndarray,
        outputs: list[Hashable],
    ) -> Stage:
        written = mask_of(self.layout, (self.uses[k].writes for k in part.groups))
        python = any(self.uses[k].group.python for k in part.groups)
        states = [
            k
            for k, array in enumerate(self.states)
            if python or np.any(written[array.signal.rows])
        ]
        loop = not part.batched
        return Stage(
            [self.uses[k].group for k in part.groups],
            part.batched,
            states,
            taken,
            self._elements(handed & self.is_updated) if loop else [],
            self._elements(handed & ~self.is_updated) if loop else [],
            outputs,
        )

    def _elements(self, rows: np.ndarray) -> list[TensorSignal]:
        """Return elements at some rows, those of each type as one signal."""
        found = []
        for dtype, of_dtype in self._dtypes.items():
            some = np.flatnonzero(rows & of_dtype)
            if len(some):
                label = "values between stages"
                found.append(TensorSignal(some, some.shape, (), dtype, None, label))
        return found

    @cached_property
    def _dtypes(self) -> dict[str, np.ndarray]:
        """Which written rows have which type."""
        found: dict[str, np.ndarray] = {}
        for use in self.uses:
            for sig in dict.fromkeys(
                signals_of(use.group.ops, "sets", "incs", "updates")
            ):
                signal = self.layout[sig]
                empty = np.zeros(self.layout.n_rows, dtype=bool)
                found.setdefault(signal.dtype, empty)[signal.rows] = True
        return found


def _writers(
    layout: SignalLayout, writes: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last of those who write each row."""
    # Of rows that nobody writes the first is after all of them, the last before.
    first = np.full(layout.n_rows, len(writes), dtype=np.int32)
    last = np.full(layout.n_rows, -1, dtype=np.int32)
    for number, rows in enumerate(writes):
        first[rows] = np.minimum(first[rows], number)
        last[rows] = number
    return first, last


def _n_products(op: Operator) -> int:
    """Return how many multiplications an operator takes, at least."""
    if isinstance(op, (ConvInc, ConvTransposeInc)):
        return int(op.W.size * op.Y.size // op.conv.n_filters)
    return max((sig.size for sig in op.reads if sig.ndim > 1), default=0)
