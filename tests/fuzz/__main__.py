"""`python -m tests.fuzz`: a coverage-guided run against bus and agents.

With a file of a finding it is played again, without a fuzzer. The count is of payloads;
an input holds up to 16.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

PAYLOADS: Final = 1_000_000
SECONDS: Final = 1_800


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("findings", nargs="*", type=Path, help="play these again")
    parser.add_argument("--payloads", type=int, default=PAYLOADS, help="how many")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="but no longer")
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, printed")
    wanted = parser.parse_args()
    logging.getLogger("agents").setLevel(logging.CRITICAL)  # a million complaints
    if wanted.findings:
        from tests.fuzz.play import play  # noqa: PLC0415

        for finding in wanted.findings:
            play(finding.read_bytes())
        return
    with tempfile.TemporaryDirectory() as corpus:
        campaign(Path(corpus), wanted.payloads, wanted.seconds, wanted.seed)


def campaign(corpus: Path, payloads: int, seconds: int, seed: int) -> None:
    """Does not return: the fuzzer ends the process, with status 0 if nothing is found.

    What is found is written to `crash-...` in the working directory.
    """
    # It instruments what is imported from here on.
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(include=["bus", "agents"]):
        from tests.fuzz.mutate import LONGEST_BYTES, mutate, seeds  # noqa: PLC0415
        from tests.fuzz.play import play  # noqa: PLC0415
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    began_s, said = time.monotonic(), 0

    def one_input(data: bytes) -> None:
        nonlocal said
        said += play(data)
        if said >= payloads:
            took_s = time.monotonic() - began_s
            sys.stdout.write(f"{said} payloads in {took_s:.0f} s, no finding\n")
            sys.stdout.flush()
            os._exit(0)

    def other(data: bytes, most_bytes: int, seed: int) -> bytes:
        return mutate(data, most_bytes, seed, atheris.Mutate)

    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}"]
    options += [f"-seed={seed}"] if seed else []
    argv = [sys.argv[0], str(corpus), *options, "-rss_limit_mb=1024"]
    atheris.Setup(argv, one_input, custom_mutator=other)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
