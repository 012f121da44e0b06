"""Folders are refused if others can change them, or the way to them."""

import os
from pathlib import Path

import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim.execution.private_folder import make_private_folder
from nengo_dl_sim.utils import cache_compilations

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="permissions are those of POSIX"
)


@pytest.fixture
def folder(tmp_path):
    """The folder ``way/cache``, safe as it is."""
    path = tmp_path / "way" / "cache"
    path.mkdir(parents=True)
    return path


def open_folder(folder):
    folder.chmod(0o777)


def open_sticky_folder(folder):
    folder.chmod(0o1777)


def open_parent(folder):
    folder.parent.chmod(0o777)


def open_parent_for_group(folder):
    folder.parent.chmod(0o775)


def link_into_open_folder(folder):
    target = folder.parent.parent / "open" / "target"
    target.mkdir(parents=True)
    target.parent.chmod(0o777)
    folder.rmdir()
    folder.symlink_to(target)


def relative_link_into_open_folder(folder):
    link_into_open_folder(folder)
    target = os.path.relpath(folder.readlink(), folder.parent)
    folder.unlink()
    folder.symlink_to(target)


def link_in_open_folder(folder):
    """The link may be replaced, though what it leads to is safe."""
    safe = folder.rename(folder.parent.parent / "safe")
    folder.symlink_to(safe)
    folder.parent.chmod(0o777)


def parent_through_open_folder(folder):
    """One link leads to another, which lies in an open folder."""
    safe = folder.parent.rename(folder.parent.parent / "safe")
    between = folder.parent.parent / "open" / "link"
    between.parent.mkdir()
    between.symlink_to(safe)
    folder.parent.symlink_to(between)
    between.parent.chmod(0o777)


def folder_of_another_user(folder):
    os.chown(folder, 65534, -1)


def parent_of_another_user(folder):
    os.chown(folder.parent, 65534, -1)


def link_of_another_user(folder):
    safe = folder.rename(folder.parent.parent / "safe")
    folder.symlink_to(safe)
    os.chown(folder, 65534, -1, follow_symlinks=False)


@pytest.mark.parametrize(
    "spoil",
    [
        open_folder,
        open_sticky_folder,
        open_parent,
        open_parent_for_group,
        link_into_open_folder,
        relative_link_into_open_folder,
        link_in_open_folder,
        parent_through_open_folder,
        folder_of_another_user,
        parent_of_another_user,
        link_of_another_user,
    ],
)
@pytest.mark.parametrize("below", ["", "new/newer"])
def test_refuses_what_others_can_change(folder, spoil, below):
    if "another_user" in spoil.__name__ and os.getuid() != 0:
        pytest.skip("only root can give files to another user")
    if spoil is open_sticky_folder and below:
        pytest.skip("what lies in a sticky folder cannot be renamed by others")
    spoil(folder)
    with pytest.raises(ValidationError, match="folder: expected a folder that only"):
        make_private_folder(folder / below)
    assert not (folder / "new").exists()


def test_refuses_to_load_programs_through_such_a_folder(folder):
    open_parent(folder)
    with pytest.raises(ValidationError, match=r"way', which others .*drwxrwxrwx"):
        cache_compilations(folder)
    assert not list(folder.iterdir())


def test_makes_what_is_missing_for_this_user_alone(tmp_path):
    before = os.umask(0)
    try:
        made = make_private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert made == (tmp_path / "a" / "b").resolve()
    assert [path.stat().st_mode & 0o777 for path in (made, made.parent)] == [0o700] * 2


def test_returns_where_links_lead_that_only_this_user_can_change(folder):
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert make_private_folder(link / "x") == folder.resolve() / "x"
    assert make_private_folder(Path(folder, "..", "link")) == folder.resolve()


def test_refuses_links_that_lead_to_themselves(folder):
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        make_private_folder(folder / "a")
