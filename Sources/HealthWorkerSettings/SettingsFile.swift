import Foundation
import TOMLKit

/// A configuration file as it stands: every value under its path of names, and its line.
struct SettingsFile: Sendable {
    let path: String
    let values: [[String]: GivenValue]
    private let lines: [[String]: Int]

    init(path: String, text: String) throws(SettingsError) {
        self.path = path
        do {
            var values: [[String]: GivenValue] = [:]
            Self.flatten(try TOMLTable(string: text), under: [], into: &values)
            self.values = values
        } catch let error as TOMLParseError {
            throw SettingsError([
                .init(
                    source: .file(
                        path: path, line: error.source.begin.line,
                        column: error.source.begin.column),
                    key: nil, sentence: Self.sentence(for: error, in: text))
            ])
        } catch {
            throw SettingsError([
                .init(
                    source: .file(path: path, line: nil), key: nil, sentence: "is not valid TOML.")
            ])
        }
        lines = KeyLines.of(text)
    }

    func source(of path: [String]) -> SettingSource {
        .file(path: self.path, line: lines[path])
    }

    // A table is known by what is in it; only an empty one stands for itself.
    private static func flatten(
        _ table: TOMLTable, under path: [String], into values: inout [[String]: GivenValue]
    ) {
        if table.isEmpty, !path.isEmpty { values[path] = .table }
        for (name, value) in table {
            if let inner = value.table {
                flatten(inner, under: path + [name], into: &values)
            } else {
                values[path + [name]] = given(value)
            }
        }
    }

    private static func given(_ value: any TOMLValueConvertible) -> GivenValue {
        if let text = value.string { return .string(text) }
        if let number = value.int { return .integer(number) }
        if let number = value.double { return .number(number) }
        if let flag = value.bool { return .boolean(flag) }
        if let items = value.array { return .list(items.map { given($0) }) }
        return value.type == .table ? .table : .moment
    }

    // The parser quotes what it stumbled over: near secrets that could be a part of one.
    private static func sentence(for error: TOMLParseError, in text: String) -> String {
        let before = text.split(separator: "\n", omittingEmptySubsequences: false)
            .prefix(error.source.begin.line)
        let header = before.last { $0.trimmed.hasPrefix("[") }
        let isNearSecrets = [header, before.last].contains { $0?.contains("secrets") == true }
        return isNearSecrets
            ? "is not valid TOML." : "is not valid TOML: \(error.description.oneLine)."
    }
}

extension SettingsFile {
    /// Reads the file; one that is not there is nil where it need not be.
    static func read(_ path: String, isRequired: Bool) throws(SettingsError) -> SettingsFile? {
        let text: String
        do {
            text = try FileText.read(path)
        } catch {
            if case .absent = error, !isRequired { return nil }
            throw SettingsError([
                .init(
                    source: .file(path: path, line: nil), key: nil,
                    sentence: "cannot be read: \(error.sentence)")
            ])
        }
        return try SettingsFile(path: path, text: text)
    }
}

/// The text of a small file, with the system's word on why there is none.
enum FileText {
    enum Fault: Error {
        case absent
        case system(Int32)
        case tooLarge
        case notText

        var sentence: String {
            switch self {
            case .absent: "there is no such file."
            case .system(let code): String(cString: strerror(code)).lowercased() + "."
            case .tooLarge: "it is larger than 1 MiB."
            case .notText: "it is not UTF-8 text."
            }
        }
    }

    private static let largest = 1_048_576

    static func read(_ path: String) throws(Fault) -> String {
        // Not to wait for a writer where the path is a named pipe.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .absent : .system(errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
            guard bytes.count <= largest else { throw .tooLarge }
        }
        // A NUL would end the text for the parser, and what follows would be ignored.
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw .notText
        }
        return text
    }
}

extension String {
    fileprivate var oneLine: String {
        let words = split(whereSeparator: \.isNewline).joined(separator: " ")
        return words.hasSuffix(".") ? String(words.dropLast()) : words
    }
}
