#!/usr/bin/env python3
"""Gives a linked program the build id of what is loaded of it, which does not depend on the folder that it was built in.

    normalize.py PROGRAM
"""
import hashlib
import struct
import sys


def sections(data):
    """Name, offset and size of each section of an ELF file that has octets in it."""
    wide = data[4] == 2
    if wide:
        start, = struct.unpack_from("<Q", data, 0x28)
        size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    else:
        start, = struct.unpack_from("<I", data, 0x20)
        size, count, names = struct.unpack_from("<HHH", data, 0x2E)
    entries = []
    for index in range(count):
        place = start + index * size
        name, kind = struct.unpack_from("<II", data, place)
        offset, length = struct.unpack_from("<QQ" if wide else "<II", data, place + (24 if wide else 16))
        entries.append((name, offset, 0 if kind == 8 else length))
    text = entries[names][1]
    for name, offset, length in entries:
        end = data.index(0, text + name)
        yield data[text + name:end].decode(), offset, length


def main(path):
    data = bytearray(open(path, "rb").read())
    found = {name: (offset, length) for name, offset, length in sections(data)}
    # The note is a head of 12 octets, the name of 4, and the hash.
    offset, length = found[".note.gnu.build-id"]
    place = offset + 16
    data[place:offset + length] = bytes(length - 16)
    # What is loaded is what counts; symbols and lines are told by it.
    loaded = hashlib.sha1()
    for name, (start, size) in found.items():
        if not name.startswith((".debug", ".symtab", ".strtab", ".shstrtab", ".comment")):
            loaded.update(name.encode() + bytes(data[start:start + size]))
    data[place:offset + length] = loaded.digest()[:length - 16]
    open(path, "wb").write(data)


main(sys.argv[1])
