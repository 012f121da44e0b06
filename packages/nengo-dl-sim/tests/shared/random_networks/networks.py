"""Random networks."""

import nengo
from hypothesis import assume
from hypothesis import strategies as st
from nengo.exceptions import NengoException

from .connections import add_connection
from .dice import Dice
from .objects import Made, add_input, add_object
from .probes import add_probes
from .rules import add_learning


@st.composite
def networks(draw):
    """Build networks of a few small objects."""
    dice, made = Dice(draw), Made()
    with nengo.Network(seed=dice.integer(0, 99)) as net:
        try:
            _fill(dice, net, made)
        except NengoException:
            assume(False)
    return net


def _fill(dice, net, made):
    for _ in range(dice.integer(1, 2)):
        add_input(dice, made)
    for _ in range(dice.integer(1, 4)):
        add_object(dice, made)
    for _ in range(dice.integer(1, 8)):
        add_connection(dice, made)
    if dice.chance(40):
        add_learning(dice, made)
    add_probes(dice, net, made)
