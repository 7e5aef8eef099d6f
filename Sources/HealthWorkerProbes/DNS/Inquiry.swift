internal import NIOCore

/// One question that is being asked, of one server after the other until one of them can say.
///
/// All lookups that need the answer share it.
///
/// `@unchecked` is safe: everything happens on `eventLoop`.
final class Inquiry: @unchecked Sendable {
    typealias Finding = (result: Result<DNSAnswer, NameResolverError>, holds: UInt32)

    /// A server far away is not asked twice before its answer can come.
    static let shortestWait = TimeAmount.milliseconds(100)

    private let question: Question
    private let servers: [NameServer]
    private let timeout: TimeAmount
    private let eventLoop: any EventLoop
    private let lines: Lines
    private let noteSilence: (NameServer) -> Void
    private let noteAnswer: (NameServer) -> Void
    private let end: (Finding) -> Void

    /// Those that are still to be asked, in turn.
    private var plan: [NameServer]
    /// The one that was asked last.
    private var current: NameServer?
    private var listening: [Int: (server: NameServer, stop: Lines.Stop)] = [:]
    private var asks = 0
    private var troubles: [NameServer: LineTrouble] = [:]
    private var withEDNS = true
    private var timer: Scheduled<Void>?
    /// When the server that was asked last had the question.
    private var askedAt = NIODeadline.uptimeNanoseconds(0)

    /// Until then somebody waits for it.
    var wantedUntil: NIODeadline
    var waiting: [ObjectIdentifier: Lookup] = [:]

    /// - Parameters:
    ///   - order: The servers in the order they are to be asked.
    ///   - end: Called once, unless `stop` was.
    init(
        _ question: Question, order: [NameServer], by configuration: ResolverConfiguration,
        wantedUntil: NIODeadline, lines: Lines, on eventLoop: any EventLoop,
        noteSilence: @escaping (NameServer) -> Void, noteAnswer: @escaping (NameServer) -> Void,
        end: @escaping (Finding) -> Void
    ) {
        self.question = question
        self.servers = order
        self.wantedUntil = wantedUntil
        self.lines = lines
        self.eventLoop = eventLoop
        self.noteSilence = noteSilence
        self.noteAnswer = noteAnswer
        self.end = end
        timeout = configuration.timeout
        plan = (0..<configuration.attempts).flatMap { _ in order }
    }

    func begin() {
        askNext()
    }

    /// Ends it without an answer.
    func stop() {
        timer?.cancel()
        timer = nil
        plan = []
        for ask in listening.values { ask.stop() }
        listening = [:]
    }

    private func askNext() {
        guard !plan.isEmpty else {
            if listening.isEmpty { finish(failure) }
            return
        }
        let server = plan.removeFirst()
        current = server
        ask(server, byStream: false)
    }

    private func ask(_ server: NameServer, byStream: Bool) {
        timer?.cancel()
        asks += 1
        let number = asks
        let receive: DatagramLine.Receive = { result in
            // A socket that fails does so for every question it carries, this one twice perhaps.
            if self.listening[number] != nil { self.receive(result, from: server) }
        }
        let stop =
            byStream
            ? lines.askByStream(question, of: server, withEDNS: withEDNS, receive: receive)
            : lines.ask(
                question, of: server, withEDNS: withEDNS, sent: startTimer, receive: receive)
        listening[number] = (server, stop)
        if byStream { startTimer() }
    }

    private func startTimer() {
        askedAt = .now()
        // In this time all that are planned can have their turn.
        let left = max(0, (wantedUntil - .now()).nanoseconds)
        let share = TimeAmount.nanoseconds(plan.isEmpty ? left : left / Int64(plan.count + 2))
        wait(for: min(timeout, max(Self.shortestWait, share)))
    }

    private func wait(for time: TimeAmount) {
        timer?.cancel()
        timer = eventLoop.scheduleTask(in: time) { self.endWait() }
    }

    /// The answers of those that were asked before still count.
    private func endWait() {
        let left = min(askedAt + timeout, wantedUntil) - .now()
        if plan.isEmpty, left > .zero {
            // Somebody has joined who has more time.
            wait(for: left)
            return
        }
        if let current, isListening(to: current) { noteSilence(current) }
        if plan.isEmpty { finish(failure) } else { askNext() }
    }

    private func isListening(to server: NameServer) -> Bool {
        listening.values.contains { $0.server == server }
    }

    private func receive(_ result: Result<DNSReply, LineTrouble>, from server: NameServer) {
        for (number, ask) in listening where ask.server == server {
            ask.stop()
            listening[number] = nil
        }
        let reply: DNSReply
        switch result {
        case .success(let received): reply = received
        case .failure(let trouble):
            giveUp(server, trouble)
            return
        }
        noteAnswer(server)
        switch reply.meaning(for: question) {
        case .answer(let answer, let holds):
            finish((.success(answer), holds))
        case .truncated:
            ask(server, byStream: true)
        case .notUnderstood where withEDNS:
            withEDNS = false
            ask(server, byStream: false)
        case .notUnderstood(let code):
            giveUp(server, .server("\(code)"))
        case .trouble(let sentence):
            giveUp(server, .server(sentence))
        }
    }

    /// A server that said that it cannot say is not asked again.
    private func giveUp(_ server: NameServer, _ trouble: LineTrouble) {
        troubles[server] = trouble
        plan.removeAll { $0 == server }
        if server == current || listening.isEmpty { askNext() }
    }

    private var failure: Finding {
        let sentence = servers.map { server in
            switch troubles[server] {
            case nil: "no answer from \(server)"
            case .noSocket(let words): "no socket for \(server): \(words)"
            case .server(let words): "\(server): \(words)"
            }
        }
        let text = "\(question): " + sentence.joined(separator: "; ")
        let isOurs = servers.allSatisfy { server in
            if case .noSocket = troubles[server] { true } else { false }
        }
        return (.failure(isOurs ? .noSocket(text) : .failed(text)), 0)
    }

    private func finish(_ finding: Finding) {
        stop()
        end(finding)
    }
}
