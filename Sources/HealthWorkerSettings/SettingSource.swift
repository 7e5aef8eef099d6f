/// Where a value came from, or where what is wrong with it stands.
package enum SettingSource: Sendable, Hashable {
    case `default`
    case file(path: String, line: Int?, column: Int? = nil)
    case environment(String)
    case flag(String)
}

extension SettingSource: CustomStringConvertible {
    package var description: String {
        switch self {
        case .default: "default"
        case .file(let path, let line, let column):
            ([path] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag \(name)"
        }
    }

    /// The file from its top to its end, then the environment, then flags.
    var order: (Int, Int, String) {
        switch self {
        case .default: (0, 0, "")
        case .file(_, let line, _): (1, line ?? 0, "")
        case .environment(let name): (2, 0, name)
        case .flag(let name): (3, 0, name)
        }
    }
}
