/// Which engine keeps everything, and where.
package enum DatabaseURL: Sendable, Equatable {
    /// A path as it was written, absolute or relative to the working directory.
    case sqlite(path: String)
    /// As libpq reads it: `postgresql://[USER[:PASSWORD]@][HOST][:PORT]/DATABASE[?…]`.
    case postgresql(url: String)
    /// `mysql://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?ssl-mode=…]`, MariaDB included.
    case mysql(url: String)
}

extension DatabaseURL: CustomStringConvertible {
    package var description: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .postgresql(let url), .mysql(let url): url
        }
    }
}

extension SettingType where Value == DatabaseURL {
    static var databaseURL: Self {
        Self(
            name: "database URL",
            read: { (given) throws(Refusal) in
                try readURL(
                    given.text(
                        "a database URL in quotes such as \"sqlite:/PATH\" or "
                            + "\"postgresql://USER@HOST/DATABASE\""))
            },
            show: { $0.description.withoutPasswords }, toml: { $0.description.quoted })
    }

    private static func readURL(_ text: String) throws(Refusal) -> DatabaseURL {
        let remedy =
            "write sqlite: and the path of a file, or postgresql:// or mysql:// and "
            + "USER:PASSWORD@HOST/DATABASE."
        let scheme = text.prefix { $0 != ":" }
        guard scheme.endIndex < text.endIndex else {
            throw Refusal("is no database URL; \(remedy)")
        }
        switch scheme.lowercased() {
        case "sqlite", "sqlite3":
            var path = text[text.index(after: scheme.endIndex)...]
            if path.hasPrefix("//") {
                path = path.dropFirst(2)
                guard path.hasPrefix("/") else {
                    throw Refusal(
                        "\(text.withoutPasswords.quoted) names a host; write sqlite:PATH, or "
                            + "sqlite:///PATH with three slashes.")
                }
            }
            if path == ":memory:" {
                throw Refusal("a database in memory is lost with the process; \(remedy)")
            }
            guard !path.isEmpty, !path.hasSuffix("/") else {
                throw Refusal("\(text.quoted) names no file; \(remedy)")
            }
            guard !path.contains("?") else {
                throw Refusal(
                    "\(text.withoutPasswords.quoted) has parameters, which sqlite: does not take; "
                        + "leave out what begins with \"?\".")
            }
            guard String(path).isPrintable else {
                throw Refusal("holds a control character; leave it out.")
            }
            return .sqlite(path: String(path))
        case "postgresql", "postgres", "mysql", "mariadb":
            guard text.contains("://") else {
                throw Refusal("is no database URL; \(remedy)")
            }
            guard text.isPrintable else {
                throw Refusal("holds a control character; leave it out.")
            }
            return scheme.lowercased().hasPrefix("p") ? .postgresql(url: text) : .mysql(url: text)
        default:
            // Not shown: without a known scheme, any part of it may be a password.
            throw Refusal("its scheme is not known; \(remedy)")
        }
    }
}
