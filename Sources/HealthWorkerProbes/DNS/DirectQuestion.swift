import HealthWorkerModel
package import NIOCore

/// One question to one name server, whose answer is neither taken from a cache nor kept: what it says
/// now.
package enum DirectQuestion {
    package enum Trouble: Error, Hashable, CustomStringConvertible {
        case silent
        case failed(String)

        package var description: String {
            switch self {
            case .silent: "it does not answer"
            case .failed(let why): why
            }
        }
    }

    /// Asks by UDP, and again by TCP where the answer is too long for that.
    ///
    /// - Throws: ``Trouble``; a datagram that is lost is not sent again.
    package static func ask(
        _ question: Question, of server: NameServer, waiting limit: Duration,
        on eventLoopGroup: any EventLoopGroup
    ) async throws -> DNSReply {
        let eventLoop = eventLoopGroup.any()
        let limit = TimeAmount.nanoseconds(limit.microseconds * 1000)
        return try await eventLoop.flatSubmit {
            let promise = eventLoop.makePromise(of: DNSReply.self)
            Exchange(question, server, on: eventLoop, promise).begin(limit)
            return promise.futureResult
        }.get()
    }

    /// `@unchecked` is safe: everything happens on `eventLoop`.
    private final class Exchange: @unchecked Sendable {
        private let question: Question
        private let server: NameServer
        private let eventLoop: any EventLoop
        private var promise: EventLoopPromise<DNSReply>?
        private var stop: () -> Void = {}
        private var timer: Scheduled<Void>?

        init(
            _ question: Question, _ server: NameServer, on eventLoop: any EventLoop,
            _ promise: EventLoopPromise<DNSReply>
        ) {
            self.question = question
            self.server = server
            self.eventLoop = eventLoop
            self.promise = promise
        }

        func begin(_ limit: TimeAmount) {
            timer = eventLoop.scheduleTask(in: limit) { self.end(.failure(Trouble.silent)) }
            let line = DatagramLine(to: server, on: eventLoop)
            let id = line.ask(question, withEDNS: false) { result in
                switch result {
                case .success(let reply) where reply.isTruncated: self.askByStream()
                case .success(let reply): self.end(.success(reply))
                case .failure(let trouble): self.end(trouble)
                }
            }
            stop = { line.stop(id) }
            // For this question alone: it closes once that is answered.
            line.retire()
        }

        private func askByStream() {
            let stream = StreamLine(
                to: server, asking: question, withEDNS: false, on: eventLoop
            ) { result in
                switch result {
                case .success(let reply): self.end(.success(reply))
                case .failure(let trouble): self.end(trouble)
                }
            }
            stop = { stream.stop() }
        }

        private func end(_ trouble: LineTrouble) {
            switch trouble {
            case .noSocket(let why), .server(let why): end(.failure(Trouble.failed(why)))
            }
        }

        private func end(_ result: Result<DNSReply, any Error>) {
            timer?.cancel()
            timer = nil
            let promise = promise
            self.promise = nil
            stop()
            stop = {}
            promise?.completeWith(result)
        }
    }
}
