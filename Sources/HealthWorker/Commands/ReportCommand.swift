import ArgumentParser
import HealthWorkerModel
import HealthWorkerPages
import HealthWorkerTelling
import NIOCore
import NIOHTTP1

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report how available policies were in a month, and how often they switched.",
        discussion: """
            For each policy: the share of the time in which what it published held a healthy member, \
            failovers and how long they took, and false switches. csv is for spreadsheets, html is one \
            file that needs no other, to be sent or printed.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, yaml, csv, html
    }

    @OptionGroup var options: ClientOptions
    @Option(help: "The month in UTC, such as 2026-10; by default the last one that is over.")
    var month: Month?
    @OptionGroup var selecting: SelectingOptions
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "table, json, yaml, csv or html.")
    var format: Format = .table

    func run() async throws {
        var path = "/v1/report" + selecting.query
        if let month { path += (path.contains("?") ? "&" : "?") + "month=\(month)" }
        let answer = try await options.client().call(
            .GET, path, timeout: .seconds(120), waiting: "summing up the month"
        ).json()
        switch format {
        case .json: try ListingFormat.json.show(answer)
        case .yaml: try ListingFormat.yaml.show(answer)
        case .csv: print(ReportText(answer).csv, terminator: "")
        case .html:
            print(ReportPage(answer, selector: selecting.selector).html.text, terminator: "")
        case .table: show(ReportText(answer))
        }
    }

    private func show(_ report: ReportText) {
        print("Availability in \(report.month)\n")
        let lines = report.lines + [report.total]
        print(
            Table(
                [
                    "POLICY", "AVAILABLE", "DEGRADED", "UNKNOWN", "FAILOVERS", "P50", "P95", "MAX",
                    "FALSE", "NOTE",
                ],
                lines.map { line in
                    [
                        line.policy ?? "(all)", line.availability, line.span("degraded_seconds"),
                        line.span("unknown_seconds"), line.failovers,
                        line.failoverTime("p50_seconds"), line.failoverTime("p95_seconds"),
                        line.failoverTime("max_seconds"), line.falseSwitches,
                        [line.measuredFrom(after: report.from), line.measuredUpTo]
                            .compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "; "),
                    ]
                }
            ).text)
    }
}

extension Month: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
