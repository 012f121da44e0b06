"""The command ``nengo-dl-bench``."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict

import click
from nengo.exceptions import NengoException

from nengo_dl_spaun_bench.benchmark import Benchmark
from nengo_dl_spaun_bench.measure import Measurement, measure
from nengo_dl_spaun_bench.networks import NETWORKS, NEURON_TYPES
from nengo_dl_spaun_bench.version import version

COUNT = click.IntRange(min=1)


@click.group(context_settings={"show_default": True})
@click.version_option(version, prog_name="nengo-dl-bench")
def main() -> None:
    """Time the standard benchmark networks in NengoDL."""


@main.command("list")
def list_networks() -> None:
    """Show the networks and the neuron types."""
    click.echo("Networks (--net):")
    for name, build in NETWORKS.items():
        click.echo(f"  {name:<16}{_summary(build)}")
    click.echo("Neuron types (--neuron):")
    for name, neuron_type in NEURON_TYPES.items():
        click.echo(f"  {name:<16}nengo.{neuron_type.__name__}")


@main.command("run")
@click.option("--net", type=click.Choice(list(NETWORKS)), required=True)
@click.option("--dims", type=COUNT, default=128, help="Dimensions of the network.")
@click.option("--neurons-per-d", type=COUNT, default=50, help="For each dimension.")
@click.option("--neuron", type=click.Choice(list(NEURON_TYPES)), default="relu")
@click.option("--minibatch", type=COUNT, default=1, help="Examples at once.")
@click.option("--steps", type=COUNT, default=1000, help="Timesteps of 1 ms.")
@click.option("--train", is_flag=True, help="Time an epoch of training, not a run.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    net: str,
    dims: int,
    neurons_per_d: int,
    neuron: str,
    minibatch: int,
    steps: int,
    train: bool,
    as_json: bool,
) -> None:
    """Time one network: construction, build, compile and steady state apart."""
    benchmark = Benchmark(
        net=net,
        dimensions=dims,
        neurons_per_d=neurons_per_d,
        neuron=neuron,
        minibatch_size=minibatch,
        n_steps=steps,
        workload="train" if train else "run",
    )
    try:
        measurement = measure(benchmark)
    except NengoException as error:
        # What Nengo refuses is for the user to read, not for us to debug.
        message = " ".join(str(error).split())
        raise click.ClickException(f"{type(error).__name__}: {message}") from error
    click.echo(json.dumps(asdict(measurement)) if as_json else report(measurement))


def report(measurement: Measurement) -> str:
    """
    Describe a measurement in a few lines.

    Parameters
    ----------
    measurement : Measurement
        What was measured.

    Returns
    -------
    text : str
        The lines, for people to read.
    """
    bench, steady = measurement.benchmark, measurement.steady_s
    spread = f"min {steady.min:.4g}, max {steady.max:.4g}, n = {steady.n}"
    machine = measurement.machine
    versions = ", ".join(f"{name} {v}" for name, v in machine.versions.items())
    rows = {
        "network": f"{bench.net}, {bench.dimensions} dimensions, "
        f"{measurement.n_neurons} neurons ({bench.neuron})",
        "workload": f"{bench.workload}, {bench.n_steps} steps, "
        f"minibatch {bench.minibatch_size}",
        "construction": f"{measurement.construction_s:.4g} s",
        "build": f"{measurement.build_s:.4g} s",
        "compile": f"{measurement.compile_s:.4g} s",
        "steady": f"{steady.median:.4g} s ({spread})",
        "per step": f"{1e6 * steady.median / bench.n_steps:.4g} us",
        "real time": f"{measurement.real_time_factor:.4g} x",
        "machine": f"{machine.n_cpus} CPUs, {machine.platform}",
        "versions": versions,
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _summary(build: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(build) or "").partition("\n")[0]
