internal import NIOCore

/// The sockets to all name servers, used on one event loop only.
final class Lines {
    /// Ends the wait for an answer.
    typealias Stop = () -> Void

    /// A server behind which no TCP connection comes about must not take all sockets.
    static let mostStreams = 100

    private let eventLoop: any EventLoop
    private var serverLines: [NameServer: ServerLines] = [:]
    private var streams: [Int: StreamLine] = [:]
    private var waiting: [Int: () -> StreamLine] = [:]
    private var nextStream = 0

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// How many TCP connections are open or waited for.
    var streamCount: Int { streams.count + waiting.count }

    /// - Parameters:
    ///   - sent: Called when the query is on its way, perhaps before this returns.
    ///   - receive: Called at most once, after that, and not after the answer's `Stop` was.
    func ask(
        _ question: Question, of server: NameServer, withEDNS: Bool, sent: @escaping () -> Void,
        receive: @escaping DatagramLine.Receive
    ) -> Stop {
        let lines = serverLines[server] ?? ServerLines(to: server, on: eventLoop)
        serverLines[server] = lines
        return lines.ask(question, withEDNS: withEDNS, sent: sent, receive: receive)
    }

    /// The same over TCP; where there are many connections it first waits for another one's end.
    func askByStream(
        _ question: Question, of server: NameServer, withEDNS: Bool,
        receive: @escaping DatagramLine.Receive
    ) -> Stop {
        let number = nextStream
        nextStream += 1
        waiting[number] = {
            StreamLine(
                to: server, asking: question, withEDNS: withEDNS, on: self.eventLoop
            ) { result in
                self.endStream(number)
                receive(result)
            }
        }
        openStreams()
        return { self.endStream(number) }
    }

    private func endStream(_ number: Int) {
        waiting[number] = nil
        streams.removeValue(forKey: number)?.stop()
        openStreams()
    }

    private func openStreams() {
        while streams.count < Self.mostStreams, let number = waiting.keys.min() {
            streams[number] = waiting.removeValue(forKey: number)?()
        }
    }

    /// Closes what leads to other servers than these, once it is done.
    func keepOnly(_ servers: [NameServer]) {
        for (server, lines) in serverLines where !servers.contains(server) {
            lines.retire()
            serverLines[server] = nil
        }
    }
}
