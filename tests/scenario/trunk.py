"""The trunk story: a small pipeline of plain scripts, once for each of three versions of its data.

`prepare.py` reads a folder and the parameters, `train.py` the table and the parameters,
`evaluate.py` the table and the model, `summary.py` all metrics.
"""

from __future__ import annotations

from tests.scenario.shell import Project

VERSIONS = ("v1", "v2", "v3")

SCRIPTS = {
    "words.py": '''
        """Reading and writing, for the steps."""

        import json


        def read_params(path):
            """Give the parameters of a file of `key: value` lines."""
            with open(path) as file:
                return {key: float(value) for key, value in (row.split(":") for row in file)}


        def write_json(path, value):
            with open(path, "w") as file:
                json.dump(value, file, indent=1)
                file.write("\\n")


        def read_json(path):
            with open(path) as file:
                return json.load(file)
        ''',
    "prepare.py": """
        import os
        import sys

        from words import read_params

        data, params, table = sys.argv[1:]
        scale = read_params(params)["scale"]
        os.makedirs(os.path.dirname(table), exist_ok=True)
        rows = []
        for name in sorted(os.listdir(data)):
            with open(os.path.join(data, name)) as file:
                rows += [float(row) * scale for row in file.read().split()]
        with open(table, "w") as file:
            file.writelines(f"{row}\\n" for row in rows)
        print(f"{table}: {len(rows)} rows")
        """,
    "train.py": """
        import pickle
        import sys

        from words import read_params

        table, params, model = sys.argv[1:]
        depth = read_params(params)["depth"]
        with open(table) as file:
            rows = [float(row) for row in file]
        with open(model, "wb") as file:
            pickle.dump({"depth": depth, "mean": sum(rows) / len(rows), "pad": "x" * 2000}, file)
        """,
    "evaluate.py": """
        import pickle
        import sys

        from words import write_json

        table, model, metrics, figure = sys.argv[1:]
        with open(model, "rb") as file:
            fitted = pickle.load(file)
        with open(table) as file:
            rows = [float(row) for row in file]
        error = sum(abs(row - fitted["mean"]) for row in rows) / fitted["depth"]
        write_json(metrics, {"error": error, "rows": len(rows)})
        with open(figure, "w") as file:
            file.write(f"<svg><text>{error}</text></svg>\\n")
        """,
    "summary.py": """
        import sys

        from words import read_json

        *metrics, summary = sys.argv[1:]
        with open(summary, "w") as file:
            file.write("version,error\\n")
            for path in metrics:
                file.write(f"{path},{read_json(path)['error']}\\n")
        """,
}


def out(version: str, *names: str) -> set[str]:
    """Give names below a version's folder of products; none given: all of them."""
    names = names or ("table.txt", "model.pkl", "metrics.json", "figure.svg")
    return {f"out/{version}/{name}" for name in names}


SUMMARY = "out/summary.csv"
ALL = {SUMMARY}.union(*map(out, VERSIONS))


def prepare(project: Project, version: str) -> None:
    project.script(
        "prepare.py", f"data/{version}", f"params/{version}.yaml", f"out/{version}/table.txt"
    )


def train(project: Project, version: str) -> None:
    project.script(
        "train.py", f"out/{version}/table.txt", f"params/{version}.yaml", f"out/{version}/model.pkl"
    )


def evaluate(project: Project, version: str) -> None:
    where = f"out/{version}"
    project.script(
        "evaluate.py", *(f"{where}/{name}" for name in "table.txt model.pkl".split()),
        *(f"{where}/{name}" for name in "metrics.json figure.svg".split()),
    )  # fmt: skip


def summarize(project: Project) -> None:
    project.script("summary.py", *(f"out/{v}/metrics.json" for v in VERSIONS), SUMMARY)


def told(project: Project) -> Project:
    """Tell the story in an empty project: sources, a commit, ten watched runs."""
    for name, text in SCRIPTS.items():
        project.write(name, text)
    for number, version in enumerate(VERSIONS, start=1):
        project.write(f"data/{version}/a.txt", f"{number}\n{number + 1}\n")
        project.write(f"data/{version}/b.txt", f"{number + 2}\n")
        project.write(f"params/{version}.yaml", f"scale: {number}\ndepth: 3\n")
    project.write(".gitignore", "out/\n__pycache__/\n")
    (project.root / "out").mkdir()
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "sources")
    for version in VERSIONS:
        prepare(project, version)
        train(project, version)
        evaluate(project, version)
    summarize(project)
    return project
