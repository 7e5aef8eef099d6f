import Glibc
import HealthWorkerModel
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS

/// Where one connection goes.
struct Destination: Sendable {
    /// An address without brackets, or a name.
    var host: String
    var port: Int
    var family: IPFamily
    var tls: TLSDemand?
}

/// What one connection found out.
struct ConnectionReport: Sendable {
    var finding: Finding
    var address: String?
    var phases = Phases()
    var httpStatus: Int?
    var certificateEnd: Timestamp?
    var tls: TLSFacts?
    /// Whether this worker cannot probe anything; nil: as usual for the reason.
    var isWorkersOwnTrouble: Bool?
}

enum Finding: Sendable {
    case success
    case redirect(to: String)
    case ended(Reason, String)
}

/// What is said over a connection once it stands, and what the answer proves.
///
/// Everything is called on the connection's event loop. The exchange ends the probe with
/// `ProbeConnection.end` or `.judge`, in whatever it is called for.
protocol Exchange: AnyObject {
    /// Adds what decodes the answer and hands it to the exchange.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws
    /// The connection stands, after the TLS handshake where there is one.
    func begin(on channel: any Channel)
    /// Called behind each read, once the handlers have seen it; `total` counts bytes, TLS taken off.
    func hasRead(total: Int)
    /// What to say at the deadline, where that is more than in which phase it came.
    func findingAtDeadline() -> Finding?
}

