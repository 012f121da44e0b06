"""Small things that users may need."""

from nengo_dl_sim.utils import minibatch_generator as minibatch_generator
