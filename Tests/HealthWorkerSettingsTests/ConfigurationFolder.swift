import Foundation
import HealthWorkerSettings

/// A folder of one test, removed with it.
final class ConfigurationFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ text: String, to name: String = "worker.toml") throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }

    /// Reads `text` as the file that was named.
    func load(
        _ text: String, environment: [String: String] = [:], flags: [String: String] = [:]
    ) throws -> Settings {
        try Settings.load(file: write(text), environment: environment, flags: flags)
    }

    /// The messages about `text`, the folder's path left out.
    func problems(
        _ text: String, environment: [String: String] = [:], flags: [String: String] = [:]
    ) throws -> [String] {
        do {
            _ = try load(text, environment: environment, flags: flags)
            return []
        } catch let error as SettingsError {
            return error.problems.map {
                $0.description.replacingOccurrences(of: path + "/", with: "")
            }
        }
    }
}

extension Settings {
    /// From no file at all.
    static func load(
        environment: [String: String] = [:], flags: [String: String] = [:]
    ) throws(SettingsError) -> Settings {
        try load(
            file: nil, environment: environment, flags: flags,
            defaultFile: "/nowhere/worker.toml")
    }

    func shown(_ key: String) -> EffectiveSetting? { show().first { $0.key == key } }
}
