"""Progress bars of the methods of a simulator: where they show, and what."""

import numpy as np
import pytest
from helpers import sgd, total
from networks import labelled

from nengo_dl_sim import Simulator


@pytest.fixture
def net():
    return labelled()


@pytest.mark.row("S080")
def test_bars_can_be_switched_off(net, capsys, terminal):
    def shown():
        return capsys.readouterr().err

    with Simulator(net) as sim:
        assert "Building" in shown()
        sim.run_steps(2)
        assert "Simulating" in shown()
        sim.run(0.002, progress_bar=False)
        sim.run_steps(2, progress_bar=False)
        sim.step()
        assert shown() == ""
        sim.step(progress_bar=True)
        assert "Simulating" in shown()
    with Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
        sim.loss(2, {net.p: total})
        sim.train(2, sgd(), objective={net.p: total})
        assert shown() == ""
        sim.run_steps(2, progress_bar=True)
        assert "Simulating" in shown()


@pytest.mark.row("S081")
def test_bars_show_loss_and_remaining_time(net, capsys, terminal):
    x = np.ones((8, 2, 1))
    with Simulator(net, minibatch_size=2) as sim:
        capsys.readouterr()
        sim.loss({net.a: x}, {net.p: total})
        lines = capsys.readouterr().err.replace("\r", "\n")
        assert "Calculating loss" in lines and "100%" in lines
        loss = sim.loss({net.a: x}, {net.p: total}, progress_bar=False)
        sim.train({net.a: x}, sgd(0.0), objective={net.p: total}, n_epochs=2)
        lines = capsys.readouterr().err.replace("\r", "\n").strip().split("\n")
        assert "Training   0%" in lines[0] and "ETA" in lines[0]
        assert "100%" in lines[-1]
        shown = float(lines[-1].split("loss:")[1])
        assert shown == pytest.approx(loss, rel=1e-3)
