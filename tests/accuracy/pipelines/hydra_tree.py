"""A Hydra tree: a main config, two groups with a choice each, and options nobody chose."""

from __future__ import annotations

from tests.accuracy import language as a

FILES = {
    "conf/config.yaml": """
        defaults:
          - model: small
          - data: near
          - _self_
        seed: 3
        unread: 1
        """,
    "conf/model/small.yaml": "width: 4\ndepth: 2\nunused: 0\n",
    "conf/model/large.yaml": "width: 40\ndepth: 20\nunused: 0\n",
    "conf/data/near.yaml": "file: data/near.txt\n",
    "conf/data/far.yaml": "file: data/far.txt\n",
    "data/near.txt": "1 2 3\n",
    "data/far.txt": "7 8 9\n",
    "train.py": """
        import hydra

        @hydra.main(version_base=None, config_path="conf", config_name="config")
        def main(cfg):
            text = open(cfg.data.file).read()
            total = sum(map(int, text.split())) * cfg.model.width * cfg.model.depth + cfg.seed
            open("out/total.txt", "w").write(str(total))

        if __name__ == "__main__":
            main()
        """,
    "tell.py": """
        total = int(open("out/total.txt").read())
        open("out/told.txt", "w").write(f"{total:>10}")
        """,
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\noutputs/\n__pycache__/\n",
}

EDITS = (
    a.Edit(a.READ_KEY, "width", a.change("conf/model/small.yaml", "width: 4", "width: 5")),
    a.Edit(a.READ_KEY, "seed", a.change("conf/config.yaml", "seed: 3", "seed: 4")),
    a.Edit(a.READ_KEY, "the choice", a.change("conf/config.yaml", "model: small", "model: large")),
    a.Edit(a.READ_KEY, "the file", a.change("conf/data/near.yaml", "near.txt", "far.txt")),
    a.Edit(a.UNREAD_KEY, "unread", a.change("conf/config.yaml", "unread: 1", "unread: 2")),
    a.Edit(a.UNREAD_KEY, "of the choice", a.change("conf/model/small.yaml", "unused: 0", "unused: 1")),
    a.Edit(a.UNREAD_KEY, "of another choice", a.change("conf/model/large.yaml", "width: 40", "width: 41")),
    a.Edit(a.KEY_ADDED, "to the choice", a.write("conf/model/small.yaml", "width: 4\ndepth: 2\nunused: 0\nmore: 1\n")),
    a.Edit(a.KEY_REMOVED, "unused", a.change("conf/model/small.yaml", "unused: 0\n", "")),
    a.Edit(a.KEY_REMOVED, "depth", a.change("conf/model/small.yaml", "depth: 2\n", "")),
    a.Edit(a.REORDER, "of the choice", a.write("conf/model/small.yaml", "depth: 2\nwidth: 4\nunused: 0\n")),
    a.Edit(a.REORDER, "self first", a.write("conf/config.yaml", "defaults:\n  - _self_\n  - model: small\n  - data: near\nseed: 3\nunread: 1\n")),
    a.Edit(a.COMMENT, "in the choice", a.change("conf/model/small.yaml", "width: 4", "width: 4  # units")),
    a.Edit(a.FORMAT, "of the choice", a.change("conf/model/small.yaml", "width: 4", "width:    4")),
    a.Edit(a.APPEARS, "another option", a.write("conf/model/tiny.yaml", "width: 1\ndepth: 1\n")),
    a.Edit(a.DELETION, "of another option", a.delete("conf/model/large.yaml")),
    a.Edit(a.DELETION, "of the choice", a.delete("conf/model/small.yaml")),
    a.Edit(a.RENAME, "of another option", a.rename("conf/data/far.yaml", "conf/data/away.yaml")),
    a.Edit(a.RENAME, "the data", a.rename("data/near.txt", "data/n.txt")),
    a.Edit(a.MEMBER_USED, "near", a.write("data/near.txt", "1 2 4\n")),
    a.Edit(a.MEMBER_UNUSED, "far", a.write("data/far.txt", "1 1 1\n")),
    a.Edit(a.RESAVE, "the choice", a.touch("conf/model/small.yaml")),
    a.Edit(a.COMMENT, "in the script", a.change("train.py", "import hydra\n", "import hydra  # x\n")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="hydra",
    files=FILES,
    stages=(
        ("{python}", "train.py", "hydra.run.dir=outputs", "hydra.output_subdir=null",
         "hydra/job_logging=none", "hydra/hydra_logging=none"),
        ("{python}", "tell.py"),
    ),
    outputs=("out/total.txt", "out/told.txt"),
    edits=EDITS,
    slow=True,
)  # fmt: skip
