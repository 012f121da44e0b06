"""What a network costs in operations."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..data.arrays import leave_targets
from ..data.data_adapter import DataAdapter
from ..data.from_fit import pass_data
from ..data.keras_forms import UserData
from ..execution.jit_policy import Mode, check_xla, choose_mode
from ..execution.step_errors import python_errors
from ..gc_paused import gc_paused
from ..inspection.simulation_data import SimulationData
from ..operation_counts.count import count
from ..operation_counts.counting_program import CountingProgram
from ..operation_counts.operation_counts import OperationCounts
from ..operation_counts.products import Population, connections
from ..operation_counts.weights import current_weights
from .save import SaveMixin


class CountMixin(SaveMixin):
    """The methods of a simulator that count operations."""

    data: SimulationData
    _counting: CountingProgram | None = None

    def count_operations(
        self, data: Any, n_steps: int | None = None
    ) -> OperationCounts:
        """
        Run the network on data, and count its operations and spikes.

        Every item starts from the beginning of a simulation, with the current
        parameters. The simulation is not touched, and probes record nothing. What is
        counted takes memory that does not grow with the number of steps.

        Parameters
        ----------
        data : array_like or list or dict or None
            Values for nodes, ``(n_items, n_steps, size) array``, as in `predict`: by
            node or name, or in order. None: nodes compute their own output.
            Also a data set or a generator of minibatches.
        n_steps : int, optional
            The number of steps; needed if no values are given.

        Returns
        -------
        counts : OperationCounts
            NeuroBench's metrics of the network, of each connection and of each
            ensemble: for an item on average, for each item, and in total.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Examples
        --------
        >>> with nengo.Network(seed=0) as net:
        ...     ens = nengo.Ensemble(50, 1, label="ens")
        ...     out = nengo.Node(size_in=1)
        ...     conn = nengo.Connection(ens, out)
        >>> with Simulator(net, progress_bar=False) as sim:
        ...     counts = sim.count_operations(None, n_steps=100)
        >>> counts.synaptic_operations["Dense"]
        5000.0
        """
        self._check_open("count_operations")
        checked = self._check_counted(data, n_steps)
        self._engine.runner.check_length(checked.n_steps)
        with self._working(), gc_paused():
            self._check_workers(checked, "count_operations")
            program = self._counting_program()
            weights = current_weights(
                self.model, program.products, self._simulation.value, self._encoders
            )
            mode = self._mode(program, checked)
        biases = {each.ensemble: self._n_biases(each) for each in program.populations}
        with self._working(), python_errors(program.program):
            return count(program, self.model, weights, biases, checked, self.seed, mode)

    def close(self) -> None:
        """
        Close the simulator: it cannot run any more.

        ``data`` and ``signals`` stay readable, with the values that they have.
        Compiled functions and TensorFlow's variables are given up.
        """
        if self._counting is not None:
            self._counting.close()
            self._counting = None
        super().close()

    def _check_counted(self, data: Any, n_steps: int | None) -> DataAdapter:
        user_data = UserData(data, n_steps=n_steps, check=leave_targets)
        try:
            return pass_data(self._engine, self._names, user_data)
        except ValidationError as error:
            if error.attr != "x":
                raise
            raise ValidationError(error.args[0], attr="data") from error

    def _counting_program(self) -> CountingProgram:
        """Make the program that counts, or take the last one, with current values."""
        as_built = self._engine.parameters.as_built
        if self._counting is not None and self._counting.relies_on_values > as_built:
            self._counting.close()
            self._counting = None
        if self._counting is None:
            self._counting = CountingProgram(self._engine)
        self._counting.take_values(self._engine)
        return self._counting

    def _mode(self, program: CountingProgram, data: DataAdapter) -> Mode:
        """Decide how the steps are executed."""
        compiled = program.program
        n_items = data.n_batches or 1
        python = compiled.runs_python
        mode = choose_mode(
            self.jit_compile, compiled.step_size, python, n_items * data.n_steps
        )
        if mode is Mode.GRAPH or check_xla(self.jit_compile, compiled.unknown_to_xla):
            return mode
        return Mode.GRAPH

    def _encoders(self, ens: nengo.Ensemble) -> np.ndarray:
        encoders = np.asarray(self.data[ens].scaled_encoders)
        # Of those that every item learns for itself, the first.
        return encoders[0] if encoders.ndim == 3 else encoders

    def _n_biases(self, neurons: Population) -> int:
        """Count biases, and gains in front of neurons, that change something."""
        ens, found = neurons.ensemble, self.data[neurons.ensemble]
        driven = any(conn.post_obj == ens.neurons for conn in connections(self.model))
        n_biases = np.size(found.bias) if np.any(found.bias) else 0
        scales = driven and np.any(np.asarray(found.gain) != 1)
        return n_biases + (np.size(found.gain) if scales else 0)
