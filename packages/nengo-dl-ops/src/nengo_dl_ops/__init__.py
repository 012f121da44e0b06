"""How one simulation step is computed: the operator builders of Nengo in TensorFlow."""

# Importing a module is what registers its builders.
from .builder import Builder as Builder
from .builder import OpBuilder as OpBuilder
from .config import BuildConfig as BuildConfig
from .convolution import ConvIncBuilder as ConvIncBuilder
from .copies import CopyBuilder as CopyBuilder
from .linear_filter import LinearFilterBuilder as LinearFilterBuilder
from .neurons import NeuronBuilder as NeuronBuilder
from .neurons import NeuronState as NeuronState
from .neurons import SimNeuronsBuilder as SimNeuronsBuilder
from .neurons import SoftLIFRate as SoftLIFRate
from .processes import ProcessBuilder as ProcessBuilder
from .processes import SimProcessBuilder as SimProcessBuilder
from .products import DotIncBuilder as DotIncBuilder
from .products import ElementwiseIncBuilder as ElementwiseIncBuilder
from .resets import ResetBuilder as ResetBuilder
from .resets import SimProbeBuilder as SimProbeBuilder
from .resets import TimeUpdateBuilder as TimeUpdateBuilder
from .version import version as __version__  # noqa: F401
