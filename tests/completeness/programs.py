"""Real programs, each small and deterministic, with what they read and make labelled by hand.

Every program says by name what it reads of its folder (`inputs`: what is there, `absent`: what
it would read were it there) and what it leaves (`outputs`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
ROWS = "name,size,kind\nant,3,a\nbee,4,b\ncow,5,a\ndog,6,b\n"
OTHER = "name,size,kind\nant,7,b\nelk,9,a\n"
WORDS = "pear\napple\nfig\napple\n"


@dataclass(frozen=True)
class Program:
    """A program: its files, its command, and what it reads and makes."""

    name: str
    command: str
    files: dict[str, str]
    inputs: frozenset[str]
    outputs: frozenset[str]
    absent: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()  # programs, or modules as `import x`
    setup: str = ""  # a command that makes files of other kinds, unwatched
    altered: dict[str, str] = field(default_factory=dict)  # commands that alter a file

    def lacks(self) -> str:
        """Name what isn't installed here; empty where all is."""
        for one in self.needs:
            module = one.removeprefix("import ")
            there = (
                importlib.util.find_spec(module) if module != one else shutil.which(one, path=PATH)
            )
            if not there:
                return one
        return ""


def _program(
    name: str,
    command: str,
    files: dict[str, str],
    inputs: str,
    outputs: str,
    absent: str = "",
    **more: Any,
) -> Program:
    return Program(
        name,
        command,
        files,
        inputs=frozenset(inputs.split()),
        outputs=frozenset(outputs.split()),
        absent=frozenset(absent.split()),
        **more,
    )


def _python(name: str, source: str, inputs: str, outputs: str, **more: Any) -> Program:
    """Make a program of a Python script, that reads `a.csv` and `b.csv` if it says so."""
    files = {"main.py": source, "a.csv": ROWS, "b.csv": OTHER, "unread.csv": ROWS}
    files |= more.pop("files", {})
    command = str(more.pop("command", "python main.py"))
    return _program(name, command, files, f"main.py {inputs}", outputs, **more)


_TABLES = {"a.csv": ROWS, "b.csv": OTHER, "unread.csv": ROWS}
_PARQUET = "python -c \"import pandas; pandas.read_csv('{0}.csv').to_parquet('{0}.parquet')\""
_OTHERWISE = (
    "python -c \"import pandas; pandas.DataFrame({'name': ['x'], 'size': [1], 'kind': ['q']})"
    ".to_parquet('ONE.parquet')\""
)
_PARQUETS = {
    "setup": f"{_PARQUET.format('a')} && {_PARQUET.format('b')}",
    "altered": {f"{one}.parquet": _OTHERWISE.replace("ONE", one) for one in "ab"},
}

