"""Whatever happens to a path's probes: what is never concluded from them."""

from hypothesis import given
from hypothesis import strategies as st

from agents.entry.detector import advance, answered, wake_at_s, watch
from agents.entry.path_model import PROFILES, Profile, Send
from bus.messages.paths import Health

TARGETS = ("1.1.1.1", "9.9.9.9")

# What happens next: time passes (a share of the wait, or far too much of it), or one of
# the probes that are open is answered, counted from the newest.
STEPS = st.one_of(
    st.tuples(st.just("time"), st.sampled_from([0.5, 1.0, 1.0, 1.0, 3.0, 40.0])),
    st.tuples(st.just("answer"), st.sampled_from([0.0, 1.0, 2.0, 5.0])),
)


@given(st.sampled_from(sorted(PROFILES)), st.lists(STEPS, max_size=80))
def test_down_only_after_a_whole_burst_in_vain(
    name: str, steps: list[tuple[str, float]]
) -> None:
    profile = PROFILES[name]
    path, now_s = watch(TARGETS, 0.0), 0.0
    unanswered: list[Send] = []  # since the last answer
    for kind, share in steps:
        before = path
        if kind == "time":
            now_s = max(now_s, now_s + share * (wake_at_s(path) - now_s))
            path, sends = advance(path, now_s, profile)
            unanswered += sends
            assert len(sends) <= 2
        elif len(path.open) > share:
            number = sorted(path.open)[-1 - int(share)]
            rtt_s = now_s - path.open[number].sent_s
            path = answered(path, number, rtt_s, now_s, profile)
            unanswered.clear()
            assert path.burst is None
            assert path.health is not Health.DOWN or before.health is Health.DOWN
        if path.health is Health.DOWN and before.health is not Health.DOWN:
            assert len(unanswered) > profile.burst
        check(path.health, before.health, profile, kind)
        assert wake_at_s(path) >= now_s or path.burst is not None
        assert path.loss_ratio is None or 0.0 <= path.loss_ratio <= 1.0


def check(now: Health, before: Health, profile: Profile, kind: str) -> None:
    """Which healths may follow which."""
    assert now is not Health.UNKNOWN or before is Health.UNKNOWN
    if before is Health.DOWN and now is not Health.DOWN:
        assert (kind, now) == ("answer", Health.UP)
        assert profile.recover > 0
