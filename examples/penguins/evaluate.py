"""Measure a model on the held-out part of a table: evaluate.py TABLE MODEL METRICS FIGURE"""

import sys

from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from penguins.figure import draw_confusion
from penguins.io import read_model, read_table, write_json


def main(table_path: str, model_path: str, metrics_path: str, figure_path: str) -> None:
    table = read_table(table_path)
    model = read_model(model_path)
    test = table[table["part"] == "test"]

    predicted = model.predict(test[model.feature_names_in_])
    metrics = {
        "accuracy": round(float(accuracy_score(test["species"], predicted)), 4),
        "macro_f1": round(float(f1_score(test["species"], predicted, average="macro")), 4),
        "held_out": len(test),
        "penguins": len(table),
    }
    write_json(metrics, metrics_path)

    counts = confusion_matrix(test["species"], predicted, labels=model.classes_)
    title = f"{metrics['held_out']} held out, accuracy {metrics['accuracy']:.2f}"
    figure = draw_confusion(counts, list(model.classes_), title)
    # Without the name and version of matplotlib, so that equal figures are equal bytes.
    figure.savefig(figure_path, dpi=100, metadata={"Software": None})
    print(f"{metrics_path}: accuracy {metrics['accuracy']:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
