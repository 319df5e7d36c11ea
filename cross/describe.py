#!/usr/bin/env python3
"""Writes sbom.cdx.json (CycloneDX) and LICENCES of a build from the lock file and the licences in the packages."""
import json
import pathlib
import re
import sys

architecture, lock, root, dist = sys.argv[1:]
root, dist = pathlib.Path(root), pathlib.Path(dist)
debian = {"aarch64": "arm64", "armv7": "armhf"}[architecture]
names = {"libuv1": "libuv", "musl-dev": "musl", "libgcc-12-dev": "libgcc", "linux-libc-dev": "linux-headers"}
licences = {
    "libuv1": "MIT", "lmdb": "OLDAP-2.8", "mbedtls": "Apache-2.0", "musl-dev": "MIT",
    "libgcc-12-dev": "GPL-3.0-with-GCC-exception", "linux-libc-dev": "GPL-2.0 WITH Linux-syscall-note",
}
version = re.search(r'"([\d.]+)"', pathlib.Path("Sources/IMPSEngine/Release.swift").read_text()).group(1)

components = {}
for line in pathlib.Path(lock).read_text().splitlines():
    kind, where, name, package_version, checksum, file = line.split()
    if where not in ("any", debian):
        continue
    component = components.setdefault(name, {
        "type": "library", "name": names.get(name, name), "version": package_version,
        "licenses": [{"license": {"id": licences[name]} if " " not in licences[name] else {"name": licences[name]}}],
        "purl": f"pkg:deb/debian/{name}@{package_version}", "hashes": [],
    })
    if not file.endswith(".dsc"):
        component["hashes"].append({"alg": "SHA-256", "content": checksum})

document = {
    "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
    "metadata": {"component": {
        "type": "application", "name": "impsd", "version": version, "licenses": [{"license": {"id": "Apache-2.0"}}],
    }},
    "components": [components[name] for name in sorted(components)] + [{
        "type": "library", "name": "Swift standard library (Embedded)", "version": "6.3",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }],
}
(dist / "sbom.cdx.json").write_text(json.dumps(document, indent=2) + "\n")

parts = ["impsd\n\n" + pathlib.Path("LICENSE").read_text()]
for name in sorted(components):
    for place in (root / "source" / name / "debian/copyright", root / "debian/usr/share/doc" / name / "copyright",
                  root / "debian/usr/share/doc/gcc-12-base/copyright"):
        if place.exists():
            parts.append(f"{components[name]['name']} {components[name]['version']}\n\n" + place.read_text(errors="replace"))
            break
    else:
        parts.append(f"{components[name]['name']} {components[name]['version']}: {licences[name]}\n")
(dist / "LICENCES").write_text(("\n" + "=" * 79 + "\n\n").join(parts))