PROGRAMS: tuple[Program, ...] = (
    # -- shells and their tools ------------------------------------------------------------------
    _program(
        "shell-pipeline", "sh all.sh",
        {"all.sh": "sort a.csv | uniq -c | awk '{print $2}' > out.txt\nwc -l < b.csv > n.txt\n"}
        | _TABLES,
        "all.sh a.csv b.csv", "out.txt n.txt",
    ),
    _program(
        "shell-branches", "sh all.sh",
        {
            "all.sh": "if grep -q elk b.csv\nthen cp a.csv out.csv\nelse cp b.csv out.csv\nfi\n"
            "[ -e extra.txt ] && cat extra.txt > extra.out\ntrue\n"
        } | _TABLES,
        "all.sh a.csv b.csv", "out.csv", absent="extra.txt",
    ),
    _program(
        "shell-glob-loop", "bash all.sh",
        {
            "all.sh": "mkdir -p out\nfor f in in/*.txt; do tr a-z A-Z < $f > out/${f##*/}; done\n"
            "ls in > names.txt\n",
            "in/1.txt": "one\n", "in/2.txt": "two\n", "other.txt": "x\n",
        },
        "all.sh in/1.txt in/2.txt", "out/1.txt out/2.txt names.txt", absent="in/3.txt",
    ),
    _program(
        "find-xargs", "sh all.sh",
        {"all.sh": "find in -name '*.txt' | sort | xargs cat > out.txt\n"}
        | {"in/1.txt": "one\n", "in/deep/2.txt": "two\n", "in/3.md": "no\n"},
        "all.sh in/1.txt in/deep/2.txt", "out.txt", absent="in/4.txt", needs=("find", "xargs"),
    ),
    _program(
        "sed-in-place", "sh all.sh",
        {"all.sh": "cp a.csv work.csv\nsed -i s/ant/ape/ work.csv\nsort -o work.csv work.csv\n"}
        | _TABLES,
        "all.sh a.csv", "work.csv",
    ),
    _program(
        "rename-over", "sh all.sh",
        {"all.sh": "sort a.csv > .tmp\nmv .tmp out.csv\nln -s out.csv link.csv\nln out.csv hard\n"
         "cut -d, -f1 link.csv > names.txt\n"} | _TABLES,
        "all.sh a.csv", "out.csv hard names.txt",
    ),
    _program(
        "tar-gzip", "sh all.sh",
        {"all.sh": "tar cf - --mtime=@0 --owner=0 --group=0 --sort=name in | gzip -n > in.tgz\n"
         "mkdir x && tar xzf in.tgz -C x && cat x/in/1.txt > one.txt\n",
         "in/1.txt": "one\n", "in/2.txt": "two\n", "no.txt": "no\n"},
        "all.sh in/1.txt in/2.txt", "in.tgz x/in/1.txt x/in/2.txt one.txt",
        absent="in/3.txt", needs=("tar", "gzip"),
    ),
    _program(
        "perl-awk", "sh all.sh",
        {"all.sh": "perl -ne 'print if /,a$/' a.csv > out.csv\nawk -f sum.awk a.csv b.csv > sum\n",
         "sum.awk": "BEGIN {FS=\",\"} {s += $2} END {print s}\n"} | _TABLES,
        "all.sh sum.awk a.csv b.csv", "out.csv sum", needs=("perl", "awk"),
    ),
    _program(
        "append-and-tee", "sh all.sh",
        {"all.sh": "head -n 1 a.csv > out.csv\ntail -n +2 a.csv >> out.csv\n"
         "tail -n +2 b.csv | tee -a out.csv > b.out\n"} | _TABLES,
        "all.sh a.csv b.csv", "out.csv b.out",
    ),
    _program(
        "here-document-and-config", "bash all.sh",
        {"all.sh": ". ./settings.sh\ncat > out.txt <<END\n$(head -n $LINES_WANTED a.csv)\nEND\n",
         "settings.sh": "LINES_WANTED=2\n"} | _TABLES,
        "all.sh settings.sh a.csv", "out.txt",
    ),
    # -- built programs --------------------------------------------------------------------------
    _program(
        "make-and-c", "make -s",
        {"Makefile": "out.txt: sum a.csv\n\t./sum < a.csv > out.txt\nsum: sum.c sum.h\n"
         "\t$(CC) -o sum sum.c\n",
         "sum.c": '#include <stdio.h>\n#include "sum.h"\nint main(void) {int c, n = START;\n'
         'while ((c = getchar()) != EOF) n += c;\nprintf("%d\\n", n); return 0;}\n',
         "sum.h": "#define START 1\n"} | _TABLES,
        "Makefile sum.c sum.h a.csv", "sum out.txt", needs=("make", "gcc"),
    ),
    _program(
        "c-mmap-sendfile", "sh all.sh",
        {"all.sh": "gcc -o copy copy.c && ./copy a.csv out.csv && ./copy b.csv b.out\n",
         "copy.c": "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <sys/mman.h>\n"
         "#include <sys/sendfile.h>\n#include <sys/stat.h>\n#include <unistd.h>\n"
         "int main(int n, char **of) {struct stat s; int i = open(of[1], O_RDONLY);\n"
         "int o = open(of[2], O_WRONLY | O_CREAT | O_TRUNC, 0666); fstat(i, &s);\n"
         "char *m = mmap(0, s.st_size, PROT_READ, MAP_PRIVATE, i, 0);\n"
         "write(o, m, s.st_size / 2); off_t at = s.st_size / 2;\n"
         "sendfile(o, i, &at, s.st_size); return 0;}\n"} | _TABLES,
        "all.sh copy.c a.csv b.csv", "copy out.csv b.out", needs=("gcc",),
    ),
    _program(
        "c-static", "sh all.sh",
        {"all.sh": "gcc -static -o show show.c && ./show > out.txt\n",
         "show.c": '#include <stdio.h>\nint main(void) {FILE *f = fopen("a.csv", "r"); int c;\n'
         "while ((c = fgetc(f)) != EOF) putchar(c ^ 1); return 0;}\n"} | _TABLES,
        "all.sh show.c a.csv", "show out.txt", needs=("gcc", "strace"),
    ),
    _program(
        "java", "sh all.sh",
        {"all.sh": "javac -d cls Main.java && java -XX:-UsePerfData -Xshare:off -cp cls Main\n",
         "Main.java": "import java.nio.file.*;\npublic class Main {\n"
         "public static void main(String[] a) throws Exception {\n"
         'Files.writeString(Path.of("out.txt"), Files.readString(Path.of("a.csv")).toUpperCase());'
         "}}\n"} | _TABLES,
        "all.sh Main.java a.csv", "cls/Main.class out.txt", needs=("javac", "java"),
    ),
    _program(
        "node", "node main.js",
        {"main.js": "const fs = require('fs');\nconst {up} = require('./lib');\n"
         "fs.writeFileSync('out.txt', up(fs.readFileSync('a.csv', 'utf8')));\n"
         "if (fs.existsSync('more.json')) fs.copyFileSync('more.json', 'more.out');\n",
         "lib.js": "exports.up = (s) => s.toUpperCase();\n"} | _TABLES,
        "main.js lib.js a.csv", "out.txt", absent="more.json", needs=("node",),
    ),
    _program(
        "r", "Rscript --vanilla main.R",
        {"main.R": "source('lib.R')\nd <- read.csv('a.csv')\nwrite.csv(total(d), 'out.csv')\n",
         "lib.R": "total <- function(d) aggregate(size ~ kind, d, sum)\n"} | _TABLES,
        "main.R lib.R a.csv", "out.csv", needs=("Rscript",),
    ),
    _program(
        "go", "sh all.sh",
        {"all.sh": "GOCACHE=$HOME/go GOFLAGS=-mod=mod CGO_ENABLED=0 go build -trimpath -o up up.go"
         " && ./up\n",
         "up.go": 'package main\nimport ("os"; "bytes")\nfunc main() {\n'
         'b, _ := os.ReadFile("a.csv")\nos.WriteFile("out.txt", bytes.ToUpper(b), 0o644)\n}\n'}
        | _TABLES,
        "all.sh up.go a.csv", "up out.txt", needs=("go", "strace"),
    ),
    # -- Python and its libraries ----------------------------------------------------------------
    _python(
        "python-plain",
        "import json, os\nfrom lib import up\ncfg = json.load(open('cfg.json'))\n"
        "text = up(open('a.csv').read()) * cfg['times']\n"
        "open('out.txt', 'w').write(text)\nif os.path.exists('more.csv'):\n"
        "    open('more.out', 'w').write(open('more.csv').read())\n",
        "lib.py cfg.json a.csv", "out.txt", absent="more.csv",
        files={"lib.py": "def up(s):\n    return s.upper()\n", "cfg.json": '{"times": 2}\n'},
    ),
    _python(
        "python-package-by-name",
        "import importlib, pathlib\nname = pathlib.Path('which.txt').read_text().strip()\n"
        "print(importlib.import_module(f'ways.{name}').way(), file=open('out.txt', 'w'))\n",
        "which.txt ways/__init__.py ways/one.py", "out.txt",
        files={"which.txt": "one\n", "ways/__init__.py": "BASE = 3\n",
               "ways/one.py": "from ways import BASE\ndef way():\n    return BASE + 1\n",
               "ways/two.py": "def way():\n    return 2\n"},
    ),
    _python(
        "python-listing",
        "import glob, os\nopen('out.txt', 'w').write(''.join(open(f).read() for f in "
        "sorted(glob.glob('in/*.txt'))) + str(sorted(os.listdir('in'))))\n",
        "in/1.txt in/2.txt", "out.txt", absent="in/3.txt",
        files={"in/1.txt": "one\n", "in/2.txt": "two\n"},
    ),
    _python(
        "python-workers",
        "import multiprocessing as m, sys\ndef up(f):\n    return open(f).read().upper()\n"
        "if __name__ == '__main__':\n    with m.get_context('spawn').Pool(2) as pool:\n"
        "        open('out.txt', 'w').write(''.join(pool.map(up, ['a.csv', 'b.csv'])))\n",
        "a.csv b.csv", "out.txt",
    ),
    _python(
        "python-threads-and-children",
        "import subprocess, sys\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def one(f):\n    return subprocess.run(['sort', f], capture_output=True).stdout\n"
        "with ThreadPoolExecutor(2) as pool:\n"
        "    open('out.txt', 'wb').write(b''.join(pool.map(one, ['a.csv', 'b.csv'])))\n",
        "a.csv b.csv", "out.txt",
    ),
    _python(
        "python-cleared-environment",
        "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'sort a.csv > out.txt'], env={})\n",
        "a.csv", "out.txt",
    ),
    _python(
        "python-isolated", "open('out.txt', 'w').write(open('a.csv').read()[::-1])\n",
        "a.csv", "out.txt", command="python -I main.py",
    ),
    _python(
        "python-sqlite",
        "import sqlite3\ndb = sqlite3.connect('in.db')\n"
        "rows = db.execute('select name from t order by 1').fetchall()\n"
        "open('out.txt', 'w').write(str(rows))\n",
        "in.db", "out.txt",
        setup="python -c \"import sqlite3; d = sqlite3.connect('in.db'); "
        "d.execute('create table t(name)'); d.execute('insert into t values (1)'); d.commit()\"",
        altered={"in.db": "python -c \"import sqlite3; d = sqlite3.connect('in.db'); "
                 "d.execute('insert into t values (2)'); d.commit()\""},
    ),
    _python(
        "pandas-csv",
        "import pandas as pd\na, b = pd.read_csv('a.csv'), pd.read_csv('b.csv')\n"
        "a.merge(b, on='name').to_csv('out.csv')\n",
        "a.csv b.csv", "out.csv", needs=("import pandas",),
    ),
    _python(
        "pandas-parquet",
        "import pandas as pd\na = pd.read_parquet('a.parquet', columns=['size'])\n"
        "b = pd.read_parquet('b.parquet')\npd.concat([a, b]).to_csv('out.csv')\n",
        "a.parquet b.parquet", "out.csv", needs=("import pandas", "import pyarrow"), **_PARQUETS,
    ),
    _python(
        "polars",
        "import polars as pl\na = pl.scan_csv('a.csv').filter(pl.col('size') > 3).collect()\n"
        "b = pl.read_parquet('b.parquet', columns=['name'])\n"
        "a.write_csv('a.out')\nb.write_csv('b.out')\n",
        "a.csv b.parquet", "a.out b.out", needs=("import polars", "import pyarrow"), **_PARQUETS,
    ),
    _python(
        "numpy-memory-map",
        "import numpy as np\nx = np.load('in.npy', mmap_mode='r')\ny = np.loadtxt('in.txt')\n"
        "np.save('out.npy', x[::2] + y)\n",
        "in.npy in.txt", "out.npy", needs=("import numpy",), files={"in.txt": "1 2\n"},
        setup="python -c \"import numpy; numpy.save('in.npy', numpy.arange(4.0))\"",
        altered={"in.npy": "python -c \"import numpy; numpy.save('in.npy', numpy.ones(4))\"",
                 "in.txt": "echo 3 4 > in.txt"},
    ),
    _python(
        "scikit-learn",
        "import pandas as pd\nfrom sklearn.linear_model import LinearRegression\n"
        "d = pd.read_csv('a.csv')\nm = LinearRegression().fit(d[['size']], d['size'] * 2 + 1)\n"
        "open('out.txt', 'w').write(f'{m.predict(pd.read_csv(\"b.csv\")[[\"size\"]])}')\n",
        "a.csv b.csv", "out.txt", needs=("import sklearn", "import pandas"),
        altered={"b.csv": "printf 'name,size\\nx,1\\n' > b.csv"},
    ),
    _python(
        "joblib-cache",
        "import joblib\nmemory = joblib.Memory('cache', verbose=0)\n"
        "up = memory.cache(lambda f, text: text.upper())\n"
        "open('out.txt', 'w').write(up('a', open('a.csv').read()))\n",
        "a.csv", "out.txt", needs=("import joblib",),
    ),
    _program(
        "zipapp", "python app.pyz",
        {"__main__.py": "open('out.txt', 'w').write(open('a.csv').read().title())\n"} | _TABLES,
        "app.pyz a.csv", "out.txt", needs=("zip",),
        setup="zip -q app.pyz __main__.py && rm __main__.py",
        altered={"app.pyz": "printf 'print(1)\\n' > __main__.py && rm app.pyz && "
                 "zip -q app.pyz __main__.py && rm __main__.py"},
    ),
)  # fmt: skip
