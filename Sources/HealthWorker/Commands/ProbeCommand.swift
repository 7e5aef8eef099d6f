import ArgumentParser
import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerProbes
import Logging

struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Probe once, now, from here; nothing is stored and no database is opened.",
        discussion: """
            What is probed is a URL (http://, https://, tcp://HOST:PORT, tcp+tls://HOST:PORT) or a \
            check of a document. The flags stand for fields of the check, and hold over what the \
            document says. Addresses that probe.deny_networks keeps workers from are refused here, \
            too.

            Exit codes: 0 success · 3 failure · 1 inconclusive: the probe says nothing about the \
            target · 64 the address or a flag is wrong · 65 the document is.
            """)

    @OptionGroup var configuration: ConfigurationOptions
    @Argument(help: "The address to probe, such as https://shop.example.com/health.")
    var url: String?
    @Option(name: [.short, .customLong("file")], help: "A document; - reads standard input.")
    var file: String?
    @Option(help: "Which check of the document, where it has several.")
    var name: String?
    @OptionGroup var flags: ProbeFlags
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let check = try orderedCheck()
        let settings = try configuration.load()
        let probers = try Probers(
            settings, configured: ConfiguredSecrets(settings),
            logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() })
        guard let prober = probers.prober(for: check.type) else {
            throw Exit.error(
                Exit.failed, "This version has no prober for \(check.type.rawValue) checks.")
        }
        let startedAt = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        let report = await prober.probe(check)
        await probers.shutdown()

        let made = ProbeMade(
            check: check, isOfDocument: file != nil, startedAt: startedAt, report: report)
        switch output.format {
        case .json, .yaml: try output.format.show(try made.value())
        case .name: print(check.name)
        case .table: print(made.text(on: .standardOutput), terminator: "")
        }
        switch report.outcome {
        case .success: break
        case .failure: throw Exit.no
        case .inconclusive: throw Exit.failed
        }
    }

    /// The check that the arguments describe; exits 64 or 65 where they describe none.
    private func orderedCheck() throws -> CheckSpec {
        switch (url, file) {
        case (let url?, nil):
            guard name == nil else {
                throw Exit.error(Exit.usage, "--name is for --file: a URL is one check.")
            }
            return try flags.check(at: url)
        case (nil, let file?):
            return try flags.check(over: try check(in: file))
        case (nil, nil):
            throw Exit.error(
                Exit.usage,
                "What is to be probed? Write a URL such as https://shop.example.com/health, or "
                    + "--file CHECK.yaml.")
        case (_?, _?):
            throw Exit.error(
                Exit.usage,
                "Both a URL and --file were given: write one. --connect says where to connect to.")
        }
    }

    private func check(in file: String) throws -> CheckSpec {
        let checks = try DocumentFile.compile(try DocumentFile.read(file)).checks.map(\.spec)
        if let name {
            if let check = checks.first(where: { $0.name == name }) { return check }
            throw Exit.error(
                Exit.usage, "\(file) has no check \(name)\(Self.listed(checks, after: "; it has "))"
            )
        }
        guard let first = checks.first else {
            throw Exit.error(Exit.documentInvalid, "\(file) has no check to probe.")
        }
        guard checks.count == 1 else {
            throw Exit.error(
                Exit.usage,
                "\(file) has \(checks.count) checks: say which with --name"
                    + Self.listed(checks, after: ": "))
        }
        return first
    }

    private static func listed(_ checks: [CheckSpec], after words: String) -> String {
        guard !checks.isEmpty else { return "." }
        let more = checks.count > 10 ? " and \(checks.count - 10) more" : ""
        return words + checks.prefix(10).map(\.name).joined(separator: ", ") + more + "."
    }
}
