// The wire form of a check is the document's: snake_case, times as strings, absent for default.

extension CheckSpec: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, description, labels
        case dependsOn = "depends_on"
        case isEnabled = "enabled"
        case type, target, locations, interval
        case fastInterval = "fast_interval"
        case timeout, confirm, fall, rise
        case dnsFailure = "dns_failure"
        case http, tls, tcp, expect
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            description: try container.decodeIfPresent(String.self, forKey: .description) ?? "",
            labels: try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:],
            dependsOn: try container.decodeIfPresent([String].self, forKey: .dependsOn) ?? [],
            isEnabled: try container.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? true,
            type: try container.decode(CheckType.self, forKey: .type),
            target: try container.decode(Target.self, forKey: .target),
            locations: try container.decodeIfPresent([String].self, forKey: .locations) ?? [],
            interval: try container.decodeIfPresent(TimeSpan.self, forKey: .interval)
                ?? .seconds(10),
            fastInterval: try container.decodeIfPresent(TimeSpan.self, forKey: .fastInterval),
            timeout: try container.decodeIfPresent(TimeSpan.self, forKey: .timeout),
            confirm: try container.decodeIfPresent(Confirmation.self, forKey: .confirm)
                ?? .otherWorker,
            fall: try container.decodeIfPresent(Int.self, forKey: .fall) ?? 3,
            rise: try container.decodeIfPresent(Int.self, forKey: .rise) ?? 2,
            dnsFailure: try container.decodeIfPresent(DNSFailure.self, forKey: .dnsFailure)
                ?? .inconclusive,
            http: try container.decodeIfPresent(HTTPRequest.self, forKey: .http),
            tls: try container.decodeIfPresent(TLSOptions.self, forKey: .tls),
            tcp: try container.decodeIfPresent(TCPExchange.self, forKey: .tcp),
            expect: try container.decodeIfPresent(Expectation.self, forKey: .expect)
                ?? Expectation())
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        if !description.isEmpty { try container.encode(description, forKey: .description) }
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        if !dependsOn.isEmpty { try container.encode(dependsOn, forKey: .dependsOn) }
        try container.encode(isEnabled, forKey: .isEnabled)
        try container.encode(type, forKey: .type)
        try container.encode(target, forKey: .target)
        if !locations.isEmpty { try container.encode(locations, forKey: .locations) }
        try container.encode(interval, forKey: .interval)
        try container.encodeIfPresent(fastInterval, forKey: .fastInterval)
        try container.encodeIfPresent(timeout, forKey: .timeout)
        try container.encode(confirm, forKey: .confirm)
        try container.encode(fall, forKey: .fall)
        try container.encode(rise, forKey: .rise)
        try container.encode(dnsFailure, forKey: .dnsFailure)
        try container.encodeIfPresent(http, forKey: .http)
        try container.encodeIfPresent(tls, forKey: .tls)
        try container.encodeIfPresent(tcp, forKey: .tcp)
        try container.encode(expect, forKey: .expect)
    }
}

extension Target: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case host, port
        case ipFamily = "ip_family"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            host: try container.decode(String.self, forKey: .host),
            port: try container.decodeIfPresent(Int.self, forKey: .port),
            ipFamily: try container.decodeIfPresent(IPFamily.self, forKey: .ipFamily) ?? .any)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(host, forKey: .host)
        try container.encodeIfPresent(port, forKey: .port)
        try container.encode(ipFamily, forKey: .ipFamily)
    }
}

extension HTTPRequest: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case method, path, host, headers
        case secretHeaders = "secret_headers"
        case body
        case followRedirects = "follow_redirects"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            method: try container.decodeIfPresent(HTTPMethod.self, forKey: .method) ?? .get,
            path: try container.decodeIfPresent(String.self, forKey: .path) ?? "/",
            host: try container.decodeIfPresent(String.self, forKey: .host),
            headers: try container.decodeIfPresent([String: String].self, forKey: .headers) ?? [:],
            secretHeaders: try container.decodeIfPresent(
                [String: String].self, forKey: .secretHeaders) ?? [:],
            body: try container.decodeIfPresent(String.self, forKey: .body) ?? "",
            followRedirects: try container.decodeIfPresent(Bool.self, forKey: .followRedirects)
                ?? false)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(method, forKey: .method)
        try container.encode(path, forKey: .path)
        try container.encodeIfPresent(host, forKey: .host)
        if !headers.isEmpty { try container.encode(headers, forKey: .headers) }
        if !secretHeaders.isEmpty { try container.encode(secretHeaders, forKey: .secretHeaders) }
        if !body.isEmpty { try container.encode(body, forKey: .body) }
        try container.encode(followRedirects, forKey: .followRedirects)
    }
}

extension TLSOptions: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case serverName = "server_name"
        case verify, ca
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            serverName: try container.decodeIfPresent(String.self, forKey: .serverName),
            verify: try container.decodeIfPresent(Bool.self, forKey: .verify) ?? true,
            ca: try container.decodeIfPresent(String.self, forKey: .ca) ?? "system")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(serverName, forKey: .serverName)
        try container.encode(verify, forKey: .verify)
        try container.encode(ca, forKey: .ca)
    }
}

extension TCPExchange: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case send
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(send: try container.decodeIfPresent(String.self, forKey: .send) ?? "")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !send.isEmpty { try container.encode(send, forKey: .send) }
    }
}

extension Expectation: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case status
        case bodyContains = "body_contains"
        case bodyNotContains = "body_not_contains"
        case bodyMatches = "body_matches"
        case bodyLimit = "body_limit"
        case tcpContains = "tcp_contains"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            status: try container.decodeIfPresent([StatusRange].self, forKey: .status)
                ?? [StatusRange(200...399)],
            bodyContains: try container.decodeIfPresent(String.self, forKey: .bodyContains),
            bodyNotContains: try container.decodeIfPresent(String.self, forKey: .bodyNotContains),
            bodyMatches: try container.decodeIfPresent(String.self, forKey: .bodyMatches),
            bodyLimit: try container.decodeIfPresent(ByteCount.self, forKey: .bodyLimit)
                ?? .kibibytes(64),
            tcpContains: try container.decodeIfPresent(String.self, forKey: .tcpContains))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(status, forKey: .status)
        try container.encodeIfPresent(bodyContains, forKey: .bodyContains)
        try container.encodeIfPresent(bodyNotContains, forKey: .bodyNotContains)
        try container.encodeIfPresent(bodyMatches, forKey: .bodyMatches)
        try container.encode(bodyLimit, forKey: .bodyLimit)
        try container.encodeIfPresent(tcpContains, forKey: .tcpContains)
    }
}
