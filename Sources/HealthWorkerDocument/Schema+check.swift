import HealthWorkerModel

extension Schema {
    package static let check = Schema.object([
        Property("name", .name.described("The handle, unique among checks."), isRequired: true),
        Property("renamed_from", .renamedFrom, role: .written),
        Property(
            "description",
            .text(length: 0...1024).standing(at: .string("")).described("For people.")),
        Property("labels", .reference("Labels")),
        Property(
            "depends_on",
            .list(of: .name, count: 0...CheckSpec.mostDependencies, isUnique: true).described(
                "The checks without which its target cannot be reached, by name. While one of them is "
                    + "unhealthy, or one that they depend on, webhooks are not told that a member "
                    + "leaves because this check turned unhealthy, too. That it comes back is told."
            ).shown(as: .array([.string("fra1-router")]))),
        Property(
            "enabled",
            .boolean.standing(at: .bool(true)).described(
                "False: paused. It is not probed, and policies keep its last health.")),
        Property(
            "type",
            .choice(CheckKind.all.map(\.type.rawValue)).described("What is spoken to the target.")
                .shown(as: .string("https")), isRequired: true),
        Property(
            "target",
            .reference("Target").shown(
                as: .object(["host": .string("192.0.2.10"), "port": .integer(443)])),
            isRequired: true),
        Property(
            "locations",
            .list(of: .name, count: 0...64, isUnique: true).described(
                "The values of worker.location that may probe it; any where none is named.")),
        Property(
            "interval",
            .timeSpan(.seconds(1) ... .hours(24)).standing(at: .string("10s")).described(
                "From one probe to the next, 1s to 24h.")),
        Property(
            "fast_interval",
            .timeSpan(.seconds(1) ... .hours(24)).nullable.described(
                "The same while health is unknown or a turn is being counted, 1s to `interval`. By "
                    + "default a fifth of `interval`, at least 1s."
            ).shown(as: .string("2s"))),
        Property(
            "timeout",
            .timeSpan(.milliseconds(100) ... .seconds(60)).nullable.described(
                "What a whole probe may take, 100ms to 60s and not longer than `interval`. By "
                    + "default 5s, or `interval` where that is shorter."
            ).shown(as: .string("5s"))),
        Property(
            "confirm",
            .choice(of: Confirmation.self).standing(at: .string("other_worker")).described(
                "Who must agree before health turns unhealthy.")),
        Property(
            "fall",
            .integer(1...100).standing(at: .integer(3)).described(
                "Failures in a row that turn it unhealthy.")),
        Property(
            "rise",
            .integer(1...100).standing(at: .integer(2)).described(
                "Successes in a row that turn it healthy.")),
        Property(
            "threshold",
            .integer(1...100).described("Short for the same `fall` and `rise`.").shown(
                as: .integer(3)), role: .written),
        Property(
            "dns_failure",
            .choice(of: DNSFailure.self).standing(at: .string("inconclusive")).described(
                "What a name server's own failure (SERVFAIL, time-out) says about the target.")),
        Property("http", .reference("HTTPRequest").nullable),
        Property("tls", .reference("TLSOptions").nullable),
        Property("tcp", .reference("TCPExchange").nullable),
        Property("expect", .reference("Expectation")),
        Property("observed", .observed, role: .observed),
    ]).described("The standing order to probe a target.").shown(
        as: .object([
            "name": .string("shop-login-fra1"), "type": .string("https"),
            "target": .object(["host": .string("192.0.2.10")]), "interval": .string("10s"),
            "http": .object([
                "host": .string("shop.example.com"), "path": .string("/health?deep=1"),
            ]),
        ]))

    static let target = Schema.object([
        Property(
            "host",
            .text(.host, length: 1...254).described(
                "An IP address without brackets, or a DNS name."
            )
            .shown(as: .string("192.0.2.10")), isRequired: true),
        Property(
            "port",
            .integer(1...65_535).nullable.described(
                "By default 80 for http and 443 for https; tcp needs one."
            ).shown(as: .integer(443))),
        Property(
            "ip_family",
            .choice(of: IPFamily.self).standing(at: .string("any")).described(
                "Which addresses of a name are probed.")),
    ]).described("Where a probe connects; the Host header and the TLS name do not depend on it.")

