"""QR codes: what is drawn on the terminal is the code, with its quiet zone."""

from typing import Final

import pytest
import segno

from cli.qr import QUIET, blocks, image

TEXT: Final = "[Interface]\nPrivateKey = " + "k" * 44
LIGHT: Final = {
    "█": (True, True),
    "▀": (True, False),
    "▄": (False, True),
    " ": (False, False),
}


@pytest.mark.parametrize("text", [TEXT, "short", TEXT * 3])
def test_the_terminal_shows_every_module(text: str) -> None:
    drawn: list[list[bool]] = []
    for line in blocks(text).split("\n"):
        drawn.append([LIGHT[letter][0] for letter in line])
        drawn.append([LIGHT[letter][1] for letter in line])

    code = segno.make(text, error="l", micro=False)
    size = len(code.matrix)
    assert all(all(row) for row in (*drawn[:QUIET], *drawn[QUIET + size :]))
    inner = [row[QUIET : QUIET + size] for row in drawn[QUIET : QUIET + size]]
    assert inner == [[not dark for dark in row] for row in code.matrix]


def test_pictures_are_dark_on_white() -> None:
    assert image(TEXT, ".png").startswith(b"\x89PNG\r\n\x1a\n")
    assert b'fill="#fff"' in image(TEXT, ".svg")
