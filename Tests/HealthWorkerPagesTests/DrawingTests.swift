import Foundation
import HealthWorkerModel
import HealthWorkerPages
import Testing

@Suite struct DrawingTests {
    @Test func `bars say in words what they show, and stand at the right`() {
        let bars = OutcomeBars(
            [
                .init(.success, title: "10:00:00 success"),
                .init(.failure, title: "10:00:10 failure <timeout>"),
            ], count: 4)

        let text = bars.html.text

        #expect(text.contains("aria-label=\"Last 2 outcomes: 1 success, 1 failure\""))
        #expect(text.contains("<rect class=\"good\" x=\"10\" y=\"8\" width=\"4\" height=\"10\">"))
        #expect(text.contains("<rect class=\"bad\" x=\"15\" y=\"0\" width=\"4\" height=\"18\">"))
        #expect(text.contains("<title>10:00:10 failure &lt;timeout&gt;</title>"))
    }

    @Test func `of more bars than there is room for, the newest are shown`() {
        let bars = (1...50).map { OutcomeBars.Bar(.success, title: "probe \($0)") }

        let text = OutcomeBars(bars, count: 30).html.text

        #expect(!text.contains("<title>probe 20</title>"))
        #expect(text.contains("<title>probe 21</title>"))
        #expect(text.contains("Last 30 outcomes: 30 success"))
    }

    @Test func `a check's page tells how long it was healthy on each of the last days`() {
        let first = Hour(number: 493_776)
        let hours = (Int64(0)..<48).map { number -> CheckHour in
            let hour = Hour(number: first.number + number)
            // An hour of the second day: half of it unhealthy.
            let spans: [HealthTimeline.Span] =
                number == 30
                ? [
                    .init(from: hour.start, health: .healthy),
                    .init(from: hour.start + .minutes(30), health: .unhealthy),
                ] : [.init(from: hour.start, health: .healthy)]
            return CheckHour(check: 7, kept: .all, timeline: HealthTimeline(hour, spans))
        }
        let visit = Visit(
            visitor: nil, now: Date(), version: "1", assets: Assets(tag: "t"), place: "/checks/web")
        let check = JSONValue.object(["name": .string("web")])

        let page = CheckPage(visit: visit, check: check, outcomes: [], turns: [], hours: hours)
            .document.text
        let none = CheckPage(visit: visit, check: check, outcomes: [], turns: []).document.text

        #expect(page.contains("aria-label=\"98.95 % healthy in 2 days\""))
        #expect(page.contains("<title>2026-05-01 100.00 % healthy</title>"))
        #expect(page.contains("<title>2026-05-02 97.91 % healthy</title>"))
        #expect(!none.contains("Healthy in 30 days"))
    }

    @Test func `phases stand on one another, under a round figure`() throws {
        let outcome = JSONValue.object([
            "outcome": .string("success"), "started_at": .string("2026-01-31T08:00:00Z"),
            "phases": .object([
                "connect": .integer(10_000), "tls": .integer(20_000), "total": .integer(30_000),
            ]),
        ])

        let text = LatencyChart([outcome]).html.text

        // 30 ms is the whole height of 158, so a third of it is the connect phase.
        #expect(text.contains(">30 ms</text>"))
        #expect(
            text.contains(
                "<rect class=\"p1\" x=\"878.10\" y=\"115.33\" width=\"11.90\" height=\"52.67\"/>"))
        #expect(text.contains(" width=\"11.90\" height=\"105.33\"/>"))
        #expect(text.contains("Time of the last 1 probes by phase"))
    }

    @Test func `one slow probe among many is cut, and the others stay to be seen`() {
        func outcome(_ microseconds: Int64) -> JSONValue {
            .object([
                "outcome": .string("success"),
                "phases": .object([
                    "connect": .integer(microseconds), "total": .integer(microseconds),
                ]),
            ])
        }

        let text = LatencyChart(
            [outcome(3_000_000)] + Array(repeating: outcome(2000), count: 20)
        ).html.text

        #expect(text.contains(">10 ms</text>"))
        #expect(text.components(separatedBy: "class=\"cut\"").count == 2)
        #expect(text.contains("the slowest 3000 ms"))
    }

    @Test func `without outcomes there is a sentence`() {
        #expect(LatencyChart([]).html.text.contains("No outcome is kept yet."))
        #expect(OutcomeBars([]).html.text.contains("none yet"))
    }
}
