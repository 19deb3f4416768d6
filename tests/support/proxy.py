"""A way to the sandbox that breaks as networks do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from kudo.sandbox import Sandbox


class Proxy:
    """Passes connections on; they can die without a word, or be reset in the middle of an answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._host, port = sandbox.url.removeprefix("http://").split(":")
        self._port = int(port)
        self._serving: list[asyncio.Task[None]] = []
        self._dead: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve while the body runs; the address."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def kill_connections(self) -> None:
        """From now on nothing passes over the connections that there are, not even their end."""
        self._dead.update(self._serving)

    def reset_connections(self) -> None:
        """End the connections that there are without finishing what they carry."""
        for writer in self._open:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near_reader, near_writer = await asyncio.open_connection(self._host, self._port)
        task = asyncio.current_task()
        self._open |= {writer, near_writer}
        try:
            await asyncio.gather(self._pipe(task, reader, near_writer), self._pipe(task, near_reader, writer))
        finally:
            self._open -= {writer, near_writer}
            near_writer.close()
            writer.close()

    async def _pipe(
        self, task: asyncio.Task[None] | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await reader.read(65536)) and task not in self._dead:
                writer.write(data)
                await writer.drain()
        if task in self._dead:
            await asyncio.Event().wait()
        writer.close()
