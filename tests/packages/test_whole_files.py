"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from kudo.errors import RequestError
from kudo.packages.files import require_empty, write_file


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file.yaml"
    write_file(file, "one: ä\n")
    write_file(file, b"two\n")
    assert file.read_bytes() == b"two\n"
    assert [path.name for path in file.parent.iterdir()] == ["file.yaml"]


def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path: Path) -> None:
    file, link = tmp_path / "file.yaml", tmp_path / "link.yaml"
    file.write_text("old")
    file.chmod(0o600)
    link.symlink_to(file)
    write_file(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_there_is_there_still_when_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("old")
    # Where the draft would be.
    (tmp_path / ".file.yaml.partial").mkdir()
    with pytest.raises(RequestError, match=r"file\.yaml cannot be written: Is a directory\.$"):
        write_file(file, "new")
    assert file.read_text() == "old"


def test_a_folder_has_to_be_empty(tmp_path: Path) -> None:
    require_empty(tmp_path)
    require_empty(tmp_path / "not-there")
    (tmp_path / "file").touch()
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(RequestError, match=r"already exists and is not an empty directory\.$"):
            require_empty(taken)
