"""What parameters, and initial values of state, are called in files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import nengo
from nengo.builder import Model
from nengo.builder.signal import Signal

from nengo_dl_ops.operators.transformed_parameters import UNBOUNDED

from ..settings.trainable import probe_connections, written_signals
from ..settings.trained_parameters import TrainedParameters, trained_encoders

_TRAINED = ("encoders", "bias", "weights")

#: How the names of initial values begin that a file need not have: a network with
#: other neurons has others.
INITIAL = "initial/"

#: So many characters of a label are part of a name; positions tell names apart.
_LONGEST_LABEL = 1000


def parameter_names(model: Model, network: nengo.Network | None) -> dict[Signal, str]:
    """
    Name the signals that make up the parameters of a network.

    The names depend only on the order in which objects were made and on their
    labels: networks made by the same code have the same names.

    ``network``: the top-level network. If None, nothing has a name. Names are, for
    example, ``"connections/2 (label)/weights"``. The position is that in
    ``network.all_connections``. Holds every base signal that belongs to an object and
    is constant, and those that training may change.
    """
    names: dict[Signal, str] = {}
    written = written_signals(model)
    for name, key, signal in _named_signals(model, network):
        if signal.base not in written or key in _TRAINED:
            names.setdefault(signal.base, name)
    return names


def initial_names(
    model: Model, network: nengo.Network | None, others: Collection[Signal]
) -> dict[Signal, str]:
    """
    Name what a network writes, to tell of its initial values.

    ``network``: the top-level network. If None, nothing has a name. Names are, for
    example, ``"initial/ensembles/0/voltage"``. What is learned online has the name of a
    parameter, such as ``"connections/2/weights"``: it would be one if nothing were
    learned. Some of these signals are set anew in every step, and have no initial value
    that counts.
    """
    names: dict[Signal, str] = {}
    written = written_signals(model)
    for name, key, signal in _named_signals(model, network):
        if signal.base in written and signal.base not in others:
            prefix = "" if key in _TRAINED else INITIAL
            names.setdefault(signal.base, f"{prefix}{name}")
    return names


def gain_signals(
    model: Model, network: nengo.Network | None, scaled: Collection[Signal]
) -> dict[nengo.Ensemble, Signal]:
    """
    Make signals of the gains of ensembles, which Nengo keeps to itself.

    ``network``: the top-level network. If None, there are none. ``scaled``: scaled
    encoders whose gain is a parameter of its own. Returns signals that no operator
    reads, for other ensembles with neurons.
    """
    ensembles = [] if network is None else network.all_ensembles
    built = {ens: model.params[ens] for ens in ensembles if ens in model.params}
    return {
        ens: Signal(params.gain, name=f"{ens}.gain", readonly=True)
        for ens, params in built.items()
        if params.gain is not None and model.sig[ens]["encoders"] not in scaled
    }


def gain_names(
    gains: Mapping[nengo.Ensemble, Signal],
    network: nengo.Network | None,
    taken: Collection[str],
) -> dict[Signal, str]:
    """
    Name the gains of ensembles.

    ``taken``: names of other parameters, such as those of somebody's own type of
    neurons.
    """
    ensembles = [] if network is None else network.all_ensembles
    names = {
        gains[ens]: f"{_prefix('ensembles', i, ens)}/gain"
        for i, ens in enumerate(ensembles)
        if ens in gains
    }
    return {sig: name for sig, name in names.items() if name not in taken}


def name_parameters(
    model: Model,
    network: nengo.Network,
    inputs: Collection[Signal],
    starts: Mapping[Signal, Signal],
    scales: Sequence[Signal],
    gains: Mapping[nengo.Ensemble, Signal],
    trained: TrainedParameters,
) -> dict[Signal, str]:
    """
    Name all parameters; those that belong to no object, by their number.

    ``starts``: the start of what is learned online, and encoders without gain, which
    have the name of what they stand for.
    """
    of_objects = parameter_names(model, network)
    computed = _computed(trained)
    constants = [sig for sig in _constants(model, inputs) if sig not in computed]
    nameless = [sig for sig in constants if sig not in of_objects]
    numbered = {sig: f"constants/{i}" for i, sig in enumerate(nameless)}
    return {
        **{sig: of_objects.get(sig) or numbered[sig] for sig in constants},
        **{start: of_objects[base] for base, start in starts.items()},
        **{sig: f"learning_rules/{i}/scale" for i, sig in enumerate(scales)},
        **gain_names(gains, network, of_objects.values()),
        **_trained_names(model, network, trained),
    }


def _computed(trained: TrainedParameters) -> set[Signal]:
    """Return what is no constant any more, since its gain is trained."""
    found = trained_encoders(trained)
    others = {sig for parts in found.values() for sig in parts.others}
    return {sig.base for sig in found} | others


def _trained_names(
    model: Model, network: nengo.Network, trained: TrainedParameters
) -> dict[Signal, str]:
    """Name what is trained of synapses and neurons."""
    names = {}
    for prefix, obj in _named_objects(model, network):
        where = f"{prefix}/synapse" if isinstance(obj, nengo.Connection) else prefix
        for part in trained[obj].parameters if obj in trained else ():
            # The value itself follows from it, unless there are no bounds.
            kind = "" if part.bounds == UNBOUNDED else "unconstrained_"
            names[part.unconstrained] = f"{where}/{kind}{part.name}"
    return names


def _constants(model: Model, inputs: Collection[Signal]) -> list[Signal]:
    """Return what a model reads and never writes, whatever is simplified."""
    written = written_signals(model)
    read = dict.fromkeys(sig.base for op in model.operators for sig in op.reads)
    return [sig for sig in read if sig not in written and sig not in inputs]


def _named_signals(
    model: Model, network: nengo.Network | None
) -> Iterator[tuple[str, str, Signal]]:
    """Yield the signals of objects, with their names and what they are to Nengo."""
    for prefix, obj in _named_objects(model, network):
        for key, signal in model.sig.get(obj, {}).items():
            if signal is not None:
                yield f"{prefix}/{key}", key, signal


def _named_objects(
    model: Model, network: nengo.Network | None
) -> Iterator[tuple[str, object]]:
    """Yield objects with the beginning of the names of their signals."""
    if network is None:
        return
    for i, ensemble in enumerate(network.all_ensembles):
        yield _prefix("ensembles", i, ensemble), ensemble
        yield _prefix("ensembles", i, ensemble), ensemble.neurons
    for i, node in enumerate(network.all_nodes):
        yield _prefix("nodes", i, node), node
    for i, connection in enumerate(network.all_connections):
        yield _prefix("connections", i, connection), connection
    decoding = probe_connections(model)
    for i, probe in enumerate(network.all_probes):
        yield _prefix("probes", i, probe), decoding.get(probe, probe)


def _prefix(kind: str, position: int, obj: nengo.base.NengoObject) -> str:
    if obj.label is None:
        return f"{kind}/{position}"
    label = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in obj.label)
    if len(label) > _LONGEST_LABEL:  # a file cannot hold names of any length
        label = f"{label[:_LONGEST_LABEL]}..."
    return f"{kind}/{position} ({label})"
