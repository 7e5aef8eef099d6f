package import HealthWorkerModel

/// What a text must look like: the pattern for those who read the schema, and the exact test.
///
/// The test decides. Where a format cannot be said as a pattern that every tool understands, the
/// pattern accepts more.
package struct TextFormat: Sendable {
    /// The `format` of JSON Schema, where there is a word for it.
    package var name: String?
    /// ECMA 262, anchored.
    package var pattern: String?
    /// What is asked for, to follow "write" and "must be".
    package var expectation: String
    /// Nil for a text in this format, else the sentence that says what is wrong with it.
    package var refusal: @Sendable (String) -> String?
    /// What is written there may be a secret, by mistake or not: no message repeats it.
    package var isConfidential: Bool

    package init(
        name: String? = nil, pattern: String?, expectation: String, isConfidential: Bool = false,
        refusal: @escaping @Sendable (String) -> String?
    ) {
        self.name = name
        self.pattern = pattern
        self.expectation = expectation
        self.isConfidential = isConfidential
        self.refusal = refusal
    }
}

extension TextFormat {
    /// The handle of a check, policy, member, set or location.
    package static let name = TextFormat(
        pattern: "^[a-z0-9][a-z0-9._-]{0,127}$",
        expectation: "a name of a-z, 0-9, `.`, `_` and `-`"
    ) { text in
        if text.isEmpty { return "is empty: write a name of a-z, 0-9, `.`, `_` and `-`" }
        if text.utf8.count > 128 {
            return "has \(text.utf8.count) characters: a name has at most 128"
        }
        if let wrong = text.unicodeScalars.first(where: { !$0.isOfName }) {
            let remedy = wrong.properties.isUppercase ? "write it in lower case" : "leave it out"
            return "\(text.shown) contains \(String(wrong).shown), which a name cannot: \(remedy)"
        }
        if let first = text.unicodeScalars.first, "._-".unicodeScalars.contains(first) {
            return "\(text.shown) begins with `\(first)`: a name begins with a-z or 0-9"
        }
        return nil
    }

    package static func timeSpan(_ range: ClosedRange<TimeSpan>) -> TextFormat {
        // A day is written as the hours that the documentation says.
        let most = range.upperBound == .hours(24) ? "24h" : "\(range.upperBound)"
        return TextFormat(
            name: "time-span",
            pattern: "^(?=[0-9])([0-9]{1,12}d)?([0-9]{1,12}h)?([0-9]{1,12}m)?([0-9]{1,12}s)?"
                + "([0-9]{1,12}ms)?([0-9]{1,12}us)?$",
            expectation: "a time such as `10s` or `1m30s`, \(range.lowerBound) to \(most)"
        ) { text in
            guard let span = TimeSpan(text) else {
                let unit = text.allSatisfy(\.isNumber) && !text.isEmpty ? " has no unit" : nil
                return "\(text.shown)\(unit ?? " is not a time"): write one such as `10s`, `1m30s` "
                    + "or `250ms`"
            }
            if span < range.lowerBound {
                return "\(text) is too short: write \(range.lowerBound) to \(most)"
            }
            if span > range.upperBound {
                return "\(text) is too long: write \(range.lowerBound) to \(most)"
            }
            return nil
        }
    }

    package static func byteCount(_ range: ClosedRange<ByteCount>) -> TextFormat {
        TextFormat(
            name: "byte-count", pattern: "^[0-9]{1,10}(B|KiB|MiB)?$",
            expectation: "a number of bytes such as `64KiB` or 500, \(range.lowerBound) to "
                + "\(range.upperBound)"
        ) { text in
            guard let count = ByteCount(text) else {
                return "\(text.shown) is not a number of bytes: write one such as `64KiB` or 500"
            }
            guard range.contains(count) else {
                return "\(text) is out of range: write \(range.lowerBound) to \(range.upperBound)"
            }
            return nil
        }
    }

