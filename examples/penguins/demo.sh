#!/bin/sh
# Run the example, watched, in a copy of its own, and ask what a change would affect.
#
#   sh demo.sh FOLDER      FOLDER is made anew; provgraph and the example's packages are on the PATH
set -eu
here=$(cd "$(dirname "$0")" && pwd)
copy=${1:?"usage: demo.sh FOLDER"}

if [ -e "$copy" ] && [ ! -e "$copy/pipeline.sh" ]; then
    echo "demo.sh: $copy is there and is no earlier copy of the example; name another folder" >&2
    exit 2
fi
rm -rf "$copy"
mkdir -p "$copy"
cp -R "$here/." "$copy"
cd "$copy"
rm -rf out graph.html

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# The copy is a project of its own, with its own repository and history.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.org
export GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.org
git -c init.defaultBranch=main init --quiet
show provgraph init
git add --all
git -c commit.gpgsign=false commit --quiet --no-verify --message "The penguins example"

printf '\n$ %s\n' 'RUN="provgraph run --" sh pipeline.sh'
RUN="provgraph run --" sh pipeline.sh

show provgraph status
show provgraph why out/v3/figure.png
show provgraph impact env:scikit-learn
show provgraph impact data/v3
show provgraph render data/v3 --direction down -o graph.html

printf '\nThe picture:       %s\n' "$(pwd)/graph.html"
printf 'Ask for yourself:  cd %s && PATH="%s:$PATH" provgraph impact params/v1.yaml\n' \
    "$(pwd)" "$(dirname "$(command -v provgraph)")"
