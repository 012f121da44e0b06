"""The settings of a network: where they are kept, and which one counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import nengo
from nengo.builder import Model
from nengo.ensemble import Neurons
from nengo.exceptions import NetworkContextError, ValidationError

from .table import SETTINGS, Setting, SettingParam, find_setting

#: What applies to the nearest network of a context, and to the networks in it.
_OF_NETWORKS = (
    "activity_regularizer",
    "constraint",
    "regularizer",
    "trainable",
    "trainable_neurons",
    "trainable_synapse",
    "training_mode",
)


def configure_settings(**settings: Any) -> None:
    """
    Set how the network of the current context is simulated and trained.

    A call without arguments sets nothing, but makes the settings available in the
    network's config, for example ``net.config[nengo.Network].planner``.

    Parameters
    ----------
    activity_regularizer : keras.regularizers.Regularizer or str or callable or None
        The penalty of what ensembles or nodes give, which training adds to what it
        minimises: a function of the outputs of a step, ``(minibatch_size, size)
        tf.Tensor``, that returns a number. As in Keras this is divided by the number
        of items; of several steps the mean counts. The output of an ensemble is that
        of its neurons, as probes of these record it: in training rates in Hz (in
        direct mode: its value). May be set for a type, an object or a network; the
        nearest setting counts, as for ``regularizer``, but what is set for a network
        applies to its ensembles only. `.Simulator.fit`, `.Simulator.evaluate` and
        `.Simulator.train` count it in. Default: None.
    constraint : keras.constraints.Constraint or str or callable or None
        Applied to parameters after each change by training, as in Keras: a function
        of their values, in the shape of ``sim.data[obj]``, that returns others. It is
        set, and applies, like ``trainable``, and to what is trained only. Default:
        None.
    dtype : {"float16", "float32", "float64"} or tf.DType
        The type of floating point signals. Default: ``"float32"``, unless Nengo's
        configuration asks for another ``[precision]`` than its own default, 64 bits.
    inference_only : bool
        If True, nothing is trainable, and the simulation is simplified by the values
        of everything that cannot change. Default: False.
    keep_history : bool
        If False, a run keeps only its last value of each probe. May be set for a
        single probe, ``net.config[probe].keep_history = False``. Default: True.
    learning_phase : bool or None
        If True, neurons and layers always compute what they do in training (spiking
        neurons by default their rates), and if False never. None (default): in
        training they do.
    lif_smoothing : float or None
        If given, LIF neurons are trained as ``SoftLIFRate`` with this ``sigma``, else
        as ``nengo.LIFRate`` (where ``training_mode`` is ``"rate"`` or
        ``"spike_aware"``).
    planner : callable
        Orders the operators, and merges those for which one computation can serve:
        ``planner(operators, merge_key)`` returns a list of tuples of operators, those
        of each tuple with equal ``merge_key(operator)``. Default: `.greedy_planner`;
        also `.tree_planner`, `.transitive_planner`, `.noop_planner`.
    pure_functions : bool or None
        Whether functions of nodes without input may be called for many steps at once,
        before these are simulated, as their results follow from the time alone. If
        None (default), they may unless other Python code runs in the steps, with which
        they could share an object. If False, they are called step by step.
    reduction_dtype : {"float16", "float32"} or None
        The type of numbers in which gradients go from worker to worker, where several
        train together. With ``"float16"`` they are scaled, so that none is too large,
        and have 11 bits. None (default): the type that they are computed in.
    regularizer : keras.regularizers.Regularizer or str or callable or None
        The penalty of parameters, which training adds to what it minimises, as in
        Keras: a function of their values, in the shape of ``sim.data[obj]``, that
        returns a number. It is set, and applies, like ``trainable``, and to what is
        trained only. `.Simulator.fit`, `.Simulator.evaluate` and `.Simulator.train`
        count it in; `.Simulator.loss` is of objectives only. Default: None.
    remat_steps : int or None
        How many steps of training are computed again at a time for gradients, instead
        of keeping what they computed: training through many steps takes less memory,
        and up to half as much time again. Default: None, nothing is computed again.
    session_config : dict
        Options that TensorFlow 1 had for sessions, and that still mean something, by
        name: ``"gpu_options.allow_growth"`` and ``"allow_soft_placement"`` (booleans),
        ``"intra_op_parallelism_threads"`` and ``"inter_op_parallelism_threads"``
        (numbers). They are applied to the whole process when a `.Simulator` of the
        network is made; most can be changed only before TensorFlow has computed
        anything.
    simplifications : list of callable
        Each returns simpler operators with the same effect:
        ``simplification(operators, fixed)``, where ``fixed`` holds the signals that
        keep their initial values. Applied until nothing changes. Default:
        ``DEFAULT_SIMPLIFICATIONS``, or ``RUN_ONLY_SIMPLIFICATIONS`` with
        ``inference_only``.
    sorter : callable
        Orders the operators within the groups of a plan: ``sorter(plan, constants)``.
        Default: `.order_signals`; also `.noop_order_signals`.
    stateful : bool
        If False, runs do not change the state of the simulation: each starts from the
        same. Default: True.
    trainable : bool or None
        What `.Simulator.train` changes. Applies to the nearest network of the
        context, and to the networks in it; instead of what was set for types there
        before. None (default): connection weights,
        encoders and biases, but not what an online learning rule changes, which is
        state of the simulation. If that is set to True, training changes the values
        that it starts from, and a warning says so. May be set for a type, an object
        or a network, ``net.config[nengo.Ensemble].trainable = False``,
        ``net.config[ens].trainable = True``, ``net.config[subnet].trainable = False``.
        The nearest setting counts: of the object itself, of the network it is in, of
        its type in that network, and so on outwards. The value of an ensemble is
        that of its encoders and biases, unless there is one for ``ens.neurons``, or
        for the type ``nengo.ensemble.Neurons``, which is that of the biases.
    trainable_neurons : list of str, or dict from str to bool or str
        Parameters of neuron types that training changes, besides those that
        ``trainable`` is about: ``["tau_rc"]``. For all neurons of an ensemble there is
        one value; with ``{"tau_rc": "elementwise"}`` each neuron has its own. Default:
        none. They stay within their bounds: ``tau_rc`` and ``tau_n`` above a time step,
        ``tau_ref``, ``amplitude``, ``inc_n`` and ``sigma`` above 0, ``min_voltage``
        below 0. ``gain`` is that of each neuron, above 0, apart from its encoder.
        ``base_type.tau_rc`` is that of the rates which ``RegularSpiking`` and the like
        make into spikes. ``initial_voltage`` is that of each neuron, between 0
        (``min_voltage``) and the threshold; it needs a surrogate gradient as
        ``training_mode``. May be set for a type, an ensemble or a network, as
        ``trainable`` may; what is set for types and networks applies to the types of
        neurons that have the parameter.
    trainable_synapse : bool or "elementwise"
        Whether training changes the time constants of the synapses of connections
        (``Lowpass`` and ``Alpha``), coefficients of filters (``LinearFilter``) and
        delays (``nengo_dl.Delay``): one value for each
        connection, or with ``"elementwise"`` one for each of its dimensions. Time
        constants stay above a time step, filters stable, and delays below their
        ``max_delay``.
        Default: False. May be set for a type, a connection or a network, as
        ``trainable`` may; what is set for types and networks applies to the synapses
        of these types.
    training_mode : str or Surrogate or callable
        What neurons that spike do in training. ``"rate"``, or None (default): they give
        rates.
        ``"spike_aware"``: they spike as in a run, with the gradient of their rates. A
        surrogate gradient, such as ``nengo_dl.surrogates.ATan()``: they spike as in a
        run, and gradients go through time and through all that they remember. A
        function: a surrogate gradient of one's own (see
        ``nengo_dl.surrogates.CustomSurrogate``). May be set for a type, an ensemble or
        a network, as ``trainable`` may: ``net.config[ens].training_mode = "rate"``.
    use_loop : bool
        If False, steps are written out one after another instead of as a loop. Then
        every run has as many steps as ``Simulator(unroll_simulation=...)`` says.
        Default: True.
    worker_timeout : float or None
        How long a worker waits for another one, in seconds, where several train
        together; then it ends with an error. None: as long as it takes. Default: 60.

    Raises
    ------
    nengo.exceptions.NetworkContextError
        If called outside of a ``with network`` block.
    nengo.exceptions.ConfigError
        If there is no such setting.
    nengo.exceptions.ValidationError
        If a value does not fit its setting. Nothing is set then.

    Examples
    --------
    >>> with nengo.Network() as net:
    ...     configure_settings(dtype="float64", trainable=None)
    ...     ens = nengo.Ensemble(10, 1)
    >>> net.config[ens].trainable = False
    >>> net.config[nengo.Connection].regularizer = "l2"
    """
    if len(nengo.Network.context) == 0:
        raise NetworkContextError(
            "configure_settings must be called inside a `with network:` block"
        )
    values = {name: find_setting(name).check(value) for name, value in settings.items()}
    *outer, network = nengo.Network.context
    toplevel = next((net for net in outer if network in net.all_networks), network)
    _add_parameters(toplevel, SETTINGS.values())
    _add_parameters(network, [SETTINGS[name] for name in _OF_NETWORKS])
    for name, value in values.items():
        if name in _OF_NETWORKS:
            _set_default(network, name, value)
        else:
            setattr(toplevel.config[SETTINGS[name].classes[0]], name, value)


def get_setting(
    model_or_network: Model | nengo.Network | None,
    setting: str,
    default: Any = None,
    obj: Any = None,
) -> Any:
    """
    Return the value of a setting.

    Parameters
    ----------
    model_or_network : nengo.builder.Model or nengo.Network or None
        The top-level network, or the model that it was built into.
    setting : str
        An argument of `.configure_settings`.
    default : optional
        The value if nothing is set. None: the default of `.configure_settings`.
    obj : nengo object, optional
        The object the setting is for, if it can be set for single objects: a probe
        for ``keep_history``, a network, connection, ensemble or neurons for
        ``trainable``, ``regularizer`` and ``constraint``, a network, ensemble or
        neurons for ``training_mode`` and ``trainable_neurons``, a network or connection
        for ``trainable_synapse``, and a node, too, for ``activity_regularizer``. For an
        object that is not in the network, the settings of its type count.

    Returns
    -------
    value
        The nearest value that is not None.

    Raises
    ------
    nengo.exceptions.ConfigError
        If there is no such setting.
    nengo.exceptions.ValidationError
        If the first argument is neither a network nor a model.
    """
    entry = find_setting(setting)
    network = model_or_network
    if isinstance(network, Model):
        network = network.toplevel
    elif network is not None and not isinstance(network, nengo.Network):
        raise ValidationError(
            f"expected a Network, or the Model of one, got {network!r:.100}",
            attr="model_or_network",
        )
    value = None
    if network is not None:
        key = entry.classes[0] if obj is None else obj
        path = () if obj is None else _path(network, obj)
        is_node = isinstance(obj, nengo.Node) and nengo.Node in entry.classes
        find = setting_of_type if is_node else nearest_setting
        value = find(path or (network,), key, setting)
    if value is None:
        value = default
    return entry.default if value is None else value


def own_settings(network: nengo.Network) -> dict[str, Any]:
    """Return what was set for all of a network, but for what is trainable."""
    entries = [entry for entry in SETTINGS.values() if entry.name != "trainable"]
    values = {
        entry.name: nearest_setting((network,), entry.classes[0], entry.name)
        for entry in entries
    }
    return {name: value for name, value in values.items() if value is not None}


def nearest_setting(networks: Sequence[nengo.Network], obj: Any, setting: str) -> Any:
    """
    Return the value of a setting that is nearest to an object.

    Returns the nearest value that is not None; None if there is none.
    """
    values = _values_outwards(networks, obj, setting)
    return next((value for value in values if value is not None), None)


def setting_of_type(networks: Sequence[nengo.Network], obj: Any, setting: str) -> Any:
    """Return what is set nearest to an object, for itself or for its type, or None."""
    keys = (obj, type(obj))
    found = (_value(net, key, setting) for key in keys for net in reversed(networks))
    return next((value for value in found if value is not None), None)


def own_setting(networks: Sequence[nengo.Network], obj: Any, setting: str) -> Any:
    """Return the value of a setting that is given for one object, or None."""
    parts = [obj, obj.ensemble] if isinstance(obj, Neurons) else [obj]
    found = (_value(net, one, setting) for one in parts for net in reversed(networks))
    return next((value for value in found if value is not None), None)


def members(
    network: nengo.Network, kind: str, outer: tuple[nengo.Network, ...] = ()
) -> Iterator[tuple[tuple[nengo.Network, ...], Any]]:
    """Yield objects (``kind``: such as "ensembles") with the networks around them."""
    networks = (*outer, network)
    for obj in getattr(network, kind):
        yield networks, obj
    for subnetwork in network.networks:
        yield from members(subnetwork, kind, networks)


def _add_parameters(network: nengo.Network, settings: Iterable[Setting]) -> None:
    config = network.config
    for setting in settings:
        for cls in setting.classes:
            if cls not in config.params:
                config.configures(cls)
            if setting.name not in config.params[cls].extra_params:
                config.params[cls].set_param(setting.name, SettingParam(setting))


def _set_default(network: nengo.Network, name: str, value: Any) -> None:
    # As default of the parameters, not as value of the types: so that a value given
    # to one type (say ensembles) is not hidden by that of another (their neurons).
    for cls in SETTINGS[name].classes:
        params = network.config[cls]
        params.get_param(name).default = value
        if name in params:  # set before: the last word counts
            delattr(params, name)


def _path(network: nengo.Network, obj: Any) -> tuple[nengo.Network, ...]:
    """Return the networks around an object, from the outermost inwards."""
    obj = obj.ensemble if isinstance(obj, Neurons) else obj
    members = itertools.chain([network], *network.objects.values())
    if any(obj is member for member in members):
        return (network, obj) if obj in network.networks else (network,)
    for subnetwork in network.networks:
        path = _path(subnetwork, obj)
        if path:
            return (network, *path)
    return ()


def _values_outwards(
    networks: Sequence[nengo.Network], obj: Any, name: str
) -> Iterator[Any]:
    parts = [obj, obj.ensemble] if isinstance(obj, Neurons) else [obj]
    for part in parts:
        for network in reversed(networks):
            yield _value(network, part, name)
    for depth, network in reversed(list(enumerate(networks))):
        for outer in reversed(networks[: depth + 1]):
            yield _value(outer, network, name)
        for part in parts:
            yield _value(network, part if isinstance(part, type) else type(part), name)
        yield _value(network, nengo.Network, name)
        yield _default(network, name)


def _value(network: nengo.Network, key: Any, name: str) -> Any:
    """Return what is set for a type or object in a network's own config, or None."""
    # Not by config[key]: that makes an entry for every object it is asked for.
    for entry in key.__mro__ if isinstance(key, type) else (key,):
        params = network.config.params.get(entry)
        try:
            if params is not None and name in params:
                return getattr(params, name)
        except AttributeError:  # the config of this type has no such parameter
            continue
    return None


def _default(network: nengo.Network, name: str) -> Any:
    """Return what `configure_settings` was given for all types at once, or None."""
    params = network.config.params.get(nengo.Network)
    if params is None or name not in params.extra_params:
        return None
    default = params.get_param(name).default
    return None if default == SETTINGS[name].default else default
