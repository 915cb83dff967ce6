"""Keys to sign with, made for the test that asks."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from components.settings.release import Signing

PEM = serialization.Encoding.PEM


def write_keys(folder: Path, name: str = "release", required: bool = True) -> Signing:
    """NAME.pem and NAME.pub in `folder`; as params.yaml names them from there."""
    key = ec.generate_private_key(ec.SECP256R1())
    _write(folder, name, key)
    return Signing(private_key=f"{name}.pem", public_key=f"{name}.pub", required=required)


def write_edwards_keys(folder: Path) -> Signing:
    """Keys of a kind that model-signing does not know."""
    _write(folder, "edwards", ed25519.Ed25519PrivateKey.generate())
    return Signing(private_key="edwards.pem", public_key="edwards.pub")


def _write(folder: Path, name: str, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
    nobody = serialization.NoEncryption()
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, nobody)
    public = key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub").write_bytes(public)
