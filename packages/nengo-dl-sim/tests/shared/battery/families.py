"""All families by name: a table, and how one of its rows joins the network."""

from .neurons import NEURONS, add_neurons
from .processes import FUNCTIONS, PROCESSES, add_process
from .rules import RULES, add_rule
from .synapses import SYNAPSES, add_synapse
from .transforms import TRANSFORMS, add_transform

FAMILIES = {
    "neurons": (NEURONS, add_neurons),
    "synapses": (SYNAPSES, add_synapse),
    "transforms": (TRANSFORMS, add_transform),
    "rules": (RULES, add_rule),
    "processes": ([*PROCESSES, *FUNCTIONS], add_process),
}
