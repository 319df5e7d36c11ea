"""Lists the copies of more than 256 octets in LLVM IR by function, and compares them with the list that is kept."""

import collections
import re
import subprocess
import sys

ir, kept, *options = sys.argv[1:]
LEAST = 256
found = collections.Counter()
function = ""
with open(ir) as file:
    for line in file:
        if line.startswith("define "):
            function = re.search(r'@"?([^"(]+)', line).group(1)
        match = re.search(r"call void @llvm\.mem(?:cpy|move)\.[^(]*\(.*, i(?:32|64) (\d+), i1", line)
        if match and int(match.group(1)) > LEAST:
            found[(function, int(match.group(1)))] += 1
names = sorted({name for name, _ in found})
plain = subprocess.run(
    ["swift", "demangle", "--simplified", "--compact"], input="\n".join(names), capture_output=True, text=True,
    check=True).stdout.split("\n")
named = collections.Counter()
for (name, size), count in found.items():
    short = re.sub(r"\(.*", "", re.sub(r"<[^>]*>|specialized |generic ", "", plain[names.index(name)]))
    named[short.strip()] += size * count
text = "".join(f"{octets:>8} {name}\n" for name, octets in sorted(named.items(), key=lambda item: (-item[1], item[0])))
if "--write" in options:
    with open(kept, "w") as file:
        file.write(text)
    sys.exit()
with open(kept) as file:
    known = {line[9:].rstrip("\n"): int(line[:8]) for line in file}
more = {name: octets for name, octets in named.items() if octets > known.get(name, 0)}
for name, octets in sorted(more.items(), key=lambda item: -item[1]):
    print(f"{octets:>8} octets, {known.get(name, 0)} in the list: {name}")
print(f"copies: {sum(named.values())} octets in copies of more than {LEAST}, in {len(named)} functions")
if more:
    sys.exit("copies: more is copied than the list says; change in place, or run make copies WRITE=--write and say why")
