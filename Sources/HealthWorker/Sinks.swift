import AsyncHTTPClient
import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerProbes
import HealthWorkerRouting
import HealthWorkerSettings
import Logging
import NIOPosix
import Synchronization

/// The sinks of one process.
struct Sinks {
    let live: LiveSinks
    private let contexts: [String: SinkContext]
    private let logger: Logger

    /// What they call by, as long as the process lives: a client that goes has to be shut down first.
    private static let clients = Mutex<[HTTPClient]>([])

    /// Each has a loop of its own. Names are looked up one after the other on the thread of a loop, and
    /// one whose name servers are silent would hold up the others.
    private static func client() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        // A refused connection is an answer, and a redirect is not followed with a key.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1),
            configuration: configuration)
        clients.withLock { $0.append(client) }
        return client
    }

    /// A datagram may be lost: whoever asks asks again.
    private static let patience = Duration.seconds(1)

    private static func ask(
        _ server: TargetAddress, _ name: String, _ family: RecordFamily
    ) async throws(SinkError) -> [AnsweredRecord] {
        guard let address = IPAddress(server.host) else {
            throw .refused("\(server.host) is no address.")
        }
        do {
            return try await DirectQuestion.ask(
                Question(name: DomainName(name), type: RecordType(family)),
                of: NameServer(address: address, port: server.port), waiting: patience,
                on: MultiThreadedEventLoopGroup.singleton
            ).records(of: DomainName(name), family)
                .map { AnsweredRecord(value: $0.value, ttl: $0.ttl) }
        } catch {
            throw .unreachable("The name server at \(server): \(error).")
        }
    }

    /// Exits 78 where a sink cannot be made as it is configured.
    ///
    /// - Parameter probers: know the address rules, and find addresses.
    init(
        _ settings: Settings, installation: String, probers: Probers, logger: Logger
    ) throws {
        self.logger = logger
        var contexts: [String: SinkContext] = [:]
        var sinks: [NamedSink] = []
        for sink in settings.sinks {
            let context = SinkContext(
                name: sink.name, installation: installation, http: Self.client(),
                askNameServer: Self.ask, logger: logger,
                addresses: { host, port, limit throws(SinkError) in
                    do throws(AddressError) {
                        return try await probers.admittedAddresses(
                            of: host, port: port, within: limit)
                    } catch {
                        throw .notNow(error.description)
                    }
                })
            contexts[sink.name] = context
            do throws(SinkError) {
                sinks.append(try SinkTable.sink(sink, context))
            } catch {
                throw Exit.error(Exit.configuration, error.description)
            }
        }
        self.contexts = contexts
        live = LiveSinks(sinks)
    }

    /// Goes by this configuration of the sinks that there are; one that a sink refuses changes nothing of it.
    func use(_ settings: Settings) {
        var sinks: [NamedSink] = []
        for configured in settings.sinks {
            // A new one waits for the next start, which the log says of its keys.
            guard let context = contexts[configured.name] else { continue }
            do throws(SinkError) {
                sinks.append(try SinkTable.sink(configured, context))
            } catch {
                logger.error(
                    "a sink goes by what it had before",
                    metadata: ["sink": "\(configured.name)", "problem": "\(error)"])
            }
        }
        live.replace(with: sinks)
    }

    /// As the API sees them.
    var door: SinkDoor {
        SinkDoor(
            live.now.map {
                SinkDoor.Configured(name: $0.name, type: $0.typeName, kind: $0.kind)
            }
        ) { [live] name, places in
            await live.now.first { $0.name == name }?.sink.test(places) ?? []
        }
    }
}
