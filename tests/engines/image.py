# SPDX-License-Identifier: Apache-2.0
"""Makes an OCI image archive of one layer: image.py LAYER.tar ARCHIVE.tar NAME..."""
import hashlib
import io
import json
import sys
import tarfile


def main():
    layer_path, archive_path, *names = sys.argv[1:]
    with tarfile.open(archive_path, "w") as archive:

        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

        def blob(kind, data):
            digest = hashlib.sha256(data).hexdigest()
            if digest not in seen:
                add(f"blobs/sha256/{digest}", data)
                seen.add(digest)
            return {
                "mediaType": f"application/vnd.oci.image.{kind}",
                "digest": f"sha256:{digest}",
                "size": len(data),
            }

        seen = set()
        manifests = []
        with open(layer_path, "rb") as file:
            layer = blob("layer.v1.tar", file.read())
        for name in names:
            config = {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": ["/bin/sleep", "2147483647"]},
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
            }
            manifest = {
                "schemaVersion": 2,
                "config": blob("config.v1+json", json.dumps(config).encode()),
                "layers": [layer],
                "annotations": {"name": name},
            }
            entry = blob("manifest.v1+json", json.dumps(manifest).encode())
            entry["annotations"] = {
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1],
            }
            manifests.append(entry)
        add("index.json", json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
        add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')


main()
