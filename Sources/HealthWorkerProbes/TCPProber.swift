import HealthWorkerModel
internal import NIOCore

/// Probes by connecting; with `tls` by a handshake, too; with `tcp.send` and `expect.tcp_contains`
/// by what is said then.
struct TCPProber: Prober {
    private let services: ProbeServices

    init(_ services: ProbeServices) {
        self.services = services
    }

    var taskExecutor: (any TaskExecutor)? { services.loops.nextInTurn.taskExecutor }

    func probe(_ check: CheckSpec) async -> ProbeReport {
        let tls = check.tls.map { options in
            TLSDemand(name: options.serverName ?? check.target.host, options: options)
        }
        let destination = Destination(
            host: check.target.host, port: check.effectivePort, family: check.target.ipFamily,
            tls: tls)
        let report = await ProbeConnection.run(
            to: destination, by: .now() + TimeAmount(check.effectiveTimeout), services: services
        ) { connection in
            TCPExchangeHandler(
                send: check.tcp?.send ?? "", expected: check.expect.tcpContains,
                limit: check.expect.bodyLimit.bytes, on: connection)
        }
        return ProbeReport(report, dnsFailure: check.dnsFailure)
    }
}

/// Sends what is to be sent and reads until it has what is expected.
private final class TCPExchangeHandler: ChannelInboundHandler, Exchange {
    typealias InboundIn = ByteBuffer

    private let send: String
    private let expected: String?
    private let limit: Int
    private let connection: ProbeConnection
    private var answer = ByteBuffer()

    init(send: String, expected: String?, limit: Int, on connection: ProbeConnection) {
        self.send = send
        self.expected = expected
        self.limit = limit
        self.connection = connection
    }

    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        try pipeline.addHandler(self)
    }

    func begin(on channel: any Channel) {
        guard !send.isEmpty else {
            listen()
            return
        }
        connection.enter(.write)
        let isExpecting = expected != nil
        let connection = connection
        channel.writeAndFlush(ByteBuffer(string: send)).whenComplete { result in
            switch result {
            case .success where !isExpecting: connection.end(.success)
            // A server may greet before it has read anything.
            case .success: if connection.runningPhase == .write { connection.enter(.firstByte) }
            case .failure(let error): connection.end(on: error)
            }
        }
    }

    private func listen() {
        if expected == nil { connection.end(.success) } else { connection.enter(.firstByte) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.isRunning, let expected else { return }
        var part = unwrapInboundIn(data)
        let before = answer.readableBytes
        if let slice = part.readSlice(length: min(part.readableBytes, limit - before)) {
            answer.writeImmutableBuffer(slice)
        }
        if answer.contains(expected, from: max(0, before - expected.utf8.count + 1)) {
            connection.end(.success)
        } else if answer.readableBytes >= limit {
            connection.end(mismatch(expected))
        } else if connection.runningPhase != .body {
            connection.enter(.body)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Closed without a word is `connection_closed`; closed after other words is not ours.
        if connection.isRunning, let expected, answer.readableBytes > 0 {
            connection.end(mismatch(expected))
        }
        context.fireChannelInactive()
    }

    func hasRead(total: Int) {}

    func findingAtDeadline() -> Finding? {
        // It did answer, and is waiting for us: saying that it was late would mislead.
        guard let expected, answer.readableBytes > 0 else { return nil }
        return mismatch(expected)
    }

    private func mismatch(_ expected: String) -> Finding {
        .ended(
            .tcpMismatch, "\"\(expected)\" is not in the \(answer.readableBytes) bytes that came")
    }
}
