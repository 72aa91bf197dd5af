"""What services answer that are asked for one's address: pure.

Three forms are common: the address alone, a line `ip=ADDRESS` among others, and JSON
with a member `ip`.
"""

import json
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address
from typing import Final

_LINE: Final = "ip="


class AddressError(Exception):
    """No answer; why not."""


class CertificateError(AddressError):
    """No answer, as whoever stood there could not show that it is the service."""


def address_in(body: bytes) -> IPv4Address:
    """The address that the answer tells.

    Raises:
        AddressError: It tells none of IPv4.
    """
    text = body.decode("utf-8", "replace").strip()
    for word in _candidates(text):
        try:
            return IPv4Address(word)
        except AddressValueError:
            continue
    raise AddressError("reading the public address: none of IPv4 in the answer")


def _candidates(text: str) -> Iterator[str]:
    yield text
    for line in text.splitlines():
        if line.startswith(_LINE):
            yield line.removeprefix(_LINE).strip()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(data, dict) and isinstance(data.get("ip"), str):
        yield data["ip"]
