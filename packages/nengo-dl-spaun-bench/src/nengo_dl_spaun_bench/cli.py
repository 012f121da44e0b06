"""The command ``nengo-dl-bench``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import click
from nengo.exceptions import NengoException

from .benchmark import Benchmark
from .compare import compare
from .measure import Measurement, measure
from .networks import NETWORKS, NEURON_TYPES
from .spaun.command import spaun_command
from .tables import save_plot, summary, table
from .version import version

COUNT = click.IntRange(min=1)
NEURON = click.Choice(list(NEURON_TYPES))
STEPS = "Timesteps of 1 ms (cuba: 0.1 ms)."

STANDARD = tuple(name for name in NETWORKS if name not in ("spaun", "spaun_like"))
"""What is compared unless something else is asked for."""

DIMENSIONS = {
    "pes": 64,
    "random_network": 64,
    "feed_forward": 16,
    "cuba": 80,
    "spaun": 64,
    "spaun_like": 16,
}
"""Sizes of networks, where 128 dimensions would be many more neurons than of others."""

NEURONS = {"cuba": "lif", "spaun": "lif"}
"""Neuron types of networks, where rectified linear neurons would not be as usual."""

SCALED = "cuba"
"""The network of which there is a usual size, that ``--scale`` multiplies."""


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
@click.option("--dims", type=COUNT, help="Dimensions (128; 80 of cuba).")
@click.option("--scale", type=COUNT, help="Of cuba: times 4,000 neurons.")
@click.option("--neurons-per-d", type=COUNT, default=50, help="For each dimension.")
@click.option("--neuron", type=NEURON, help="The neuron type (relu; lif of cuba).")
@click.option("--minibatch", type=COUNT, default=1, help="Examples at once.")
@click.option("--steps", type=COUNT, default=1000, help=STEPS)
@click.option("--train", is_flag=True, help="Time an epoch of training, not a run.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    net: str,
    dims: int | None,
    scale: int | None,
    neurons_per_d: int,
    neuron: str | None,
    minibatch: int,
    steps: int,
    train: bool,
    as_json: bool,
) -> None:
    """Time one network: construction, build, compile and steady state apart."""
    _check_scale([net], dims, scale)
    benchmark = Benchmark(
        net=net,
        dimensions=_dimensions(net, dims, scale, {SCALED: DIMENSIONS[SCALED]}),
        neurons_per_d=neurons_per_d,
        neuron=neuron or NEURONS.get(net, "relu"),
        minibatch_size=minibatch,
        n_steps=steps,
        workload="train" if train else "run",
    )
    with _told_in_one_line():
        measurement = measure(benchmark)
    click.echo(json.dumps(asdict(measurement)) if as_json else report(measurement))


@main.command("compare")
@click.option("--against", default="nengo", help="Another backend that is installed.")
@click.option(
    "--net", "nets", type=click.Choice(list(NETWORKS)), multiple=True, default=STANDARD
)
@click.option("--dims", type=COUNT, help="Dimensions (128; of some networks 64 or 80).")
@click.option("--scale", type=COUNT, help="Of cuba: times 4,000 neurons.")
@click.option("--neurons-per-d", type=COUNT, default=50, help="For each dimension.")
@click.option("--neuron", type=NEURON, help="The neuron type (relu; lif of cuba).")
@click.option("--minibatch", "sizes", type=COUNT, multiple=True, default=(1,))
@click.option("--steps", type=COUNT, default=1000, help=STEPS)
@click.option("--pairs", type=COUNT, default=5, help="How often each is timed.")
@click.option("--inference-only", is_flag=True, help="Use the setting of this name.")
@click.option("--plot", type=click.Path(dir_okay=False, writable=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
def compare_networks(
    against: str,
    nets: tuple[str, ...],
    dims: int | None,
    scale: int | None,
    neurons_per_d: int,
    neuron: str | None,
    sizes: tuple[int, ...],
    steps: int,
    pairs: int,
    inference_only: bool,
    plot: str | None,
    as_json: bool,
) -> None:
    """Run networks in NengoDL and another backend by turns; compare the steady state.

    Options --net and --minibatch may be given several times. Times are for each item
    of a minibatch. The last column is the largest difference of the outputs, next to
    the largest output: NengoDL computes in single precision.
    """
    _check_scale(nets, dims, scale)
    benchmarks = [
        Benchmark(
            net,
            _dimensions(net, dims, scale, DIMENSIONS),
            neurons_per_d,
            neuron or NEURONS.get(net, "relu"),
            n,
            steps,
        )
        for net in nets
        for n in sizes
    ]
    found = []
    with _told_in_one_line():
        for number, one in enumerate(benchmarks, start=1):
            found.append(compare(one, against, pairs, inference_only))
            # Not to where results go: it says how far this is.
            click.echo(f"{number} of {len(benchmarks)}: {summary(found[-1])}", err=True)
    if plot is not None:
        save_plot(found, plot)
    click.echo(json.dumps([asdict(c) for c in found]) if as_json else table(found))


def _check_scale(nets: Sequence[str], dims: int | None, scale: int | None) -> None:
    """Refuse a scale that would change nothing."""
    if scale is not None and (dims is not None or SCALED not in nets):
        raise click.UsageError(
            f"--scale: expected --net {SCALED}, whose size it sets, and no --dims"
        )


def _dimensions(
    net: str, dims: int | None, scale: int | None, usual: Mapping[str, int]
) -> int:
    """Return how many dimensions a network is to have."""
    default = usual.get(net, 128)
    if scale is not None and net == SCALED:
        return scale * default
    return dims or default


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """What Nengo refuses is for the user to read, not for us to debug."""
    try:
        yield
    except NengoException as error:
        message = " ".join(str(error).split())
        raise click.ClickException(f"{type(error).__name__}: {message}") from error


main.add_command(spaun_command)


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
