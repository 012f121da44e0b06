"""Data of train and loss: what it may be, and how much of it is used."""

import numpy as np
import pytest
from helpers import sgd, simulator, total, weight
from leaky_memory import N_ITEMS, N_STEPS, filtered, remembering
from nengo.exceptions import ValidationError

from nengo_dl_sim import configure_settings


@pytest.fixture
def net():
    return remembering()


@pytest.mark.row("S013")
def test_only_the_last_step_is_kept(net):
    with net:
        configure_settings(keep_history=False)
    net.config[net.q].keep_history = True
    targets = net.t.copy()
    targets[:, :-1] = 1e3  # nobody looks at these
    with simulator(net, minibatch_size=N_ITEMS) as sim:
        for _ in range(2):
            sim.run_steps(N_STEPS, data={net.a: net.x})
        np.testing.assert_allclose(sim.data[net.p], 2 * net.x[:, -1:])
        assert sim.data[net.q].shape == (N_ITEMS, 2 * N_STEPS, 1)
        data = {net.a: net.x, net.p: targets}
        expected = np.mean((2 * net.x - targets)[:, -1] ** 2)
        assert sim.loss(data) == pytest.approx(expected, rel=1e-12)
        gradient = np.mean((2 * (2 * net.x - targets) * net.x)[:, -1])
        sim.train(data, sgd())
        assert weight(sim, net) == pytest.approx(2 - 0.125 * gradient, rel=1e-12)
        for steps in (N_STEPS, 8):  # written out, and as a loop
            x = np.ones((N_ITEMS, steps, 1))
            values = sim.run_batch({net.a: x}, {net.p: None, net.q: None})
            assert values[net.p].shape == (1, N_ITEMS, 1, 1)
            assert values[net.q].shape == (1, N_ITEMS, steps, 1)


@pytest.mark.row("S020")
def test_inputs_and_targets_are_one_argument(net):
    with simulator(net, minibatch_size=2) as sim:
        with pytest.raises(ValidationError, match="train: .*one dictionary"):
            sim.train({net.a: net.x}, {net.p: net.t}, sgd())


@pytest.mark.parametrize("data", [5, np.int64(5)])
@pytest.mark.row("S022")
def test_data_may_be_a_number_of_steps(net, data):
    with simulator(net, minibatch_size=3) as sim:
        assert sim.loss(data, {net.p: total}) == pytest.approx(3 * 5 * 1.0)
        values = sim.run_batch(data, {net.p: None})[net.p]
        np.testing.assert_allclose(values, np.ones((1, 3, 5, 1)))
        sim.train(data, sgd(0.01), objective={net.p: total})
        assert weight(sim, net) == pytest.approx(2 - 0.01 * 3 * 5 * 0.5)


@pytest.mark.row("S034")
def test_input_feeds_is_the_former_name(net):
    with simulator(net, minibatch_size=N_ITEMS) as sim:
        with pytest.warns(DeprecationWarning, match="Use `data`"):
            sim.run_steps(N_STEPS, input_feeds={net.a: net.x})
        np.testing.assert_allclose(sim.data[net.p], 2 * net.x)
        with pytest.raises(ValidationError, match="input_feeds.*got both"):
            sim.run_steps(N_STEPS, data={}, input_feeds={net.a: net.x})
        assert sim.n_steps == N_STEPS


@pytest.mark.parametrize("shape", [(N_ITEMS, 1), (N_ITEMS, N_STEPS, 1, 1)])
@pytest.mark.row("S076")
def test_data_of_the_wrong_rank_is_refused(net, shape):
    with simulator(net, minibatch_size=2) as sim:
        for use in (
            lambda data: sim.loss(data, {net.p: total}),
            lambda data: sim.train(data, sgd(), objective={net.p: total}),
            lambda data: sim.run_batch(data, {net.p: None}),
        ):
            with pytest.raises(ValidationError, match=r"rank 3 \(batch_size, n_steps"):
                use({net.a: np.zeros(shape)})


@pytest.mark.row("S087")
def test_fewer_items_than_a_minibatch(net):
    with simulator(net, minibatch_size=N_ITEMS + 1) as sim:
        for use in (
            lambda: sim.loss({net.a: net.x, net.p: net.t}),
            lambda: sim.train({net.a: net.x, net.p: net.t}, sgd()),
            lambda: sim.run_batch({net.a: net.x}, {net.p: None}),
        ):
            with pytest.raises(ValidationError, match="minibatch_size=7 items, got 6"):
                use()


@pytest.mark.parametrize("n_steps", [1, 3, 10])
@pytest.mark.row("S114")
def test_the_number_of_steps_is_that_of_the_data(net, n_steps):
    x = np.ones((2, n_steps, 1))
    with simulator(net, minibatch_size=2) as sim:
        assert sim.loss({net.a: x}, {net.p: total}) == pytest.approx(4 * n_steps)
        sim.train({net.a: x}, sgd(0.01), objective={net.p: total})
        assert weight(sim, net) == pytest.approx(2 - 0.01 * 2 * n_steps)
        with pytest.raises(ValidationError, match=f"{n_steps} steps.*got 2"):
            sim.loss({net.a: x, net.p: np.ones((2, 2, 1))})


@pytest.mark.parametrize("n_steps", [1, 7, 13])
@pytest.mark.row("S118")
def test_unrolling_never_rounds(net, n_steps):
    x = np.ones((2, n_steps, 1))
    with simulator(net, minibatch_size=2, unroll_simulation=5) as sim:
        sim.run_steps(n_steps, data={net.a: x})
        assert sim.n_steps == n_steps
        assert sim.data[net.p].shape == (2, n_steps, 1)
        np.testing.assert_allclose(sim.data[net.q], filtered(x), atol=1e-12)
        assert sim.loss({net.a: x}, {net.p: total}) == pytest.approx(4 * n_steps)
        values = sim.run_batch({net.a: x}, {net.q: None}, truncation=n_steps)[net.q]
        np.testing.assert_allclose(values[0], filtered(x), atol=1e-12)


@pytest.mark.row("S126")
def test_what_does_not_fill_a_minibatch_is_left_out(net):
    data = {net.a: net.x, net.p: net.t}
    with simulator(net, minibatch_size=4, seed=0) as sim:
        # Only of training: measures are of all items.
        assert sim.loss(data) == pytest.approx(np.mean((2 * net.x - net.t) ** 2))
        found = set()
        for _ in range(6):
            # With a rate of one the weight says which items there were.
            match = "6.*multiple.*4.*2 of them"
            with pytest.warns(UserWarning, match=match) as caught:
                sim.train(data, sgd(1.0), objective={net.p: None})
            assert caught[0].filename == __file__
            found.add(round(weight(sim, net) - 2, 9))
            assert len(caught) == 1
            sim.soft_reset(include_trainable=True)
    products = np.sum(net.x * net.t, axis=(1, 2))
    pairs = [(i, j) for i in range(6) for j in range(i)]
    possible = [-np.sum(np.delete(products, pair)) for pair in pairs]
    assert len(found) > 1  # the rest is another one each time
    for change in found:
        assert np.min(np.abs(np.array(possible) - change)) < 1e-8
