"""Find the files that travel with the package: Cypher statements and JSON Schemas."""

from pathlib import Path
from typing import Literal


def resource_folder(name: Literal["cypher", "schemas"]) -> Path:
    """Return the folder of that name: packed into an installed package, else the checkout's."""
    here = Path(__file__).parent
    packed = here / f"_{name}"
    return packed if packed.is_dir() else here.parent / name
