import Foundation
import Synchronization

/// HTTP servers on addresses of loopback, `127.0.2.1` and so on, that a run makes answer wrongly; each
/// request that they see is counted.
final class ChaosTargets: Sendable {
    let port: Int
    let count: Int
    private let program: Program
    private let manners: URL
    private let seen: URL
    private let state = Mutex(State())

    private struct State {
        var manners: [Int: Fault.Manner] = [:]
        var since: [Int: Int64] = [:]
        var downs: [Int: [ClosedRange<Int64>]] = [:]
    }

    private static let script = """
        import asyncio, os, sys
        port, manners, seen = int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "a", buffering=1)
        known = {"time": 0, "of": {}}

        def manner(address):
            time = os.stat(manners).st_mtime_ns
            if time != known["time"]:
                known["of"] = dict(line.split() for line in open(manners))
                known["time"] = time
            return known["of"].get(address, "200")

        async def answer(reader, writer):
            try:
                await reader.readuntil(b"\\r\\n\\r\\n")
                address = writer.get_extra_info("sockname")[0]
                seen.write(address + "\\n")
                how = manner(address)
                if how == "hang":
                    await asyncio.sleep(5)
                elif how != "close":
                    writer.write(
                        b"HTTP/1.1 " + how.encode()
                        + b" X\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
                    await writer.drain()
            except (OSError, asyncio.IncompleteReadError):
                pass
            writer.close()

        async def serve():
            server = await asyncio.start_server(answer, sys.argv[4:], port, backlog=1024)
            print("ready", flush=True)
            await server.serve_forever()

        asyncio.run(serve())
        """

    /// Returns once they accept connections.
    init(_ count: Int, in scratch: Scratch) async throws {
        self.count = count
        port = try Here.freePort()
        manners = try scratch.write("", to: "manners")
        seen = try scratch.write("", to: "seen")
        program = try Program(
            Here.python,
            ["-c", Self.script, "\(port)", manners.path, seen.path]
                + (1...count).map(Self.address), log: scratch.file("targets.log"))
        let deadline = ContinuousClock.now + .seconds(30)
        while !program.written.contains("ready") {
            guard program.isRunning, ContinuousClock.now < deadline else {
                throw EndToEndError("the targets did not start: \(program.written)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    static func address(_ number: Int) -> String { "127.0.2.\(number)" }

    func misbehave(_ number: Int, _ manner: Fault.Manner) throws {
        try change { state in
            state.manners[number] = manner
            state.since[number] = Self.now
        }
    }

    func behave(_ number: Int) throws {
        try change { $0.manners[number] = nil }
        state.withLock { state in
            guard let since = state.since.removeValue(forKey: number) else { return }
            // Who came before may be answered as before for a moment more.
            state.downs[number, default: []].append(since...(Self.now + 1_000_000))
        }
    }

    private func change(_ body: (inout State) -> Void) throws {
        let text = state.withLock { state in
            body(&state)
            return state.manners.map { "\(Self.address($0.key)) \($0.value.rawValue)\n" }.joined()
        }
        // In the place of the other, whole.
        try Data(text.utf8).write(to: manners, options: .atomic)
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

    /// When each did not answer as it should, in µs since 1970.
    var downs: [Int: [ClosedRange<Int64>]] { state.withLock { $0.downs } }

    /// Requests by address.
    var requests: [String: Int] {
        let text = (try? String(contentsOf: seen, encoding: .utf8)) ?? ""
        return Dictionary(text.split(separator: "\n").map { (String($0), 1) }, uniquingKeysWith: +)
    }

    func stop() async { await program.destroy() }
}
