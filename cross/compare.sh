#!/bin/sh
# Builds dist/ once more from a clone in another folder and compares: the same commit gives the same bytes.
#
#   compare.sh [ARCHITECTURE ...]  all of them when none is named
. "$(dirname "$0")/common.sh"
architectures=${*:-$architectures}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git clone -q "$package" "$place/a-clone-somewhere-else"
# The SDK is made anew too; only what is fetched is taken along.
mkdir -p "$place/a-clone-somewhere-else/.build-sdk"
cp -R "$work/archives" "$place/a-clone-somewhere-else/.build-sdk/"
cd "$place/a-clone-somewhere-else"
cross/make-sdk.sh > "$place/log" 2>&1 || { cat "$place/log" && exit 1; }
for architecture in $architectures; do
    cross/build.sh "$architecture" > "$place/log" 2>&1 || { cat "$place/log" && exit 1; }
    diff "$package/dist/$architecture/SHA256SUMS" "dist/$architecture/SHA256SUMS" ||
        fail "$architecture: dist/ differs from the one of a clone; is everything committed?"
    (cd "$package/dist/$architecture" && sha256sum --quiet -c SHA256SUMS)
    [ "$(cd "$package/dist/$architecture/symbols" && ls)" = "$(ls "dist/$architecture/symbols")" ] ||
        fail "$architecture: the build ids differ"
    echo "$architecture: the same bytes from another folder"
done
