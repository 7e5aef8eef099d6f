import FoundationEssentials
import HealthWorkerProbes
import NIOPosix

/// The BIND that `scripts/servers` started.
struct Bind {
    struct Missing: Error, CustomStringConvertible {
        let description = "no BIND: run this as scripts/servers run bind -- swift test"
    }

    let port: Int
    /// With what it takes to start it once more.
    let folder: String

    init() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let address = environment["HEALTH_WORKER_TEST_BIND"],
            let port = address.split(separator: ":").last.flatMap({ Int($0) }),
            let folder = environment["HEALTH_WORKER_TEST_BIND_FOLDER"]
        else { throw Missing() }
        self.port = port
        self.folder = folder
    }
}
