"""Why IPsec did not come about, from what charon says while it tries.

The one rule: charon's words come in, a person's go out; nothing here runs anything.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from agents.exit.ipsec import IpsecError, IpsecTunnel

LONGEST: Final = 1_000

_NOTIFY: Final = re.compile(r"received (\w+) error notify")
_OTHER_ID: Final = re.compile(r"IDir '(.*)' does not match to '(.*)'")
_KERNEL: Final = re.compile(r"received netlink error: (.*) \(\d+\)")
_UNREADABLE: Final = ("could not decrypt payloads", "decryption failed")
_NO_CIPHER: Final = "Function not implemented"
_NOT_INSTALLED: Final = re.compile(r"unable to install .* in kernel")


class Step(Enum):
    """How far the two have come, by the last thing that we sent."""

    PROPOSAL = auto()
    EXCHANGE = auto()
    IDENTITY = auto()
    QUICK = auto()


_SENT: Final = {
    "generating ID_PROT request 0 [ SA": Step.PROPOSAL,
    "generating ID_PROT request 0 [ KE": Step.EXCHANGE,
    "generating ID_PROT request 0 [ ID": Step.IDENTITY,
    "generating QUICK_MODE request": Step.QUICK,
}


@dataclass(slots=True)
class Attempt:
    """Follows charon's log of one attempt, and knows why it failed.

    Attributes:
        error: The cause, once a line leaves no doubt; None until then.
    """

    tunnel: IpsecTunnel
    step: Step = Step.PROPOSAL
    error: IpsecError | None = None
    kernel: str = ""

    def note(self, line: str) -> None:
        """Takes the next line in; what it quotes of the server may be long."""
        line = line[:LONGEST]
        for beginning, step in _SENT.items():
            if line.startswith(beginning):
                self.step = step
        if kernel := _KERNEL.search(line):
            self.kernel = kernel[1]
        if self.error is None:
            self.error = self._decisive(line)

    def verdict(self) -> IpsecError:
        """The cause, now that nothing more will come."""
        return self.error or self._unanswered()

    def _decisive(self, line: str) -> IpsecError | None:
        if notify := _NOTIFY.search(line):
            return self._notified(notify[1])
        if other := _OTHER_ID.search(line):
            cause = f"ike: the server calls itself {other[1]}, not {other[2]}"
            return IpsecError(cause, permanent=True)
        if self.step is Step.IDENTITY and any(part in line for part in _UNREADABLE):
            # Its answer is encrypted with another key: only the PSK can differ.
            return _wrong_psk()
        if _NOT_INSTALLED.search(line):
            return self._not_installed()
        if line.startswith("received DELETE for IKE_SA"):
            return IpsecError(f"{self._part()}: ended by the server")
        return None

    def _notified(self, notify: str) -> IpsecError:
        """What a refusal that the server named means where it was given."""
        if notify == "NO_PROPOSAL_CHOSEN":
            return self._refused()
        if self.step is Step.QUICK:
            return IpsecError(f"ipsec: refused by the server ({notify})")
        if notify == "AUTHENTICATION_FAILED":
            cause = "ike: authentication failed (PSK or identity)"
            return IpsecError(cause, permanent=True)
        if self.step is Step.IDENTITY and notify == "PAYLOAD_MALFORMED":
            return _wrong_psk()
        permanent = notify == "INVALID_ID_INFORMATION"
        cause = f"ike: refused by the server ({notify})"
        return IpsecError(cause, permanent=permanent)

    def _refused(self) -> IpsecError:
        if self.step is Step.QUICK:
            pfs = "with" if self.tunnel.pfs else "without"
            cause = f"ipsec: no proposal chosen (offered {self._esp()}, {pfs} PFS)"
        else:
            offered = ", ".join(self.tunnel.proposals.ike)
            cause = f"ike: no proposal chosen (offered {offered})"
        return IpsecError(cause, refused=True)

    def _not_installed(self) -> IpsecError:
        """The two agreed, but the kernel has no ESP, or not this cipher for it."""
        if self.kernel == _NO_CIPHER:
            cause = f"kernel: cipher unknown to it (offered {self._esp()})"
            return IpsecError(cause, permanent=True, refused=True)
        why = f" ({self.kernel})" if self.kernel else ""
        return IpsecError(f"kernel: ESP not taken{why}", permanent=True)

    def _esp(self) -> str:
        return ", ".join(self.tunnel.proposals.esp_proposals(pfs=self.tunnel.pfs))

    def _unanswered(self) -> IpsecError:
        if self.step is Step.IDENTITY:
            return _wrong_psk()
        return IpsecError(f"{self._part()}: no answer from {self.tunnel.server}")

    def _part(self) -> str:
        return "ipsec" if self.step is Step.QUICK else "ike"


def _wrong_psk() -> IpsecError:
    """No server says so: it cannot read our identity, and is silent or answers noise.

    Source: RFC 2409, 5.4: with a pre-shared key it is part of what encrypts.
    """
    cause = "ike: no answer to the key exchange (wrong PSK?)"
    return IpsecError(cause, permanent=True)