    static let httpRequest = Schema.object([
        Property("method", .choice(of: HTTPMethod.self).standing(at: .string("GET"))),
        Property(
            "path",
            .text(.requestPath, length: 1...4096).standing(at: .string("/")).described(
                "Path and query.")),
        Property(
            "host",
            .text(.hostHeader, length: 1...260).nullable.described(
                "The Host header; by default the target's host."
            ).shown(as: .string("shop.example.com"))),
        Property(
            "headers",
            .map(keys: .headerName, values: .text(.headerValue, length: 0...4096), limit: 32)
                .shown(as: .object(["Accept": .string("application/json")]))),
        Property(
            "secret_headers",
            .map(keys: .headerName, values: .text(.secretReference, length: 1...160), limit: 32)
                .described("Headers whose values are stored secrets, which are never shown.").shown(
                    as: .object(["Authorization": .string("secret:shop-probe")]))),
        Property(
            "body",
            .text(length: 0...4096).standing(at: .string("")).described("POST only, at most 4 KiB.")
        ),
        Property(
            "follow_redirects",
            .boolean.standing(at: .bool(false)).described("True: at most five.")),
    ]).described("What is sent, for http and https.")

    static let tlsOptions = Schema.object([
        Property(
            "server_name",
            .text(.host, length: 1...254).nullable.described(
                "The name sent as SNI and verified; by default that of the Host header, else of the "
                    + "target."
            ).shown(as: .string("shop.example.com"))),
        Property("verify", .boolean.standing(at: .bool(true))),
        Property(
            "ca",
            .text(.certificateAuthority, length: 1...4096).standing(at: .string("system"))
                .described("`system`, or the path of a PEM file on the worker.")),
    ]).described("How TLS is spoken, for https, and for tcp where it is to be TLS.")

    static let tcpExchange = Schema.object([
        Property(
            "send",
            .text(length: 0...4096).standing(at: .string("")).described("Sent once connected."))
    ]).described("What is sent, for tcp.")

    static let expectation = Schema.object([
        Property(
            "status",
            .list(
                of: .anyOf([.integer(100...599), .text(.statusRange, length: 3...7)]),
                count: 1...16
            ).standing(at: .array([.string("200-399")])).described(
                "Statuses that are a success: single ones and ranges."
            ).shown(as: .array([.integer(200), .string("204-299")]))),
        Property(
            "body_contains", .text(length: 1...4096).nullable.shown(as: .string("\"db\":\"ok\""))),
        Property(
            "body_not_contains", .text(length: 1...4096).nullable.shown(as: .string("maintenance"))),
        Property(
            "body_matches",
            .text(length: 1...4096).nullable.described("A regular expression.").shown(
                as: .string("^ok"))),
        Property(
            "body_limit",
            .anyOf([
                .integer(1...1_048_576),
                .text(.byteCount(ByteCount(1) ... .mebibytes(1)), length: 1...16),
            ]).standing(at: .string("64KiB")).described(
                "How much of the body is read for these, at most 1MiB.")),
        Property(
            "tcp_contains",
            .text(length: 1...4096).nullable.described("What a tcp target must answer.").shown(
                as: .string("+PONG"))),
    ]).described("What makes a probe a success.")

    static let labels = Schema.map(
        keys: .labelKey, values: .text(.labelValue, length: 0...255), limit: 64
    ).described("By which objects are selected.").shown(
        as: .object(["customer": .string("acme"), "site": .string("fra1")]))
}

extension Schema {
    package static let selector = Schema.text(.selector, length: 1...4096).shown(
        as: .string("env=prod,site in (fra1,ams1),!retired"))

    package static let name = Schema.text(.name, length: 1...128).shown(as: .string("shop-login"))

    static let renamedFrom = Schema.text(.name, length: 1...128).nullable.described(
        "The name of before: id, health and history are kept. It has no effect once that is done."
    ).shown(as: .string("shop-login-old"))

    static let observed = Schema.anything.described(
        "What is measured. It is ignored when it is written.")
}
