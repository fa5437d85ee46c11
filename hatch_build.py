"""Build the native library into a wheel, where a C compiler is; without one the wheel has none."""

from __future__ import annotations

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    """What hatchling runs before it packs a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the library beside its source, and say which machines the wheel is for."""
        if self.target_name != "wheel" or version == "editable":
            return
        place = Path(self.root, "provgraph", "collect", "tracing", "preload")
        made = runpy.run_path(str(place / "build.py"))["build"](place)
        if made.path is None:
            self.app.display_warning(f"no native tracing in this wheel: {made.why}")
            return
        build_data["artifacts"].append(str(made.path.relative_to(self.root)))
        build_data["pure_python"] = False
        build_data["tag"] = (
            f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        )
