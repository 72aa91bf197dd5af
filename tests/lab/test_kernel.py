"""On which processors a guest needs help."""

from pathlib import Path

import pytest

from lab.kernel import preload
from lab.talk import LabError

PLAIN = "processor\t: 0\nflags\t\t: fpu sse avx2 avx512f\n"
WITH_AMX = "processor\t: 0\nflags\t\t: fpu sse avx512f amx_bf16 amx_tile amx_int8\n"


@pytest.fixture
def processor(tmp_path: Path) -> Path:
    """The file that tells of a processor."""
    return tmp_path / "cpuinfo"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing was made or fetched yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "vpnchain"


def test_most_processors_need_no_library(processor: Path) -> None:
    processor.write_text(PLAIN)

    assert preload(processor) is None


def test_without_its_library_a_processor_with_amx_says_what_to_do(
    processor: Path, empty_cache: Path
) -> None:
    processor.write_text(WITH_AMX)

    with pytest.raises(LabError, match=f"needs {empty_cache}/registers-.*: make setup"):
        preload(processor)


def test_a_library_is_found_by_what_it_was_made_of(
    processor: Path, empty_cache: Path
) -> None:
    processor.write_text(WITH_AMX)
    with pytest.raises(LabError) as said:
        preload(processor)
    library = Path(str(said.value).split()[-3].rstrip(":"))
    library.parent.mkdir()
    library.touch()

    assert preload(processor) == library
    assert library.parent == empty_cache
