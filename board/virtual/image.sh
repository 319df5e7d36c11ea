#!/bin/sh
# Makes the virtual board of an architecture in .build-board/ARCHITECTURE: kernel, initramfs, read-only root.
# Kernel and busybox are Debian's; nothing of the host is changed, and no root is needed.
cross=$(cd "$(dirname "$0")/../../cross" && pwd)
. "$cross/common.sh"
name_architecture "${1:?architecture}"
board=$package/board
place=$package/.build-board/$1
programs=$package/dist/$1
case $1 in
aarch64) kernel=linux-image-cloud-arm64 ;;
armv7) kernel=linux-image-armmp ;;
esac
# What the initramfs loads, with what each needs before it.
modules="virtio_mmio virtio_blk virtio_net virtio-rng squashfs ext4"
[ -x "$programs/impsd" ] || fail "no programs in dist/$1; make cross builds them"

fetch() {
    mkdir -p "$place/archives"
    cd "$place/archives"
    update_lists "$debian"
    version=$(apt-cache $(apt_options "$debian") depends "$kernel" | sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -n 1)
    [ -n "$version" ] || fail "no kernel $kernel in the package lists"
    retry apt-get $(apt_options "$debian") download "$version" busybox-static
    rm -rf "$place/debian"
    for archive in *.deb; do dpkg-deb -x "$archive" "$place/debian"; done
    cp "$place"/debian/boot/vmlinuz-* "$place/vmlinuz"
    cd "$package"
    rm -rf "$place/archives"
}

# The files of a module and of what it needs, in the order of loading.
order() {
    python3 - "$place/debian/lib/modules" "$@" <<'END'
import os, re, sys
files = {}
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith('.ko'):
            files[name[:-3].replace('-', '_')] = os.path.join(folder, name)
done = []
def take(name):
    path = files.get(name.replace('-', '_'))
    if path is None or path in done:
        return  # built into the kernel
    needs = re.search(rb'\0depends=([^\0]*)\0', open(path, 'rb').read())
    for need in needs.group(1).decode().split(',') if needs else []:
        take(need)
    # Known by name only, not by symbol.
    for need in {'ext4': ['crc32c_generic'], 'squashfs': []}.get(name, []):
        take(need)
    done.append(path)
for name in sys.argv[2:]:
    take(name)
print('\n'.join(done))
END
}

# copy_modules FOLDER NAME ...: with a file `order` that says how they are loaded.
copy_modules() {
    target=$1
    shift
    order "$@" | while read -r file; do
        cp "$file" "$target/"
        basename "$file"
    done > "$target/order"
}

make_initramfs() {
    root=$place/initramfs
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/modules" "$root/proc" "$root/sys" "$root/dev" "$root/system"
    cp "$place/debian/bin/busybox" "$root/bin/busybox"
    install -m 755 "$board/virtual/init" "$root/init"
    copy_modules "$root/modules" $modules
    (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 | gzip -9n) > "$place/initramfs.gz"
}

make_root() {
    root=$place/root
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/sbin" "$root/usr/bin" "$root/usr/sbin" "$root/lib/modules" "$root/proc" "$root/sys" \
        "$root/dev" "$root/srv" "$root/tmp" "$root/var/run" "$root/etc/config"
    cp "$place/debian/bin/busybox" "$root/bin/busybox"
    "${qemu_user:?}" "$root/bin/busybox" --list | while read -r name; do
        [ "$name" = busybox ] || ln -s /bin/busybox "$root/bin/$name"
    done
    ln -s /bin/busybox "$root/sbin/init"
    ln -s /bin/busybox "$root/sbin/reboot"
    cp -R "$board/rootfs/etc" "$root/"
    install -m 755 "$board/busybox/imps" "$root/etc/init.d/imps"
    chmod 755 "$root"/etc/init.d/*
    install -m 644 "$board/imps.config" "$root/etc/config/imps"
    install -D -m 644 "$board/openwrt/imps.upgrade" "$root/lib/upgrade/imps.sh"
    install -m 755 "$programs/impsd" "$root/usr/sbin/"
    ln -s impsd "$root/usr/sbin/impsctl"
    ln -s ../sbin/impsd "$root/usr/bin/imps"
    copy_modules "$root/lib/modules" softdog
    rm -f "$place/root.squashfs"
    mksquashfs "$root" "$place/root.squashfs" -all-root -noappend -quiet -no-progress > /dev/null
}

case $1 in
aarch64) qemu_user=qemu-aarch64-static ;;
armv7) qemu_user=qemu-arm-static ;;
esac
[ -e "$place/vmlinuz" ] || fetch
[ -e "$place/initramfs.gz" ] && [ "$place/initramfs.gz" -nt "$board/virtual/init" ] &&
    [ "$place/initramfs.gz" -nt "$board/virtual/image.sh" ] || make_initramfs
make_root
echo "board: $place: kernel, initramfs $(stat -c %s "$place/initramfs.gz"), root $(stat -c %s "$place/root.squashfs") octets"
