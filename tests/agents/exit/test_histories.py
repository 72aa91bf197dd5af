"""What holds in every history, and that each of these claims can be seen to fail."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import given, settings

import agents.exit.decide as rules
from agents.exit.decide import first
from tests.agents.exit.histories import Moves, moves, play, random_history
from tests.agents.exit.stories import STORIES
from tests.agents.exit.story import POLICY, outcome


@given(moves)
@settings(max_examples=200, deadline=None)
def test_every_history_keeps_to_the_rules(history: Moves) -> None:
    play(rules, history)
    play(rules, history, left=True)


@dataclass(frozen=True)
class Mutant:
    """One rule changed in one place; `seen_by`: the claim that must fail, or STORY."""

    file: str
    old: str
    new: str
    seen_by: str


STORY = "one of the stories"
MUTANTS = {
    "ready without an answer": Mutant(
        "decide",
        "case Probing() if event.answered:",
        "case Probing():",
        "ready only once answered",
    ),
    "an attempt begins during another": Mutant(
        "decide",
        "return _fail(state, event, policy)",
        "return _begin(state, event.at_s, policy)",
        "one attempt at a time",
    ),
    "no clean-up after a failure": Mutant(
        "leaving",
        "return state, (told,) if needed else (told, Close())",
        "return state, (told,)",
        "a pause only over nothing",
    ),
    "the next attempt does not wait for the clean-up": Mutant(
        "decide",
        "        case Closing(again, vague), Closed():",
        "        case Closing(again, vague), Woke():\n"
        "            return _begin(state, event.at_s, policy)\n"
        "        case Closing(again, vague), Closed():",
        "the same fact says nothing twice",
    ),
    "a late link is dialled on during the clean-up": Mutant(
        "decide",
        "        case Closing() as phase, ReconnectAsked():",
        "        case Closing(), PppUp():\n"
        "            return state, (Carry(),)\n"
        "        case Closing() as phase, ReconnectAsked():",
        "no step during the clean-up",
    ),
    "nobody wakes a call": Mutant(
        "decide",
        "        case Ready() | Closing():\n            return None",
        "        case Ready() | Closing() | Dialling():\n            return None",
        "whoever waits is woken",
    ),
    "being woken leads nowhere": Mutant(
        "decide",
        "return due_s is not None and at_s >= due_s",
        "return due_s is not None and at_s > due_s",
        "being woken in time leads on",
    ),
    "misses are not counted": Mutant(
        "decide",
        "case Ready(misses) if misses + 1 < policy.probe_misses:",
        "case Ready(misses):",
        "not ready without answers",
    ),
    "a permanent cause is retried like any other": Mutant(
        "retry",
        "if state.cause is not None and state.cause.permanent:\n        pause_s",
        "if state.cause is None:\n        pause_s",
        "the pause is long enough",
    ),
    "the pause grows for ever": Mutant(
        "retry",
        "min(policy.backoff_max_s, policy.backoff_min_s * 2.0**doublings)",
        "policy.backoff_min_s * 2.0**doublings",
        "the pause is no longer than allowed",
    ),
    "a refused preset is tried again": Mutant(
        "decide",
        "state = replace(state, presets=left, refusal=refusal)",
        "state = replace(state, refusal=refusal)",
        "no preset twice in a round",
    ),
    "what was left behind is met by the same ports": Mutant(
        "retry",
        "return not event.clean if Stage.IKE in state.took_s else state.fresh_ports",
        "return state.fresh_ports",
        "fresh ports when unclean",
    ),
    "a request is granted twice": Mutant(
        "decide",
        "case _, ReconnectAsked(at_s) if not isinstance(state.phase, Preparing):",
        "case _, ReconnectAsked(at_s):",
        "the same fact says nothing twice",
    ),
    "a link that changed is not reported": Mutant(
        "report", "        state.link,\n", "", "each change is reported"
    ),
    "falling back is not told": Mutant(
        "report",
        "if after.stage not in (before.stage, Stage.DOWN):",
        "if after.stage not in (before.stage, Stage.DOWN, Stage.PPP):",
        "each change of stage is told",
    ),
    "nobody is waited for": Mutant(
        "leaving",
        "    needed = _needed(state) and not closing.vague\n",
        "    needed = False\n",
        "clients move first",
    ),
    "answers under way are not waited for": Mutant(
        "leaving", "event.at_s + policy.linger_s", "event.at_s", STORY
    ),
    "moving late makes it last longer": Mutant(
        "leaving",
        "min(until_s, event.at_s + policy.linger_s)",
        "event.at_s + policy.linger_s",
        "nobody is waited for long",
    ),
    "each order makes it last longer": Mutant(
        "leaving",
        "case Leaving(until_s, moved=False, then=then) if not _led(state):\n"
        "            until_s = min(until_s, event.at_s + policy.linger_s)",
        "case Leaving(then=then) if not _led(state):\n"
        "            until_s = event.at_s + policy.linger_s",
        "nobody is waited for long",
    ),
    "a broken bus is waited for": Mutant(
        "leaving",
        "        state = replace(state, ours=False)\n",
        "        pass\n",
        STORY,
    ),
    "a detour that vanished stays": Mutant(
        "leaving",
        "if event.detour != state.detour:",
        "if event.detour:",
        "the same fact says nothing twice",
    ),
    "the same detour is led anew": Mutant(
        "leaving",
        "if event.detour != state.detour:",
        "if event.detour not in ('', state.detour):",
        "the detour is as ordered",
    ),
    # Promptness and calm: no invariant sees these, a story on either side does.
    "one miss more": Mutant(
        "decide",
        "misses + 1 < policy.probe_misses",
        "misses < policy.probe_misses",
        STORY,
    ),
    "failures are forgotten at once": Mutant(
        "decide", "failures = 0 if steady else state.failures", "failures = 0", STORY
    ),
    "failures are never forgotten": Mutant(
        "decide",
        "failures = 0 if steady else state.failures",
        "failures = state.failures",
        STORY,
    ),
    "the pause does not grow": Mutant("retry", "2.0**doublings", "1.0", STORY),
    "no chance in the pause": Mutant(
        "retry", "return pause_s * (1 + jitter) / 2", "return pause_s", STORY
    ),
    "the preset that worked is forgotten": Mutant(
        "decide", "phase=dialling, accepted=state.presets[0]", "phase=dialling", STORY
    ),
    "silence keeps the preset": Mutant(
        "retry",
        "if unheard(state, cause) and head != state.accepted:",
        "if False:",
        STORY,
    ),
    "a first word about the PSK is believed": Mutant(
        "retry",
        "    return replace(cause, permanent=False)\n",
        "    return cause\n",
        STORY,
    ),
    "a link that went is waited for": Mutant(
        "leaving", " and not closing.vague\n", "\n", STORY
    ),
    "a link that goes while leaving is waited for": Mutant(
        "leaving",
        "case Failed(vague=True):",
        "case Failed(cause=None):",
        STORY,
    ),
    "a daemon that broke while leaving ends it": Mutant(
        "leaving",
        "case Failed(vague=True):",
        "case Failed():",
        "clients move first",
    ),
    "a stop is not seen": Mutant(
        "decide",
        "case Probing() | Ready(), StopAsked(at_s):",
        "case Probing(), StopAsked(at_s):",
        STORY,
    ),
    "IPsec that went is the end": Mutant(
        "decide",
        "        case _, Failed():\n            return _fail(state, event, policy)",
        "        case _, Failed():\n            return _fail(state, event, policy)\n"
        "        case Ready(), IpsecDown(at_s):\n"
        "            return _fail(state, Failed(at_s, _ASKED), policy)",
        STORY,
    ),
}


def _source(name: str) -> str:
    module = importlib.import_module(f"agents.exit.{name}")
    assert module.__file__ is not None
    return Path(module.__file__).read_text()


def mutated(mutant: Mutant) -> ModuleType:
    """The rules with the change in them; the real ones stay as they are."""
    source = _source(mutant.file)
    assert source.count(mutant.old) == 1, f"{mutant.old!r} is not there once"
    changed = ModuleType(f"mutated_{mutant.file}")
    text = source.replace(mutant.old, mutant.new)
    exec(compile(text, changed.__name__, "exec"), changed.__dict__)  # noqa: S102
    if mutant.file == "decide":
        return changed
    decide = ModuleType("mutated_decide")
    exec(compile(_source("decide"), "decide", "exec"), decide.__dict__)  # noqa: S102
    for name, value in vars(changed).items():
        if callable(value) and getattr(value, "__module__", "") == changed.__name__:
            decide.__dict__[name] = value
    return decide


@pytest.fixture(params=MUTANTS)
def mutant(request: pytest.FixtureRequest) -> Mutant:
    return MUTANTS[request.param]


def test_a_changed_rule_is_seen(mutant: Mutant) -> None:
    changed = mutated(mutant)

    if mutant.seen_by == STORY:
        with pytest.raises(AssertionError):
            tell_all(changed)
    else:
        with pytest.raises(AssertionError, match=mutant.seen_by):
            play_many(changed)


def tell_all(changed: ModuleType) -> None:
    for lines in STORIES.values():
        state = first(POLICY, at_s=0)
        for event, expected in lines:
            state, actions = changed.decide(state, event, POLICY)
            assert outcome(state, actions) == expected


def play_many(changed: ModuleType) -> None:
    """Many histories, always the same ones; the first that breaks a claim raises."""
    chance = Random(1)  # noqa: S311 - no secret
    for number in range(1000):
        play(changed, random_history(chance), left=number % 4 == 0)
