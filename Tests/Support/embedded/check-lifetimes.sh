#!/bin/sh
# Compiles everything in Embedded mode, and each program once more to SIL as it is flashed: no pointer into stack storage may
# outlive it. The optimiser made such code of getters that lend out a span of an inline array; the tests would not always see it.
#
#   check-lifetimes.sh PROGRAM ...
set -eu
scratch=.build-embedded
log=$scratch/build.log
mkdir -p $scratch
# A build that has nothing to do does not say its commands.
for program in "$@"; do touch Sources/"$program"/Entry.swift; done
IMPSD_EMBEDDED=1 swift build -c release --scratch-path $scratch --product impsd -v > $log 2>&1 || {
    grep -E 'error:' $log || tail -n 20 $log
    exit 1
}

check() {
    sil=$scratch/$1.sil
    command=$(grep -E "swiftc -module-name $1 " $log | head -n 1 |
        sed -e 's/-emit-dependencies//; s/-emit-module-path [^ ]*//; s/ -emit-module / /; s/-emit-objc-header-path [^ ]*//; s/ -emit-objc-header / /' \
            -e 's/-output-file-map [^ ]*//; s/-parseable-output//; s/-num-threads [0-9]*//g; s/-serialize-diagnostics//' \
            -e "s# -c # -emit-sil -o $sil #; s/ -v / /")
    [ -n "$command" ] || { echo "check-lifetimes: no command for $1 in $log" >&2 && exit 1; }
    eval "$command"
    python3 "$(dirname "$0")/check-lifetimes.py" "$sil"
}

# Side by side: each takes one processor.
running=
for program in "$@"; do
    check "$program" &
    running="$running $!"
done
for process in $running; do wait "$process"; done
