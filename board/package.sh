#!/bin/sh
# Makes what device makers take into their images from the programs in dist/ARCHITECTURE:
#
#     dist/impsd_VERSION_ARCH.ipk          for opkg, with the files of board/openwrt
#     dist/impsd-VERSION-ARCHITECTURE.tar.gz   for everything else: a tree from / on
#     dist/feed/                           for OpenWrt's own build, which makes an .ipk or an .apk of it
#
# The same programs give the same bytes: names are sorted, times are that of the last commit.
set -eu
board=$(cd "$(dirname "$0")" && pwd)
package=$(dirname "$board")
dist=$package/dist
version=$(sed -n 's/.*version: StaticString { "\(.*\)" }.*/\1/p' "$package/Sources/IMPSEngine/Release.swift")
: "${SOURCE_DATE_EPOCH:=$(git -C "$package" log -1 --format=%ct 2> /dev/null || echo 0)}"
[ -n "$version" ] || { echo "package: no version in Release.swift" >&2; exit 1; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

fail() {
    echo "package: $*" >&2
    exit 1
}

# pack FOLDER FILE
pack() {
    tar --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        -C "$1" -cf - . | gzip -9n > "$2"
}

# put MODE SOURCE ROOT PATH
put() { install -D -m "$1" "$2" "$3$4"; }

programs() {
    put 755 "$dist/$1/impsd" "$2" /usr/sbin/impsd
    mkdir -p "$2/usr/bin"
    ln -s impsd "$2/usr/sbin/impsctl"
    ln -s ../sbin/impsd "$2/usr/bin/imps"
}

# The files of the opkg package; the feed's Makefile says the same to OpenWrt's build.
make_ipk() {
    root=$place/$1/data
    programs "$1" "$root"
    put 755 "$board/openwrt/imps.init" "$root" /etc/init.d/imps
    put 755 "$board/openwrt/imps-watch" "$root" /usr/libexec/imps-watch
    put 644 "$board/imps.config" "$root" /etc/config/imps
    put 755 "$board/openwrt/imps.defaults" "$root" /etc/uci-defaults/60-imps
    put 644 "$board/openwrt/imps.upgrade" "$root" /lib/upgrade/imps.sh
    put 644 "$board/openwrt/imps.keep" "$root" /lib/upgrade/keep.d/imps
    control=$place/$1/control
    mkdir -p "$control"
    cat > "$control/control" <<END
Package: impsd
Version: $version-1
Architecture: $2
Maintainer: the authors of impsd
License: Apache-2.0
Section: net
Require-User: imps=200:imps=200
Installed-Size: $(du -sb "$root" | cut -f 1)
Description: OMA IMPS / Wireless Village messaging server
END
    echo /etc/config/imps > "$control/conffiles"
    for name in postinst prerm; do
        cat > "$control/$name" <<END
#!/bin/sh
[ "\${IPKG_NO_SCRIPT}" = 1 ] && exit 0
[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT}/lib/functions.sh"
default_$name "\$0" "\$@"
END
        chmod 755 "$control/$name"
    done
    parts=$place/$1/parts
    mkdir -p "$parts"
    echo 2.0 > "$parts/debian-binary"
    pack "$root" "$parts/data.tar.gz"
    pack "$control" "$parts/control.tar.gz"
    pack "$parts" "$dist/impsd_$version-1_$2.ipk"
}

make_tarball() {
    root=$place/$1/tree
    programs "$1" "$root"
    put 755 "$board/busybox/imps" "$root" /etc/init.d/imps
    put 644 "$board/imps.config" "$root" /etc/config/imps
    put 644 "$board/systemd/impsd.service" "$root" /usr/lib/systemd/system/impsd.service
    put 644 "$board/systemd/impsd.sysusers" "$root" /usr/lib/sysusers.d/impsd.conf
    for page in "$board"/man/*; do put 644 "$page" "$root" "/usr/share/man/man${page##*.}/${page##*/}"; done
    for file in board/FIELD-GUIDE.md board/LOGS.md CHANGELOG.md; do
        put 644 "$board/../$file" "$root" "/usr/share/doc/impsd/${file##*/}"
    done
    for file in LICENCES sbom.cdx.json; do put 644 "$dist/$1/$file" "$root" "/usr/share/doc/impsd/$file"; done
    pack "$root" "$dist/impsd-$version-$1.tar.gz"
}

make_feed() {
    feed=$dist/feed/impsd
    rm -rf "$dist/feed"
    mkdir -p "$feed/files"
    sed "s/@VERSION@/$version/" "$board/openwrt/Makefile" > "$feed/Makefile"
    cp "$board"/openwrt/imps* "$board/imps.config" "$feed/"
    for architecture in "$@"; do
        put 644 "$dist/$architecture/LICENCES" "$feed" "/files/$architecture/LICENCES"
        put 755 "$dist/$architecture/impsd" "$feed" "/files/$architecture/impsd"
    done
}

for architecture in "$@"; do
    [ -x "$dist/$architecture/impsd" ] || fail "no programs in dist/$architecture; make cross builds them"
    # The names that OpenWrt has for the common targets; opkg takes a package only under the name of its own.
    case $architecture in
    aarch64) opkg=${OPKG_AARCH64:-aarch64_generic} ;;
    armv7) opkg=${OPKG_ARMV7:-arm_cortex-a7} ;;
    *) fail "unknown architecture $architecture" ;;
    esac
    make_ipk "$architecture" "$opkg"
    make_tarball "$architecture"
done
make_feed "$@"
(cd "$dist" && sha256sum ./*.ipk ./*.tar.gz > PACKAGES.sha256 && cat PACKAGES.sha256)
