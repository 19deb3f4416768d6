"""A proxy to the sandbox that fails as networks do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from kudo.sandbox import Sandbox


class Proxy:
    """Forwards connections, which can stop without being closed, or be reset in the middle of a response."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._host, port = sandbox.url.removeprefix("http://").split(":")
        self._port = int(port)
        self._serving: list[asyncio.Task[None]] = []
        self._dead: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve while the body runs, and yield the URL."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def kill_connections(self) -> None:
        """Forward nothing more on the open connections, not even that they are closed."""
        self._dead.update(self._serving)

    def reset_connections(self) -> None:
        """Reset the open connections, without finishing their responses."""
        for writer in self._open:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(self._host, self._port)
        task = asyncio.current_task()
        self._open |= {writer, upstream_writer}
        try:
            await asyncio.gather(self._pipe(task, reader, upstream_writer), self._pipe(task, upstream_reader, writer))
        finally:
            self._open -= {writer, upstream_writer}
            upstream_writer.close()
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
