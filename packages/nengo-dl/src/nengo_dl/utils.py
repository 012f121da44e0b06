"""Small things that users may need."""

from typing import TYPE_CHECKING

from nengo_dl_sim.utils import cache_compilations as cache_compilations
from nengo_dl_sim.utils import check_cluster as check_cluster
from nengo_dl_sim.utils import minibatch_generator as minibatch_generator

from .removed_names import explain

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
