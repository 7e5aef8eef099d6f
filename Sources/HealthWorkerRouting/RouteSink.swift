package import AsyncHTTPClient
package import HealthWorkerModel
package import HealthWorkerSettings
package import HealthWorkerStorage
package import Logging

/// Something that receives routes. A kind of sink is one file, and its line in ``SinkTable``.
///
/// The publisher calls it, each time with a limit after which the task is cancelled: what it waits for
/// must end then. Every call may be repeated, by this process or another one, and the same sink may be
/// called for several publications at once.
package protocol RouteSink: Sendable {
    associatedtype Configuration: SinkConfiguration

    /// What `sinks.NAME.type` says.
    static var type: String { get }
    /// One sentence for the documented configuration.
    static var summary: String { get }
    static var kind: SinkKind { get }

    init(_ configuration: Configuration, _ context: SinkContext) throws(SinkError)

    /// How long one call may take.
    var timeLimit: Duration { get }
    /// What it connects to: probes are kept away from there.
    var listeners: [TargetAddress] { get }
    /// How an `event` sink gets changes that come together; nil: each alone.
    var gathering: Gathering? { get }

    /// Makes the sink hold a route, or tells it of one.
    ///
    /// The delivery's route is the newest for a `state` sink, and for an `event` sink the oldest that
    /// it has not taken. It is never a withdrawal. What a sink has to remember whatever becomes of us
    /// it answers first (``SinkReceipt/remember(_:)``), and is called again.
    func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt
    /// Tells an `event` sink that gathers of all routes of these deliveries at once, of the later ones of
    /// each as well: all of it is taken, or nothing.
    func deliver(together deliveries: [Delivery]) async throws(SinkError)
    /// Takes back what was delivered to a publication that is no more, as its `on_delete` says.
    func withdraw(_ delivery: Delivery) async throws(SinkError)
    /// How what the sink holds differs from the route of a place; nil: not at all.
    func difference(from place: PublishedPlace) async throws(SinkError) -> SinkDifference?
    /// The same of many places, in their order: once a minute all that a sink holds is compared. What
    /// comes after a failure that is no refusal may be left out.
    func differences(
        from places: [PublishedPlace]
    ) async -> [Result<SinkDifference?, SinkError>]
    /// How what is answered to those who ask at a place differs from its route, in a sentence; nil: not
    /// at all. Where nothing else is known of them, what the sink holds is what they get.
    func observe(_ place: PublishedPlace) async throws(SinkError) -> String?
    /// Looks at the sink, and at what would keep it from taking the routes of these places. Changes
    /// nothing there; an `event` sink may be told that it is a test.
    func test(_ places: [PublishedPlace]) async -> [SinkFinding]
}

extension RouteSink {
    package var timeLimit: Duration { .seconds(10) }
    package var listeners: [TargetAddress] { [] }
    package var gathering: Gathering? { nil }

    package func deliver(together deliveries: [Delivery]) async throws(SinkError) {
        for delivery in deliveries { _ = try await deliver(delivery) }
    }

    package func withdraw(_ delivery: Delivery) async throws(SinkError) {}

    package func difference(
        from place: PublishedPlace
    ) async throws(SinkError) -> SinkDifference? { nil }

    package func differences(
        from places: [PublishedPlace]
    ) async -> [Result<SinkDifference?, SinkError>] {
        var found: [Result<SinkDifference?, SinkError>] = []
        for place in places {
            do throws(SinkError) {
                found.append(.success(try await difference(from: place)))
            } catch {
                found.append(.failure(error))
                // One that does not answer is not asked for each of the rest.
                if !error.isRefusal { break }
            }
        }
        return found
    }

    package func observe(_ place: PublishedPlace) async throws(SinkError) -> String? {
        try await difference(from: place)?.sentence
    }
}

/// What a sink is given beside its own configuration.
package struct SinkContext: Sendable {
    package var name: String
    /// What this installation calls itself where others write, too.
    package var installation: String
    /// Follows no redirects, and reports a refused connection at once.
    package var http: HTTPClient
    package var askNameServer: AskNameServer
    package var logger: Logger
    /// The addresses of a host that the address rules of probes admit at a port, at least one: for
    /// sinks whose receiver is anywhere. They are to be connected to, and no others.
    package var addresses: Addresses

    package typealias Addresses =
        @Sendable (_ host: String, _ port: Int, _ limit: Duration) async throws(SinkError) ->
        [IPAddress]

    package init(
        name: String, installation: String, http: HTTPClient,
        askNameServer: @escaping AskNameServer, logger: Logger,
        addresses: @escaping Addresses = { host, _, _ throws(SinkError) in
            throw .notNow("Nobody here finds the address of \(host).")
        }
    ) {
        self.name = name
        self.installation = installation
        self.http = http
        self.askNameServer = askNameServer
        self.logger = logger
        self.addresses = addresses
    }
}

package struct SinkReceipt: Hashable, Sendable {
    /// What the sink wants to know again with the next delivery; nil leaves what is kept.
    package var memory: String?
    /// False: nothing was sent yet, as `memory` has to be kept before.
    package var isTaken = true

    package init(memory: String? = nil) {
        self.memory = memory
    }

    /// Keep this before anything is sent, and call once more.
    package static func remember(_ memory: String) -> Self {
        var receipt = Self(memory: memory)
        receipt.isTaken = false
        return receipt
    }
}

/// How what a sink holds differs from a route.
package struct SinkDifference: Hashable, Sendable {
    /// For people.
    package var sentence: String
    /// Whether it is another route of this installation, which came late or too early, and nobody
    /// else's doing: the present one is delivered again, whatever `drift` says.
    package var isOurs: Bool

    package init(_ sentence: String, isOurs: Bool = false) {
        self.sentence = sentence
        self.isOurs = isOurs
    }
}

/// Why a sink did not take a delivery, by what can be done about it. No sentence holds a secret.
package enum SinkError: Error, Hashable, Sendable {
    /// Nothing says that it arrived: it is tried again.
    case unreachable(String)
    /// It answered that it cannot at present: it is tried again, not before `after`.
    case notNow(String, after: Duration? = nil)
    /// It is not taken as it is: a person has to mend something first.
    case refused(String, mend: String? = nil)
    /// It holds a later generation of the same policy: this delivery is late, or the storage was
    /// restored from before that one.
    case superseded(by: Int64)
}

extension SinkError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let why), .notNow(let why, _): why
        case .refused(let why, let mend): mend.map { "\(why) \($0)" } ?? why
        case .superseded(let later): "It holds the later generation \(later)."
        }
    }

    package var isRefusal: Bool {
        if case .refused = self { true } else { false }
    }

    package var finding: SinkFinding {
        switch self {
        case .unreachable(let why), .notNow(let why, _): SinkFinding(.problem, why)
        case .refused(let why, let mend): SinkFinding(.problem, why, mend: mend)
        case .superseded: SinkFinding(.warning, description)
        }
    }
}
