internal import NIOCore

/// The UDP sockets to one name server and the questions that wait to be sent.
///
/// `@unchecked` is safe: everything happens on `eventLoop`.
final class ServerLines: @unchecked Sendable {
    private struct Ask {
        var question: Question
        var withEDNS: Bool
        var sent: () -> Void
        var receive: DatagramLine.Receive
    }

    private static let mostLines = 8

    private let server: NameServer
    private let eventLoop: any EventLoop
    // Questions are spread over as many ports, by chance.
    private var lines = [DatagramLine?](repeating: nil, count: mostLines)
    private var window = SendWindow()
    private var queue = CircularBuffer<Int>()
    private var waiting: [Int: Ask] = [:]
    private var underWay: [Int: (line: DatagramLine, id: UInt16)] = [:]
    private var nextNumber = 0
    private var timer: Scheduled<Void>?

    init(to server: NameServer, on eventLoop: any EventLoop) {
        self.server = server
        self.eventLoop = eventLoop
    }

    /// - Parameters:
    ///   - sent: Called when the query is on its way, perhaps before this returns.
    ///   - receive: Called at most once, after that, and not after the answer's `Stop` was.
    func ask(
        _ question: Question, withEDNS: Bool, sent: @escaping () -> Void,
        receive: @escaping DatagramLine.Receive
    ) -> Lines.Stop {
        let number = nextNumber
        nextNumber += 1
        waiting[number] = Ask(
            question: question, withEDNS: withEDNS, sent: sent, receive: receive)
        queue.append(number)
        sendWaiting()
        return { self.stop(number) }
    }

    private func stop(_ number: Int) {
        waiting[number] = nil
        if let (line, id) = underWay.removeValue(forKey: number) { line.stop(id) }
        window.end(number)
        sendWaiting()
    }

    private func sendWaiting() {
        while let number = queue.first {
            guard let ask = waiting[number] else {
                queue.removeFirst()
                continue
            }
            guard window.take(number, at: .now()) else {
                waitForRoom()
                return
            }
            queue.removeFirst()
            waiting[number] = nil
            let line = line()
            let id = line.ask(ask.question, withEDNS: ask.withEDNS) { result in
                self.underWay[number] = nil
                self.window.end(number)
                ask.receive(result)
                self.sendWaiting()
            }
            underWay[number] = (line, id)
            ask.sent()
        }
    }

    private func waitForRoom() {
        guard timer == nil, let nextRoom = window.nextRoom else { return }
        timer = eventLoop.scheduleTask(deadline: nextRoom) {
            self.timer = nil
            self.sendWaiting()
        }
    }

    private func line() -> DatagramLine {
        let index = Int.random(in: 0..<Self.mostLines)
        if let line = lines[index], !line.isRetired { return line }
        let line = DatagramLine(to: server, on: eventLoop)
        lines[index] = line
        return line
    }

    /// Closes the sockets as soon as what is under way is done.
    func retire() {
        for line in lines { line?.retire() }
    }
}
