"""What the guide says of names is what the packages have."""

import inspect
import re

import nengo
import pytest
from workspace import ROOT

import nengo_dl
from nengo_dl import surrogates
from nengo_dl_sim.settings.table import SETTINGS

GUIDE = ROOT / "docs" / "guide"
ROW = re.compile(r"\* - ``([\w.]+)(?:\((.*)\))?``\n +- .*\n +- (.*)")


def rows():
    """Return names, arguments and remarks of the tables on migration."""
    text = (GUIDE / "coming_from_nengodl.rst").read_text()
    return ROW.findall(text)


SAME = [(name, args) for name, args, now in rows() if now.startswith("same")]


@pytest.fixture(scope="module")
def sim():
    """Make a simulator whose attributes can be looked at."""
    with nengo.Network() as net:
        nengo.Node([0.0])
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        yield sim


def test_tables_are_read():
    assert len(SAME) > 50
    assert {"sim", "nengo_dl"} == {name.split(".")[0] for name, _ in SAME}


@pytest.mark.parametrize("name, args", SAME, ids=[name for name, _ in SAME])
def test_what_is_called_the_same_exists(sim, name, args):
    found = {"sim": sim, "nengo_dl": nengo_dl}[name.split(".")[0]]
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    if args:
        # Nengo's metaclass hides what a class takes.
        takes = found.__init__ if inspect.isclass(found) else found
        assert set(args.split(", ")) <= inspect.signature(takes).parameters.keys()


def test_every_method_and_argument_of_the_simulator_is_named():
    text = (GUIDE / "coming_from_nengodl.rst").read_text()
    for name in [name for name in dir(nengo_dl.Simulator) if not name.startswith("_")]:
        assert re.search(rf"\bsim\.{name}\b|`~nengo_dl.Simulator.{name}`", text) or (
            name in {"dg", "step_order"}
        ), name


def test_settings_page_names_exactly_the_settings():
    text = (GUIDE / "settings.rst").read_text()
    titles = re.findall(r"^(\w+)\n-+$", text, flags=re.MULTILINE)
    in_table = re.findall(r"^``(\w+)``  +\w", text, flags=re.MULTILINE)
    assert titles == in_table == sorted(SETTINGS)


def test_table_names_all_surrogates_with_their_defaults():
    text = (GUIDE / "training_with_spikes.rst").read_text()
    in_table = re.findall(r"^   \* - ``(\w+)\((.*)\)``$", text, flags=re.MULTILINE)
    kinds = {kind.__name__: kind for kind in surrogates.Surrogate.__subclasses__()}
    ours = {name for name in kinds if hasattr(surrogates, name)}
    assert {name for name, _ in in_table} == ours - {"CustomSurrogate"}
    for name, arguments in in_table:
        pairs = [pair.split("=") for pair in arguments.split(", ") if pair]
        written = {key: float(value) for key, value in pairs}
        fields = vars(kinds[name]())
        assert written == {k: v for k, v in fields.items() if k != "detach_reset"}


def test_all_pages_are_listed_and_run():
    pages = sorted(path.stem for path in GUIDE.glob("*.rst"))
    text = (GUIDE / "index.rst").read_text()
    listed = re.findall(r"^   (\w+)$", text, flags=re.MULTILINE)
    assert sorted([*listed, "index"]) == pages
    assert all(">>> " in (GUIDE / f"{page}.rst").read_text() for page in listed)
