# What the scripts of this folder share. Everything they make lies in .build-sdk; nothing of the host is changed.
set -eu
cross=${cross:-$(cd "$(dirname "$0")" && pwd)}
package=$(dirname "$cross")
work=$package/.build-sdk
lock=$cross/packages.lock
architectures="aarch64 armv7"

# The names that Debian, clang and musl have for an architecture.
name_architecture() {
    case $1 in
    aarch64)
        debian=arm64 gnu=aarch64-linux-gnu musl=aarch64-linux-musl clang=aarch64-linux-musl
        swift=aarch64-none-none-elf code_flags="-march=armv8-a"
        ;;
    armv7)
        debian=armhf gnu=arm-linux-gnueabihf musl=arm-linux-musleabihf clang=armv7-linux-musleabihf
        swift=armv7-none-none-eabi code_flags="-march=armv7-a -mfloat-abi=hard -mfpu=vfpv3-d16 -mthumb"
        ;;
    *) fail "unknown architecture $1; there are: $architectures" ;;
    esac
}

fail() {
    echo "cross: $*" >&2
    exit 1
}

# The compiler's folder: the one that swift comes from.
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift || fail 'no swift in PATH')")")")

# Where Debian comes from on this machine, or DEBIAN_MIRROR.
mirror() {
    [ -z "${DEBIAN_MIRROR:-}" ] || { echo "$DEBIAN_MIRROR" && return; }
    found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        sed -n 's|^\(.*/debian/*\) bookworm$|\1|p' | head -n 1)
    [ -n "$found" ] || fail "no bookworm in this machine's package sources; DEBIAN_MIRROR=ADDRESS names one"
    echo "$found"
}

# apt for another architecture, with a state of its own.
apt_options() {
    state=$work/apt/$1
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    from="signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    address=$(mirror)
    printf '%s\n' "deb [arch=$1 $from] $address bookworm main" "deb-src [$from] $address bookworm main" \
        > "$state/sources.list"
    echo "-qq -o Dir::State=$state -o Dir::State::Lists=$state/lists -o Dir::State::status=/dev/null" \
        "-o Dir::Cache=$state -o Dir::Cache::Archives=$state/archives -o Dir::Etc::SourceList=$state/sources.list" \
        "-o Dir::Etc::SourceParts=/dev/null -o APT::Architecture=$1 -o APT::Architectures=$1" \
        "-o APT::Sandbox::User=$(id -un) -o APT::Get::AllowUnauthenticated=false"
}

# Mirrors have bad moments.
retry() {
    for pause in 2 10 30; do
        "$@" && return
        sleep $pause
    done
    "$@"
}

update_lists() {
    [ -e "$work/apt/$1/updated" ] && return
    retry apt-get $(apt_options "$1") update && touch "$work/apt/$1/updated"
}
