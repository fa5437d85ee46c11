"""Shell and C by make: a header, an unused one, a table of numbers, awk and sort."""

from __future__ import annotations

from tests.accuracy import language as a

FILES = {
    "Makefile": """
        CFLAGS = -O1
        out/result.txt: out/count out/sorted.txt
        \tout/count < out/sorted.txt > out/result.txt
        out/count: src/count.c src/limits.h
        \t$(CC) $(CFLAGS) -o out/count src/count.c
        out/sorted.txt: data/numbers.txt scripts/sort.sh
        \tsh scripts/sort.sh data/numbers.txt > out/sorted.txt
        """,
    "src/count.c": """
        #include <stdio.h>
        #include <stdlib.h>
        #include "limits.h"
        /* Sums numbers. */
        static int unused(void) { return 3; }
        int main(void) {
            int number, total = 0;
            while (scanf("%d", &number) == 1) if (number < LIMIT) total += number;
            printf("%d\\n", total + (0 ? unused() : 0));
            return 0;
        }
        """,
    "src/limits.h": "#define LIMIT 50\n#define SPARE 7\n",
    "src/other.h": "#define OTHER 1\n",
    "scripts/sort.sh": """
        # Sorts the numbers.
        set -e
        if [ -f data/extra.txt ]; then cat "$1" data/extra.txt; else cat "$1"; fi | sort -n
        """,
    "summary.sh": """
        # Says how many there are.
        wc -l < out/sorted.txt > out/lines.txt
        awk '{ s += $1 } END { print s }' out/sorted.txt > out/sum.txt
        """,
    "data/numbers.txt": "40\n3\n60\n7\n",
    "data/unread.txt": "1\n",
    "README.md": "Read me.\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n",
}

EDITS = (
    a.Edit(a.SCRIPT, "the program", a.change("src/count.c", "total += number", "total -= number")),
    a.Edit(a.SCRIPT, "the sorting", a.change("scripts/sort.sh", "sort -n", "sort -rn")),
    a.Edit(a.SCRIPT, "the summary", a.change("summary.sh", "s += $1", "s += 2 * $1")),
    a.Edit(a.SCRIPT, "the Makefile's flags", a.change("Makefile", "-O1", "-O1 -DLIMIT_OFF")),
    a.Edit(a.READ_KEY, "a constant that is used", a.change("src/limits.h", "LIMIT 50", "LIMIT 10")),
    a.Edit(a.UNREAD_KEY, "a constant that isn't", a.change("src/limits.h", "SPARE 7", "SPARE 8")),
    a.Edit(a.KEY_ADDED, "a constant", a.change("src/limits.h", "#define SPARE", "#define M 1\n#define SPARE")),
    a.Edit(a.KEY_REMOVED, "a constant that isn't used", a.change("src/limits.h", "#define SPARE 7\n", "")),
    a.Edit(a.KEY_REMOVED, "a constant that is used", a.change("src/limits.h", "#define LIMIT 50\n", "")),
    a.Edit(a.UNUSED, "in C", a.change("src/count.c", "return 3", "return 4")),
    a.Edit(a.COMMENT, "in C", a.change("src/count.c", "Sums numbers", "Adds numbers")),
    a.Edit(a.COMMENT, "in shell", a.change("scripts/sort.sh", "Sorts the", "Orders the")),
    a.Edit(a.COMMENT, "in the Makefile", a.change("Makefile", "CFLAGS = -O1", "# flags\nCFLAGS = -O1")),
    a.Edit(a.FORMAT, "in C", a.change("src/count.c", "total = 0", "total  =  0")),
    a.Edit(a.FORMAT, "in shell", a.change("summary.sh", "wc -l <", "wc  -l  <")),
    a.Edit(a.NOT_IMPORTED, "a header", a.change("src/other.h", "1", "2")),
    a.Edit(a.DATA, "numbers", a.write("data/numbers.txt", "41\n3\n60\n7\n")),
    a.Edit(a.REORDER, "numbers", a.write("data/numbers.txt", "3\n40\n7\n60\n")),
    a.Edit(a.DATA, "unread", a.write("data/unread.txt", "2\n")),
    a.Edit(a.APPEARS, "more numbers", a.write("data/extra.txt", "1\n")),
    a.Edit(a.APPEARS, "of nobody's", a.write("data/more.txt", "1\n")),
    a.Edit(a.RENAME, "numbers", a.rename("data/numbers.txt", "data/n.txt")),
    a.Edit(a.RENAME, "of nobody's", a.rename("data/unread.txt", "data/u.txt")),
    a.Edit(a.DELETION, "a header", a.delete("src/limits.h")),
    a.Edit(a.DELETION, "of nobody's", a.delete("src/other.h")),
    a.Edit(a.RESAVE, "the program", a.touch("src/count.c")),
    a.Edit(a.DOCSTRING, "the read-me", a.write("README.md", "Do read me.\n")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="compiled",
    files=FILES,
    stages=(("make", "--always-make", "--keep-going", "--silent"), ("sh", "summary.sh")),
    outputs=("out/sorted.txt", "out/result.txt", "out/lines.txt", "out/sum.txt"),
    edits=EDITS,
)
