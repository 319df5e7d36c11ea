#!/bin/sh
# Builds the program for one architecture into dist/ARCHITECTURE, checks them, and writes what goes with them.
. "$(dirname "$0")/common.sh"
name_architecture "$1"
[ -d "$work/impsd.artifactbundle/$1" ] || fail "no SDK; make sdk makes it"
cd "$package"
scratch=.build-$1
dist=dist/$1
rm -rf "$dist"
mkdir -p "$dist/symbols"

# What was inlined from another module is not seen to have changed: a change anywhere compiles everything again.
[ -z "$(find Sources Package.swift "$work/impsd.artifactbundle/info.json" -newer "$scratch/built" 2>&1)" ] ||
    rm -rf "$scratch"/*/release/*.build "$scratch"/*/release/description.json "$scratch"/release.yaml
mkdir -p "$scratch"
touch "$scratch/building"
swift build --swift-sdks-path "$work" --swift-sdk "impsd-$1" --triple "$swift" --scratch-path "$scratch" \
    -c release --product impsd \
    -Xswiftc -file-prefix-map -Xswiftc "$package=." -Xcc "-ffile-prefix-map=$package=." \
    -Xlinker "--lto-obj-path=$scratch/modules.o"
file=$scratch/release/impsd
"$cross/check.sh" "$1" "$file" "$scratch/modules.o"
cp "$file" "$dist/symbols/impsd"
file=$dist/symbols/impsd
"$cross/normalize.py" "$file"
id=$(llvm-readelf --notes "$file" | sed -n 's/.*Build ID: //p')
llvm-objcopy --only-keep-debug "$file" "$dist/symbols/$id.debug"
# The table of sections is for tools, which have the .debug file.
llvm-objcopy --strip-sections "$file" "$dist/impsd"
chmod 755 "$dist/impsd"
rm "$file"
# One program with three names.
for name in impsctl imps; do ln -s impsd "$dist/$name"; done
mv "$scratch/building" "$scratch/built"
"$cross/check.sh" "$1" --sizes "$dist"
"$cross/describe.py" "$1" "$lock" "$work/$1" "$dist"
(cd "$dist" && sha256sum impsd sbom.cdx.json LICENCES > SHA256SUMS)
