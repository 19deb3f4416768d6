"""Files are written completely or not at all, and only into empty directories if that is required."""

from pathlib import Path

import pytest

from kudo.errors import RequestError
from kudo.packages.files import require_empty, write_file


def test_file_is_written_and_its_parent_folders_are_created(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file.yaml"
    write_file(file, "one: ä\n")
    write_file(file, b"two\n")
    assert file.read_bytes() == b"two\n"
    assert [path.name for path in file.parent.iterdir()] == ["file.yaml"]


def test_write_keeps_symlink_and_file_mode(tmp_path: Path) -> None:
    file, link = tmp_path / "file.yaml", tmp_path / "link.yaml"
    file.write_text("old")
    file.chmod(0o600)
    link.symlink_to(file)
    write_file(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


def test_failed_write_keeps_the_old_content(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("old")
    # A directory at the path of the temporary file makes the write fail.
    (tmp_path / ".file.yaml.partial").mkdir()
    with pytest.raises(RequestError, match=r"file\.yaml cannot be written: Is a directory\.$"):
        write_file(file, "new")
    assert file.read_text() == "old"


def test_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    require_empty(tmp_path)
    require_empty(tmp_path / "not-there")
    (tmp_path / "file").touch()
    for existing in (tmp_path, tmp_path / "file"):
        with pytest.raises(RequestError, match=r"already exists and is not an empty directory\.$"):
            require_empty(existing)
