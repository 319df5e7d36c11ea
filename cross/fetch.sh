#!/bin/sh
# Fetches what packages.lock pins into .build-sdk/archives; with --update it pins what is newest.
#
# A line of the lock: kind, architecture or `any`, name, version, SHA-256, file.
. "$(dirname "$0")/common.sh"
mode=${1:-}
archives=$work/archives
mkdir -p "$archives"

checksum() { sha256sum "$1" | cut -d ' ' -f 1; }

# $1 architecture, $2 name, $3 version or nothing
download_deb() { (cd "$archives" && retry apt-get $(apt_options "$1") download "$2${3:+=$3}"); }
download_source() { (cd "$archives" && retry apt-get $(apt_options arm64) source --download-only "$1${2:+=$2}" > /dev/null); }

if [ "$mode" = --update ]; then
    rm -rf "$archives" "$work/apt"
    mkdir -p "$archives"
    : > "$lock.new"
    for debian in arm64 armhf; do update_lists $debian; done
    grep -v '^#' "$cross/packages" | while read -r kind name; do
        case $kind in
        deb)
            for debian in arm64 armhf; do
                download_deb $debian "$name"
                file=$(cd "$archives" && ls "$name"_*_"$debian".deb)
                version=$(dpkg-deb -f "$archives/$file" Version)
                echo "deb $debian $name $version $(checksum "$archives/$file") $file" >> "$lock.new"
            done
            ;;
        src)
            download_source "$name"
            description=$(cd "$archives" && ls "$name"_*.dsc)
            version=$(sed -n 's/^Version: //p' "$archives/$description")
            for file in "$description" $(sed -n '/^Files:/,/^[^ ]/s/^ [0-9a-f]* [0-9]* //p' "$archives/$description"); do
                echo "src any $name $version $(checksum "$archives/$file") $file" >> "$lock.new"
            done
            ;;
        esac
    done
    mv "$lock.new" "$lock"
    echo "cross: packages.lock pins $(wc -l < "$lock") files"
    exit 0
fi

# With names encoded by apt, a version's colon is %3a in its file.
while read -r kind architecture name version sum file; do
    if [ ! -e "$archives/$file" ]; then
        [ "$architecture" = any ] && update_lists arm64 || update_lists "$architecture"
        case $kind in
        deb) download_deb "$architecture" "$name" "$version" ;;
        src) download_source "$name" "$version" ;;
        esac || fail "$name $version cannot be fetched; when the archive has a newer one, make sdk-update pins it"
    fi
    found=$(checksum "$archives/$file")
    [ "$found" = "$sum" ] || fail "$file has the SHA-256 $found, packages.lock says $sum; delete it, or make sdk-update"
done < "$lock"
