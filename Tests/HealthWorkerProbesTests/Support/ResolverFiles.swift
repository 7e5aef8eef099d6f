import FoundationEssentials
import HealthWorkerProbes
import NIOCore
import NIOPosix
import Testing

/// A hosts file and a `resolv.conf` of one test's own.
struct ResolverFiles: Sendable {
    let folder: URL
    var hosts: String { folder.appending(path: "hosts").path }
    var configuration: String { folder.appending(path: "resolv.conf").path }

    init(hosts: String = "", configuration: String) throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "resolver-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write(hosts: hosts)
        try write(configuration: configuration)
    }

    func write(hosts: String) throws {
        try Data(hosts.utf8).write(to: folder.appending(path: "hosts"), options: .atomic)
    }

    func write(configuration: String) throws {
        try Data(configuration.utf8)
            .write(to: folder.appending(path: "resolv.conf"), options: .atomic)
    }

    func remove() throws {
        try FileManager.default.removeItem(at: folder)
    }
}

/// Lends a resolver that asks servers on these ports of loopback, and nobody else.
func withResolver(
    asking ports: Int..., hosts: String = "", options: String = "search .\n",
    cache: AnswerCache.Limits = AnswerCache.Limits(),
    _ body: (OwnResolver) async throws -> Void
) async throws {
    let servers = ports.map { "nameserver [127.0.0.1]:\($0)\n" }.joined()
    let files = try ResolverFiles(hosts: hosts, configuration: servers + options)
    let resolver = OwnResolver(
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, hosts: files.hosts,
        configuration: files.configuration, checkFilesEvery: .zero, cache: cache)
    do {
        try await body(resolver)
    } catch {
        Issue.record(error)
    }
    await resolver.shutdown()
    try files.remove()
}
