#!/bin/sh
# Makes .build-sdk/impsd.artifactbundle: a Swift SDK with a target for each architecture.
. "$(dirname "$0")/common.sh"
"$cross/fetch.sh"
bundle=$work/impsd.artifactbundle
rm -rf "$bundle"
mkdir -p "$bundle"
for architecture in $architectures; do
    "$cross/build-libraries.sh" "$architecture"
    name_architecture "$architecture"
    mkdir -p "$bundle/$architecture"
    cp -R "$work/$architecture/sysroot" "$bundle/$architecture/sysroot"
    sysroot=$bundle/$architecture/sysroot
    cat > "$bundle/$architecture/swift-sdk.json" <<END
{
  "schemaVersion": "4.0",
  "targetTriples": {
    "$swift": {
      "sdkRootPath": "sysroot",
      "toolsetPaths": ["toolset.json"]
    }
  }
}
END
    # The compiler writes what LLVM reads, and the linker makes code of all modules at once, for fixed addresses: 3 percent less.
    # Code that is the same in many places becomes one function: 4 percent of the program. For armv7 LLVM does that wrong; there
    # what LLVM inlines, merges and joins by default is tuned for size a little more.
    case $architecture in
    aarch64) tuned="" linked="-enable-machine-outliner=always -enable-linkonceodr-outlining" ;;
    *) tuned="-inline-threshold=0 -swiftmergefunc-threshold=6" linked="-enable-machine-outliner=always -mattr=-d32 -tail-merge-threshold=2000 -tail-merge-size=2" ;;
    esac
    tuned_words=$(for flag in $tuned; do printf '"-Xllvm", "%s", ' "$flag"; done)
    # Embedded Swift has no checks of exclusive access at run time, only calls to where they would be: the host's builds check.
    # Each flag a word of JSON, with -Xcc before those of clang. Without --target headers are read as of no system, whatever
    # -clang-target says: libuv's loop is then 40 octets smaller here than in its library.
    clang_words=$(for flag in $code_flags; do printf '"-Xcc", "%s", ' "$flag"; done)
    cat > "$bundle/$architecture/toolset.json" <<END
{
  "schemaVersion": "1.0",
  "swiftCompiler": {
    "extraCLIOptions": [
      "-enable-experimental-feature", "Embedded", "-wmo", "-Osize", "-enforce-exclusivity=unchecked", ${tuned_words}
      "-Xfrontend", "-emit-bc", "-Xfrontend", "-lto=llvm-full",
      "-Xcc", "-D_GNU_SOURCE", "-Xcc", "-D_FILE_OFFSET_BITS=64", ${clang_words}
      "-Xcc", "-fno-asynchronous-unwind-tables", "-Xcc", "-fno-unwind-tables",
      "-Xcc", "-nostdlibinc", "-Xcc", "-isystem", "-Xcc", "$sysroot/usr/include",
      "-Xclang-target", "-Xcc", "--target=$clang", "-Xfrontend", "-function-sections",
      "-use-ld=lld", "-Xclang-linker", "-nostdlib", "-Xclang-linker", "-nostartfiles"
    ]
  },
  "linker": {
    "extraCLIOptions": []
  }
}
END
    python3 - "$bundle/$architecture/toolset.json" "$clang" "$sysroot" $linked <<'END'
import json, sys
path, clang, sysroot = sys.argv[1:4]
tuned = [word for flag in sys.argv[4:] for word in ("-mllvm", flag)]
toolset = json.load(open(path))
words = toolset["swiftCompiler"]["extraCLIOptions"]
place = words.index("-Xclang-target")
words[place:place + 1] = ["-clang-target", clang]
lib = sysroot + "/usr/lib"
# Hashes of modules, for builds that compile only what changed: nothing reads them when the program runs.
script = sysroot + "/usr/lib/discard.ld"
open(script, "w").write("SECTIONS { /DISCARD/ : { *(.swift_modhash) } } INSERT AFTER .comment;\n")
toolset["linker"]["extraCLIOptions"] = [
    "-T", script, "--static", "--gc-sections", "--icf=all", "-O2", "--lto-O1", *tuned, "--build-id=sha1", "-L" + lib, lib + "/crt1.o", lib + "/crti.o", lib + "/crtn.o",
    "--start-group", "-luv", "-llmdb", "-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-lc", "-lgcc", "-lgcc_eh", "--end-group",
]
json.dump(toolset, open(path, "w"), indent=2)
END
done
cat > "$bundle/info.json" <<END
{
  "schemaVersion": "1.0",
  "artifacts": {
$(for architecture in $architectures; do
    [ "$architecture" = aarch64 ] || echo ','
    printf '    "impsd-%s": {"type": "swiftSDK", "version": "1", "variants": [{"path": "%s"}]}' $architecture $architecture
done)
  }
}
END
echo "cross: $bundle"
