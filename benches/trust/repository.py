"""A TUF repository with one large target, by python-tuf, and what python-tuf plus sigstore-python take to verify it.

    repository.py make DIR BYTES    writes DIR/{metadata,targets}, DIR/root.json and DIR/digest
    repository.py peer DIR          refreshes, and fetches the large target, as a Python program would; prints CPU seconds, and kB
    repository.py release DIR       refreshes, fetches the descriptor, and verifies both signatures of what it names; the same
    repository.py hostile DIR       alters what make wrote, one way a directory beneath DIR/hostile
"""

import copy
import hashlib
import json
import resource
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

TARGET = "stable/shop/shop.tar"
DESCRIPTOR = "stable/shop/release.json"
# From here on a target is a hole in the disk: what counts is its size.
SPARSE = 1 << 30
PRETTY = JSONSerializer(compact=False)


def expires(days):
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


def make(directory, size):
    metadata, targets = directory / "metadata", directory / "targets"
    (targets / "stable/shop").mkdir(parents=True)
    metadata.mkdir()
    signers = {role: [CryptoSigner.generate_ecdsa() for _ in range(count)]
               for role, count in {"root": 2, "targets": 2, "snapshot": 1, "timestamp": 1, "shop": 2}.items()}
    root = Root(expires=expires(365), consistent_snapshot=True)
    for role in ("root", "targets", "snapshot", "timestamp"):
        for signer in signers[role]:
            root.add_key(signer.public_key, role)
        root.roles[role].threshold = len(signers[role])
    large, digest = directory / "large", hashlib.sha256()
    with large.open("wb") as file:
        block = bytes(range(256)) * 4096
        for _ in range(size // len(block)):
            block = bytes(len(block)) if size >= SPARSE else block
            digest.update(block)
            if size >= SPARSE:
                file.seek(len(block), 1)
            else:
                file.write(block)
        file.truncate(size // len(block) * len(block))
    (directory / "digest").write_text(digest.hexdigest())
    name = targets / f"stable/shop/{digest.hexdigest()}.shop.tar"
    shutil.move(large, name)
    shop = Targets(expires=expires(90))
    shop.targets[TARGET] = TargetFile(name.stat().st_size, {"sha256": digest.hexdigest()}, TARGET)
    words = json.dumps({"sha256": digest.hexdigest(), "size": name.stat().st_size}).encode()
    small = hashlib.sha256(words).hexdigest()
    (targets / f"stable/shop/{small}.release.json").write_bytes(words)
    shop.targets[DESCRIPTOR] = TargetFile(len(words), {"sha256": small}, DESCRIPTOR)
    keys: dict[str, Key] = {signer.public_key.keyid: signer.public_key for signer in signers["shop"]}
    role = DelegatedRole("shop", list(keys), 2, True, paths=["stable/shop/*"])
    top = Targets(expires=expires(90), delegations=Delegations(keys, roles={"shop": role}))
    snapshot = Snapshot(expires=expires(7), meta={"targets.json": MetaFile(1), "shop.json": MetaFile(1)})
    timestamp = Timestamp(expires=expires(1), snapshot_meta=MetaFile(1))
    for role, signed, file in [("root", root, "1.root.json"), ("targets", top, "1.targets.json"),
                               ("shop", shop, "1.shop.json"), ("snapshot", snapshot, "1.snapshot.json"),
                               ("timestamp", timestamp, "timestamp.json")]:
        document = Metadata(signed)
        for number, signer in enumerate(signers[role]):
            document.sign(signer, append=number > 0)
        document.to_file(str(metadata / file), PRETTY)
    shutil.copy(metadata / "1.root.json", directory / "root.json")


def cost():
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss}")


def fetch(directory, target):
    """The updater over a directory: python-tuf fetches by URL, so a fetcher hands it files."""
    import tempfile

    from tuf.ngclient import Updater
    from tuf.ngclient.fetcher import FetcherInterface
    from tuf.api.exceptions import DownloadHTTPError

    class Files(FetcherInterface):
        def _fetch(self, url):
            path = Path(url.removeprefix("file://"))
            if not path.exists():
                raise DownloadHTTPError("missing", 404)

            def blocks():
                with path.open("rb") as file:
                    while block := file.read(1 << 16):
                        yield block
            return blocks()

    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "targets").mkdir()
        updater = Updater(
            metadata_dir=scratch, metadata_base_url=f"file://{directory}/metadata/",
            target_base_url=f"file://{directory}/targets/", target_dir=f"{scratch}/targets",
            fetcher=Files(), bootstrap=(directory / "root.json").read_bytes(),
        )
        updater.refresh()
        found = updater.get_targetinfo(target)
        path = updater.download_target(found, f"{scratch}/targets/fetched")
        return Path(path).read_bytes() if target == DESCRIPTOR else None


def release(directory):
    """The keyless bundle by sigstore-python, over the digest as its own command takes it, and KMS's by cryptography, because
    sigstore-python knows no keys."""
    import base64

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy
    from sigstore_models.common.v1 import HashAlgorithm

    named = json.loads(fetch(directory, DESCRIPTOR))
    digest = hashlib.sha256()
    with artifact(directory).open("rb") as file:
        while block := file.read(1 << 16):
            digest.update(block)
    assert digest.hexdigest() == named["sha256"]
    signed = directory / "signed"
    identity, issuer = (signed / "identity").read_text().split()
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(signed / "trusted_root.json")))
    bundle = Bundle.from_json((signed / "ci.sigstore.json").read_bytes())
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest.digest())
    verifier.verify_artifact(hashed, bundle, policy.Identity(identity=identity, issuer=issuer))
    key = serialization.load_pem_public_key((signed / "kms.pem").read_bytes())
    signature = json.loads((signed / "kms.sigstore.json").read_text())["messageSignature"]["signature"]
    key.verify(base64.b64decode(signature), digest.digest(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def artifact(directory):
    return next((directory / "targets/stable/shop").glob("*.shop.tar"))


def hostile(directory):
    def altered(name, change):
        there = directory / "hostile" / name
        shutil.copytree(directory, there, ignore=shutil.ignore_patterns("hostile"))
        change(there)

    def edit(file, change):
        def work(there):
            path = there / "metadata" / file
            document = Metadata.from_file(str(path))
            document = copy.deepcopy(document)
            change(document)
            document.to_file(str(path), PRETTY)
        return work

    def one_signature(document):
        document.signatures.popitem()

    def of_another(document):
        document.signed.targets[TARGET].length -= 1

    altered("one-signature-of-two", edit("1.shop.json", one_signature))
    altered("altered-targets", edit("1.shop.json", of_another))
    altered("later-expiry", edit("timestamp.json", lambda one: setattr(one.signed, "expires", expires(900))))
    altered("missing-role", lambda there: (there / "metadata/1.shop.json").unlink())

    def flip(there):
        with artifact(there).open("r+b") as file:
            file.write(b"x")
    altered("swapped-target", flip)


if __name__ == "__main__":
    verb, where = sys.argv[1], Path(sys.argv[2]).resolve()
    if verb == "make":
        make(where, int(sys.argv[3]))
    elif verb == "peer":
        fetch(where, TARGET)
        cost()
    elif verb == "release":
        release(where)
        cost()
    else:
        hostile(where)
