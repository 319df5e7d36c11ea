#!/bin/sh
# Starts the virtual board of an architecture: 64 MB, the root read-only, a data disk, the LAN's 192.168.1.1:8080
# forwarded to a port of this machine, the serial console on the terminal. Ctrl-A X ends it, as a power cut does.
#
#     run.sh ARCHITECTURE [words for the kernel ...]
#
# BOARD_DATA     the image of the data disk; made when it is not there (default .build-board/ARCHITECTURE/data.img)
# BOARD_PORT     the port on 127.0.0.1 (default 8080)
# BOARD_SERIAL   where the console goes, as qemu has it (default the terminal)
# BOARD_OPTIONS  more options for qemu
set -eu
here=$(cd "$(dirname "$0")" && pwd)
architecture=${1:?architecture}
shift
place=$(dirname "$(dirname "$here")")/.build-board/$architecture
data=${BOARD_DATA:-$place/data.img}
case $architecture in
aarch64) qemu="qemu-system-aarch64 -M virt -cpu cortex-a53" ;;
armv7) qemu="qemu-system-arm -M virt,highmem=off -cpu cortex-a7" ;;
*) echo "run.sh: unknown architecture $architecture" >&2 && exit 64 ;;
esac
[ -e "$place/root.squashfs" ] || { echo "run.sh: no image; make board makes it" >&2 && exit 69; }
[ -e "$data" ] || "$here/disk.sh" "$data"
exec $qemu -m 64 -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$place/vmlinuz" -initrd "$place/initramfs.gz" \
    -append "console=ttyAMA0 quiet loglevel=3 panic=-1 $*" \
    -drive "file=$place/root.squashfs,format=raw,if=none,id=root,readonly=on" -device virtio-blk-device,drive=root,serial=root \
    -drive "file=$data,format=raw,if=none,id=data,cache=writethrough" -device virtio-blk-device,drive=data,serial=data \
    -netdev "user,id=lan,net=192.168.1.0/24,host=192.168.1.2,hostfwd=tcp:127.0.0.1:${BOARD_PORT:-8080}-192.168.1.1:8080" \
    -device virtio-net-device,netdev=lan -device virtio-rng-device \
    -serial "${BOARD_SERIAL:-mon:stdio}" ${BOARD_OPTIONS:-}
