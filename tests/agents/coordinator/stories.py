"""What the coordinator shall do, as stories; they are the specification.

Each number of the policy has a story on either side of it.
"""

from typing import Final

from tests.agents.coordinator.stories_astray import ASTRAY
from tests.agents.coordinator.stories_bus import BUS, RESTART
from tests.agents.coordinator.stories_calm import FAILBACK, LIVES
from tests.agents.coordinator.stories_entries import ENTRIES
from tests.agents.coordinator.stories_gate import FAILOVER, GATE
from tests.agents.coordinator.stories_modes import KEPT, MODES, REFUSED
from tests.agents.coordinator.stories_overslept import OVERSLEPT
from tests.agents.coordinator.stories_paths import DEGRADED, PATHS
from tests.agents.coordinator.stories_planned import COOLDOWN, DAMPING

CHAPTERS: Final = (
    *(GATE, FAILOVER, FAILBACK, BUS, LIVES, RESTART),
    *(PATHS, DEGRADED, DAMPING, COOLDOWN, MODES, REFUSED, KEPT, ASTRAY),
    *(OVERSLEPT, ENTRIES),
)
STORIES: Final = {name: one for chapter in CHAPTERS for name, one in chapter.items()}
