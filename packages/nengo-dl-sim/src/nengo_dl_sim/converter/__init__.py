"""From a Keras model to a Nengo network: a registry, and a file a family of layers."""

# Importing a family is what registers its layers.
from . import activation_layers as activation_layers
from . import convolution as convolution
from . import dense as dense
from . import merging as merging
from . import normalization as normalization
from . import pooling as pooling
from . import recurrent as recurrent
from . import shapes as shapes
from . import training_only as training_only
from .accuracy_curve import AccuracyCurve as AccuracyCurve
from .converter import Converter as Converter
from .diagnosis import Diagnosis as Diagnosis
from .layer_converter import FallbackConverter as FallbackConverter
from .layer_converter import LayerConverter as LayerConverter
from .report import Report as Report
from .weights import Weight as Weight
