"""The command ``nengo-dl-bench spaun``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from .network import Lesions
from .report import report
from .session import ALL_TASKS, Results, Session, n_planned, run_session
from .trials import BACKENDS

COUNT = click.IntRange(min=1)

#: What can be taken away, by its name.
LESIONS = {
    "memory": Lesions(recurrence=0.0),
    "selection": Lesions(selection=0.0),
    "learning": Lesions(learning_rate=0.0),
    "vision": Lesions(shuffled_vision=True),
}


def _tasks(
    context: click.Context, option: click.Parameter, text: str
) -> tuple[str, ...]:
    """Divide names of tasks, and refuse those that there are not."""
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in ALL_TASKS]
    if unknown:
        raise click.BadParameter(
            f"expected some of {','.join(ALL_TASKS)}, with commas (got {text!r})"
        )
    return names


@click.command("spaun")
@click.option("--dims", type=COUNT, default=64, help="A multiple of 16.")
@click.option("--tasks", callback=_tasks, default="A1", help="As A1,A3.")
@click.option("--trials", type=COUNT, help="Of each task (as many as it asks for).")
@click.option("--minibatch", type=COUNT, default=10, help="Trials at once.")
@click.option("--seed", type=click.IntRange(min=0), default=0)
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="nengo_dl")
@click.option("--lesion", type=click.Choice(list(LESIONS)), help="Take this away.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, writable=True))
@click.option("--pictures", type=click.Path(file_okay=False), help="A folder.")
def spaun_command(
    dims: int,
    tasks: tuple[str, ...],
    trials: int | None,
    minibatch: int,
    seed: int,
    backend: str,
    lesion: str | None,
    json_file: str | None,
    pictures: str | None,
) -> None:
    """Let one network of spiking neurons do tasks: it sees digits, and draws answers.

    Printed are how many answers are right, as an independent reader reads them, and
    how long it took. With --pictures, a figure of each trial (but of A2) shows what was
    seen and drawn, and what went on inside. The file of --json is written after each
    minibatch: what is interrupted is not lost.
    """
    session = Session(
        tasks,
        dims,
        trials,
        minibatch,
        seed,
        backend,
        LESIONS[lesion] if lesion else Lesions(),
        pictures is not None,
    )
    results = _run(session, json_file)
    click.echo(report(results))
    if pictures is not None:
        _save_pictures(results, pictures)


def _run(session: Session, json_file: str | None) -> Results:
    """Run a session; save what there is of it again and again."""
    total = sum(n_planned(session, task) for task in session.tasks)
    # Not to where results go: it says how far this is.
    with click.progressbar(length=total, label="building", file=sys.stderr) as bar:
        for results in run_session(session):
            bar.label = results.scores[-1].task
            bar.update(sum(s.trials for s in results.scores) - bar.pos)
            if json_file is not None:
                _save(results, Path(json_file))
    return results


def _save(results: Results, path: Path) -> None:
    """Write a file at once: an interruption leaves the one before."""
    written = path.with_name(path.name + ".part")
    written.write_text(json.dumps(results.as_json(), indent=1) + "\n")
    written.replace(path)


def _save_pictures(results: Results, folder: str) -> None:
    # Imported here, because only this needs Matplotlib.
    from .pictures import save_drawings, save_pictures

    for task, answers in results.answers.items():
        place = Path(folder) / task
        paths = save_pictures(answers, results.session.dimensions, place)
        save_drawings(answers[:10], place / "drawings.png")
        click.echo(f"{len(paths)} figures in {place}")
