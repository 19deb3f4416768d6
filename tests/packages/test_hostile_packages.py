"""Archives and directories that are broken or malicious."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from support.plans import dummy, phase, plan, write_package

from kudo.errors import PackageError
from kudo.packages import read_package

MEBIBYTE = 1024 * 1024

Entry = tarfile.TarInfo | tuple[str, bytes]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path, tasks=[dummy("d")], plans={"deploy": plan(phase("main", ("a", ["d"])))})


def pack(package: Path, *entries: Entry) -> Path:
    archive = package.parent / "package.tgz"
    with tarfile.open(archive, "w:gz") as writer:
        for file in ("operator.yaml", "params.yaml"):
            writer.add(package / file, file)
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                writer.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                writer.addfile(info, io.BytesIO(entry[1]))
    return archive


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo("templates/a.yaml")
    entry.type = kind
    entry.linkname = target
    return entry


def problems(path: Path) -> list[str]:
    with pytest.raises(PackageError) as error:
        read_package(path)
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (("/templates/a.yaml", b"a"), "/templates/a.yaml: points outside the package"),
        (("../operator.yaml", b"a"), "../operator.yaml: points outside the package"),
        (("templates/../../a.yaml", b"a"), "templates/../../a.yaml: points outside the package"),
        (
            special(tarfile.SYMTYPE, "/etc/passwd"),
            "templates/a.yaml: is a link; a package archive must not contain links",
        ),
        (
            special(tarfile.LNKTYPE, "params.yaml"),
            "templates/a.yaml: is a link; a package archive must not contain links",
        ),
        (special(tarfile.CHRTYPE), "templates/a.yaml: is neither a file nor a directory"),
        (special(tarfile.BLKTYPE), "templates/a.yaml: is neither a file nor a directory"),
        (special(tarfile.FIFOTYPE), "templates/a.yaml: is neither a file nor a directory"),
        (("templates/a.yaml", b"a" * (MEBIBYTE + 1)), "templates/a.yaml: is larger than 1024 KiB"),
        (("templates/a.yaml", b"a: \xff"), "templates/a.yaml: is not UTF-8 text (byte 3)"),
    ],
)
def test_invalid_entry_is_refused(package: Path, entry: Entry, problem: str) -> None:
    assert problems(pack(package, entry)) == [problem]


def test_all_invalid_entries_are_reported(package: Path) -> None:
    archive = pack(package, ("../a", b""), special(tarfile.SYMTYPE, "a"), ("templates/b.yaml", b"\xff"))
    assert [problem.partition(":")[0] for problem in problems(archive)] == [
        "../a",
        "templates/a.yaml",
        "templates/b.yaml",
    ]


def test_archive_with_too_many_entries_is_refused(package: Path) -> None:
    archive = pack(package, *((f"docs/{number}", b"") for number in range(1000)))
    assert problems(archive) == ["docs/998: the archive has more than 1000 entries"]


def test_archive_above_total_size_is_refused(package: Path) -> None:
    archive = pack(package, *((f"templates/{number}.yaml", b" " * MEBIBYTE) for number in range(20)))
    assert problems(archive) == ["templates/7.yaml: the files are larger than 8192 KiB in total"]


def test_entry_with_huge_claimed_size_is_not_read(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("templates/a.yaml")
    entry.size = 10**12
    archive = tmp_path / "package.tgz"
    archive.write_bytes(gzip.compress(entry.tobuf()))
    assert problems(archive) == ["templates/a.yaml: is larger than 1024 KiB"]


def test_decompression_bomb_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(gzip.compress(bytes(64 * MEBIBYTE), compresslevel=1))
    assert problems(archive) == ["package.tgz: is not a readable .tgz archive (it unpacks to more than 32 MiB)"]


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.8])
def test_truncated_archive_is_refused(package: Path, share: float) -> None:
    archive = pack(package, ("templates/a.yaml", os.urandom(4096).hex().encode()))
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    (problem,) = problems(archive)
    assert problem.startswith("package.tgz: is not a readable .tgz archive (")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x1f\x8b",
        # The time is a part of the IDs of the tests, which must be the same in all xdist workers.
        gzip.compress(b"", mtime=0),
        gzip.compress(b"hello" * 500, mtime=0),
        b"PK\x03\x04" + bytes(600),
    ],
)
def test_file_that_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(content)
    (problem,) = problems(archive)
    assert problem.startswith("package.tgz: is not a readable .tgz archive (")


def test_link_out_of_the_directory_is_refused(package: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("a: secret")
    (package / "templates" / "a.yaml").symlink_to(tmp_path / "secret.yaml")
    (package / "templates" / "b.yaml").symlink_to("../../secret.yaml")
    assert problems(package) == [
        "templates/a.yaml: is a link that points outside the package",
        "templates/b.yaml: is a link that points outside the package",
    ]


def test_linked_folder_is_not_followed(package: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.yaml").write_text("a: secret")
    (package / "templates" / "linked").symlink_to(tmp_path / "outside")
    assert read_package(package).templates == {}


def test_link_within_the_directory_is_followed(package: Path) -> None:
    (package / "templates" / "a.yaml").write_text("a: 1")
    (package / "templates" / "b.yaml").symlink_to("a.yaml")
    assert read_package(package).templates == {"a.yaml": "a: 1", "b.yaml": "a: 1"}


def test_invalid_files_of_a_directory_are_refused(package: Path) -> None:
    os.mkfifo(package / "templates" / "a.yaml")
    (package / "templates" / "b.yaml").symlink_to("nothing.yaml")
    (package / "templates" / "c.yaml").write_bytes(b" " * (MEBIBYTE + 1))
    (package / "templates" / "d.yaml").write_bytes(b"\xff")
    (package / "templates" / "folder.yaml").mkdir()
    assert problems(package) == [
        "templates/a.yaml: is not a regular file",
        "templates/b.yaml: is not a regular file",
        "templates/c.yaml: is larger than 1024 KiB",
        "templates/d.yaml: is not UTF-8 text (byte 0)",
    ]


def test_missing_files_are_reported(tmp_path: Path) -> None:
    assert problems(tmp_path) == [
        "operator.yaml: is missing at the root of the package",
        "params.yaml: is missing at the root of the package",
    ]


def test_files_that_are_not_maps_are_refused(package: Path) -> None:
    (package / "operator.yaml").write_text("- a\n")
    (package / "params.yaml").write_text("5\n")
    assert problems(package) == ["operator.yaml: must be a YAML map", "params.yaml: must be a YAML map"]


def test_huge_long_name_header_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 64 * MEBIBYTE
    archive = tmp_path / "package.tgz"
    archive.write_bytes(gzip.compress(header.tobuf() + b"a" * header.size, compresslevel=1))
    assert problems(archive) == ["package.tgz: is not a readable .tgz archive (it unpacks to more than 32 MiB)"]


def test_long_chain_of_pax_headers_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    archive = tmp_path / "package.tgz"
    archive.write_bytes(gzip.compress(header.tobuf() * 3000))
    (problem,) = problems(archive)
    assert problem.startswith("package.tgz: is not a readable .tgz archive")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE])
@pytest.mark.parametrize("content", [b"1" * 30_000, b"1" * 15_000, b"20 path=" + b"x" * 12 + b"9" * 40, b"x" * 100_000])
def test_long_extended_header_is_refused(tmp_path: Path, kind: bytes, content: bytes) -> None:
    """tarfile of many Python versions needs minutes for thousands of digits."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = kind, len(content)
    file = tmp_path / "operator.tgz"
    padding = b"\0" * (-len(content) % 512)
    file.write_bytes(gzip.compress(header.tobuf() + content + padding + tarfile.TarInfo("a").tobuf() + b"\0" * 1024))
    assert problems(file) == ["operator.tgz: is not a readable .tgz archive (a header is too long)"]


def test_archive_with_wrong_checksum_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as written:
        entry = tarfile.TarInfo("docs/a.md")
        written.addfile(entry)
    packed = bytearray(gzip.compress(content.getvalue()))
    packed[-5] ^= 1
    archive = tmp_path / "package.tgz"
    archive.write_bytes(packed)
    (problem,) = problems(archive)
    assert "CRC" in problem


def test_link_to_itself_is_refused(package: Path) -> None:
    (package / "templates" / "loop.yaml").symlink_to("loop.yaml")
    assert problems(package) == ["templates/loop.yaml: is not a regular file"]


def test_entry_named_like_the_root_folder_is_ignored(package: Path) -> None:
    assert read_package(pack(package, (".", b"what?"))).operator.name == "tested"
