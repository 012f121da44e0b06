"""Callbacks for training and prediction, beside those of Keras."""

from nengo_dl_sim.callbacks import IsolateState as IsolateState
from nengo_dl_sim.callbacks import NengoSummaries as NengoSummaries
from nengo_dl_sim.callbacks import SpikeCounts as SpikeCounts
from nengo_dl_sim.callbacks import TensorBoard as TensorBoard
