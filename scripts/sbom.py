#!/usr/bin/env python3
"""Writes what the binary is made of: a CycloneDX 1.6 document of every crate compiled into `headroom`.

    scripts/sbom.py [OUTPUT]        standard output without OUTPUT

The source is `cargo metadata` for the platform this runs on and the checksums of Cargo.lock; nothing is looked up
elsewhere. Crates that only tests need are left out. The same lock file gives the same document, byte for byte.
"""

import json
import platform
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = "headroom"
REGISTRY = "registry+"


def main() -> None:
    metadata = cargo_metadata()
    packages = {package["id"]: package for package in metadata["packages"]}
    edges = compiled_dependencies(metadata)
    start = next(id for id, package in packages.items() if package["name"] == BINARY)
    parts = reachable(start, edges)
    checksums = lock_checksums()
    components = [component(packages[part], checksums) for part in parts if part != start]
    components.sort(key=lambda component: component["bom-ref"])
    dependencies = [
        {"ref": purl(packages[part]), "dependsOn": sorted({purl(packages[other]) for other in edges[part]})}
        for part in parts
    ]
    dependencies.sort(key=lambda dependency: dependency["ref"])
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(packages[start], checksums) | {"type": "application"}},
        "components": components,
        "dependencies": dependencies,
    }
    # A number that follows from the content: no clock, no chance.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    document["serialNumber"] = f"urn:uuid:{serial}"
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def cargo_metadata() -> dict:
    """The resolved graph for this platform, with default features."""
    target = f"{platform.machine()}-unknown-linux-gnu"
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def compiled_dependencies(metadata: dict) -> dict[str, list[str]]:
    """What each crate needs to be compiled or run, not to be tested."""
    return {
        node["id"]: [
            dependency["pkg"]
            for dependency in node["deps"]
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])
        ]
        for node in metadata["resolve"]["nodes"]
    }


def reachable(start: str, edges: dict[str, list[str]]) -> list[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for other in edges[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return sorted(seen)


def lock_checksums() -> dict[tuple[str, str], str]:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(package["name"], package["version"]): package.get("checksum", "") for package in lock["package"]}


def purl(package: dict) -> str:
    """Package URL (purl specification, type cargo)."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package: dict, checksums: dict[tuple[str, str], str]) -> dict:
    described = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["description"]:
        described["description"] = " ".join(package["description"].split())
    if package["license"]:
        # Old manifests separate alternatives by a slash, which SPDX expressions do not know.
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    elif package["license_file"]:
        described["licenses"] = [{"license": {"name": f"see {package['license_file']} of the crate"}}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    elif (package["source"] or "").startswith(REGISTRY):
        sys.exit(f"sbom: {package['name']} {package['version']} has no checksum in Cargo.lock")
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


if __name__ == "__main__":
    main()
