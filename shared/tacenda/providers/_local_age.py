"""age encryption of local files, readable by the `age` program and the reverse; through pyrage."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import AccessDenied, BackendUnavailable, ConfigurationError, Unsupported
from tacenda._values import SecretBytes
from tacenda.providers._disk import read_file
from tacenda.providers._sdk import load_sdk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Identities", "decrypt", "encrypt", "load_identities"]

_BINARY = b"age-encryption.org/v1\n"
_ARMORED = b"-----BEGIN AGE ENCRYPTED FILE-----"


class Identities(NamedTuple):
    """The private keys of one identity file, and the public keys that belong to them.

    Attributes:
        file: the file they are from.
        keys: pyrage's identities.
        recipients: pyrage's recipients; empty for an ssh key without its `.pub` file.
    """

    file: Path
    keys: list[Any]
    recipients: list[Any]


def load_identities(file: Path, protect: Callable[[str, str], object]) -> Identities:
    """Return the keys of an identity file: what `age-keygen` writes, or an unencrypted OpenSSH private key.

    Args:
        file: the identity file.
        protect: called with each age key before it is used, so that it is masked.

    Raises:
        AccessDenied: if this user may not read it.
        ConfigurationError: if it is missing, holds no key, or a line is not one, with the line's number.
        MissingDependency: without pyrage.
    """
    data = read_file(file)
    if data is None:
        raise ConfigurationError(
            f"the age identity file {file} does not exist", hint=f"create one with `age-keygen -o {file}`"
        )
    return _ssh_identity(file, data) if data.startswith(b"-----BEGIN ") else _age_identities(file, data, protect)


def decrypt(data: bytes, identities: Identities, file: Path) -> SecretBytes:
    """Return the content of an age file, armored or not.

    Raises:
        AccessDenied: if it was encrypted for others.
        BackendUnavailable: if it is truncated or damaged.
        ConfigurationError: if it is no age file at all.
    """
    if not any(data.startswith(header) or header.startswith(data) for header in (_BINARY, _ARMORED)):
        raise ConfigurationError(
            f"{file} is not encrypted by age, though its name says so",
            hint=f"encrypt it with `age -e -i {identities.file}`, or take `.age` off its name",
        )
    pyrage = _pyrage()
    try:
        return SecretBytes(pyrage.decrypt(bytes(data), identities.keys))
    except pyrage.DecryptError as error:
        reason = str(error)
    if reason == "No matching keys found":
        raise AccessDenied(
            f"{file} is encrypted for others: no key in {identities.file} opens it",
            hint="name the right identity file in `identity`, or have the file encrypted for your key too",
        )
    raise BackendUnavailable(
        f"{file} is truncated or damaged: age says {reason!r}", hint="restore the file from a backup"
    )


def encrypt(data: bytes, identities: Identities, before: bytes, file: Path) -> bytes:
    """Return data encrypted for the identities' own public keys, armored if the file was.

    Raises:
        Unsupported: if the file is encrypted for more recipients than that: they would be locked out.
    """
    if not identities.recipients:
        raise ConfigurationError(
            f"cannot write {file}: the public key {identities.file}.pub is missing",
            hint=f"make it with `ssh-keygen -y -f {identities.file} > {identities.file}.pub`",
        )
    if _recipients_of(before) > len(identities.recipients):
        raise Unsupported(
            f"{file} is encrypted for more people than {identities.file} has keys for, and would be lost to them",
            hint="change it with `age -d` and `age -e -R recipients.txt`",
        )
    encrypted: bytes = _pyrage().encrypt(bytes(data), identities.recipients, armored=before.startswith(_ARMORED))
    return encrypted


def _pyrage() -> Any:
    return load_sdk("pyrage", backend="an age-encrypted local file", extra="age")


def _age_identities(file: Path, data: SecretBytes, protect: Callable[[str, str], object]) -> Identities:
    pyrage = _pyrage()
    keys = []
    for number, line in enumerate(data.splitlines(), 1):
        text = line.strip().decode("utf-8", "replace")
        if not text or text.startswith("#"):
            continue
        protect(text, f"age identity in {file}")
        try:
            keys.append(pyrage.x25519.Identity.from_str(text))
            continue
        except pyrage.IdentityError:
            del text, line
        raise ConfigurationError(
            f"{file}, line {number}: this is not an age identity", hint="the lines are AGE-SECRET-KEY-1…, or comments"
        )
    if not keys:
        raise ConfigurationError(f"{file} holds no age identity", hint=f"create one with `age-keygen -o {file}`")
    return Identities(file, keys, [key.to_public() for key in keys])


def _ssh_identity(file: Path, data: SecretBytes) -> Identities:
    pyrage = _pyrage()
    public = read_file(file.with_name(f"{file.name}.pub"))
    try:
        recipients = [] if public is None else [pyrage.ssh.Recipient.from_str(public.decode().strip())]
        return Identities(file, [pyrage.ssh.Identity.from_buffer(bytes(data))], recipients)
    except (pyrage.IdentityError, pyrage.RecipientError, UnicodeDecodeError):
        pass
    raise ConfigurationError(
        f"{file} is not an ssh key that age can use", hint="it takes unencrypted ssh-ed25519 and ssh-rsa keys"
    )


def _recipients_of(data: bytes) -> int:
    """Return for how many recipients an age file is encrypted; the header tells how many, not who."""
    if data.startswith(_ARMORED):
        body = b"".join(line for line in data.split(b"\n") if not line.startswith(b"-----"))
        try:
            data = base64.b64decode(body)
        except binascii.Error:
            return 0
    header = data.partition(b"\n--- ")[0]
    stanzas = [line.split(b" ")[1] for line in header.split(b"\n") if line.startswith(b"-> ")]
    return sum(not kind.endswith(b"-grease") for kind in stanzas)
