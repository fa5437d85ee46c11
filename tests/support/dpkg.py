"""A small database of Debian's packages, for tests that upgrade some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class Dpkg:
    """Lays out what dpkg notes: which packages are installed, and their files."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._installed: dict[str, tuple[str, str]] = {}
        (place / "info").mkdir(parents=True)
        (place / "arch").write_text("amd64\n")
        (place / "diversions").touch()
        self._write()

    @property
    def env(self) -> Mapping[str, str]:
        """The variable by which dpkg itself is told where its database is."""
        return {"DPKG_ADMINDIR": str(self.place)}

    def install(self, package: str, version: str, files: Sequence[str] | None = None) -> None:
        """Install a package, or another version of it; `files` once."""
        architecture = package.partition(":")[2]
        self._installed[package] = (version, architecture or "amd64")
        if files is not None:
            lines = "".join(f"{file}\n" for file in ("/.", *files))
            (self.place / "info" / f"{package}.list").write_text(lines)
        self._write()

    def remove(self, package: str) -> None:
        del self._installed[package]
        self._write()

    def divert(self, given: str, to: str, by: str) -> None:
        with (self.place / "diversions").open("a") as file:
            file.write(f"{given}\n{to}\n{by}\n")

    def _write(self) -> None:
        (self.place / "status").write_text(
            "".join(
                f"Package: {package.partition(':')[0]}\nStatus: install ok installed\n"
                f"Architecture: {architecture}\nVersion: {version}\nDescription: a test\n"
                " of a field with more lines\n\n"
                for package, (version, architecture) in self._installed.items()
            )
        )
