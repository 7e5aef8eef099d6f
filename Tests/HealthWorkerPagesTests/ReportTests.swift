import HealthWorkerModel
import HealthWorkerPages
import HealthWorkerTelling
import Testing

@Suite struct ReportTests {
    /// What the API answers of one month.
    private static let answer = JSONValue.object([
        "month": .string("2026-10"), "from": .string("2026-10-01T00:00:00Z"),
        "until": .string("2026-11-01T00:00:00Z"),
        "policies": .array([
            .object([
                "policy": .string("acme-www"), "type": .string("failover"),
                "mode": .string("live"), "measured_from": .string("2026-10-01T00:00:00Z"),
                "measured_seconds": .integer(2_678_400), "available_seconds": .integer(2_677_140),
                "degraded_seconds": .integer(1800), "unknown_seconds": .integer(900),
                "availability": .number(0.999529), "failovers": .integer(4),
                "false_switches": .integer(1),
                "time_to_failover": .object([
                    "observed": .integer(3), "applied": .integer(0), "decided": .integer(1),
                    "p50_seconds": .number(2.031), "p95_seconds": .number(30.408),
                    "max_seconds": .number(95.5),
                ]),
            ]),
            .object([
                "policy": .string("mail"), "type": .string("detach"), "mode": .string("observe"),
                "measured_from": .string("2026-10-30T23:40:00Z"),
                "measured_seconds": .integer(1200), "available_seconds": .integer(1200),
                "degraded_seconds": .integer(0), "unknown_seconds": .integer(0),
                "availability": .integer(1), "failovers": .integer(0),
            ]),
            .object([
                "policy": .string("new"), "type": .string("simple"), "mode": .string("live"),
                "measured_seconds": .integer(0), "available_seconds": .integer(0),
                "degraded_seconds": .integer(0), "unknown_seconds": .integer(0),
                "failovers": .integer(0), "false_switches": .integer(0),
            ]),
        ]),
        "total": .object([
            "measured_from": .string("2026-10-01T00:00:00Z"),
            "measured_seconds": .integer(2_679_600), "available_seconds": .integer(2_678_340),
            "degraded_seconds": .integer(1800), "unknown_seconds": .integer(900),
            "availability": .number(0.999529), "failovers": .integer(4),
        ]),
    ])

    @Test func `for a spreadsheet it is one line a policy, with plain numbers`() {
        let csv = ReportText(Self.answer).csv

        #expect(
            csv.split(separator: "\r\n").map(String.init) == [
                "month,policy,type,mode,measured_from,measured_seconds,available_seconds,"
                    + "degraded_seconds,unknown_seconds,availability,failovers,false_switches,"
                    + "time_to_failover_observed,time_to_failover_applied,time_to_failover_decided,"
                    + "time_to_failover_p50_seconds,time_to_failover_p95_seconds,"
                    + "time_to_failover_max_seconds",
                "2026-10,acme-www,failover,live,2026-10-01T00:00:00Z,2678400,2677140,1800,900,"
                    + "0.999529,4,1,3,0,1,2.031,30.408,95.5",
                "2026-10,mail,detach,observe,2026-10-30T23:40:00Z,1200,1200,0,0,1,0,,,,,,,",
                "2026-10,new,simple,live,,0,0,0,0,,0,0,,,,,,",
                "2026-10,(all),,,2026-10-01T00:00:00Z,2679600,2678340,1800,900,0.999529,4,,,,,,,",
            ])
        #expect(csv.hasSuffix("\r\n"))
    }

    @Test func `what a spreadsheet would take for another cell is quoted`() {
        let csv = ReportText(
            .object([
                "month": .string("2026-10"),
                "policies": .array([.object(["policy": .string("a,\"b\"\nc")])]),
            ])
        ).csv

        #expect(csv.contains("2026-10,\"a,\"\"b\"\"\u{fffd}c\","))
    }

    @Test func `for people shares are rounded down and spans are words`() {
        let report = ReportText(Self.answer)
        let (shop, mail, new) = (report.lines[0], report.lines[1], report.lines[2])

        #expect(shop.availability == "99.9529 %")
        #expect(shop.span("degraded_seconds") == "30m")
        #expect(shop.failoverTime("p50_seconds") == "2.0s")
        #expect(shop.failoverTime("max_seconds") == "1m36s")
        #expect(shop.measuredUpTo == "3 observed, 1 decided")
        #expect(shop.measuredFrom(after: report.from) == nil)
        #expect(mail.availability == "100.0000 %")
        #expect(mail.falseSwitches == "–")
        #expect(mail.measuredFrom(after: report.from) == "measured from 2026-10-30 23:40")
        #expect(new.availability == "–")
        #expect(new.measuredFrom(after: report.from) == "nothing is known")
    }

    @Test func `as a page it needs no other file, and says all that the table says`() {
        let page = ReportPage(Self.answer, selector: "tier=<gold>").html.text

        #expect(page.hasPrefix("<!doctype html>"))
        for word in ["<script", "<link", "src=", "href=", "url(", "@import", "http"] {
            #expect(!page.contains(word), "\(word)")
        }
        #expect(page.contains("tier=&lt;gold&gt;"))
        #expect(page.contains("prefers-color-scheme: dark") && page.contains("@media print"))
        #expect(
            page.contains(
                "<tr><th scope=\"row\">acme-www<small>times: 3 observed, 1 decided</small></th>"
                    + "<td>99.9529 %</td><td>31d</td><td>30m</td><td>15m</td><td>4</td>"
                    + "<td>2.0s</td><td>30.4s</td><td>1m36s</td><td>1</td></tr>"))
        #expect(
            page.contains(
                "<tr><th scope=\"row\">mail<small>measured from 2026-10-30 23:40</small></th>"
                    + "<td>100.0000 %</td><td>20m</td><td>0.0s</td><td>0.0s</td><td>0</td>"
                    + "<td>–</td><td>–</td><td>–</td><td>–</td></tr>"))
        for definition in ReportText.definitions {
            #expect(page.contains(definition.replacing("'", with: "&#39;")))
        }
        // What is opened is closed.
        for tag in ["html", "head", "body", "style", "table", "thead", "tbody", "tfoot", "ul"] {
            let opened = page.count(of: "<\(tag)>") + page.count(of: "<\(tag) ")
            #expect(opened == page.count(of: "</\(tag)>"), "\(tag)")
        }
    }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func count(of part: String) -> Int {
        ranges(of: part).count
    }
}
