"""The page of the guide on NIR says of all types what the simulator knows of them."""

import re

import pytest
from workspace import ROOT

from nengo_dl_sim.nir.verdicts import LEARNING_RULES, NEURONS, SYNAPSES, TRANSFORMS

PAGE = (ROOT / "docs/guide/nir.rst").read_text(encoding="utf-8")
TYPES = {**NEURONS, **SYNAPSES, **TRANSFORMS, **LEARNING_RULES}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_the_page_says_what_is_exact(kind):
    verdict = TYPES[kind]
    row_of = rf"^``{kind.__name__}`` +(exact|conditional|refused) *(.*)$"
    (row,) = re.findall(row_of, PAGE, re.MULTILINE)
    assert row[0] == verdict.kind
    if verdict.node:
        assert verdict.node.split(",")[0].split(" ")[0] in row[1]


def test_the_page_has_no_other_rows():
    rows = re.findall(
        r"^``(\w+)`` +(?:exact|conditional|refused)\b", PAGE, re.MULTILINE
    )
    assert set(rows) == {kind.__name__ for kind in TYPES}
