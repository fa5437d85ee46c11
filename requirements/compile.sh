#!/bin/sh
# Pin every requirement with its hashes, for every platform and Python 3.11 or newer: `make requirements`.
#
#   dev.txt     tests, checks, benchmarks, notebooks and the example
#   run.txt     provgraph and its build backend, at the versions of dev.txt
#   lowest.txt  the lower bounds of pyproject.toml, with the test tools of dev.txt
#   examples/penguins/requirements.txt  the example, at the versions of dev.txt
#
# Needs uv on the PATH. Arguments go to uv for dev.txt: --upgrade, or --upgrade-package NAME.
set -eu
cd "$(dirname "$0")/.."

pin() {
    output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command "make requirements" --output-file "$output" "$@"
}

pin requirements/dev.txt pyproject.toml --all-extras requirements/dev.in "$@"
pin requirements/run.txt pyproject.toml --extra explore requirements/build.in \
    --constraint requirements/dev.txt --upgrade
pin examples/penguins/requirements.txt examples/penguins/requirements.in \
    --constraint requirements/dev.txt --upgrade

# The test tools themselves are not what is tried at its lowest.
tools=$(mktemp)
trap 'rm -f "$tools"' EXIT
for name in $(sed -E '/^(#|$)/d' requirements/build.in requirements/test.in); do
    grep -oE "^$name==[^ ]+" requirements/dev.txt
done > "$tools"
pin requirements/lowest.txt pyproject.toml --extra explore --extra gpu --extra neo4j \
    requirements/build.in requirements/test.in \
    --resolution lowest-direct --constraint "$tools" --no-annotate --upgrade

if grep -nE '://|--(index|extra-index|find|trusted)|file:|@ ' \
    requirements/*.txt examples/penguins/requirements.txt; then
    echo "a pinned file names a host or a path of this machine" >&2
    exit 1
fi
