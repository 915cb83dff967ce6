"""Signed releases: one signature over every file of a Bento's folder, by a key of the project's own.

It has the form of OpenSSF's model signing (https://github.com/sigstore/model-transparency, `pip install
model-signing`), so that the tool of that name verifies it too, wherever a Bento goes. It is in `model.sig`
beside the manifest: it covers the manifest, and the manifest does not cover it. Equal Bentos and equal keys
give equal signatures (RFC 6979), as the rest of a Bento is a function of what it was made from.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import advice
from components.errors import UserError
from components.files import BYTECODE, SIGNATURE, sha256
from components.settings.release import Signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

WHERE = "params.yaml: packaging.signing"
# in the name of a key, as it is or with a slip; a signal, significance and what is single ask for nothing
ASKING = re.compile(r"(?:^|[^a-z])(?:co)?(?:sign(?!al|ific)|sing(?!l|u)|sigstore|sigs?(?![a-z]))")
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")  # between two of a name such as requireSignature
SLIP = 0.85  # of "signing": so close is a key that is meant for it
CURVES = "no key of the curves P-256, P-384 and P-521, as PEM"
INSTALL = "pip install 'onetrunk[signing]'"


class StableSigner:
    """A signer of the library whose signature is a function of what it signs: the library's own is by a nonce
    that is drawn, over names in an order that each process draws."""

    def __init__(self, signer: Any) -> None:
        """Wrap the library's."""
        self._signer, self._key = signer, signer._private_key

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """That verifies what this signs."""
        found: ec.EllipticCurvePublicKey = self._key.public_key()
        return found

    def sign(self, payload: Any) -> Any:
        """The library's signature, made again of sorted names and by RFC 6979."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from model_signing._signing.sign_ec_key import get_ec_key_hash
        from model_signing._signing.sign_sigstore_pb import pae

        made = self._signer.sign(payload)
        envelope = made.bundle.dsse_envelope
        said = json.dumps(json.loads(envelope.payload), sort_keys=True, indent=2).encode()
        method = ec.ECDSA(get_ec_key_hash(self.public_key()), deterministic_signing=True)
        envelope.payload = said
        envelope.signatures[0].sig = self._key.sign(pae(said), method)
        return made


def of_project(root: Path) -> Signing | None:
    """What params.yaml says of signatures, whatever else may be wrong there; None where it says nothing.

    Raises:
        UserError: the section is not one, or a key that is not known may be meant for it.
    """
    from components.release.sections import keys_at, section  # params.yaml's sections lead to all families
    from components.settings.project import Packaging, Project

    found = section(root, Signing, "packaging", "signing")
    for parents, model in (((), Project), (("packaging",), Packaging)):
        for key, value in keys_at(root, *parents).items():
            if key not in model.model_fields and _may_ask(key, value):
                raise UserError(
                    f"params.yaml: {'.'.join([*parents, key])}: unknown key, which may ask for signatures: "
                    f"nothing is loaded; expected packaging.signing (docs/how-to/signing.md), or no such line"
                )
    return found


def _may_ask(key: str, value: object) -> bool:
    """Whether a key, or one below it, may be meant for signatures, however it is typed."""
    name = WORDS.sub("_", key).lower()
    if ASKING.search(name) or difflib.get_close_matches(name, ["signing"], cutoff=SLIP):
        return True
    return isinstance(value, dict) and any(_may_ask(str(inner), value[inner]) for inner in value)


def signer(root: Path, signing: Signing | None) -> str | None:
    """SHA-256 of the file of the public key that a Bento made now is signed for; None where it is not.

    Raises:
        UserError: the file is not there.
    """
    if signing is None or signing.private_key is None:
        return None
    return sha256(_file(root, "public_key", signing.public_key))


def ready(root: Path, signing: Signing | None) -> Path | None:
    """The file of the key that a Bento is to be signed with, before anything is spent on one; None for none.

    Raises:
        UserError: a key is missing, no such key or in git, or the package that signs is missing; or there is
            no key to make a signature that is required, or another one than that it is verified with.
    """
    if signing is None:
        return None
    public = _public(root, signing)
    if signing.private_key is None:
        if signing.required:
            raise UserError(f"{WHERE}.private_key: left out, but a signature is required; name its file")
        return None
    key = _file(root, "private_key", signing.private_key)
    _not_in_git(root, signing.private_key)
    if _signing_config(key, signing)._signer.public_key() != public:
        raise UserError(
            f"{WHERE}.public_key: {signing.public_key} is not the public half of {signing.private_key}; "
            f"write that with `openssl ec -in {advice.word(signing.private_key)} -pubout`"
        )
    return key


def foresee(root: Path, signing: Signing | None) -> str | None:
    """What `ready` will refuse, but that the private key may be on another machine: a sentence for that.

    Raises:
        UserError: as `ready`.
    """
    if signing is None or signing.private_key is None or (root / signing.private_key).is_file():
        ready(root, signing)
        return None
    _public(root, signing)
    return f"{WHERE}.private_key: no such file '{signing.private_key}'; `onetrunk run` needs it, to sign"


def sign(bento: Path, root: Path, signing: Signing | None) -> None:
    """Write the signature of a Bento whose manifest is written; paths of keys are below `root`.

    Raises:
        UserError: as `ready`; or the key is no key of an elliptic curve.
    """
    key = ready(root, signing)
    if signing is None or key is None:
        return
    config = _signing_config(key, signing)
    config.set_hashing_config(_hashing()).sign(bento, bento / SIGNATURE)
    verify(bento, root, signing)  # so that what is wrong with it is found out by whoever signs


def _signing_config(key: Path, signing: Signing) -> Any:
    """What signs with the key of this file."""
    config = _library().signing.Config()
    try:
        config.use_elliptic_key_signer(private_key=key)
        config._signer = StableSigner(config._signer)
    except (ValueError, TypeError, AttributeError) as error:
        said = f"{signing.private_key} is {CURVES} without a password ({error})"
        raise UserError(f"{WHERE}.private_key: {said}") from None
    return config


def _public(root: Path, signing: Signing) -> ec.EllipticCurvePublicKey:
    """The key that signatures are verified with."""
    verifying = _library().verifying.Config()
    file = _file(root, "public_key", signing.public_key)
    try:
        key: ec.EllipticCurvePublicKey = verifying.use_elliptic_key_verifier(
            public_key=file
        )._verifier._public_key
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{WHERE}.public_key: {signing.public_key} is {CURVES} ({error})") from None
    return key


def check(bento: Path, root: Path) -> None:
    """Verify the signature of a Bento that the project in `root` is about to load.

    Raises:
        UserError: as `verify`.
    """
    verify(bento, root, of_project(root))


def verify(bento: Path, root: Path, signing: Signing | None) -> None:
    """Verify the signature of a Bento's folder; paths of keys are below `root`.

    Nothing is refused where there are no keys in the settings. A signature that is there must be good; that
    it is missing is refused where it is required.

    Raises:
        UserError: the signature is missing, of another key or of other files.
    """
    if signing is None:
        return
    if not (bento / SIGNATURE).is_file():
        if signing.required:
            raise UserError(f"{bento}: has no signature ({SIGNATURE}), and {WHERE}.required asks for one")
        return
    key = _file(root, "public_key", signing.public_key)
    config = _library().verifying.Config()
    try:
        config.use_elliptic_key_verifier(public_key=key).set_hashing_config(_hashing())
        config.verify(bento, bento / SIGNATURE)
    except Exception as error:  # whatever is wrong with it, it is not good
        raise UserError(
            f"{bento}: {SIGNATURE} is not a signature of these files by {signing.public_key} "
            f"({_why(error)}); nothing is loaded: {_remedy(error)}"
        ) from None


def _hashing() -> Any:
    """All files but the signature; git's own count too."""
    return _library().hashing.Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=False)


def _why(error: Exception) -> str:
    said = " ".join(str(error).split()).partition(": Expected 'Digest(")[0] or "the signature is another's"
    return said if len(said) <= 300 else said[:299] + "…"


def _remedy(error: Exception) -> str:
    """What to do; bytecode runs in place of the sources beside it, so it is no less than another file."""
    if BYTECODE in str(error):
        return f"remove its folders {BYTECODE}, which Python leaves where sources were imported"
    return "get the release anew from where it was made"


def _library() -> Any:
    """model_signing, which is an extra."""
    try:
        import model_signing
    except ImportError:
        raise UserError(f"{WHERE}: signatures need the package model-signing; {INSTALL}") from None
    return model_signing


def _file(root: Path, key: str, path: str) -> Path:
    if not (root / path).is_file():
        raise UserError(f"{WHERE}.{key}: no such file '{path}'; expected the key as PEM")
    return root / path


def _not_in_git(root: Path, path: str) -> None:
    """A key that git tracks is everybody's."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--error-unmatch", path]
    try:
        tracked = subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:  # git is not installed
        return
    if tracked:
        raise UserError(
            f"{WHERE}.private_key: {path} is in git; take it out (git rm --cached), and make another key"
        )
