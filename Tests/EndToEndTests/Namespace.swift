import Foundation

/// A network namespace of one test's own, and a cable to it that can be cut; gone with its holder.
struct Namespace {
    /// Addresses of the two ends.
    let here: String
    let there: String
    private let holder: Program
    private let cable: String

    init(in scratch: Scratch) async throws {
        let number = Int.random(in: 1...16_000)
        let prefix = "10.213.\(number / 64)"
        let base = number % 64 * 4
        (here, there) = ("\(prefix).\(base + 1)", "\(prefix).\(base + 2)")
        cable = "hw\(number)"
        holder = try Program(
            URL(filePath: "/usr/bin/unshare"), ["--net", "sleep", "3600"],
            log: scratch.file("namespace.log"))
        do {
            try await makeCable()
        } catch {
            await holder.destroy()
            throw error
        }
    }

    private func makeCable() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        while true {
            // Until it is in its own.
            let its = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(holder.id)/ns/net")
            if let its, its != own { break }
            guard ContinuousClock.now < deadline else {
                throw EndToEndError("no network namespace: \(holder.written)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        try Self.shell(
            """
            ip link add \(cable)a type veth peer name \(cable)b netns \(holder.id)
            ip address add \(here)/30 dev \(cable)a
            ip link set \(cable)a up
            nsenter -t \(holder.id) -n ip address add \(there)/30 dev \(cable)b
            nsenter -t \(holder.id) -n ip link set \(cable)b up
            nsenter -t \(holder.id) -n ip link set lo up
            """)
    }

    /// What a program is started by, to be inside.
    var entering: (executable: URL, arguments: [String]) {
        (URL(filePath: "/usr/bin/nsenter"), ["-t", "\(holder.id)", "-n"])
    }

    /// Not a packet more, and nobody is told.
    func cut() throws { try Self.shell("ip link set \(cable)a down") }
    func mend() throws { try Self.shell("ip link set \(cable)a up") }

    func remove() async {
        // With one end the other goes; the namespace may be gone already.
        try? Self.shell("ip link delete \(cable)a")
        await holder.destroy()
    }

    private static func shell(_ script: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", "set -e\nexport PATH=$PATH:/usr/sbin:/sbin\n" + script]
        _ = try process.output()
    }
}
