import Foundation

/// The key that a user keeps for the client: `health-worker/key` in the user's configuration folder.
enum CredentialsFile {
    static func path(_ environment: [String: String]) -> String {
        let folder =
            environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? "\(environment["HOME"] ?? "/root")/.config"
        return "\(folder)/health-worker/key"
    }

    /// Nil where there is no such file: then the server says what it needs.
    ///
    /// Exits 4 where others than the owner may read or write it: whoever can has the key as well.
    static func key(_ environment: [String: String]) throws -> String? {
        let path = path(environment)
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        guard status.st_mode & 0o077 == 0 else {
            throw Exit.error(
                Exit.notAllowed,
                "\(path) is open to other users than its owner, and it holds a key: "
                    + "chmod 600 \(path)")
        }
        return try read(path)
    }

    /// The key in a file that is named; exits 4 where it cannot be read or holds none.
    static func read(_ path: String) throws -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Exit.error(
                Exit.notAllowed, "The key file \(path) cannot be read: is it there, and may you?")
        }
        let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !key.isEmpty, !key.contains(where: \.isWhitespace) else {
            throw Exit.error(
                Exit.notAllowed,
                "The key file \(path) does not hold a key: one line hw_… is what belongs there.")
        }
        return key
    }
}
