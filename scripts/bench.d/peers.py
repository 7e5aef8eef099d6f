"""The peers of the queue: as many jobs that do nothing, drained with their best settings.

    peers.py pgqueuer|procrastinate fill|drain DSN …

`fill JOBS` makes the schema and enqueues; `drain BATCH` is one worker process, which says `ready`,
starts when a line comes in, and ends when the queue is empty.

All have one PostgreSQL with the same settings, and every commit of theirs waits for the disk. Tables
are logged, and finished jobs are gone. What a job is to each of them:

* pgqueuer claims 500 with one statement and ends up to 500 with another; both write to its log, a
  row for each job. Of 250, 500 and 1,000 at once, and 1, 2 and 4 workers, 2 of 500 took the least
  CPU.
* procrastinate claims and ends one job with each statement, which its triggers write events for,
  without waiting for notifications. Ten at once in each of 2 workers; 20, or 4 workers, were no
  faster by more than they varied.
* Ours claims 500 and ends up to 500, with the check's health read for each and an outcome of 19
  columns written.
"""

import asyncio
import datetime
import sys


async def pgqueuer_fill(dsn, jobs):
    import asyncpg
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    connection = await asyncpg.connect(dsn)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    await queries.optimize_autovacuum()
    for first in range(0, jobs, 1000):
        count = min(1000, jobs - first)
        await queries.enqueue(["nothing"] * count, [None] * count, [0] * count)
    await connection.close()


async def pgqueuer_drain(dsn, batch):
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.types import QueueExecutionMode

    connection = await asyncpg.connect(dsn)
    queue = PgQueuer.from_asyncpg_connection(connection)

    @queue.entrypoint("nothing")
    async def nothing(job):
        pass

    await started()
    await queue.run(
        dequeue_timeout=datetime.timedelta(seconds=1), batch_size=batch,
        mode=QueueExecutionMode.drain)
    await connection.close()


def procrastinate_app(dsn, size):
    import procrastinate

    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=size))

    @app.task(name="nothing", queue="default")
    async def nothing():
        pass

    return app, nothing


async def procrastinate_fill(dsn, jobs):
    app, nothing = procrastinate_app(dsn, 4)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 1000):
            await nothing.batch_defer_async(*[{}] * min(1000, jobs - first))


async def procrastinate_drain(dsn, concurrency):
    app, _ = procrastinate_app(dsn, concurrency)
    async with app.open_async():
        await started()
        await app.run_worker_async(
            concurrency=concurrency, wait=False, listen_notify=False, delete_jobs="always",
            install_signal_handlers=False)


async def started():
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def main(peer, action, dsn, number):
    import logging

    logging.disable(logging.WARNING)
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    asyncio.run(globals()[f"{peer}_{action}"](dsn, int(number)))


main(*sys.argv[1:])