    /// See ``DeletionLimit``.
    package static let deletionLimit = TextFormat(
        pattern: "^([0-9]{1,8}|0*(100|[0-9]{1,2})%)$",
        expectation: "a number of objects such as 20, or a share such as `30%`"
    ) { text in
        DeletionLimit(text) == nil
            ? "\(text.shown) is neither a number of objects such as 20 nor a share such as `30%`"
            : nil
    }

    /// Of the times that the program measures in.
    package static let month = TextFormat(
        pattern: "^(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])$",
        expectation: "a month such as `2026-10`"
    ) { text in
        Month(text) == nil ? "\(text.shown) is no month: write one such as `2026-10`" : nil
    }

    package static let statusRange = TextFormat(
        name: "status-range", pattern: "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$",
        expectation: "a status such as 200 or a range such as `200-299`"
    ) { text in
        StatusRange(text) == nil
            ? "\(text.shown) is no HTTP status: write one such as 200, or a range such as "
                + "`200-299`, within 100 to 599"
            : nil
    }

    /// A DNS name or an IP address without brackets and port.
    package static let host = TextFormat(
        pattern: "^[A-Za-z0-9_.:-]{1,254}$",
        expectation: "an IP address or a DNS name"
    ) { text in
        refusalOfHost(text, portGoesTo: "`port`")
    }

    /// What is published as an address, as the target of a CNAME, or as the text of a TXT record: in
    /// quotes, one string as RFC 1035 §3.3.14 has it.
    package static let recordValue = TextFormat(
        pattern: "^([A-Za-z0-9_.:-]{1,254}|\"[ !#-\\[\\]-~]{1,252}\")$",
        expectation: "an IP address, a DNS name, or a text in quotes"
    ) { text in
        if text.hasPrefix("\"") {
            let inside = text.dropFirst().dropLast()
            let isText = inside.utf8.allSatisfy {
                (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c
            }
            return text.utf8.count > 2 && text.hasSuffix("\"") && isText
                ? nil
                : "\(text.shown) is no text in quotes: write it as `'\"TEXT\"'`, in ASCII and without "
                    + "quotes and backslashes inside"
        }
        return refusalOfHost(text, portGoesTo: "the check's `target.port`")
    }

    /// RFC 9110 §7.2: a host, an IPv6 address in brackets, and a port where it is not the usual one.
    package static let hostHeader = TextFormat(
        pattern: "^[A-Za-z0-9_.:\\[\\]-]{1,260}$",
        expectation: "a DNS name or an address, with `:port` where it is not the usual one"
    ) { text in
        var host = Substring(text)
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let inside = host[host.index(after: host.startIndex)..<end]
            let rest = host[host.index(after: end)...]
            guard case .v6? = IPAddress(String(inside)), rest.isEmpty || isPort(rest) else {
                return "\(text.shown) is not an IPv6 address in brackets, with or without a port"
            }
            return nil
        }
        if let colon = host.lastIndex(of: ":"), host.firstIndex(of: ":") == colon {
            guard isPort(host[colon...]) else {
                return "\(text.shown) ends in a port that is not within 1 to 65535"
            }
            host = host[..<colon]
        }
        if case .v6? = IPAddress(text) {
            return "\(text) needs brackets in a Host header: write `[\(text)]`"
        }
        return refusalOfHost(String(host), portGoesTo: "the end")
    }

    /// Path and query of a request.
    package static let requestPath = TextFormat(
        pattern: "^/[!-\"$-~]*$", expectation: "a path that begins with `/`"
    ) { text in
        guard text.hasPrefix("/") else {
            return text.contains("://")
                ? "is a whole URL: write the path alone, the host goes to `target.host`"
                : "begins without `/`: write `/\(text.prefix(40))`"
        }
        if text.contains("#") { return "contains `#`, which is never sent: leave out what follows" }
        if let wrong = text.unicodeScalars.first(where: { !(0x21...0x7e).contains($0.value) }) {
            return "contains \(String(wrong).shown): write it percent-encoded"
        }
        return nil
    }

