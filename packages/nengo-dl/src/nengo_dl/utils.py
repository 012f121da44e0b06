"""Small things that users may need."""

from nengo_dl_sim.utils import cache_compilations as cache_compilations
from nengo_dl_sim.utils import minibatch_generator as minibatch_generator
