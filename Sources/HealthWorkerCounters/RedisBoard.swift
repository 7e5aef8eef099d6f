import Foundation
package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging

/// The board of a fleet in Redis: who is alive, by Redis's clock, and a copy of the live settings.
///
/// It has a connection of its own, so that neither a look at the settings nor a fleet of any size
/// makes a batch of counts wait.
package final class RedisBoard: FleetBoard {
    private let process: ProcessID
    private let window: Duration
    private let fleetKey: String
    private let settingsKey: String
    private let line: RedisLine

    /// Does not connect yet.
    ///
    /// - Parameters:
    ///   - window: How long after its last word a process counts as alive.
    ///   - prefix: What the name of every key begins with.
    ///   - limits: A pause shorter than the window, so that one late answer makes nobody look dead.
    ///   - now: The time by which the breaker goes; it must not go back.
    package init(
        _ url: RedisURL, process: ProcessID, window: Duration, prefix: String = "",
        limits: RedisLimits = RedisLimits(patience: .milliseconds(400), pause: .seconds(1)),
        now: @escaping @Sendable () -> Duration = RedisCounts.processTime, logger: Logger
    ) {
        self.process = process
        self.window = window
        fleetKey = "\(prefix)hw:fleet"
        settingsKey = "\(prefix)hw:settings:worker"
        line = RedisLine(
            url, scripts: [BoardScript.announce, BoardScript.post], limits: limits,
            sentences: RedisLine.Sentences(
                lost: "the fleet goes by the database alone: nothing is lost",
                back: "the fleet goes by Redis as well again"), now: now, logger: logger)
    }

    // MARK: - Who is alive

    package func announce(_ presence: Presence) async -> [RunningProcess]? {
        guard let text = JSONLine.text(of: presence) else { return nil }
        return await processes(telling: [process.description, text])
    }

    package func processes() async -> [RunningProcess]? {
        await processes(telling: [])
    }

    private func processes(telling word: [String]) async -> [RunningProcess]? {
        let arguments = ["1", fleetKey, String(window.milliseconds)] + word
        let reply = await line.ask(isWrite: !word.isEmpty) { link, deadline in
            link.evaluate(BoardScript.announce, [arguments], by: deadline)
        }
        guard case .list(let parts)? = reply?.first else { return nil }
        return stride(from: 0, to: parts.count - 2, by: 3).compactMap {
            RunningProcess(parts[$0..<($0 + 3)])
        }
    }

    package func withdraw() async {
        _ = await reply(to: ["HDEL", fleetKey, process.description])
    }

    /// Of what reads, or takes away, which a full server lets it do. Nil: there was none.
    private func reply(to command: [String]) async -> RedisReply? {
        let reply = await line.ask(isWrite: false) { link, deadline in
            link.ask(command, by: deadline)
        }
        return reply ?? nil
    }

    // MARK: - The copy of the settings

    package func settingsRevision() async -> Int64? {
        switch await reply(to: ["HGET", settingsKey, "r"]) {
        case .text(let text): Int64(text) ?? 0
        case .nothing: 0
        default: nil
        }
    }

    package func liveSettings() async -> LiveSettings? {
        guard case .text(let text) = await reply(to: ["HGET", settingsKey, "d"]) else { return nil }
        return JSONLine.value(of: text)
    }

    package func post(_ settings: LiveSettings, over known: Int64?) async {
        guard let text = JSONLine.text(of: settings) else { return }
        let arguments = [
            "1", settingsKey, String(settings.revision), text, known.map(String.init) ?? "",
        ]
        // Where a newer copy stands it writes nothing, and so says nothing of what Redis takes.
        _ = await line.ask(isWrite: false) { link, deadline in
            link.evaluate(BoardScript.post, [arguments], by: deadline)
        }
    }
}

extension RunningProcess {
    /// Nil for what this version does not understand: another one runs, too, while a fleet is
    /// upgraded, and the storage knows it.
    fileprivate init?(_ parts: ArraySlice<RedisReply>) {
        let texts = parts.compactMap { if case .text(let text) = $0 { text } else { nil } }
        guard texts.count == 3, let id = Int64(texts[0]), let at = Int64(texts[1]),
            let presence: Presence = JSONLine.value(of: texts[2])
        else { return nil }
        self.init(id: ProcessID(id), seenAt: Timestamp(microseconds: at), presence: presence)
    }
}

/// What is kept in Redis as a text. What cannot be read is as good as lost: the storage has it.
private enum JSONLine {
    static func text(of value: some Encodable) -> String? {
        (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) }
    }

    static func value<Value: Decodable>(of text: String) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
