"""Fit a model on the training part of a table: train.py TABLE PARAMS MODEL"""

import sys

from sklearn.ensemble import RandomForestClassifier

from penguins.io import read_params, read_table, write_model


def main(table_path: str, params_path: str, model_path: str) -> None:
    params = read_params(params_path)
    table = read_table(table_path)
    train = table[table["part"] == "train"]

    model = RandomForestClassifier(
        n_estimators=params["trees"],
        max_depth=params["max_depth"],
        random_state=params["seed"],
        n_jobs=1,
    )
    model.fit(train[params["features"]], train["species"])
    write_model(model, model_path)
    print(f"{model_path}: {params['trees']} trees on {len(train)} penguins")


if __name__ == "__main__":
    main(*sys.argv[1:])