    /// RFC 9110 §5.1, without the names that the prober writes itself.
    package static let headerName = TextFormat(
        pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$", expectation: "the name of a header"
    ) { text in
        let isToken = text.utf8.allSatisfy {
            $0.isDigit || $0.isLetter || "!#$%&'*+-.^_`|~".utf8.contains($0)
        }
        guard isToken, (1...128).contains(text.utf8.count) else {
            return "\(text.shown) is no header name: write letters, digits and `-`"
        }
        switch text.lowercased() {
        case "host": return "Host is not set here: write it as `http.host`"
        case "content-length", "transfer-encoding", "connection":
            return "\(text) is written by the prober: remove it"
        default: return nil
        }
    }

    /// RFC 9110 §5.5. The value itself is never repeated in a message.
    package static let headerValue = TextFormat(
        pattern: "^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f]*$",
        expectation: "the value of a header",
        isConfidential: true
    ) { text in
        if text.unicodeScalars.contains(where: { $0 == "\r" || $0 == "\n" }) {
            return "contains a line end, which no header value may: write it on one line"
        }
        if text.unicodeScalars.contains(where: {
            ($0.value < 0x20 && $0 != "\t") || $0.value == 0x7f
        }) {
            return "contains a control character, which no header value may: remove it"
        }
        return nil
    }

    package static let secretReference = TextFormat(
        pattern: "^secret:[a-z0-9][a-z0-9._-]{0,127}$",
        expectation: "`secret:NAME`, the name of a stored secret", isConfidential: true
    ) { text in
        // What is not a reference may be the secret itself: it is not repeated.
        guard text.hasPrefix("secret:"),
            TextFormat.name.refusal(String(text.dropFirst("secret:".count))) == nil
        else {
            return "must be `secret:NAME`, the name of a stored secret, and not the secret itself"
        }
        return nil
    }

    package static let labelKey = TextFormat(
        pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$", expectation: "the name of a label"
    ) { text in
        let isKey =
            text.utf8.first.map { $0.isDigit || $0.isLetter } == true && text.utf8.count <= 128
            && text.utf8.allSatisfy { $0.isDigit || $0.isLetter || "._/-".utf8.contains($0) }
        return isKey
            ? nil : "\(text.shown) is no label name: write letters, digits, `.`, `_`, `/`, `-`"
    }

    package static let labelValue = TextFormat(
        pattern: "^[^\\u0000-\\u001f\\u007f,]*$", expectation: "the value of a label"
    ) { text in
        if text.contains(",") { return "\(text.shown) contains a comma, which selectors split at" }
        return text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
            ? "contains a control character: remove it" : nil
    }

    /// Which objects are meant, by their labels (``LabelSelector``).
    package static let selector = TextFormat(
        pattern: "^[^\\u0000-\\u001f\\u007f]+$",
        expectation: "requirements of labels, such as `env=prod,tier!=dev`"
    ) { text in
        do throws(LabelSelectorError) {
            _ = try LabelSelector(text)
            return nil
        } catch {
            return error.description
        }
    }

    /// `system`, or where a PEM file is.
    package static let certificateAuthority = TextFormat(
        pattern: "^(system|/.+)$",
        expectation: "`system`, or the path of a PEM file on the worker"
    ) { text in
        text == "system" || (text.hasPrefix("/") && text.count > 1)
            ? nil
            : "\(text.shown) is neither `system` nor a path that begins with `/`: write where the "
                + "PEM file is on the worker"
    }

    /// A name at a sink: a DNS name, also `*.example.com`, or whatever else the sink knows.
    package static let publishedName = TextFormat(
        pattern: "^[A-Za-z0-9_*][A-Za-z0-9._*/:@-]{0,253}$", expectation: "the name at the sink"
    ) { text in
        let isName =
            text.utf8.first.map { $0.isDigit || $0.isLetter || "_*".utf8.contains($0) } == true
            && text.utf8.count <= 254
            && text.utf8.allSatisfy { $0.isDigit || $0.isLetter || "._*/:@-".utf8.contains($0) }
        return isName
            ? nil : "\(text.shown) cannot be published: write a name such as www.example.com"
    }

