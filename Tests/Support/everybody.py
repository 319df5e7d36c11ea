#!/usr/bin/env python3
"""Everybody may log in at an ejabberd with the password `secret`: what it asks, this answers."""
import struct, sys
while head := sys.stdin.buffer.read(2):
    words = sys.stdin.buffer.read(struct.unpack(">H", head)[0]).decode().split(":")
    good = words[0] == "isuser" or words[0] == "auth" and words[3] == "secret"
    sys.stdout.buffer.write(struct.pack(">HH", 2, good))
    sys.stdout.buffer.flush()
