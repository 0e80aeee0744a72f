# SPDX-License-Identifier: MIT
"""WebSockets by python3-websockets: websocket.py serve PORT | send URL CA FILE."""

import asyncio
import ssl
import sys

import websockets


async def take(connection):
    async for message in connection:
        await connection.send(f"{len(message)} bytes taken")


async def serve(port):
    async with websockets.serve(take, "127.0.0.1", int(port), max_size=None):
        await asyncio.Future()


async def send(url, authority, path, compression):
    trusted = ssl.create_default_context(cafile=authority)
    with open(path, "rb") as file:
        data = file.read()
    async with websockets.connect(url, ssl=trusted, compression=compression) as connection:
        await connection.send('{"event": "motion", "temperature": 21.5, "uptime": 86400}')
        await connection.recv()
        await connection.send(data)
        if f"{len(data)} bytes taken" != await connection.recv():
            sys.exit("not taken")


if sys.argv[1] == "serve":
    asyncio.run(serve(sys.argv[2]))
else:
    asyncio.run(send(*sys.argv[2:5], compression="deflate" if sys.argv[1] == "deflate" else None))
