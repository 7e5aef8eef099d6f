import AsyncHTTPClient
import Foundation

/// An HTTP server on loopback that thinks before it answers, for hundreds of connections at once.
struct SlowTarget {
    let port: Int
    private let program: Program

    private static let script = """
        import asyncio, sys

        async def answer(reader, writer):
            try:
                await reader.readuntil(b"\\r\\n\\r\\n")
                await asyncio.sleep(float(sys.argv[2]))
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
                await writer.drain()
            except (OSError, asyncio.IncompleteReadError):
                pass
            writer.close()

        async def serve():
            server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=1024)
            print("ready", flush=True)
            await server.serve_forever()

        asyncio.run(serve())
        """

    /// Returns once it accepts connections.
    static func start(in scratch: Scratch, thinking delay: Duration) async throws -> SlowTarget {
        let port = try Here.freePort()
        let program = try Program(
            Here.python, ["-c", script, "\(port)", "\(delay / .seconds(1))"],
            log: scratch.file("target.log"))
        let deadline = ContinuousClock.now + .seconds(60)
        while !program.written.contains("ready") {
            guard program.isRunning, ContinuousClock.now < deadline else {
                throw EndToEndError("the target did not start: \(program.written)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return SlowTarget(port: port, program: program)
    }

    func stop() async { await program.destroy() }
}
