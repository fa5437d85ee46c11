"""Make one clean table of a folder of observations: prepare.py DATA PARAMS TABLE"""

import sys

import numpy as np

from penguins.io import read_observations, read_params, write_table


def main(data: str, params_path: str, table_path: str) -> None:
    params = read_params(params_path)
    table = read_observations(data)
    table = table[["species", *params["features"]]].dropna().reset_index(drop=True)

    shuffled = np.random.default_rng(params["seed"]).permutation(len(table))
    held_out = shuffled[: round(len(table) * params["test_share"])]
    table["part"] = np.where(table.index.isin(held_out), "test", "train")
    write_table(table, table_path)
    print(f"{table_path}: {len(table)} penguins, {len(held_out)} of them held out")


if __name__ == "__main__":
    main(*sys.argv[1:])
