"""A test that cannot run says why; in CI it fails."""

import pytest

from tests.needs import MISSING, need, tool


def test_a_missing_thing_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs a moon"):
        need("needs a moon")


def test_a_missing_thing_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs a moon"):
        need("needs a moon")


def test_what_is_nowhere_is_missing() -> None:
    assert tool("no-such-tool") is None
    assert tool("sh") is not None


def test_every_marker_tells_what_is_missing(pytestconfig: pytest.Config) -> None:
    known = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert set(MISSING) <= known
    assert all(isinstance(missing(), str) for missing in MISSING.values())
