"""Home Assistant's own topics: where it looks for things, where it says hello. Pure.

They are not below our base. Others who know the convention (openHAB, ioBroker) find the
same things there.
Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from bus.topics import LARGEST_BYTES, Topic

Component = Literal["binary_sensor", "button", "event", "select", "sensor", "switch"]
COMPONENTS: Final[tuple[Component, ...]] = get_args(Component)
PREFIX: Final = "homeassistant"
BIRTH: Final = "online"

Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where one chain is found.

    Attributes:
        prefix: First level, or levels, of all discovery at this broker.
        base: Of the chain's own topics.
    """

    prefix: str = PREFIX
    base: str = "vpnchain"

    @property
    def node(self) -> str:
        """The chain's level among those who are discovered: its base, made an id."""
        return re.sub(r"[^a-z0-9-]+", "-", self.base.lower())[:64]

    def topic(self, component: Component) -> Topic[Config]:
        """Where things of this kind are declared; an empty payload removes one."""
        return Topic(
            f"/{self.prefix}/{component}/{{node}}/{{object}}/config",
            dict,
            writer="homeassistant",
            retain=True,
            about="A thing that Home Assistant shall show.",
            most_bytes=LARGEST_BYTES,
        )

    @property
    def birth(self) -> Topic[str]:
        """Where Home Assistant says that it has come, or gone."""
        return Topic(
            f"/{self.prefix}/status",
            str,
            writer="home",
            retain=True,  # if so set there; usually it is not
            about="Whether Home Assistant is there.",
            text=True,
        )

    def declarations(self) -> Iterator[str]:
        """Filters of all that this chain declares."""
        for component in COMPONENTS:
            yield self.topic(component).within({"node": self.node})
