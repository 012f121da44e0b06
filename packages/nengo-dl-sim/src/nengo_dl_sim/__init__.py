"""The simulator: from a Nengo network to compiled steps, runs and training."""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from .converter import Converter as Converter
from .errors import InferenceOnlyError as InferenceOnlyError
from .errors import UnknownObjectError as UnknownObjectError
from .settings.config import configure_settings as configure_settings
from .settings.config import get_setting as get_setting
from .simulator.simulator import Simulator as Simulator
from .version import version as __version__  # noqa: F401
