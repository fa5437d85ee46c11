#!/usr/bin/env bash
# Write a comment on a pull request, or write its own former one anew: comment.sh OWNER/REPO PULL FILE
set -euo pipefail
repository=$1 pull=$2 file=$3
if [ ! -f "$file" ]; then exit 0; fi
# The first line of the file is the same in every comment, so it finds the one to write anew.
mark=$(head -n 1 "$file")
id=$(gh api --paginate "repos/$repository/issues/$pull/comments" \
  --jq ".[] | select(.body | startswith(\"$mark\")) | .id" | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$repository/issues/comments/$id" --field "body=@$file" >/dev/null
elif ! gh api --method POST "repos/$repository/issues/$pull/comments" --field "body=@$file" >/dev/null; then
  # A pull request from a fork has a token that may not write: the summary has the same text.
  echo "provgraph: this token may not comment; see the summary of this job" >&2
fi
