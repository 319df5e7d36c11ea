#!/bin/sh
# Builds the programs with the official Static Linux SDK and the full Swift runtime into dist/SDK: the larger
# alternative, for 64 bits only.
#
#   build-full.sh aarch64-swift-linux-musl
. "$(dirname "$0")/common.sh"
case ${1:-} in
aarch64-swift-linux-musl) name_architecture aarch64 ;;
*) fail "unknown SDK ${1:-}; there is aarch64-swift-linux-musl" ;;
esac
version=$(swift --version 2> /dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
folder=$(find "$HOME/.swiftpm/swift-sdks" "$HOME/.config/swiftpm/swift-sdks" -type d -path '*musl*.sdk/aarch64' 2> /dev/null |
    head -n 1)
[ -n "$folder" ] || fail "the Static Linux SDK of Swift $version is not installed. Its address and checksum are on
    https://www.swift.org/install/linux (Static Linux SDK); then: swift sdk install ADDRESS --checksum SUM
    The small SDK of this package needs nothing of it: make sdk && make cross"
"$cross/fetch.sh"
"$cross/build-libraries.sh" aarch64 "$folder"
libraries=$work/aarch64-full/sysroot/usr
cd "$package"
scratch=.build-$1
dist=dist/$1
rm -rf "$dist"
mkdir -p "$dist"
swift build --swift-sdk "$1" --scratch-path "$scratch" -c release --product impsd --static-swift-stdlib \
    -Xcc -isystem -Xcc "$libraries/include" -Xlinker "-L$libraries/lib" -Xlinker --gc-sections \
    -Xswiftc -file-prefix-map -Xswiftc "$package=." -Xcc "-ffile-prefix-map=$package=."
llvm-objcopy --strip-all "$scratch/release/impsd" "$dist/impsd"
printf '%s impsd %d octets\n' "$1" "$(stat -c %s "$dist/impsd")"
for name in impsctl imps; do ln -s impsd "$dist/$name"; done
(cd "$dist" && sha256sum impsd > SHA256SUMS)
