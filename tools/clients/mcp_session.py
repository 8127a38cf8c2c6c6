#!/usr/bin/env python3
"""Uses a running service through `harkback mcp`, by the official Python client of MCP.

BASE=ADDRESS mcp_session.py PROGRAM RECORDING: the recording has the word "four".
"""

import asyncio
import os
import subprocess
import sys

from mcp import Client, StdioServerParameters

CALLER = {"HARKBACK_TENANT": "t_mcp", "HARKBACK_ENV": "test"}


async def main():
    program, recording = sys.argv[1:]
    base = os.environ["BASE"]
    sent = subprocess.run(
        [program, "upload", recording, "--url", base],
        env={**os.environ, **CALLER},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    asset = sent.stdout.split()[0]

    adapter = StdioServerParameters(command=program, args=["mcp", "--url", base], env=CALLER)
    # The current lifecycle of the protocol, and that of clients of before.
    for mode in ("auto", "legacy"):
        async with Client(adapter, mode=mode) as client:
            await session(client, asset)
    print("the tools of MCP are called by its Python client")


async def session(client, asset):
    progress = []

    async def report(done, total, message):
        progress.append(done)

    async def call(tool, **arguments):
        result = await client.call_tool(tool, arguments, progress_callback=report)
        assert not result.is_error, result
        return result.structured_content

    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools["search_words"].input_schema["required"] == ["q"], tools["search_words"]
    made = await call("analyze_recording", asset_id=asset)
    assert progress == sorted(set(progress)), progress
    found = await call("search_words", q="four")
    assert found["items"][0]["timeline_artifact_id"] == made["audio_semantic_artifact_id"], found
    refused = await client.call_tool("analyze_recording", {"asset_id": "none"})
    assert refused.is_error and "asset_not_found" in refused.content[0].text, refused


asyncio.run(main())
