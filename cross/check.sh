#!/bin/sh
# Stops the build over what would only show on a board.
#
#   check.sh ARCHITECTURE PROGRAM MODULES  symbols of a program, and the ABI of its modules together
#   check.sh ARCHITECTURE --sizes FOLDER   the size of the stripped program against its budget
. "$(dirname "$0")/common.sh"
name_architecture "$1"

if [ "$2" = --sizes ]; then
    [ "$1" = aarch64 ] && budget=1360 || budget=1060
    size=$(stat -c %s "$3/impsd")
    printf '%-8s %7d octets of %d KB, impsd, impsctl and imps in one\n' "$1" "$size" "$budget"
    [ "$size" -le $((budget * 1024)) ] || fail "impsd is larger than $budget KB"
    exit 0
fi

file=$2
# musl asks for _DYNAMIC, which a static file does not have.
undefined=$(llvm-nm --undefined-only "$file" | grep -vE ' w | _DYNAMIC$' || true)
[ -z "$undefined" ] || fail "$file has undefined symbols: $undefined"
if llvm-readelf --program-headers "$file" | grep -qE 'INTERP|DYNAMIC'; then fail "$file is not static"; fi

if [ "$1" = armv7 ]; then
    # A mismatch of the float ABI links without a word and computes nonsense. The code of all modules is made by the linker.
    attributes=$(llvm-readelf --arch-specific "$3")
    case $attributes in *"AAPCS VFP"*) ;; *) fail "$3 is not compiled for hard floats" ;; esac
    case $attributes in
    *VFPv3-D16*) ;;
    *) fail "$3 is not compiled for vfpv3-d16" ;;
    esac
    case $attributes in
    *VFPv4* | *FPv5* | *NEONv2* | *ARMv8*) fail "$3 uses more than vfpv3-d16" ;;
    esac
    if llvm-objdump -d --mattr=+neon "$file" 2> /dev/null | grep -qE '\b(d1[6-9]|d2[0-9]|d3[01])\b'; then
        fail "$file uses the registers d16 to d31, which vfpv3-d16 does not have"
    fi
fi
