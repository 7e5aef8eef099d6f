import Foundation

/// A server of one test's own, so that it can be broken: started by `scripts/servers`, and stopped
/// with the last reference to it.
package final class StartedServer: Sendable {
    package let url: String
    /// Of what stands in front of it.
    package let pooler: String?
    /// Where it keeps its data, its log and its process id.
    package var folder: String { "\(all)/\(kind)" }
    private let kind: String
    private let all: String

    /// - Parameters:
    ///   - kind: As `scripts/servers` names it.
    ///   - pooler: What is to stand in front of it.
    package init(_ kind: String, behind pooler: String? = nil) throws {
        let kinds = [kind] + [pooler].compactMap(\.self)
        var told: [String: String] = [:]
        for line in try Self.script(["start"] + kinds).split(separator: "\n") {
            let parts = line.replacing("export ", with: "").split(separator: "=", maxSplits: 1)
            if parts.count == 2 {
                told[String(parts[0])] = String(parts[1]).replacing("\\&", with: "&")
            }
        }
        let urls = kinds.map { kind in
            told["HEALTH_WORKER_TEST_" + kind.uppercased().replacing("-", with: "_")]
        }
        guard let url = urls[0], let all = told["HEALTH_WORKER_TEST_SERVERS"] else {
            throw ServerTrouble(description: "scripts/servers said: \(told)")
        }
        self.kind = kind
        self.url = url
        self.pooler = urls.dropFirst().first ?? nil
        self.all = all
    }

    deinit {
        stop()
    }

    /// Ends it before the last reference does.
    package func stop() {
        // What cannot be stopped any more has ended.
        _ = try? Self.script(["stop"], folder: all)
    }

    /// Ends it, with its usual signal or the named one, and starts it again on its data.
    package func restart(signal: String? = nil) throws {
        _ = try Self.script(["restart", kind] + [signal].compactMap(\.self), folder: all)
    }

    /// Foundation learns of a process's end by a descriptor that it inherits; a server that goes on
    /// running would hold it open. What bash runs first.
    package static let closingDescriptors = """
        for descriptor in /proc/$$/fd/*; do
            number=${descriptor##*/}
            if [ "$number" -gt 2 ]; then eval "exec $number>&-"; fi
        done

        """

    private static func script(_ arguments: [String], folder: String? = nil) throws -> String {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "scripts/servers")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments =
            [
                "-c", closingDescriptors + #"exec "$0" "$@""#, script.path,
            ] + arguments
        if let folder {
            process.environment = ProcessInfo.processInfo.environment.merging([
                "HEALTH_WORKER_TEST_SERVERS": folder
            ]) { $1 }
        }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ServerTrouble(description: "scripts/servers \(arguments) failed: \(said)")
        }
        return said
    }
}

package struct ServerTrouble: Error, CustomStringConvertible {
    package let description: String
}
