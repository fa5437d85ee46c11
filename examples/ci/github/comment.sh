#!/usr/bin/env bash
# Write a comment on a pull request, or write its own former one anew: comment.sh OWNER/REPO PULL FILE
# AUTHOR is whom the token writes as. Whatever the host refuses is said, and stops nothing: the gate
# comes after this, and the summary of the job has the same text.
set -euo pipefail
repository=$1 pull=$2 file=$3 author=${AUTHOR:-github-actions[bot]}
if [ ! -f "$file" ]; then exit 0; fi
refused() {
  echo "provgraph: $1; the summary of this job has the text" >&2
  exit 0
}
# The first line of the file is the same in every comment, so it finds the one to write anew. Only
# one's own counts: such a token may change what people wrote, too.
mark=$(head -n 1 "$file")
ids=$(gh api --paginate "repos/$repository/issues/$pull/comments" --jq \
  ".[] | select(.user.login == \"$author\") | select(.body | startswith(\"$mark\")) | .id") ||
  refused "the comments can't be read"
id=${ids%%$'\n'*}
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$repository/issues/comments/$id" --field "body=@$file" >/dev/null ||
    refused "the comment can't be written anew"
else
  gh api --method POST "repos/$repository/issues/$pull/comments" --field "body=@$file" >/dev/null ||
    refused "this token may not comment"
fi
