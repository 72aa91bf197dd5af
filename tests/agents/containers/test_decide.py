"""The rules of the containers agent, told as stories."""

from dataclasses import dataclass, field

from agents.containers.decide import decide
from agents.containers.model import (
    Action,
    Answer,
    Asked,
    Beat,
    Container,
    DockerLost,
    Event,
    Forget,
    Happened,
    Listed,
    Policy,
    Restart,
    Restarted,
    SayEvent,
    SayReport,
    State,
)
from bus.commands import Verb
from bus.messages.containers import (
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)

POLICY = Policy(pause_s=30.0, per_hour=3)
EXIT = Container("exit-a", "l2tp-ipsec-exit", ContainerStatus.RUNNING, "healthy")


@dataclass
class Story:
    """What the agent did since it was last asked."""

    state: State = field(default_factory=State)
    done: list[Action] = field(default_factory=list)

    def hear(self, *events: Event) -> "Story":
        for event in events:
            self.state, actions = decide(self.state, event, POLICY)
            self.done += actions
        return self

    def did(self) -> list[Action]:
        done, self.done = self.done, []
        return done

    def report(self, agent: str = "exit-a") -> ContainerReport:
        return self.state.containers[agent].report

    def ask(self, at_s: float, agent: str = "exit-a", verb: str = "restart") -> str:
        """Asks for a restart; what is answered, empty if it was granted."""
        self.did()
        self.hear(Asked(at_s, verb, f"t{at_s:g}", agent))
        done = self.did()
        answer, *rest = done
        assert isinstance(answer, Answer)
        assert rest == ([] if answer.error else [Restart(agent, "l2tp-ipsec-exit")])
        if rest:
            self.hear(Restarted(at_s, agent))
        return answer.error


def seen(*containers: Container) -> Story:
    story = Story().hear(Listed(0.0, containers or (EXIT,)))
    story.did()
    return story


def happened(kind: ContainerEventKind, *, code: int | None = None) -> Happened:
    return Happened(1.0, "exit-a", "l2tp-ipsec-exit", kind, exit_code=code)


def test_what_is_listed_is_told() -> None:
    report = ContainerReport(
        container="l2tp-ipsec-exit", status=ContainerStatus.RUNNING, health="healthy"
    )
    assert Story().hear(Listed(0.0, (EXIT,))).did() == [SayReport("exit-a", report)]


def test_what_is_no_longer_listed_is_taken_back() -> None:
    assert seen().hear(Listed(9.0, ())).did() == [Forget("exit-a")]


def test_a_death_is_told_with_its_code_and_remembered_over_the_next_start() -> None:
    story = seen().hear(happened(ContainerEventKind.DIED, code=137))
    assert story.report().status is ContainerStatus.EXITED
    assert story.report().health == ""
    event = story.did()[0]
    assert isinstance(event, SayEvent)
    assert (event.kind, event.exit_code) == (ContainerEventKind.DIED, 137)
    story.hear(happened(ContainerEventKind.STARTED))
    assert story.report().exit_code == 137
    assert story.report().status is ContainerStatus.RUNNING


def test_want_of_memory_is_remembered_until_the_next_start() -> None:
    story = seen().hear(happened(ContainerEventKind.OUT_OF_MEMORY))
    story.hear(happened(ContainerEventKind.DIED, code=137))
    assert story.report().out_of_memory
    story.hear(happened(ContainerEventKind.STARTED))
    assert not story.report().out_of_memory


def test_health_is_told_when_it_changes_only() -> None:
    same = Happened(
        1.0, "exit-a", EXIT.name, ContainerEventKind.HEALTH, health="healthy"
    )
    assert seen().hear(same).did() == []
    worse = Happened(
        1.0, "exit-a", EXIT.name, ContainerEventKind.HEALTH, health="unhealthy"
    )
    story = seen().hear(worse)
    assert len(story.did()) == 2
    assert story.report().health == "unhealthy"