/// One connection of one probe: `resolve → connect → tls → write → first byte → body`, with a
/// monotonic stamp at each edge. TCP, HTTP and HTTPS share it and differ in the `Exchange`.
///
/// Of a name with several addresses one is probed: the first of the family that the check asks for,
/// and for `any` the first IPv4 address if there is one. A probe that fell back to a second address
/// would call a target healthy whose first address is dead for every client that tries it first.
///
/// `@unchecked` is safe: but for the constants, every property is read and written on `eventLoop`.
final class ProbeConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private typealias Continuation = CheckedContinuation<ConnectionReport, Never>

    private enum State {
        case created
        case running(Continuation)
        /// All is read and the connection is closed; the answer is being judged elsewhere.
        case judging(Continuation)
        case ended
    }

    private let eventLoop: ProbeLoop
    private let destination: Destination
    private let deadline: NIODeadline
    private let services: ProbeServices

    private var state = State.created
    private var report = ConnectionReport(finding: .success)
    private var phase: (running: Phase, since: NIODeadline)?
    private var timer: Scheduled<Void>?
    private var nextAsking: Scheduled<Void>?
    private var lookup: NameLookup?
    private var exchange: (any Exchange)?
    private var address: IPAddress?
    private var channel: (any Channel)?
    private var tlsHandler: NIOSSLClientHandler?
    private var serverHello: ServerHello?
    private var bytesRead = 0

    /// Set by an exchange that speaks HTTP, as soon as it is known.
    var httpStatus: Int? {
        get { report.httpStatus }
        set { report.httpStatus = newValue }
    }

    private init(
        eventLoop: ProbeLoop, destination: Destination, deadline: NIODeadline,
        services: ProbeServices
    ) {
        self.eventLoop = eventLoop
        self.destination = destination
        self.deadline = deadline
        self.services = services
    }

    /// Connects and holds the exchange that `makeExchange` makes on the connection's event loop.
    ///
    /// Returns at the deadline at the latest, and at once when the task is cancelled; the connection
    /// is then being closed. Resumes its caller exactly once, in `end`.
    static func run(
        to destination: Destination, by deadline: NIODeadline, services: ProbeServices,
        exchange makeExchange: @escaping @Sendable (ProbeConnection) -> any Exchange
    ) async -> ConnectionReport {
        let eventLoop = services.loops.next
        let connection = ProbeConnection(
            eventLoop: eventLoop, destination: destination, deadline: deadline, services: services)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute {
                    connection.start(continuation, exchange: makeExchange)
                }
            }
        } onCancel: {
            eventLoop.execute {
                connection.end(.ended(.shuttingDown, "the worker is shutting down"))
            }
        }
    }

    // MARK: Phases, in their order

    private func start(
        _ continuation: Continuation, exchange makeExchange: (ProbeConnection) -> any Exchange
    ) {
        guard case .created = state else {
            // Cancelled before it began.
            continuation.resume(returning: report)
            return
        }
        state = .running(continuation)
        exchange = makeExchange(self)
        timer = eventLoop.scheduleTask(deadline: deadline) { self.reachDeadline() }
        guard let demand = destination.tls else {
            resolve(tls: nil)
            return
        }
        services.tlsContexts.context(for: demand, on: eventLoop).whenComplete { result in
            guard self.isRunning else { return }
            switch result {
            case .success(let context):
                self.resolve(tls: context)
            case .failure(let error as TLSContexts.TrustStoreMissing):
                self.end(.ended(.trustStoreMissing, error.sentence))
            case .failure(let error):
                self.end(.ended(.internal, "no TLS: \(error)"))
            }
        }
    }

    private func resolve(tls context: NIOSSLContext?) {
        if let address = IPAddress(destination.host) {
            connect(to: address, tls: context)
            return
        }
        guard Self.mayBeName(destination.host) else {
            end(.ended(.dnsNXDomain, "\(destination.host) is neither a name nor an address"))
            return
        }
        enter(.resolve)
        let lookup = services.resolver.lookUp(
            destination.host, family: destination.family, by: deadline, on: eventLoop)
        self.lookup = lookup
        lookup.addresses.whenComplete { result in
            guard self.isRunning else { return }
            self.lookup = nil
            switch result {
            case .success(let addresses):
                if let address = addresses.first {
                    self.connect(to: address, tls: context)
                } else {
                    self.end(.ended(.dnsNXDomain, "\(self.destination.host) has no address"))
                }
            case .failure(let error):
                self.endUnresolved(error)
            }
        }
    }

    private func endUnresolved(_ error: any Error) {
        switch error as? NameResolverError {
        case .noSuchName(let sentence): end(.ended(.dnsNXDomain, sentence))
        case .failed(let sentence): end(.ended(.dnsError, sentence))
        case .timedOut:
            end(.ended(.dnsTimeout, "no answer from the name servers for \(destination.host)"))
        case .noSocket(let sentence): end(.ended(.noSocket, sentence))
        case .shutDown: end(.ended(.shuttingDown, "the resolver is shut down"))
        case nil: end(.ended(.internal, "resolving failed: \(error)"))
        }
    }

    private func connect(to address: IPAddress, tls context: NIOSSLContext?) {
        self.address = address
        report.address = address.text(port: destination.port)
        if let denial = services.addressRules.denial(of: address, port: destination.port) {
            end(.ended(.targetBlocked, "\(address.text(port: destination.port)) is \(denial)"))
            return
        }
        enter(.connect)
        let socket = ProbeSocket(on: eventLoop)
        do {
            try prepare(socket, tls: context)
        } catch {
            end(on: error)
            return
        }
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenFailure { error in self.end(on: error) }
        // Not through the pipeline: no handler of ours has a say in it.
        socket.connect0(to: address.socketAddress(port: destination.port), promise: promise)
        let left = deadline - .now()
        if left <= Self.longestAlone {
            askAgain(by: socket, after: .nanoseconds(left.nanoseconds / 3), times: 2)
        }
    }

    /// A probe with more time than this leaves it to the kernel to ask again.
    private static let longestAlone = TimeAmount.seconds(3)

    /// Asks for the connection again after each third of the time, so that two lost packets are no outage.
    private func askAgain(by socket: ProbeSocket, after pause: TimeAmount, times: Int) {
        guard times > 0, isRunning, phase?.running == .connect else { return }
        nextAsking = eventLoop.scheduleTask(in: pause) {
            guard self.isRunning, self.phase?.running == .connect else { return }
            socket.askAgain()
            self.askAgain(by: socket, after: pause, times: times - 1)
        }
    }

    private func prepare(_ channel: any Channel, tls context: NIOSSLContext?) throws {
        self.channel = channel
        let pipeline = channel.pipeline.syncOperations
        if let context {
            let handler = try NIOSSLClientHandler(
                context: context, serverHostname: destination.tls?.serverName)
            let hello = ServerHello()
            try pipeline.addHandlers(hello, handler)
            serverHello = hello
            tlsHandler = handler
        }
        try pipeline.addHandler(self)
        try exchange?.addHandlers(to: pipeline)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        nextAsking?.cancel()
        nextAsking = nil
        guard isRunning else { return }
        // On loopback a connection to a free port of the ephemeral range can meet itself.
        if let local = context.channel.localAddress, local == context.channel.remoteAddress {
            end(.ended(.connectRefused, "nobody listens: the connection met itself"))
        } else if tlsHandler != nil {
            enter(.tls)
        } else {
            exchange?.begin(on: context.channel)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isRunning, case .handshakeCompleted? = event as? TLSUserEvent {
            finishHandshake(on: context.channel)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func finishHandshake(on channel: any Channel) {
        let facts = noteCertificate()
        if let demand = destination.tls, demand.trust.verify,
            facts.map({ $0.isFor(demand.name) }) != true
        {
            let sentence = facts?.mismatch(with: demand.name) ?? "there is no certificate"
            end(.ended(.tlsNameMismatch, sentence))
        } else {
            exchange?.begin(on: channel)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isRunning else { return }
        bytesRead += unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
        if isRunning { exchange?.hasRead(total: bytesRead) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many servers end TLS without a goodbye. What they sent is judged by its own length.
        if case NIOSSLError.uncleanShutdown = error { return }
        end(on: error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // The exchange first: the end of the connection may be the end of the answer.
        context.fireChannelInactive()
        guard isRunning, let phase = phase?.running else { return }
        end(.ended(.connectionClosed, "closed by the target while \(phase.doing)"))
    }

    /// What a time-out proves where the loop had other work at the deadline: nothing.
    private static let mostLateness = TimeAmount.milliseconds(100)

    private var lateness: TimeAmount? {
        let late = NIODeadline.now() - deadline
        return late > Self.mostLateness ? late : nil
    }

    private func reachDeadline() {
        if lateness != nil {
            // What came meanwhile lies in the socket, and the loop reads before its next task.
            timer = eventLoop.scheduleTask(in: .milliseconds(1)) { self.endAtDeadline() }
        } else {
            endAtDeadline()
        }
    }

    private func endAtDeadline() {
        if let lateness {
            end(Self.own(lateness))
            return
        }
        if case .judging = state {
            // The answer is here, and in time; other patterns are in the way.
            report.isWorkersOwnTrouble = false
            end(.ended(.internal, "the time was up while the answer waited to be judged"))
            return
        }
        if let finding = exchange?.findingAtDeadline() {
            end(finding)
        } else if let phase = phase?.running {
            end(.ended(phase.timeout, "the time was up while \(phase.doing)"))
        } else {
            end(.ended(.trustStoreMissing, "the trust store could not be read in time"))
        }
    }

    private static func own(_ lateness: TimeAmount) -> Finding {
        let milliseconds = lateness.nanoseconds / 1_000_000
        return .ended(
            .internal,
            "this worker was \(milliseconds) ms late: it says nothing about the target")
    }

    // MARK: What an exchange calls

    /// Ends the running phase and begins the next.
    func enter(_ next: Phase) {
        let now = NIODeadline.now()
        closePhase(at: now)
        phase = (next, now)
    }

    var runningPhase: Phase? { phase?.running }

    /// Whether anything that happens may still change the outcome.
    var isRunning: Bool {
        if case .running = state { true } else { false }
    }

    /// Ends the probe for an error of the connection.
    func end(on error: any Error) {
        guard isRunning else { return }
        if Trouble.isDistrust(error), let facts = noteCertificate() {
            let distrust = facts.distrust(at: Timestamp(seconds: Int64(time(nil))))
            end(.ended(distrust.reason, distrust.sentence))
            return
        }
        let trouble = Trouble(error, in: phase?.running ?? .connect, of: address)
        if trouble.reason == .internal {
            services.logger.debug(
                "probe ended by an unforeseen error", metadata: ["error": "\(error)"])
        }
        report.isWorkersOwnTrouble = trouble.isWorkersOwn
        end(.ended(trouble.reason, trouble.sentence))
    }

    /// Closes the connection and ends the probe with what `judgement` finds.
    ///
    /// It runs on a thread of its own kind, since a pattern may take milliseconds.
    func judge(_ judgement: @escaping @Sendable () -> Finding) {
        guard case .running(let continuation) = state else { return }
        state = .judging(continuation)
        close(politely: true)
        services.pool.runIfActive(eventLoop: eventLoop) { judgement() }.whenComplete { result in
            switch result {
            case .success(let finding):
                // What a pattern cannot do is no reason to leave other checks alone.
                self.report.isWorkersOwnTrouble = false
                self.end(finding)
            case .failure: self.end(.ended(.shuttingDown, "the worker is shutting down"))
            }
        }
    }

    // MARK: The end

    /// Ends the probe. Only the first call counts.
    func end(_ finding: Finding) {
        eventLoop.assertInEventLoop()
        let continuation: Continuation?
        switch state {
        case .created: continuation = nil
        case .running(let waiting), .judging(let waiting): continuation = waiting
        case .ended: return
        }
        state = .ended
        noteAgreement()
        closePhase(at: .now())
        phase = nil
        report.finding = finding
        // Others that wait keep time on loops of their own, or on this one: they are late with it.
        if case .ended(let reason, _) = finding, Phase.timeouts.contains(reason), let lateness {
            report.finding = Self.own(lateness)
        }
        timer?.cancel()
        timer = nil
        nextAsking?.cancel()
        nextAsking = nil
        lookup?.cancel()
        lookup = nil
        exchange = nil
        if case .ended = finding { close(politely: false) } else { close(politely: true) }
        tlsHandler = nil
        serverHello = nil
        continuation?.resume(returning: report)
    }

    /// - Parameter politely: Whether TLS says goodbye and waits a moment for the answer.
    private func close(politely: Bool) {
        guard let channel else { return }
        self.channel = nil
        if !politely, let tlsHandler,
            let context = try? channel.pipeline.syncOperations.context(handler: tlsHandler)
        {
            // From the TLS handler outwards, so that it is not asked.
            context.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }

    private func closePhase(at now: NIODeadline) {
        guard let phase else { return }
        let microseconds = (now - phase.since).nanoseconds / 1000
        switch phase.running {
        case .resolve: report.phases.resolve = microseconds
        case .connect: report.phases.connect = microseconds
        case .tls: report.phases.tls = microseconds
        case .write: report.phases.write = microseconds
        case .firstByte: report.phases.firstByte = microseconds
        case .body: report.phases.body = microseconds
        }
    }

    /// Reads the leaf certificate, whether it was trusted or not, and notes when it ends and who
    /// signed it.
    private func noteCertificate() -> CertificateFacts? {
        guard let certificate = tlsHandler?.peerCertificate else { return nil }
        let facts = CertificateFacts(of: certificate)
        report.certificateEnd = facts.notAfter
        report.tls = TLSFacts(issuer: facts.issuer)
        return facts
    }

    /// Notes what the handshake agreed on, as far as it got.
    private func noteAgreement() {
        guard let tlsHandler, let cipher = serverHello?.cipher else { return }
        // It may have ended for another reason than the certificate, which came all the same.
        if report.certificateEnd == nil { _ = noteCertificate() }
        var facts = report.tls ?? TLSFacts()
        facts.version =
            switch tlsHandler.tlsVersion {
            case .tlsv1: "TLSv1"
            case .tlsv11: "TLSv1.1"
            case .tlsv12: "TLSv1.2"
            case .tlsv13: "TLSv1.3"
            default: nil
            }
        facts.cipher = CipherSuite.name(cipher)
        report.tls = facts
    }

    /// Whether a resolver may be asked for `name`.
    ///
    /// Not for what the C library might read as an address although it is none here (`IPAddress`):
    /// `127.1`, `0x7f000001`, `fe80::1%eth0`. The last label of a name is no number (RFC 3696 §2).
    private static func mayBeName(_ name: String) -> Bool {
        guard !name.utf8.contains(UInt8(ascii: ":")), !name.utf8.contains(UInt8(ascii: "%")),
            let last = name.split(separator: ".").last?.lowercased()
        else { return false }
        return !last.allSatisfy { $0.isASCII && $0.isNumber }
            && !(last.hasPrefix("0x") && last.dropFirst(2).allSatisfy { $0.isHexDigit })
    }
}
