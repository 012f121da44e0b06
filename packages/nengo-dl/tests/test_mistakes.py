"""What new users do wrong is explained, and the guide's table says what is said."""

import re
import runpy
from pathlib import Path

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_dl

MISTAKES = runpy.run_path(str(Path(__file__).with_name("mistakes.py")))["MISTAKES"]
ROWS = [row for rows in MISTAKES.values() for row in rows]
ROOT = Path(__file__).parents[3]
TOOL = ROOT / "tools" / "mistakes_table.py"


def make_names():
    """Make what the code of the rows is about."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node([0.5], label="source")
        ens = nengo.Ensemble(10, 1, label="ens")
        nengo.Connection(source, ens)
        probe = nengo.Probe(ens, label="probe")
    with nengo.Network():
        other = nengo.Node([0.0], label="other")
    options = {"progress_bar": False, "jit_compile": False}
    sim, fresh, closed = (
        nengo_dl.Simulator(net, minibatch_size=4, **options) for _ in range(3)
    )
    sim.compile("sgd", "mse")
    closed.close()
    return {
        **{"nengo": nengo, "nengo_dl": nengo_dl, "np": np, "keras": keras, "tf": tf},
        **{"net": net, "source": source, "ens": ens, "probe": probe, "other": other},
        **{"sim": sim, "fresh": fresh, "closed": closed},
        **{"x": np.zeros((4, 10, 1)), "y": np.ones((4, 10, 1))},
        **{"adam": keras.optimizers.Adam(), "model": keras.Sequential()},
    }


@pytest.fixture(scope="module")
def names():
    names = make_names()
    yield names
    for name in ("sim", "fresh"):
        names[name].close()


@pytest.mark.parametrize("row", ROWS, ids=[row.code for row in ROWS])
def test_mistake_is_explained(row, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    n_objects = len(names["net"].all_objects)
    with np.errstate(all="ignore"), pytest.raises(Exception) as caught:
        exec(row.code, dict(names))
    assert caught.type.__name__ == row.error
    message = re.sub(r" at 0x[0-9a-f]+", "", str(caught.value))
    parts = [row.at_fault, row.expected, row.got, row.to_do if row.said else ""]
    for part in parts:
        assert part in message
    assert len(names["net"].all_objects) == n_objects
    assert names["sim"].n_steps == 0
    assert list(tmp_path.iterdir()) == []


def test_rows_differ():
    assert len({row.code for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.skipif(not TOOL.is_file(), reason="the guide is not here")
def test_the_guide_has_the_table():
    tool = runpy.run_path(str(TOOL))
    page = tool["PAGE"].read_text(encoding="utf-8")
    assert tool["with_table"](page) == page, "run: python tools/mistakes_table.py"
