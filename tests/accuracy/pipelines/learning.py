"""scikit-learn: split, fit, score; settings in YAML, features in a module of the project."""

from __future__ import annotations

from tests.accuracy import language as a

FILES = {
    "params.yaml": """
        model:
          depth: 3
          seed: 1
        split: {share: 0.5}
        report: plain
        """,
    "split.py": """
        import csv
        from pathlib import Path

        import provgraph

        share = provgraph.params("params.yaml")["split"]["share"]
        rows = list(csv.reader(open("data/points.csv")))
        cut = int(len(rows) * share)
        for name, part in (("train", rows[:cut]), ("test", rows[cut:])):
            with open(f"out/{name}.csv", "w", newline="") as file:
                csv.writer(file).writerows(part)
        """,
    "fit.py": """
        import csv
        import json

        import provgraph
        from features import scaled
        from sklearn.tree import DecisionTreeClassifier

        params = provgraph.params("params.yaml")["model"]
        rows = [[float(cell) for cell in row] for row in csv.reader(open("out/train.csv"))]
        tree = DecisionTreeClassifier(max_depth=params["depth"], random_state=params["seed"])
        tree.fit([scaled(row[:2]) for row in rows], [row[2] for row in rows])
        shape = tree.tree_
        json.dump({"feature": shape.feature.tolist(), "threshold": shape.threshold.tolist(),
                   "value": shape.value.tolist()}, open("out/model.json", "w"))
        """,
    "score.py": """
        import json

        from features import scaled

        model = json.load(open("out/model.json"))
        lines = open("out/test.csv").read().split()
        open("out/score.txt", "w").write(f"{len(model['feature'])} {sum(scaled([float(l.split(',')[0])])[0] for l in lines):.3f}")
        """,
    "features.py": '''
        """Features."""


        def scaled(row):
            """Scale a row."""
            return [value * 2 for value in row]


        def squared(row):
            return [value * value for value in row]
        ''',
    "requirements.txt": "scikit-learn\ntqdm==4.66.0\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n__pycache__/\n",
    "data/points.csv": "".join(f"{n * 7 % 11},{n * 5 % 13},{n % 2}\n" for n in range(24)),
    "data/unused.csv": "1,2\n",
}

EDITS = (
    a.Edit(a.READ_KEY, "depth", a.change("params.yaml", "depth: 3", "depth: 1")),
    a.Edit(a.READ_KEY, "share", a.change("params.yaml", "0.5", "0.75")),
    a.Edit(a.UNREAD_KEY, "report", a.change("params.yaml", "plain", "full")),
    a.Edit(a.KEY_ADDED, "beside", a.change("params.yaml", "report: plain", "report: plain\nmore: 1")),
    a.Edit(a.KEY_REMOVED, "unread", a.change("params.yaml", "report: plain\n", "")),
    a.Edit(a.KEY_REMOVED, "read", a.change("params.yaml", "  depth: 3\n", "")),
    a.Edit(a.REORDER, "keys", a.change("params.yaml", "  depth: 3\n  seed: 1\n", "  seed: 1\n  depth: 3\n")),
    a.Edit(a.FORMAT, "of the settings", a.change("params.yaml", "split: {share: 0.5}", "split:\n  share: 0.5")),
    a.Edit(a.COMMENT, "in the settings", a.change("params.yaml", "depth: 3", "depth: 3  # levels")),
    a.Edit(a.COMMENT, "in a script", a.change("fit.py", "import json", "import json  # out")),
    a.Edit(a.DOCSTRING, "of a function", a.change("features.py", "Scale a row.", "Scale it.")),
    a.Edit(a.USED, "scaled", a.change("features.py", "value * 2 for", "value * 3 for")),
    a.Edit(a.UNUSED, "squared", a.change("features.py", "value * value", "value ** 2")),
    a.Edit(a.DATA, "a point", a.change("data/points.csv", "0,0,0\n", "1,1,0\n")),
    a.Edit(a.REORDER, "points", lambda root: a.put(root / "data/points.csv", "".join(reversed((root / "data/points.csv").read_text().splitlines(True))))),
    a.Edit(a.MEMBER_UNUSED, "another table", a.write("data/unused.csv", "3,4\n")),
    a.Edit(a.LOCK, "a package that isn't imported", a.change("requirements.txt", "4.66.0", "4.67.0")),
    a.Edit(a.APPEARS, "a module of the same name", a.write("csv.py", "def reader(f):\n    return []\ndef writer(f):\n    class W:\n        def writerows(self, r): pass\n    return W()\n")),
    a.Edit(a.DELETION, "a module", a.delete("features.py")),
    a.Edit(a.DELETION, "of nobody's", a.delete("data/unused.csv")),
    a.Edit(a.RENAME, "the points", a.rename("data/points.csv", "data/p.csv")),
    a.Edit(a.RESAVE, "the points", a.touch("data/points.csv")),
    a.Edit(a.SCRIPT, "the score", a.change("score.py", ".3f", ".1f")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="learning",
    files=FILES,
    stages=(("{python}", "split.py"), ("{python}", "fit.py"), ("{python}", "score.py")),
    outputs=("out/train.csv", "out/test.csv", "out/model.json", "out/score.txt"),
    edits=EDITS,
    options=("--trace-calls",),
    slow=True,
)