    /// Any text that can be stored: ``Schema/problems(in:at:components:keyWord:)`` refuses the rest
    /// of every text; here it can be seen in the pattern, too.
    package static let storable = TextFormat(
        pattern: "^[^\\u0000\\ufeff][^\\u0000]*$", expectation: "a text"
    ) { _ in nil }

    /// RFC 3339 §5.6.
    package static let time = TextFormat(
        name: "date-time", pattern: nil, expectation: "a time such as `2026-01-31T08:00:00Z`"
    ) { text in
        Timestamp(text) == nil
            ? "\(text.shown) is no RFC 3339 time: write one such as `2026-01-31T08:00:00Z`" : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
            && Int(text.dropFirst()).map { (1...65_535).contains($0) } == true
    }

    private static func refusalOfHost(_ text: String, portGoesTo port: String) -> String? {
        if IPAddress(text) != nil { return nil }
        if text.isEmpty { return "is empty: write an IP address or a DNS name" }
        if text.contains("://") {
            return "\(text.shown) is a URL: write the host alone, without scheme and path"
        }
        if text.contains("/") { return "\(text.shown) contains a `/`: write the host alone" }
        if text.hasPrefix("[") {
            return "\(text.shown) has brackets: write the address without them"
        }
        if text.contains("%") { return "\(text.shown) has a zone: write the address without it" }
        if let colon = text.firstIndex(of: ":") {
            return text.lastIndex(of: ":") == colon
                ? "\(text.shown) contains a port: the port goes to \(port)"
                : "\(text.shown) is no IPv6 address"
        }
        let name = text.hasSuffix(".") ? text.dropLast() : Substring(text)
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        if name.utf8.count > 253 {
            return "has \(name.utf8.count) characters: a DNS name has at most 253"
        }
        for label in labels {
            if label.isEmpty { return "\(text.shown) has an empty part between its dots" }
            if label.utf8.count > 63 {
                return "\(text.shown) has a part of more than 63 characters between its dots"
            }
            if label.hasPrefix("-") || label.hasSuffix("-") {
                return "\(text.shown) has a part that begins or ends with `-`"
            }
            if let wrong = label.unicodeScalars.first(where: { !$0.isOfDNSLabel }) {
                let remedy = wrong.isASCII ? "leave it out" : "write the name in its `xn--` form"
                return "\(text.shown) contains \(String(wrong).shown): \(remedy)"
            }
        }
        // A name whose last part is a number is an address to some programs and a name to others.
        let last = labels[labels.count - 1]
        if last.allSatisfy(\.isNumber)
            || (last.lowercased().hasPrefix("0x") && Int(last.dropFirst(2), radix: 16) != nil)
        {
            return "\(text.shown) is no IPv4 address: write four numbers from 0 to 255 without "
                + "leading zeros"
        }
        return nil
    }
}

extension Unicode.Scalar {
    fileprivate var isOfName: Bool {
        ("a"..."z").contains(self) || ("0"..."9").contains(self)
            || ".-_".unicodeScalars.contains(self)
    }

    fileprivate var isOfDNSLabel: Bool {
        ("a"..."z").contains(self) || ("A"..."Z").contains(self) || ("0"..."9").contains(self)
            || self == "-" || self == "_"
    }
}

extension UInt8 {
    var isLetter: Bool {
        let lower = self | 0x20
        return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
    }
}

extension String {
    /// In quotes, without line ends, and not longer than a line.
    var shown: String {
        var text = ""
        for scalar in unicodeScalars.prefix(60) {
            text +=
                scalar.value < 0x20 || scalar.value == 0x7f
                ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
        return "\"\(text)\(unicodeScalars.count > 60 ? "…" : "")\""
    }
}
