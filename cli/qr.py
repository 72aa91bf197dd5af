"""QR codes: a phone's camera reads a configuration. Owner of segno."""

import io
from collections.abc import Sequence
from typing import Final

import segno

IMAGES: Final = (".png", ".svg")
SCALE: Final = 8  # pixels a module, in images
QUIET: Final = 4  # modules around it. Source: ISO/IEC 18004

_HALVES: Final = {  # light above, light below: light is what is drawn
    (True, True): "\u2588",
    (True, False): "\u2580",
    (False, True): "\u2584",
    (False, False): " ",
}


def blocks(text: str) -> str:
    """The code in half blocks, two rows a line: light is drawn, dark is left out."""
    code = segno.make(text, error="l", micro=False)
    rows = [[not dark for dark in row] for row in code.matrix_iter(border=QUIET)]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join(_line(above, below) for above, below in pairs)


def image(text: str, suffix: str) -> bytes:
    """The code as a picture, `.png` or `.svg`."""
    out = io.BytesIO()
    code = segno.make(text, error="l", micro=False)
    kind = suffix.removeprefix(".")
    code.save(out, kind=kind, scale=SCALE, border=QUIET, light="white")
    return out.getvalue()


def _line(above: Sequence[bool], below: Sequence[bool]) -> str:
    return "".join(_HALVES[pair] for pair in zip(above, below, strict=True))