def test_a_container_that_nobody_listed_is_met_by_its_first_event() -> None:
    story = Story().hear(Listed(0.0, ()), happened(ContainerEventKind.STARTED))
    assert story.report().status is ContainerStatus.RUNNING


def test_a_removed_container_is_taken_back_unless_another_took_its_place() -> None:
    gone = happened(ContainerEventKind.REMOVED)
    assert Forget("exit-a") in seen().hear(gone).did()
    successor = Container("exit-a", "another-name", ContainerStatus.RUNNING)
    assert Forget("exit-a") not in seen(successor).hear(gone).did()


def test_a_restart_is_granted_at_once_and_told_at_its_end() -> None:
    story = seen().hear(Asked(1.0, Verb.RESTART, "t1", "exit-a"))
    granted, restart = story.did()
    assert granted == Answer("restart", "t1")
    assert restart == Restart("exit-a", "l2tp-ipsec-exit")
    event, report = story.hear(Restarted(2.0, "exit-a")).did()
    assert isinstance(event, SayEvent)
    assert (event.kind, event.cause) == (ContainerEventKind.RESTARTED, "")
    assert isinstance(report, SayReport)
    assert report.report.restarts == 1


def test_a_restart_that_fails_is_told_with_its_cause() -> None:
    story = seen().hear(Asked(1.0, Verb.RESTART, "t1", "exit-a"))
    story.did()
    event = story.hear(Restarted(2.0, "exit-a", "no")).did()[0]
    assert isinstance(event, SayEvent)
    assert event.cause == "no"


def test_nobody_is_restarted_twice_at_once() -> None:
    story = seen().hear(Asked(1.0, Verb.RESTART, "t1", "exit-a"))
    assert "is being restarted" in story.ask(2.0)


def test_what_somebody_has_ended_is_not_begun_again() -> None:
    story = seen().hear(happened(ContainerEventKind.DIED, code=0))
    assert story.ask(2.0) == "exit-a: does not run: exited"
    story.hear(happened(ContainerEventKind.STARTED))
    assert story.ask(3.0) == ""


def test_the_pause_doubles_with_each_restart() -> None:
    story = seen()
    assert story.ask(0.0) == ""
    assert "again in 1 s" in story.ask(29.0)
    assert story.ask(30.0) == ""
    assert "again in 1 s" in story.ask(89.0)
    assert story.ask(90.0) == ""


def test_an_hour_sees_so_many_restarts_and_no_more() -> None:
    story = seen()
    assert [story.ask(at_s) for at_s in (0.0, 100.0, 300.0)] == ["", "", ""]
    assert "3 times within the last hour" in story.ask(3599.0)
    assert story.ask(3600.0) == ""


def test_the_count_of_restarts_fades() -> None:
    story = seen()
    story.ask(0.0)
    story.hear(Beat(3599.0))
    assert story.report().restarts == 1
    story.hear(Beat(3600.0))
    assert story.report().restarts == 0


def test_a_stranger_or_a_foreign_verb_is_refused() -> None:
    assert "no container is known by that name" in seen().ask(0.0, agent="exit-z")
    assert "nobody: no container" in seen().ask(0.0, agent="")
    assert "not a verb" in seen().ask(0.0, verb="drain")


def test_without_docker_nothing_is_promised_and_nothing_is_said() -> None:
    story = seen().hear(DockerLost(1.0))
    assert story.ask(2.0) == "Docker does not answer"
    assert story.hear(Beat(3.0)).did() == []


def test_a_restart_under_way_when_docker_goes_is_told_as_failed() -> None:
    story = seen().hear(Asked(1.0, Verb.RESTART, "t1", "exit-a"))
    story.did()
    event = story.hear(DockerLost(2.0)).did()[0]
    assert isinstance(event, SayEvent)
    assert event.cause == "Docker went away"
    story.hear(Listed(60.0, (EXIT,)))
    assert story.ask(61.0) == ""


def test_all_is_said_again_with_every_beat() -> None:
    story = seen().hear(Beat(5.0))
    assert story.did() == [SayReport("exit-a", story.report())]
