import Foundation
import FreePorts
import Synchronization

/// A receiver of webhooks, which is a Python of its own: it verifies signatures by the package
/// `standardwebhooks` and by what the guide for receivers tells its readers to write, and answers as it
/// is told.
package final class WebhookReceiver: Sendable {
    /// What was received, in order.
    package struct Message: Decodable, Sendable {
        package var path: String
        package var headers: [String: String]
        package var body: String
        /// For each secret in turn whether `standardwebhooks` finds a signature of it.
        package var verified: [Bool]
        /// The same by the guide's code.
        package var verifiedByGuide: [Bool]
        /// The ids of the changes that the guide's code did not know yet.
        package var news: [String]
        /// What was answered; 0: nothing.
        package var status: Int

        package var id: String? { headers["webhook-id"] }
    }

    package let port: Int
    private let secrets: [String]
    private let folder: URL
    // Process is a reference that is only touched under the lock.
    private let process: Mutex<Process?>

    /// - Parameter secrets: as `whsec_…`.
    package init(secrets: [String], isUp: Bool = true) throws {
        port = try freePort()
        self.secrets = secrets
        folder = FileManager.default.temporaryDirectory.appending(
            path: "health-worker-receiver-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process = Mutex(nil)
        if isUp { try start() }
    }

    deinit {
        process.withLock { $0.map(Self.end) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Listens, at the port that it always has.
    package func start() throws {
        guard FileManager.default.isExecutableFile(atPath: Self.python.path) else {
            throw ServerTrouble(
                description: "There is no \(Self.python.path): run scripts/api.d/install.")
        }
        let process = Process()
        process.executableURL = Self.python
        process.arguments =
            ["-c", Self.script, folder.path, "\(port)", try Self.guide()] + secrets
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        // Whoever reads what a test writes does not wait for a process that outlives it.
        process.standardError = try Self.file(folder.appending(path: "errors"))
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            line += String(decoding: more, as: UTF8.self)
        }
        guard line == "listening\n" else {
            Self.end(process)
            let errors = try String(contentsOf: folder.appending(path: "errors"), encoding: .utf8)
            throw ServerTrouble(description: "The receiver did not start: \(line)\(errors)")
        }
        self.process.withLock { $0 = process }
    }

    /// Listens no more, and what it has not answered it never answers.
    package func stop() async throws {
        let ended = process.withLock { process in
            defer { process = nil }
            process.map(Self.end)
            return process
        }
        while ended?.isRunning ?? false { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// By a signal that cannot be blocked: the mask of the thread that started it is its own, too.
    private static func end(_ process: Process) {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    private static func file(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    /// What is answered from now on, one after the other and then 204: a status, and after a space a
    /// header. `hang`: nothing, and the connection stays open; `drop`: it is closed.
    package func answer(_ answers: String...) throws {
        let file = folder.appending(path: "answers")
        try Data(answers.joined(separator: "\n").utf8).write(to: file, options: .atomic)
    }

    package var messages: [Message] {
        get throws {
            let file = folder.appending(path: "messages")
            guard FileManager.default.fileExists(atPath: file.path) else { return [] }
            // The last line may not be written to its end yet.
            let lines = try String(contentsOf: file, encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            return try lines.map { try JSONDecoder().decode(Message.self, from: Data($0.utf8)) }
        }
    }

    /// The first messages, as soon as there are so many.
    package func messages(_ count: Int) async throws -> [Message] {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let messages = try messages
            if messages.count >= count { return messages }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw ServerTrouble(
            description: "The receiver got \(try messages.count) messages instead of \(count).")
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static let python = root.appending(path: ".build-venv/bin/python")

    /// The Python of the guide for receivers.
    private static func guide() throws -> String {
        let page = root.appending(
            path: "Sources/HealthWorker/HealthWorker.docc/ReceivingWebhooks.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        return text.split(separator: "```python\n").dropFirst().compactMap {
            $0.split(separator: "\n```").first
        }.joined(separator: "\n\n")
    }

    private static let script = #"""
        import http.server, json, os, sys, threading

        from standardwebhooks import Webhook, WebhookVerificationError

        folder, port, guide, *secrets = sys.argv[1:]
        told = {}
        exec(guide, told)
        lock = threading.Lock()
        newest = {}

        def next_answer():
            try:
                with open(folder + "/answers") as file:
                    lines = file.read().split("\n")
            except FileNotFoundError:
                return "204"
            if not lines[0]:
                return "204"
            with open(folder + "/answers.new", "w") as file:
                file.write("\n".join(lines[1:]))
            os.replace(folder + "/answers.new", folder + "/answers")
            return lines[0]

        def verify(secret, headers, body):
            try:
                Webhook(secret).verify(body, headers)
                return True
            except WebhookVerificationError:
                return False

        class Receiver(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_message(self):
                body = self.rfile.read(int(self.headers["content-length"] or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with lock:
                    answer, _, header = next_answer().partition(" ")
                    status = int(answer) if answer.isdigit() else 0
                    # One that is not answered may have been received nevertheless.
                    news = told["news"](json.loads(body), newest) if status < 300 and body else []
                    line = json.dumps({
                        "path": self.path, "headers": headers, "body": body.decode(),
                        "verified": [verify(one, headers, body) for one in secrets],
                        "verifiedByGuide": [
                            told["is_genuine"](one, headers, body) for one in secrets],
                        "news": [change["id"] for change in news], "status": status})
                    with open(folder + "/messages", "a") as file:
                        file.write(line + "\n")
                if answer == "hang":
                    threading.Event().wait()
                if answer == "drop":
                    self.close_connection = True
                    return
                self.send_response(status)
                if header:
                    name, _, value = header.partition(": ")
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET = handle_message

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        server = Server(("127.0.0.1", int(port)), Receiver)
        print("listening", flush=True)
        server.serve_forever()
        """#
}
