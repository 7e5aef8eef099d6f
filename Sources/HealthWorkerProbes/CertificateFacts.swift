import HealthWorkerModel
internal import NIOSSL

/// What a certificate says of itself, as far as a probe needs it (RFC 5280 §4).
///
/// NIOSSL shows of it only the dates in a lasting interface, so the rest is read from its bytes.
/// What cannot be read is absent: then no name fits.
struct CertificateFacts {
    var notBefore: Timestamp
    var notAfter: Timestamp
    /// Whether issuer and subject are the same name, byte for byte.
    var isSelfIssued = false
    /// The encoded name of who signed it.
    private var issuerName: ArraySlice<UInt8> = []
    /// The DNS names of its subjectAltName, in small letters.
    var names: [String] = []
    /// The addresses of its subjectAltName.
    var addresses: [[UInt8]] = []

    init(of certificate: NIOSSLCertificate) {
        notBefore = Timestamp(seconds: Int64(certificate.notValidBefore))
        notAfter = Timestamp(seconds: Int64(certificate.notValidAfter))
        guard let bytes = try? certificate.toDERBytes() else { return }
        var outer = DERReader(bytes[...])
        var inner = DERReader(outer.next()?.content ?? [])
        read(DERReader(inner.next()?.content ?? []))
    }

    /// Reads a TBSCertificate: version, serial number, signature, issuer, validity, subject, key, …
    private mutating func read(_ body: DERReader) {
        var fields = body
        guard var field = fields.next() else { return }
        if field.tag == 0xa0 {
            guard let serial = fields.next() else { return }
            field = serial
        }
        guard fields.next() != nil, let issuer = fields.next(), fields.next() != nil,
            let subject = fields.next()
        else { return }
        issuerName = issuer.content
        isSelfIssued = issuer.content == subject.content
        while let field = fields.next() {
            guard field.tag == 0xa3 else { continue }
            var wrapper = DERReader(field.content)
            var extensions = DERReader(wrapper.next()?.content ?? [])
            while let entry = extensions.next() { readExtension(entry.content) }
        }
    }

    private mutating func readExtension(_ bytes: ArraySlice<UInt8>) {
        var fields = DERReader(bytes)
        // id-ce-subjectAltName, 2.5.29.17
        guard let name = fields.next(), name.content.elementsEqual([0x55, 0x1d, 0x11]) else {
            return
        }
        guard var value = fields.next() else { return }
        if value.tag == 0x01 {
            // "critical" stands before the value.
            guard let next = fields.next() else { return }
            value = next
        }
        var wrapper = DERReader(value.content)
        var alternatives = DERReader(wrapper.next()?.content ?? [])
        while let alternative = alternatives.next() {
            switch alternative.tag {
            case 0x82:
                guard alternative.content.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                    continue
                }
                names.append(String(decoding: alternative.content, as: UTF8.self).lowercased())
            case 0x87: addresses.append(Array(alternative.content))
            default: continue
            }
        }
    }
}

extension CertificateFacts {
    /// Whether the certificate is for `name`, which is a DNS name or an address.
    ///
    /// As RFC 9525 §6 has it: the common name does not count, an address must be listed as one, and
    /// `*` stands for exactly one whole label, the first. The address that was connected to does not
    /// matter, unlike with NIOSSL: what was asked for is a name.
    func isFor(_ name: String) -> Bool {
        if let address = IPAddress(name) { return addresses.contains(address.bytes) }
        let labels = name.lowercased().split(separator: ".")
        return names.contains { pattern in
            let parts = pattern.split(separator: ".")
            guard parts.count == labels.count, !parts.isEmpty else { return false }
            if parts[0] == "*" { return parts.count > 2 && parts.dropFirst() == labels.dropFirst() }
            return parts == labels
        }
    }

    /// Why the certificate does not do for `name`.
    func mismatch(with name: String) -> String {
        let own = names + addresses.compactMap { IPAddress(bytes: $0)?.text }
        if own.isEmpty { return "the certificate has no subjectAltName, so it is not for \(name)" }
        let more = own.count > 3 ? " and \(own.count - 3) more" : ""
        return "the certificate is for \(own.prefix(3).joined(separator: ", "))\(more), not \(name)"
    }

    /// Why the certificate was not trusted, and a sentence that says so.
    ///
    /// BoringSSL judges, and says through NIOSSL only that the chain was not verified. What an
    /// operator would act on is read from the leaf: an end that has passed, a beginning that is to
    /// come, an issuer that is the certificate itself, and else an issuer that nobody here knows.
    /// - Parameter now: This machine's clock, which BoringSSL goes by, too.
    func distrust(at now: Timestamp) -> (reason: Reason, sentence: String) {
        if notAfter < now {
            (.tlsExpired, "the certificate expired at \(notAfter)")
        } else if notBefore > now {
            (.tlsNotYetValid, "the certificate is not valid before \(notBefore)")
        } else if isSelfIssued {
            (.tlsSelfSigned, "the certificate is signed by itself and not in the trust store")
        } else {
            (.tlsUnknownCA, "the certificate's chain leads to nobody in the trust store")
        }
    }
}

extension CertificateFacts {
    /// Who signed it, in the order of the certificate: `C=US, O=Let's Encrypt, CN=R11`. Nil where that
    /// cannot be read.
    var issuer: String? {
        var parts: [String] = []
        var names = DERReader(issuerName)
        while let set = names.next() {
            var values = DERReader(set.content)
            while let pair = values.next() {
                var fields = DERReader(pair.content)
                guard let type = fields.next(), let value = fields.next(),
                    let name = Self.attributes[Array(type.content)]
                else { continue }
                parts.append("\(name)=\(Self.text(of: value))")
            }
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    // RFC 4519 §2, without their common beginning.
    private static let attributes: [[UInt8]: String] = [
        [0x55, 0x04, 0x03]: "CN", [0x55, 0x04, 0x06]: "C", [0x55, 0x04, 0x07]: "L",
        [0x55, 0x04, 0x08]: "ST", [0x55, 0x04, 0x0a]: "O", [0x55, 0x04, 0x0b]: "OU",
    ]

    /// What anybody may have written there: bounded, and without what moves a terminal.
    private static func text(of value: (tag: UInt8, content: ArraySlice<UInt8>)) -> String {
        let bytes = value.content.prefix(128)
        let isBMP = value.tag == 0x1e
        let text =
            isBMP
            ? String(
                decoding: stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
                    UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
                }, as: UTF16.self)
            : String(decoding: bytes, as: UTF8.self)
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { (scalar: Unicode.Scalar) -> Unicode.Scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "?"
                    default: scalar
                    }
                }))
    }
}

/// Walks the values of one level of a DER encoding (X.690 §8.1).
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    /// The next value; nil at the end, and where the bytes are no DER.
    mutating func next() -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            guard (1...4).contains(first & 0x7f) else { return nil }
            length = 0
            for _ in 0..<(first & 0x7f) {
                guard let byte = rest.popFirst() else { return nil }
                length = length << 8 | Int(byte)
            }
        }
        guard length <= rest.count else { return nil }
        let content = rest.prefix(length)
        rest = rest.dropFirst(length)
        return (tag, content)
    }
}
