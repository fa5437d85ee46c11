"""Read and write what the steps hand to each other."""

import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import yaml


def read_params(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def read_observations(folder: str) -> pd.DataFrame:
    """Read every CSV file of a folder, in the order of their names."""
    files = sorted(path for path in Path(folder).iterdir() if path.suffix == ".csv")
    return pd.concat([pd.read_csv(path) for path in files], ignore_index=True)


def read_table(path: str) -> pd.DataFrame:
    return pd.read_csv(path)


def write_table(table: pd.DataFrame, path: str) -> None:
    with _open(path, "w") as file:
        table.to_csv(file, index=False, lineterminator="\n")


def read_model(path: str) -> Any:
    with open(path, "rb") as file:
        return pickle.load(file)


def write_model(model: Any, path: str) -> None:
    with _open(path, "wb") as file:
        pickle.dump(model, file, protocol=5)


def read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(value: Any, path: str) -> None:
    with _open(path, "w") as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")


def _open(path: str, mode: str) -> Any:
    """Open a file to be written, in a folder made for it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return open(path, mode, encoding=None if "b" in mode else "utf-8")
