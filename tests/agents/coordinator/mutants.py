"""Rules with one mistake each: who trusts a test must have seen it fail.

A mutant is the source of the rules with one piece of text replaced.
"""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final, cast

import agents.coordinator
from tests.agents.coordinator.world import Decide

HERE: Final = Path(agents.coordinator.__path__[0])


# Each may use those before it.
MODULES: Final = ("damping", "modes", "choice", "observe", "reasons", "decide")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, and how it must show.

    Attributes:
        invariant: What short histories find broken; empty: a story tells.
    """

    file: str
    old: str
    new: str
    invariant: str = ""


def rules_of(mutant: Mutant) -> Decide:
    """`decide` with the mistake in it.

    Raises:
        AssertionError: The text to replace is not there once: the rules have changed.
    """
    modules: list[ModuleType] = []
    for name in MODULES:
        source = (HERE / f"{name}.py").read_text()
        if name == mutant.file:
            assert source.count(mutant.old) == 1, mutant
            source = source.replace(mutant.old, mutant.new)
        module = ModuleType(name)
        exec(compile(source, f"{name} (mutant)", "exec"), vars(module))  # noqa: S102
        for earlier in modules:
            for word in vars(module).keys() & vars(earlier).keys():
                if not word.startswith("__"):
                    setattr(module, word, getattr(earlier, word))
        modules.append(module)
    return cast("Decide", modules[-1].decide)


MUTANTS: Final = {
    # --- choice ---
    "a dead exit is never left": Mutant(
        "choice", "        if active.usable:", "        if True:", "stranded"
    ),
    "any exit with an address will do": Mutant(
        "choice",
        "return exit_.usable and allows",
        "return exit_.address and allows",
        "target",
    ),
    "the worst exit is chosen": Mutant(
        "choice", "min(usable, key", "max(usable, key", "best"
    ),
    "no settling before the return": Mutant(
        "choice", "exit_.since_s + policy.settle_s", "exit_.since_s", "moves"
    ),
    "no return ever": Mutant("choice", "best = min(fit,", "best = min((),", "wish"),
    "nobody is ever ripe": Mutant(
        "choice",
        "return at_s >= exit_.since_s + policy.settle_s",
        "return False",
        "return",
    ),
    "unheard counts as dead": Mutant(
        "choice", "usable and not (quiet and unheard)", "usable", "quiet"
    ),
    "in the quiet time the dead are not left": Mutant(
        "choice",
        "usable and not (quiet and unheard)",
        "usable and not quiet",
        "prefers",
    ),
    "unheard is never left": Mutant(
        "choice",
        "usable and not (quiet and unheard)",
        "usable and not unheard",
        "stranded",
    ),
    "unsure is given up for nothing": Mutant(
        "choice", "if quiet or unsure or", "if quiet or", "kept"
    ),
    "the entry alone is believed": Mutant(
        "choice", "not active.hopeless", "not active.broken", "kept"
    ),
    "no grace at the start": Mutant(
        "choice", "(quiet and order.epoch == NO_EPOCH)", "False", "quiet"
    ),
    "giving up in the quiet time": Mutant(
        "choice", "if quiet or unsure or", "if unsure or", "quiet"
    ),
    "never giving up": Mutant(
        "choice", "if quiet or unsure or order", "if True or order", "stranded"
    ),
    "close holds": Mutant(
        "choice", "policy.when_none is WhenNone.HOLD", "True", "open"
    ),
    "hold closes": Mutant(
        "choice", "policy.when_none is WhenNone.HOLD", "False", "open"
    ),
    "waiting with a held gate": Mutant(
        "choice",
        "usable and not (quiet and unheard)",
        "usable and active and not (quiet and unheard)",
        "idle",
    ),
    "the gate opens over nothing": Mutant(
        "choice", " or order.gate is Gate.CLOSED:", ":", "target"
    ),
    "deciding without a bus": Mutant(
        "choice",
        "if state.linked_since_s is None or (quiet",
        "if False or (quiet",
        "",
    ),
    "only is forgotten when all is well": Mutant(
        "choice",
        "active is not None and allows(state.wished, active.name)",
        "active is not None",
        "wish",
    ),
    "only is forgotten when it fails": Mutant(
        "choice", "return exit_.usable and allows(", "return exit_.usable or allows("
    ),
    "drained exits are as good as any": Mutant(
        "choice",
        "drained, flaps = exit_.name in mode.drained,",
        "drained, flaps = False,",
    ),
    "a drained exit is not left": Mutant(
        "choice", "if active.name in mode.drained:", "if False:", "wish"
    ),
    "clients are moved to a drained exit": Mutant(
        "choice", " and one.name not in mode.drained\n", "\n"
    ),
    "degraded acts at once": Mutant(
        "choice", "active.since_s + policy.degraded_s", "active.since_s"
    ),
    "degraded never acts": Mutant(
        "choice", "grade = active.graded if lasts else Grade.GOOD", "grade = Grade.GOOD"
    ),
    "degraded is as good as good": Mutant(
        "choice", "(drained, flaps, exit_.graded, rank", "(drained, flaps, 0, rank"
    ),
    "returning to the degraded": Mutant(
        "choice", "exit_.graded is not Grade.GOOD or suppressed", "suppressed"
    ),
    "returning to the flapping": Mutant(
        "choice", "Grade.GOOD or suppressed(exit_, at_s):", "Grade.GOOD:"
    ),
    "the flapping are as good as any": Mutant(
        "choice", "in mode.drained, suppressed(exit_, at_s)", "in mode.drained, False"
    ),
    "no cooldown": Mutant("choice", "state.moved_s + policy.cooldown_s", "0.0"),
    "wishes must settle": Mutant("choice", "at_once(asked, one.name) or ", ""),
    "standbys are ranked by name alone": Mutant(
        "choice", "not one.usable, merit", "False, merit"
    ),
    "the active exit is not the first": Mutant(
        "choice", "(one.name != active, not", "(False, not", "ranking"
    ),
    "every hop is called usable": Mutant(
        "choice", "usable=one.usable", "usable=True", "ranking"
    ),
    "the active exit is not in its order": Mutant(
        "choice",
        "(one.name == active or allows(mode, one.name))",
        "allows(mode, one.name)",
    ),
    "standbys that only forbids are named": Mutant(
        "choice", "(one.name == active or allows(mode, one.name))", "True"
    ),
    "stale news move clients": Mutant("choice", "at_s < state.held_until_s", "False"),
    # --- decide ---
    "silence of our own counts": Mutant(
        "decide", "due and not isinstance(event, Overslept)", "due"
    ),
    "stale news are told": Mutant("decide", "at_s < state.held_until_s", "False"),
    "the end of catching up is slept through": Mutant(
        "decide", "quiet_until_s, state.held_until_s]", "quiet_until_s]"
    ),
    "epochs end": Mutant("decide", "following(before.epoch)", "before.epoch + 1"),
    "no entry is greeted": Mutant("decide", "if came and linked and", "if False and"),
    "an entry is greeted without a bus": Mutant(
        "decide", "if came and linked and", "if came and"
    ),
    "everybody is greeted": Mutant(
        "decide", "event.presence.role, event.", '"entry", event.'
    ),
    "who goes is greeted": Mutant(
        "decide", "event.presence.status) ==", "Status.ONLINE) =="
    ),
    "a memory is greeted": Mutant(
        "decide", "event.echo or unsaid(state)", "unsaid(state)"
    ),
    "an entry is greeted with nothing": Mutant(
        "decide", "event.echo or unsaid(state)", "event.echo"
    ),
    "waking without a bus": Mutant(
        "decide",
        "        return None\n    moments",
        "        pass\n    moments",
        "unlinked",
    ),
    "the epoch stays": Mutant(
        "decide", "following(before.epoch)", "before.epoch", "epoch"
    ),
    "the order is said again and again": Mutant(
        "decide",
        "order.gate is Gate.OPEN and exits != order.exits",
        "order.gate is Gate.OPEN",
        "",
    ),
    "the loss is never mended": Mutant(
        "decide", 'order=order, untold="")', "order=order)"
    ),
    "the loss is not noticed": Mutant(
        "decide", "return bool(state.untold) or ", "return "
    ),
    "ranking in the quiet time": Mutant(
        "decide",
        "return known and exits[:1] != order.exits[:1]",
        "return known and exits != order.exits",
    ),
    "no new address in the quiet time": Mutant(
        "decide", "return known and exits[:1] != order.exits[:1]", "return False"
    ),
    "an order is said that names no way": Mutant(
        "decide", " or (active is not None and not active.address)", ""
    ),
    "a decision is kept to itself": Mutant(
        "decide", "(SayOrder(order), decision)\n", "(SayOrder(order),)\n", "told"
    ),
    "a planned move is not remembered": Mutant(
        "decide", "replace(state, moved_s=at_s)", "state"
    ),
    "a forced move begins the cooldown": Mutant(
        "decide", "left is not None and left.usable:", "left is not None:"
    ),
    "a deadline of silence is slept through": Mutant(
        "decide",
        "moments.append(silence_moment(state, exit_.heard_s, policy))",
        "pass",
        "wake",
    ),
    "a deadline of a path is slept through": Mutant(
        "decide",
        "if path.health is not Health.UNKNOWN",
        "if False",
        "wake",
    ),
    "the end of settling is slept through": Mutant(
        "decide", "moments.append(exit_.since_s + policy.settle_s)", "pass", "wake"
    ),
    "the end of patience is slept through": Mutant(
        "decide",
        "moments.append(state.active.since_s + policy.degraded_s)",
        "pass",
        "wake",
    ),
    "the end of the quiet time is slept through": Mutant(
        "decide", "[state.quiet_until_s, state.held", "[state.held", "wake"
    ),
    "the end of the cooldown is slept through": Mutant(
        "decide", "moments.append(state.moved_s + policy.cooldown_s)", "pass"
    ),
    "forgiveness is slept through": Mutant(
        "decide", "moments = [exit_.suppressed_until_s]", "moments: list[float] = []"
    ),
    "waking for what has passed": Mutant(
        "decide", "if moment > at_s", "if moment >= at_s", "wake"
    ),
    "the adopted order is not remembered": Mutant(
        "decide", "return SayOrder(order), decision", "return (decision,)"
    ),
    "a late report mends the silence": Mutant(
        "decide", "aged(state, at_s, policy) if due else state", "state"
    ),
    "what is heard twice is thought of twice": Mutant(
        "decide", "return isinstance(event, Tick)", "return False", "calm"
    ),
    "a denial is no news": Mutant("decide", "(*speaks, exit_.denied,", "(*speaks,"),
    "a wish is not answered": Mutant(
        "decide", "(*actions, *news(state, seen, asked))", "actions", "answer"
    ),
    "refusals are not told": Mutant(
        "decide", "if asked is not None and (error", "if False and (error"
    ),
    # --- modes ---
    "the policy's order is ignored": Mutant("modes", "policy.place(name)", "0"),
    "preference is ignored": Mutant(
        "modes", "mode.choice is Choice.PREFER and", "False and"
    ),
    "only is ignored": Mutant(
        "modes", "mode.choice is not Choice.ONLY or", "True or", "wish"
    ),
    "drained for ever": Mutant(
        "modes", "return replace(mode, drained=others)", "return mode"
    ),
    "a predecessor's mode is ignored": Mutant(
        "modes", "state.mode is not None or not sane", "True"
    ),
    "an echo overrules": Mutant(
        "modes", "state.mode is not None or not sane", "not sane"
    ),
    "nonsense is taken over": Mutant(
        "modes", "state.mode is not None or not sane", "state.mode is not None"
    ),
    "anybody is an exit": Mutant("modes", "bool(state.exit(name).address)", "True"),
    "wishes are granted from stale news": Mutant(
        "modes", "if asked.at_s < state.held_until_s:", "if False:"
    ),
    # --- damping ---
    "failures are never forgiven": Mutant("damping", "* 0.5**half_lives", ""),
    "failures are not counted": Mutant(
        "damping", "1.0 + exit_.penalty *", "0.5 + 0.0 *"
    ),
    "forgiveness takes for ever": Mutant("damping", "* math.log2(excess)", "* 1e9"),
    # --- observe ---
    "silence is forgiven": Mutant(
        "observe",
        "if exit_.stage is not None and at_s >=",
        "if False and at_s >=",
        "ranking",
    ),
    "catching up without a bus": Mutant(
        "observe",
        "            return state\n        state = replace(state, held",
        "            pass\n        state = replace(state, held",
    ),
    "nobody catches up": Mutant("observe", "event.at_s + policy.catch_up_s", "0.0"),
    "one entry speaks for all": Mutant(
        "observe", "paths=(*others, path)", "paths=(path,)"
    ),
    "an exit may be anywhere": Mutant(
        "observe", "if policy.neighbours.has(report.address) else", "if True else"
    ),
    "a predecessor's exit may be anywhere": Mutant(
        "observe", " and policy.neighbours.has(hop.address)", ""
    ),
    "paths never age": Mutant(
        "observe",
        "and at_s >= silence_moment(state, one.heard_s, policy)",
        "and False",
    ),
    "silence while the bus is away": Mutant(
        "observe", "max(heard_s, state.linked_since_s or 0.0)", "heard_s"
    ),
    "settling goes on while the bus is away": Mutant(
        "observe", "replace(one, since_s=event.at_s) for", "one for"
    ),
    "a change does not begin settling": Mutant(
        "observe", "graded=grade, since_s=at_s", "graded=grade", "moves"
    ),
    "nobody is damped": Mutant(
        "observe", "if grade is Grade.UNUSABLE and", "if False and"
    ),
    "a wish is a failure": Mutant(
        "observe", "return exit_.planned or", "return False or"
    ),
    "a farewell is a failure": Mutant(
        "observe", "or exit_.status is Status.STOPPED", "or False"
    ),
    "no quiet time after a connect": Mutant(
        "observe",
        "quiet_until_s=event.at_s + policy.start_grace_s,\n    )\n\n\n# --- exits",
        "quiet_until_s=0.0,\n    )\n\n\n# --- exits",
        "wake",
    ),
    "no quiet time after taking over": Mutant(
        "observe",
        "untold=untold,\n        quiet_until_s=event.at_s + policy.start_grace_s,",
        "untold=untold,\n        quiet_until_s=0.0,",
        "wake",
    ),
    "older reports count": Mutant(
        "observe", "old = report.seq < exit_.seq", "old = False"
    ),
    "an echo is a sign of life": Mutant(
        "observe", "(event.echo and report.seq == exit_.seq)", "False"
    ),
    "the same report is no sign of life": Mutant(
        "observe", "report.seq < exit_.seq", "report.seq <= exit_.seq"
    ),
    "older paths count": Mutant(
        "observe", "old = report.seq < known.seq", "old = False"
    ),
    "an echo of a path is a sign of life": Mutant(
        "observe", "(event.echo and report.seq == known.seq)", "False"
    ),
    "the same path is no sign of life": Mutant(
        "observe", "report.seq < known.seq", "report.seq <= known.seq"
    ),
    "the dead measure": Mutant("observe", "entry.status in AWAY or", "False or"),
    "former lives measure": Mutant(
        "observe", 'or entry.life not in ("", report.boot)', "or False"
    ),
    "paths outlive their entry": Mutant("observe", "and (gone or", "and (False or"),
    "paths outlive the life that measured": Mutant(
        "observe", "and (gone or path.boot != said.boot)", "and gone"
    ),
    "a path overrules an exit that is there": Mutant(
        "observe", "in CARRYING and not exit_.speaks", "in CARRYING", "target"
    ),
    "no path overrules an exit": Mutant(
        "observe", "in CARRYING and not exit_.speaks", "in () and exit_.speaks"
    ),
    "ppp0 may be gone": Mutant("observe", "not in LINKED if", "not in AWAY if"),
    "an echo proves a life": Mutant(
        "observe", "life=exit_.life if event.echo else report.boot", "life=report.boot"
    ),
    "a report proves no life": Mutant(
        "observe",
        "life=exit_.life if event.echo else report.boot",
        "life=exit_.life",
    ),
    "a new life does not end the old one": Mutant(
        "observe",
        "status=said.status, life=said.boot)",
        "status=said.status)",
    ),
    "presence is ignored": Mutant(
        "observe", "status=said.status, life=said.boot)", "life=said.boot)"
    ),
    "a removed exit stays": Mutant(
        "observe", "return replace(gone, denied=True)", "return exit_"
    ),
    "a removed exit may come back by its path": Mutant(
        "observe", "return replace(gone, denied=True)", "return gone", ""
    ),
    "an equal order is taken over": Mutant(
        "observe",
        "greater = newer(heard.epoch, state.order.epoch)",
        "greater = not newer(state.order.epoch, heard.epoch)",
        "epoch",
    ),
    "no order is taken over": Mutant(
        "observe", "if not greater and not astray:", "if True:"
    ),
    "any epoch is believed": Mutant(
        "observe",
        "newer(heard.epoch, state.order.epoch)",
        "heard.epoch > state.order.epoch",
    ),
    "a closed gate may have an active exit": Mutant(
        "observe", "heard.active if heard.gate is Gate.OPEN else None", "heard.active"
    ),
    "nobody is believed to have walked": Mutant(
        "observe", "return report.walked and same", "return False and same"
    ),
    "being on the way is being astray": Mutant(
        "observe", "return report.walked and same", "return same"
    ),
    "addresses die with their agents": Mutant(
        "observe", "state = state.having(*addressed(state, heard, policy))", "pass"
    ),
}
