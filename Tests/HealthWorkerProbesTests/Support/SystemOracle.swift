import Foundation
import FoundationEssentials
import HealthWorkerModel

/// `getaddrinfo` of this machine, in namespaces of its own where the hosts file, `resolv.conf` and the
/// name server at port 53 are the test's.
enum SystemOracle {
    struct Failure: Error {
        var log: String
    }

    enum Finding: Hashable, Sendable {
        case addresses(Set<String>)
        case noSuchName
        case failed
    }

    /// What the system finds of each name for each family.
    static func resolve(
        _ names: [String], hosts: String, configuration: String, bind: Bind
    ) async throws -> [String: [IPFamily: Finding]] {
        let files = try ResolverFiles(hosts: hosts, configuration: configuration)
        let output = try await run(
            script, arguments: [files.hosts, files.configuration, bind.folder], names: names)
        try files.remove()

        var findings: [String: [IPFamily: Finding]] = [:]
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let family = IPFamily(rawValue: words[1]) else {
                throw Failure(log: output)
            }
            findings[words[0], default: [:]][family] =
                switch (words[2], words[3]) {
                case ("ok", let list): .addresses(Set(list.split(separator: ",").map(String.init)))
                // EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY.
                case (_, "-2"), (_, "-5"), (_, "-9"): .noSuchName
                default: .failed
                }
        }
        return findings
    }

    private static let script = """
        set -e
        ip link set lo up
        mount --bind "$1" /etc/hosts
        mount --bind "$2" /etc/resolv.conf
        "$3/named" -g -p 53 -c "$3/named.conf" >"$1.log" 2>&1 &
        trap "kill $!; wait $! || true" EXIT
        for attempt in $(seq 100); do
            if dig @127.0.0.1 +time=1 +tries=1 a.hw.test >/dev/null; then break; fi
            sleep 0.1
        done
        python3 -c '
        import socket, sys
        families = {"v4": socket.AF_INET, "v6": socket.AF_INET6, "any": socket.AF_UNSPEC}
        for name in sys.stdin.read().split():
            for label, family in families.items():
                try:
                    found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
                    print(name, label, "ok", ",".join(entry[4][0] for entry in found))
                except socket.gaierror as error:
                    print(name, label, "error", error.errno)
        '
        """

    private static func run(
        _ script: String, arguments: [String], names: [String]
    ) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let user = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
        process.arguments =
            ["unshare"] + user + ["--net", "--mount", "bash", "-c", script, "oracle"] + arguments
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        // Short enough for the pipes: none of them fills up while it is waited for.
        try await withCheckedThrowingContinuation {
            (ended: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in ended.resume() }
            do {
                try process.run()
                try input.fileHandleForWriting.write(
                    contentsOf: Data(names.joined(separator: "\n").utf8))
                try input.fileHandleForWriting.close()
            } catch {
                process.terminationHandler = nil
                ended.resume(throwing: error)
            }
        }
        let text = { (pipe: Pipe) in
            String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
        }
        guard process.terminationStatus == 0 else { throw Failure(log: text(errors)) }
        return text(output)
    }
}
