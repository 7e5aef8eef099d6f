import AsyncHTTPClient
import Foundation
import NIOCore
import Synchronization

/// HTTP servers that are processes of their own, so that they can really be killed.
final class Targets: Sendable {
    private let scratch: Scratch
    private let port: Int
    private let running = Mutex<[String: Program]>([:])

    init(_ scratch: Scratch, port: Int) throws {
        self.scratch = scratch
        self.port = port
        try FileManager.default.createDirectory(
            at: scratch.file("www"), withIntermediateDirectories: true)
    }

    /// Returns once it accepts connections.
    func start(_ address: String) async throws {
        let program = try launch(address, inside: nil)
        running.withLock { $0[address] = program }
        let request = HTTPClientRequest(url: "http://\(address):\(port)/")
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            // Refused until it listens.
            if (try? await HTTPClient.shared.execute(request, timeout: .seconds(1))) != nil {
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError("the target at \(address) did not start: \(program.written)")
    }

    /// One in a network of its own, where nobody here can ask whether it is ready.
    func start(_ address: String, inside namespace: Namespace) throws {
        let program = try launch(address, inside: namespace)
        running.withLock { $0["\(address) inside"] = program }
    }

    private func launch(_ address: String, inside namespace: Namespace?) throws -> Program {
        try Program(
            Here.python,
            [
                "-m", "http.server", "\(port)", "--bind", address, "--directory",
                scratch.file("www").path,
            ], inside: namespace, log: scratch.file("\(address).log"))
    }

    func kill(_ address: String) async {
        await running.withLock { $0.removeValue(forKey: address) }?.destroy()
    }

    func stop() async {
        let all = running.withLock { running in
            defer { running = [:] }
            return Array(running.values)
        }
        for program in all { await program.destroy() }
    }
}
