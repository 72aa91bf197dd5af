"""What can go wrong on the bus.

BusError
└── PayloadError    a payload does not fit its declaration
"""


class BusError(Exception):
    """Base of this package's errors."""


class PayloadError(BusError):
    """A payload does not fit: where in it, what was there, what belongs there.

    Attributes:
        path: The field, as `$.peers[0].name`; `$` is the whole.
    """

    def __init__(self, path: str, got: str, wanted: str) -> None:
        super().__init__(f"{path}: got {got}, wanted {wanted}")
        self.path = path
        self.got = got
        self.wanted = wanted
