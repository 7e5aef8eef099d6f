import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

extension ObjectFilter {
    static let labelParameter = Endpoint.Parameter.query(
        "label",
        .text(length: 3...512).shown(as: .string("customer=acme")),
        "Only objects with this label and value, `KEY=VALUE`; all of them where several are given.",
        repeats: true)
    static let setParameter = Endpoint.Parameter.query(
        "set", .name, "Only objects of this set.")

    init(_ call: Call) throws {
        var labels: [String: String] = [:]
        for text in call.texts("label") {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ProblemDetails(
                    .invalidParameter, errors: [.init("write KEY=VALUE", at: .parameter("label"))])
            }
            labels[String(parts[0])] = String(parts[1])
        }
        self.init(
            set: call.text("set"), type: call.text("type"),
            health: call.text("health").flatMap(Health.init(rawValue:)), labels: labels)
    }
}
