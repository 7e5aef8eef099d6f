import Foundation
import Glibc
import HealthWorkerModel
import HealthWorkerProbes
import Logging
import NIOCore
import Testing

/// What this machine lacks says nothing about a target. Each test takes it away for real, from a process
/// of its own.
@Suite(.serialized) struct OwnTroubleTests {
    @Test func `a process without descriptors says so, and nothing about the target`() async {
        await #expect(processExitsWith: .success) {
            let server = try await LocalServer(answering: .send(HTTPProberTests.ok))
            let prober = try Probing()
            var closed = server.closed.makeAsyncIterator()
            #expect(await prober.outcome(check(port: server.port)) == .success)
            // Or the descriptors of that connection come free meanwhile.
            await closed.next()

            let held = Descriptors.takeAll()
            let address = await prober.report(check(port: server.port))
            let name = await prober.report(check(at: "localhost", port: server.port))
            let secure = await prober.report(
                check(.https, port: server.port, tls: TLSOptions(verify: false)))
            held.giveBack()
            let after = await prober.outcome(check(at: "localhost", port: server.port))

            for report in [address, name, secure] {
                #expect(report.outcome == .inconclusive(.noSocket))
                #expect(report.isWorkersOwnTrouble)
            }
            #expect(after == .success)
        }
    }

    @Test func `a machine without ports to connect from says so`() async {
        await #expect(processExitsWith: .success) {
            try Namespace.enter()
            try shell("ip link set lo up")
            try Data("40000 40002\n".utf8).write(
                to: URL(filePath: "/proc/sys/net/ipv4/ip_local_port_range"))
            let prober = try Probing()
            let server = ListeningSocket(port: 8080)
            let held = (0..<3).map { _ in ConnectedSocket(port: 8080) }

            let report = await prober.report(check(.tcp, port: 8080))

            #expect(report.outcome == .inconclusive(.noSocket))
            #expect(report.detail?.hasPrefix("this machine has no socket left") == true)
            withExtendedLifetime((server, held)) {}
        }
    }

    @Test func `a machine without a network says so, and leaves the jobs to others`() async {
        await #expect(processExitsWith: .success) {
            try Namespace.enter()
            try shell("ip link set lo up")
            let prober = try Probing()

            for host in ["192.0.2.1", "2001:db8::1"] {
                let report = await prober.report(check(at: host, port: 80))
                #expect(report.outcome == .inconclusive(.networkUnreachable))
                #expect(report.isWorkersOwnTrouble)
            }
            #expect(
                await prober.probers.reach("192.0.2.1", port: 80, within: .seconds(5))
                    == .failure(.networkUnreachable))
        }
    }

    @Test func `a machine without IPv6 knows nothing of its targets, and probes on`() async {
        await #expect(processExitsWith: .success) {
            try Namespace.enter()
            try shell("ip link add v0 type veth peer name v1")
            try shell("ip link set v1 up")
            try shell("ip address add 192.0.2.1/24 dev v0")
            try shell("ip link set v0 up")
            let prober = try Probing()

            let report = await prober.report(check(at: "2001:db8::1", port: 80))

            #expect(report.outcome == .inconclusive(.networkUnreachable))
            #expect(!report.isWorkersOwnTrouble)
        }
    }

    @Test func `a router that knows no way there speaks of the target`() async {
        await #expect(processExitsWith: .success) {
            // A router with an interface here, and no way on.
            try Namespace.enter()
            let name = "hw-\(getpid())"
            try shell("ip netns add \(name)")
            defer { try? shell("ip netns delete \(name)") }
            try shell("ip link add v0 type veth peer name v1 netns \(name)")
            try shell("ip address add 192.0.2.1/24 dev v0")
            try shell("ip link set v0 up")
            try shell("ip netns exec \(name) ip address add 192.0.2.2/24 dev v1")
            try shell("ip netns exec \(name) ip link set v1 up")
            try shell("ip netns exec \(name) sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'")
            try shell("ip route add default via 192.0.2.2")
            let prober = try Probing()

            let report = await prober.report(check(at: "198.51.100.1", port: 80))

            #expect(report.outcome == .failure(.connectUnreachable))
            #expect(report.detail == "a router on the way says: Network is unreachable")
        }
    }

    @Test func `a pattern that gives up is no reason to leave other checks alone`() async throws {
        let text = String(repeating: "a", count: 40) + "!"
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n\(text)"))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyMatches: "(a+)+$")))

        #expect(report.outcome == .inconclusive(.internal))
        #expect(!report.isWorkersOwnTrouble)
        try await server.stop()
    }
}

/// Probers with everything that the program has, made by the thread that calls, so that they are in
/// its namespace.
private struct Probing {
    let probers: Probers

    init() throws {
        probers = Probers(
            resolver: SystemResolver(keep: .zero), addressRules: AddressRules(),
            secrets: { _ in nil }, logger: Logger(label: "test"))
    }

    func report(_ check: CheckSpec) async -> ProbeReport {
        // The kinds that are probed here are in the table.
        await probers.prober(for: check.type)!.probe(check)
    }

    func outcome(_ check: CheckSpec) async -> Outcome { await report(check).outcome }
}

/// All descriptors that this process may still open.
private struct Descriptors {
    private let held: [CInt]

    static func takeAll() -> Descriptors {
        var limit = rlimit(rlim_cur: 256, rlim_max: 256)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var held: [CInt] = []
        while true {
            let descriptor = dup(0)
            guard descriptor >= 0 else { return Descriptors(held: held) }
            held.append(descriptor)
        }
    }

    func giveBack() {
        for descriptor in held { close(descriptor) }
    }
}

/// A network of its own for this thread and the threads and programs that it starts.
private enum Namespace {
    struct Failure: Error {
        var what: String
    }

    static func enter() throws {
        // glibc shows it to GNU sources only.
        typealias Unshare = @convention(c) (CInt) -> CInt
        guard let symbol = dlsym(nil, "unshare") else { throw Failure(what: "no unshare") }
        let newNetwork: CInt = 0x4000_0000
        guard unsafeBitCast(symbol, to: Unshare.self)(newNetwork) == 0 else {
            throw Failure(what: "unshare: \(String(cString: strerror(errno)))")
        }
    }
}

/// Sockets of loopback, without loops or threads.
private struct ListeningSocket {
    let descriptor: CInt

    init(port: UInt16) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        withLoopback(port) { _ = bind(descriptor, $0, $1) }
        listen(descriptor, 16)
    }
}

private struct ConnectedSocket {
    let descriptor: CInt

    init(port: UInt16) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        withLoopback(port) { _ = connect(descriptor, $0, $1) }
    }
}

private func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = port.bigEndian
    withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
