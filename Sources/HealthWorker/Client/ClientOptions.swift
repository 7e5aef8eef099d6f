import ArgumentParser
import Foundation
import HealthWorkerSettings

/// Where the API is and with which key; every command that is its client takes these.
struct ClientOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions
    @Option(
        help: """
            The API's address (default: HEALTH_WORKER_SERVER, else http:// and api.listen of the \
            configuration).
            """)
    var server: String?
    @Option(
        help: """
            A file that holds the key (default: HEALTH_WORKER_KEY_FILE, HEALTH_WORKER_KEY, else \
            ~/.config/health-worker/key, which only its owner may read).
            """)
    var keyFile: String?

    /// Whether somebody said where the API is, so that the database is not meant.
    var isServerGiven: Bool {
        server != nil || ProcessInfo.processInfo.environment["HEALTH_WORKER_SERVER"] != nil
    }

    func client() throws -> APIClient {
        let environment = ProcessInfo.processInfo.environment
        let address: String
        if let given = server ?? environment["HEALTH_WORKER_SERVER"] {
            address = given
        } else {
            address = "http://\(try configuration.load().api.listen)"
        }
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme),
            url.host() != nil
        else {
            throw Exit.error(
                Exit.usage, "\(address) is no address of a server: http://HOST:PORT is one.")
        }
        return APIClient(
            server: address.hasSuffix("/") ? String(address.dropLast()) : address,
            key: try key(environment))
    }

    private func key(_ environment: [String: String]) throws -> String? {
        if let path = keyFile ?? environment["HEALTH_WORKER_KEY_FILE"] {
            return try CredentialsFile.read(path)
        }
        return try environment["HEALTH_WORKER_KEY"] ?? CredentialsFile.key(environment)
    }
}
