import Foundation
import HealthWorkerMetrics
import Logging
import Testing

/// A file that takes log lines, removed with the test.
final class LogFile {
    let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    let output: LogOutput
    private let descriptor: Int32

    init() throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        output = LogOutput(descriptor: descriptor)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}

struct LogHandlerTests {
    let file: LogFile

    init() throws {
        file = try LogFile()
    }

    // 2026-03-01T12:00:00.007Z
    let noon: LogClock = { 1_772_366_400_007 }

    func logfmt(_ label: String = "worker", level: Logger.Level = .info) -> Logger {
        Logger(label: label) { label in
            LogfmtLogHandler(
                label: label, threshold: LogThreshold(level), output: file.output, clock: noon)
        }
    }

    func json(_ label: String = "worker") -> Logger {
        Logger(label: label) { label in
            JSONLogHandler(label: label, output: file.output, clock: noon)
        }
    }

    struct Refused: Error, CustomStringConvertible {
        var description: String { "connection \"refused\"" }
    }

    @Test func `a logfmt line has time, level, logger, message, then metadata by name`() throws {
        var logger = logfmt()
        logger[metadataKey: "location"] = "north"

        logger.info("claimed jobs", metadata: ["job_id": "7", "check": "web"])

        #expect(
            try file.text() == """
                time=2026-03-01T12:00:00.007Z level=info logger=worker message="claimed jobs" \
                check=web job_id=7 location=north

                """)
    }

    @Test func `logfmt quotes what would break a line or a reader`() throws {
        logfmt().warning(
            "a\nb\tc\u{1b}[0m\u{2028}",
            metadata: [
                "quote": "say \"x\"", "path": "a\\b", "equals": "a=b", "empty": "", "word": "é",
                "list": ["a", "b c"], "deep": ["b": "2", "a": ["x": "1"]], "bad key=": "v",
                "message": "mine",
            ])

        #expect(
            try file.text() == """
                time=2026-03-01T12:00:00.007Z level=warning logger=worker \
                message="a\\nb\\tc\\u001b[0m\\u2028" bad_key_=v deep.a.x=1 deep.b=2 empty="" \
                equals="a=b" list="[a,b c]" metadata.message=mine path="a\\\\b" \
                quote="say \\"x\\"" word=é

                """)
    }

    @Test func `an error is a field of its own`() throws {
        logfmt().error("probe failed", error: Refused())

        #expect(
            try file.text().hasSuffix(
                "message=\"probe failed\" error=\"connection \\\"refused\\\"\"\n"))
    }

    @Test func `a JSON line reads back as it was logged`() throws {
        struct Line: Decodable, Equatable {
            var time: String
            var level: String
            var logger: String
            var message: String
            var error: String
            var list: [String]
            var check: String
            var deep: String

            private enum CodingKeys: String, CodingKey {
                case time, level, logger, message, error, list, check
                case deep = "deep.x\"y"
            }
        }
        let nasty = "a\"b\\c\n\r\t\u{0}\u{1f}\u{7f}\u{2028}\u{1F600}é/"

        json(nasty).critical(
            "\(nasty)", error: Refused(),
            metadata: ["list": ["1", "\(nasty)"], "check": "\(nasty)", "deep": ["x\"y": "1"]])

        let text = try file.text()
        #expect(text.split(separator: "\n").count == 1)
        #expect(text.hasSuffix("}\n"))
        #expect(
            try JSONDecoder().decode(Line.self, from: Data(text.utf8))
                == Line(
                    time: "2026-03-01T12:00:00.007Z", level: "critical", logger: nasty,
                    message: nasty, error: "connection \"refused\"", list: ["1", nasty],
                    check: nasty, deep: "1"))
    }

    @Test func `no name stands twice in a JSON line`() throws {
        json().info(
            "m", error: Refused(), metadata: ["error": "e", "time": "t", "metadata.time": "u"])

        #expect(
            try file.text() == """
                {"time":"2026-03-01T12:00:00.007Z","level":"info","logger":"worker","message":"m",\
                "error":"connection \\"refused\\"","metadata.error":"e","metadata.time":"u",\
                "metadata.metadata.time":"t"}

                """)
    }

    @Test(arguments: [true, false])
    func `a threshold that changes holds for loggers that were made before`(isJSON: Bool) throws {
        let threshold = LogThreshold(.info)
        func made(_ label: String) -> any LogHandler {
            isJSON
                ? JSONLogHandler(label: label, threshold: threshold, output: file.output)
                : LogfmtLogHandler(label: label, threshold: threshold, output: file.output)
        }
        let logger = Logger(label: "worker", factory: made)
        var apart = logger
        apart.logLevel = .error

        logger.debug("first")
        threshold.change(to: .debug)
        logger.debug("second")
        apart.debug("third")
        threshold.change(to: .error)
        logger.warning("fourth")

        let text = try file.text()
        #expect(text.contains("second"))
        for word in ["first", "third", "fourth"] { #expect(!text.contains(word)) }
    }

    @Test func `the line's metadata is before the task's, that before the logger's`() throws {
        var logger = Logger(label: "worker") { label in
            LogfmtLogHandler(
                label: label, metadataProvider: .init { ["a": "task", "b": "task"] },
                output: file.output, clock: noon)
        }
        for key in ["a", "b", "c"] { logger[metadataKey: key] = "logger" }

        logger.info("m", metadata: ["a": "line"])

        #expect(try file.text().hasSuffix("message=m a=line b=task c=logger\n"))
    }

    @Test func `a line below the level costs no text`() throws {
        var made = 0
        func text() -> String {
            made += 1
            return "x"
        }
        let logger = logfmt(level: .notice)

        logger.info("\(text())", metadata: ["a": "\(text())"])
        #expect(made == 0)
        logger.notice("\(text())")

        #expect(made == 1)
        #expect(try file.text().split(separator: "\n").count == 1)
    }

    @Test func `lines of many tasks stay whole`() async throws {
        let long = String(repeating: "x", count: 9000)
        let logger = json()

        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<20 {
                        logger.info("\(long)", metadata: ["id": "\(task)-\(step)"])
                    }
                }
            }
        }

        struct Line: Decodable {
            var message: String
            var id: String
        }
        let lines = try file.text().split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        #expect(Set(lines.map(\.id)).count == 160)
        #expect(lines.allSatisfy { $0.message == long })
    }

    @Test func `the host's clock is written in UTC with milliseconds`() throws {
        let logger = Logger(label: "worker") {
            LogfmtLogHandler(label: $0, output: file.output)
        }
        let before = Date()

        logger.info("m")

        let text = try file.text().split(separator: " ")[0].dropFirst("time=".count)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let time = try style.parse(String(text))
        #expect(abs(time.timeIntervalSince(before)) < 60)
        #expect(text.count == 24)
    }

    @Test func `a reader that has gone does not stop the program`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[1]) }
        // Writing to a pipe without a reader raises a signal; the program ignores it too.
        signal(SIGPIPE, SIG_IGN)
        close(ends[0])
        let logger = Logger(label: "worker") { [output = LogOutput(descriptor: ends[1])] in
            LogfmtLogHandler(label: $0, output: output, clock: noon)
        }

        logger.info("lost")

        #expect(write(ends[1], "x", 1) == -1)
        #expect(errno == EPIPE)
    }
}
