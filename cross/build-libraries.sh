#!/bin/sh
# Makes the sysroot of one architecture: musl and the kernel's headers as Debian has them, libuv, LMDB and mbedTLS
# compiled here with the compiler that compiles the Swift sources.
#
#   build-libraries.sh ARCHITECTURE [SDK]    with the musl of a Swift SDK, its folder, instead of Debian's
. "$(dirname "$0")/common.sh"
name_architecture "$1"
root=$work/$1${2:+-full}
sysroot=$root/sysroot
rm -rf "$root"
mkdir -p "$root/debian" "$root/source" "$root/objects" "$sysroot/usr/include" "$sysroot/usr/lib"

# musl, the kernel and the compiler's runtime, flat in one include and one lib folder.
if [ -z "${2:-}" ]; then
    grep "^deb $debian " "$lock" | while read -r _ _ _ _ _ file; do dpkg-deb -x "$work/archives/$file" "$root/debian"; done
    cp -R "$root/debian/usr/include/$musl/." "$sysroot/usr/include/"
    cp -R "$root/debian/usr/include/linux" "$root/debian/usr/include/asm-generic" "$sysroot/usr/include/"
    cp -R "$root/debian/usr/include/$gnu/asm" "$sysroot/usr/include/"
    cp "$root/debian/usr/lib/$musl/"*.a "$root/debian/usr/lib/$musl/"*.o "$sysroot/usr/lib/"
    cp "$root/debian/usr/lib/gcc/$gnu/12/libgcc.a" "$root/debian/usr/lib/gcc/$gnu/12/libgcc_eh.a" "$sysroot/usr/lib/"
else
    # Its C library stays where it is; only the libraries of impsd lie here.
    clang=$1-swift-linux-musl
    sdk_headers="--sysroot=$2 -isystem $2/usr/include"
fi

headers=$("$toolchain/bin/clang" -print-resource-dir)/include
compile="$toolchain/bin/clang --target=$clang $code_flags -Os -fomit-frame-pointer -ffunction-sections -fdata-sections
    -fno-unwind-tables -fno-asynchronous-unwind-tables -ffile-prefix-map=$work=. -nostdlibinc -isystem $headers
    -isystem $sysroot/usr/include ${sdk_headers:-} -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DNDEBUG -w"

unpack() {
    file=$(grep "^src any $1 .*\.orig\.tar" "$lock" | cut -d ' ' -f 6)
    mkdir -p "$root/source/$1"
    tar -xf "$work/archives/$file" -C "$root/source/$1" --strip-components=1
    changes=$(grep "^src any $1 .*\.debian\.tar" "$lock" | cut -d ' ' -f 6)
    tar -xf "$work/archives/$changes" -C "$root/source/$1"
    # Debian's corrections, security ones above all.
    if [ -e "$root/source/$1/debian/patches/series" ]; then
        grep -v '^#' "$root/source/$1/debian/patches/series" | while read -r patch; do
            [ -z "$patch" ] || patch -s -p1 -d "$root/source/$1" < "$root/source/$1/debian/patches/${patch%% *}" ||
                fail "$1: $patch does not apply"
        done
    fi
}

# $1 library, then its sources below the folder $2 with the flags $3
archive() {
    library=$1 folder=$2 flags=$3
    shift 3
    mkdir -p "$root/objects/$library"
    for source in "$@"; do
        (cd "$folder" && $compile $flags -c "$source" -o "$root/objects/$library/$(echo "$source" | tr / _ | sed 's/\.c$/.o/')") ||
            fail "$library: $source"
    done
    rm -f "$sysroot/usr/lib/lib$library.a"
    llvm-ar --format=gnu rcsD "$sysroot/usr/lib/lib$library.a" "$root/objects/$library/"*.o
}

unpack libuv1
cp -R "$root/source/libuv1/include/." "$sysroot/usr/include/"
# What the loop, TCP, pipes, timers and signals need; fs, threads and the rest only as far as those refer to them.
archive uv "$root/source/libuv1" "-Oz -Iinclude -Isrc" \
    src/fs-poll.c src/idna.c src/inet.c src/random.c src/strscpy.c src/threadpool.c src/timer.c src/uv-common.c \
    src/uv-data-getter-setters.c src/version.c src/unix/async.c src/unix/core.c src/unix/dl.c src/unix/fs.c \
    src/unix/getaddrinfo.c src/unix/getnameinfo.c src/unix/loop.c src/unix/loop-watcher.c src/unix/pipe.c \
    src/unix/poll.c src/unix/process.c src/unix/random-devurandom.c src/unix/random-getrandom.c \
    src/unix/random-sysctl-linux.c src/unix/signal.c src/unix/stream.c src/unix/tcp.c src/unix/thread.c src/unix/tty.c \
    src/unix/udp.c src/unix/proctitle.c src/unix/procfs-exepath.c src/unix/linux-core.c src/unix/linux-inotify.c \
    src/unix/linux-syscalls.c src/unix/epoll.c

unpack lmdb
lmdb=$(dirname "$(find "$root/source/lmdb" -name mdb.c)")
cp "$lmdb/lmdb.h" "$sysroot/usr/include/"
# A compact copy takes two buffers of this size while it is made; the default of 1 MB is for machines with more memory.
# What it puts into one section by name would be kept as a whole: each function gets one of its own, as everywhere.
archive lmdb "$lmdb" "-Oz -DMDB_WBUF=65536 -Dsection(name)=unused" mdb.c midl.c

unpack mbedtls
cp -R "$root/source/mbedtls/include/mbedtls" "$sysroot/usr/include/"
cp "$cross/mbedtls-config.h" "$sysroot/usr/include/mbedtls/config.h"
archive mbedcrypto "$root/source/mbedtls" "-isystem include -include $cross/mbedtls-config.h" \
    library/chacha20.c library/chachapoly.c library/constant_time.c library/gcm.c library/poly1305.c
# What is not on the way of each octet or each handshake is as small as it gets.
archive mbedcrypto "$root/source/mbedtls" "-Oz -isystem include -include $cross/mbedtls-config.h" \
    library/aes.c library/asn1parse.c library/asn1write.c library/base64.c library/bignum.c library/cipher.c library/cipher_wrap.c library/ecdh.c \
    library/ecdsa.c library/ecp.c library/ecp_curves.c library/md.c library/md4.c library/md5.c library/memory_buffer_alloc.c \
    library/oid.c library/pem.c library/pk.c library/pk_wrap.c library/pkcs5.c library/pkparse.c library/pkwrite.c \
    library/platform.c library/platform_util.c library/rsa.c library/rsa_internal.c library/sha1.c library/sha256.c library/sha512.c
archive mbedx509 "$root/source/mbedtls" "-Oz -isystem include -include $cross/mbedtls-config.h" \
    library/x509.c library/x509_crt.c library/x509_create.c library/x509write_crt.c library/x509write_csr.c
archive mbedtls "$root/source/mbedtls" "-Oz -isystem include -include $cross/mbedtls-config.h" \
    library/ssl_ciphersuites.c library/ssl_cli.c library/ssl_msg.c library/ssl_srv.c library/ssl_ticket.c library/ssl_tls.c
