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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAYLOADS: Final = 1_000_000
SECONDS: Final = 1_800


@dataclass(frozen=True, slots=True)
class Run:
    """What is wanted: how many payloads, but for no more than so many seconds."""

    payloads: int
    seconds: int

    def verdict(self, said: int, took_s: float) -> tuple[int, str] | None:
        """The exit status and why, if that ends it without a finding; None: go on."""
        if said >= self.payloads:
            return 0, f"{said} payloads in {took_s:.0f} s, no finding"
        if took_s >= self.seconds:
            what = f"only {said} of {self.payloads} payloads in {took_s:.0f} s"
            return 1, f"NOT DONE: {what}, no finding among them"
        return None


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
        campaign(Path(corpus), Run(wanted.payloads, wanted.seconds), wanted.seed)


def campaign(corpus: Path, run: Run, seed: int) -> None:
    """Does not return: the process ends, with status 0 if all was said, nothing found.

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
        if verdict := run.verdict(said, time.monotonic() - began_s):
            status, why = verdict
            sys.stdout.write(f"{why}\n")
            sys.stdout.flush()
            os._exit(status)

    def other(data: bytes, most_bytes: int, seed: int) -> bytes:
        return mutate(data, most_bytes, seed, atheris.Mutate)

    # No -max_total_time: the fuzzer would end with status 0, however little was said.
    options = [f"-max_len={LONGEST_BYTES}"]
    options += [f"-seed={seed}"] if seed else []
    argv = [sys.argv[0], str(corpus), *options, "-rss_limit_mb=1024"]
    atheris.Setup(argv, one_input, custom_mutator=other)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
