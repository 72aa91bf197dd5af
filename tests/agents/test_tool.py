import asyncio
import os

import pytest

from agents.tool import ToolError, run


async def test_a_tool_gets_its_input_and_tells_how_it_ended() -> None:
    output = await run(
        ["sh", "-c", "cat; echo oops >&2; exit 3"], given="in\n", within_s=10
    )

    assert (output.status, output.text, output.error) == (3, "in\n", "oops\n")


async def test_a_tool_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolError, match="starting no-such-tool: No such file"):
        await run(["no-such-tool"], within_s=10)


async def test_a_tool_that_does_not_end_is_killed() -> None:
    with pytest.raises(ToolError, match=r"waiting for sh: no end in 0\.1 s"):
        await run(["sh", "-c", "exec sleep 1000"], within_s=0.1)


async def test_a_tool_that_is_waited_for_no_longer_is_killed() -> None:
    async with asyncio.timeout(10):
        task = asyncio.create_task(run(["sleep", "1000"], within_s=100))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_tool_sees_nothing_of_our_environment() -> None:
    output = await run(["env"], within_s=10)

    seen = {line.partition("=")[0] for line in output.text.splitlines()}
    assert seen <= {"PATH", "LC_ALL", "LC_CTYPE", "PWD", "SHLVL", "_"}
    assert len(os.environ) > len(seen)


async def test_a_tool_that_ends_before_it_has_read_its_input_is_no_trouble() -> None:
    output = await run(["true"], given="x" * 1_000_000, within_s=10)

    assert output.status == 0
