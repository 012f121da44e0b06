"""From Keras models to Nengo networks, under the names of NengoDL 3."""

from nengo_dl_sim import Converter as Converter
from nengo_dl_sim.converter import AccuracyCurve as AccuracyCurve
from nengo_dl_sim.converter import Diagnosis as Diagnosis
from nengo_dl_sim.converter import LayerConverter as LayerConverter
from nengo_dl_sim.converter import Report as Report
from nengo_dl_sim.converter import Weight as Weight
