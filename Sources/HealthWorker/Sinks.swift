import AsyncHTTPClient
import HealthWorkerAPI
import HealthWorkerRouting
import HealthWorkerSettings
import Logging

/// The sinks of one process.
struct Sinks {
    let named: [NamedSink]

    /// What all of them call by, as long as the process lives.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // A refused connection is an answer, and a redirect is not followed with a key.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Exits 78 where a sink cannot be made as it is configured.
    init(_ settings: Settings, installation: String, logger: Logger) throws {
        do throws(SinkError) {
            named = try SinkTable.sinks(settings.sinks) { name in
                SinkContext(
                    name: name, installation: installation, http: Self.http, logger: logger)
            }
        } catch {
            throw Exit.error(Exit.configuration, error.description)
        }
    }

    /// As the API sees them.
    var door: SinkDoor {
        SinkDoor(
            named.map {
                SinkDoor.Configured(name: $0.name, type: $0.typeName, kind: $0.kind)
            }
        ) { [named] name, places in
            await named.first { $0.name == name }?.sink.test(places) ?? []
        }
    }
}
