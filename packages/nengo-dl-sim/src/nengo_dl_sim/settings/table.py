"""The table of settings: what each is set on, what it accepts, and its default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import nengo
import numpy as np
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo.exceptions import ConfigError, ValidationError
from nengo.params import Parameter
from nengo.rc import RC_DEFAULTS, rc

from nengo_dl_ops import Surrogate

from ..checks import whole_number
from .session_config import OPTIONS, convert_session_config


def _boolean(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError
    return bool(value)


def _boolean_or_none(value: Any) -> bool | None:
    return None if value is None else _boolean(value)


def _callable(value: Any) -> Callable:
    if not callable(value):
        raise TypeError
    return value


def _callables(value: Any) -> tuple[Callable, ...]:
    return tuple(_callable(item) for item in value)


def _regularizer(value: Any) -> Callable | None:
    return None if value is None else keras.regularizers.get(value)


def _constraint(value: Any) -> Callable | None:
    return None if value is None else keras.constraints.get(value)


def _count_or_none(value: Any) -> int | None:
    if value is None:
        return None
    count = whole_number(value)
    if count is None:
        raise TypeError
    if count < 1:
        raise ValueError
    return count


def _positive_or_none(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (bool, str)) or not 0 < float(value) < np.inf:
        raise ValueError
    return float(value)


def _training_mode(value: Any) -> Any:
    is_known = isinstance(value, Surrogate) or value in (None, "rate", "spike_aware")
    if not is_known and (not callable(value) or isinstance(value, type)):
        raise TypeError
    return value


def _synapses(value: Any) -> bool | str | None:
    if isinstance(value, str):
        if value != _ELEMENTWISE:
            raise ValueError
        return value
    return _boolean_or_none(value)


def _neurons(value: Any) -> dict[str, bool] | None:
    """Return for each parameter that is trained whether each neuron has its own."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple, Mapping)):
        raise TypeError
    given = value if isinstance(value, Mapping) else dict.fromkeys(value, True)
    if not all(isinstance(name, str) for name in given):
        raise TypeError
    chosen = {name: _synapses(each) for name, each in given.items()}
    return {name: each == _ELEMENTWISE for name, each in chosen.items() if each}


def _reduction_dtype(value: Any) -> str | None:
    if value not in (None, "float16", "float32"):
        raise ValueError
    return value


def _dtype(value: Any) -> str:
    # Not Python's float: TensorFlow and NumPy disagree on what it means.
    known = (str, tf.DType, np.dtype)
    if not (isinstance(value, known) or value in np.sctypeDict.values()):
        raise TypeError
    name = value if isinstance(value, str) else tf.as_dtype(value).name
    if name not in ("float16", "float32", "float64"):
        raise ValueError
    return name


def dtype_of_nengo() -> str | None:
    """
    Return the type that Nengo was told to use.

    Returns what ``bits`` in the section ``[precision]`` of Nengo's configuration asks
    for; None if that is Nengo's own default of 64, which is nobody's wish.
    """
    default = f"float{RC_DEFAULTS['precision']['bits']}"
    name = str(rc.float_dtype.name)
    return None if name == default else name


@dataclass(frozen=True)
class Setting:
    """
    A setting of a network.

    Parameters
    ----------
    name : str
        Its name.
    default : object
        Its value if nothing is set.
    classes : tuple of type
        The types of objects it may be set on.
    expected : str
        What a value is, for error messages.
    convert : callable
        Returns the value to store, or raises TypeError or ValueError.
    """

    name: str
    default: Any
    classes: tuple[type, ...]
    expected: str
    convert: Callable[[Any], Any]

    def check(self, value: Any) -> Any:
        """Check a value."""
        try:
            return self.convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValidationError(
                f"expected {self.expected}, got {value!r}", attr=self.name
            ) from error


#: Each element has a value of its own.
_ELEMENTWISE = "elementwise"

_NETWORK = (nengo.Network,)
_PARAMETERS = (nengo.Network, nengo.Connection, nengo.Ensemble, Neurons)

_NEURONS = (nengo.Network, nengo.Ensemble, Neurons)
_ACTIVITIES = (*_NEURONS, nengo.Node)
_MODES = (
    "'rate', 'spike_aware', a surrogate gradient such as nengo_dl.surrogates.ATan(), "
    "or a function from distances to derivatives"
)

_OPTIONS = (
    f"a dictionary with options among {', '.join(OPTIONS)} (others of TensorFlow 1's "
    "sessions have no meaning in TensorFlow 2)"
)
_OF_WEIGHTS = "of Keras, its name, a function of weights, or None"

SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            "activity_regularizer",
            None,
            _ACTIVITIES,
            "a regularizer of Keras, its name, a function of outputs, or None",
            _regularizer,
        ),
        Setting(
            "constraint", None, _PARAMETERS, f"a constraint {_OF_WEIGHTS}", _constraint
        ),
        Setting("dtype", "float32", _NETWORK, "float16, float32 or float64", _dtype),
        Setting("inference_only", False, _NETWORK, "True or False", _boolean),
        Setting("keep_history", True, (nengo.Probe,), "True or False", _boolean),
        Setting(
            "learning_phase", None, _NETWORK, "True, False or None", _boolean_or_none
        ),
        Setting(
            "lif_smoothing", None, _NETWORK, "a positive number", _positive_or_none
        ),
        Setting("planner", None, _NETWORK, "a function of operators", _callable),
        Setting(
            "pure_functions", None, _NETWORK, "True, False or None", _boolean_or_none
        ),
        Setting(
            "regularizer",
            None,
            _PARAMETERS,
            f"a regularizer {_OF_WEIGHTS}",
            _regularizer,
        ),
        Setting("remat_steps", None, _NETWORK, "a positive integer", _count_or_none),
        Setting("session_config", {}, _NETWORK, _OPTIONS, convert_session_config),
        Setting("simplifications", None, _NETWORK, "a list of functions", _callables),
        Setting(
            "reduction_dtype",
            None,
            _NETWORK,
            "'float16', 'float32' or None",
            _reduction_dtype,
        ),
        Setting("sorter", None, _NETWORK, "a function of a plan", _callable),
        Setting("stateful", True, _NETWORK, "True or False", _boolean),
        Setting(
            "trainable", None, _PARAMETERS, "True, False or None", _boolean_or_none
        ),
        Setting(
            "trainable_neurons",
            None,
            _NEURONS,
            "a list of names of parameters, such as ['tau_rc'], or a dictionary from "
            "these to True, False or 'elementwise'",
            _neurons,
        ),
        Setting(
            "trainable_synapse",
            None,
            (nengo.Network, nengo.Connection),
            "True, False, 'elementwise' or None",
            _synapses,
        ),
        Setting("training_mode", None, _NEURONS, _MODES, _training_mode),
        Setting("use_loop", True, _NETWORK, "True or False", _boolean),
        Setting(
            "worker_timeout",
            60.0,
            _NETWORK,
            "a positive number of seconds, or None",
            _positive_or_none,
        ),
    )
}


class SettingParam(Parameter):
    """A setting as a parameter of Nengo's config system."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.name, default=setting.default, optional=True)
        self.setting = setting

    def coerce(self, instance: Any, value: Any) -> Any:
        """Check a value that is set on a type or an object."""
        del instance
        return self.setting.check(value)


def find_setting(name: str) -> Setting:
    """Return a setting by its name."""
    if name not in SETTINGS:
        raise ConfigError(
            f"{name!r} is not a valid config parameter, expected one of: "
            + ", ".join(SETTINGS)
        )
    return SETTINGS[name]
