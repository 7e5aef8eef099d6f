/// The types of bodies that are read and written here.
package enum MediaType: String, Hashable, Sendable, CaseIterable {
    case json = "application/json"
    case yaml = "application/yaml"
    /// RFC 7396.
    case mergePatch = "application/merge-patch+json"
    /// WHATWG HTML, §9.2.
    case eventStream = "text/event-stream"
    case html = "text/html"
    case text = "text/plain"
    case script = "text/javascript"
    case style = "text/css"
    case png = "image/png"

    /// The type that a `Content-Type` names, without its parameters; also by YAML's older names.
    init?(header: String) {
        let name = header.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        switch name {
        case "application/x-yaml", "text/yaml", "text/x-yaml": self = .yaml
        default: self.init(rawValue: name)
        }
    }

    /// The first of the types on offer that an `Accept` header wants most (RFC 9110 §12.5.1); nil
    /// where it wants none of them.
    static func wanted(by accept: String?, of offered: [MediaType]) -> MediaType? {
        guard let accept, !accept.allSatisfy({ $0 == " " }) else { return offered.first }
        var best: (type: MediaType, quality: Double)?
        for type in offered {
            let quality = quality(of: type, in: accept)
            if quality > (best?.quality ?? 0) { best = (type, quality) }
        }
        return best?.type
    }

    private static func quality(of type: MediaType, in accept: String) -> Double {
        var (best, precision) = (0.0, -1)
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            guard let name = parts.first else { continue }
            let family = type.rawValue.prefix { $0 != "/" }
            let rank: Int
            if name == "*/*" {
                rank = 0
            } else if name == "\(family)/*" {
                rank = 1
            } else if MediaType(header: name) == type {
                rank = 2
            } else {
                continue
            }
            guard rank > precision else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { $0.dropFirst(2) }
            (best, precision) = (weight.map { Double($0) ?? 0 } ?? 1, rank)
        }
        return best
    }
}
