import HealthWorkerStorage

/// What libpq's words mean when there is no connection. They name hosts, users and files, never a
/// password.
enum ConnectionRefusal {
    /// - Parameters:
    ///   - words: What libpq said, one line for each address and manner that it tried.
    /// - Returns: What the first line says that is more than "nobody is there".
    static func error(_ words: String, at address: ServerAddress) -> any Error {
        let lines = words.split(separator: "\n").map(String.init)
        for line in lines {
            if let said = serverError(in: line) { return said }
            if let sentence = faultOfSettings(in: line, at: address) {
                return StorageError.failed("\(sentence): \(reason(in: line))")
            }
        }
        return StorageError.unavailable(
            "The database \(address) does not answer; check that it runs, and database.url: "
                + (lines.first ?? "no message"))
    }

    /// Reads `…FATAL:  28P01: password authentication failed…`.
    private static func serverError(in line: String) -> ServerError? {
        if let range = line.firstRange(of: #/:  ([0-9A-Z]{5}): /#) {
            return ServerError(
                state: String(line[range].dropFirst(3).prefix(5)),
                message: String(line[range.upperBound...]))
        }
        // Where target_session_attrs asks for a server that writes, libpq says it itself.
        for words in ["session is read-only", "server is in hot standby mode"]
        where line.hasSuffix(words) {
            return ServerError(state: "25006", message: words)
        }
        return nil
    }

    /// What the settings ask for and this server has not: trying again does not help.
    private static func faultOfSettings(in line: String, at address: ServerAddress) -> String? {
        if line.contains("server does not support SSL") {
            return "The database \(address) does not speak TLS, which sslmode in database.url asks "
                + "for; turn ssl on there, or write sslmode=disable"
        }
        if line.contains("certificate verify failed") {
            return "The certificate of the database \(address) is of no authority in sslrootcert, "
                + "or has run out; name the right file as sslrootcert in database.url, or renew "
                + "the certificate"
        }
        if line.contains("does not match host name") {
            return "The certificate of the database \(address) is for another name; connect by the "
                + "name in the certificate, or write sslmode=verify-ca into database.url"
        }
        if line.contains("root certificate file") {
            return "The authority of the database \(address) cannot be read; name its file as "
                + "sslrootcert in database.url"
        }
        if line.contains("SSL error") {
            return "The database \(address) and this program do not agree on TLS; check sslmode, "
                + "sslcert and sslkey in database.url and ssl_* there"
        }
        // Of an option; that of the socket is found only where an address is tried.
        if line.hasPrefix("invalid ") || reason(in: line).hasPrefix("invalid integer value ") {
            return "The URL of the database \(address) has a parameter that libpq does not take; "
                + "mend database.url"
        }
        if line.contains("private key file") || line.contains("certificate file") {
            return "This program cannot show the database \(address) its certificate; check "
                + "sslcert and sslkey in database.url"
        }
        return nil
    }

    /// The line without the address, which the sentence has already.
    private static func reason(in line: String) -> Substring {
        line.firstRange(of: " failed: ").map { line[$0.upperBound...] } ?? line[...]
    }
}
