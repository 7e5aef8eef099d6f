import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/audit`
struct AuditEndpoints {
    let backend: Backend

    private static let filters: [Endpoint.Parameter] = [
        .query(
            "actor",
            .text(length: 1...256).shown(
                as: .string("key:deploy/mfrggzdfmztwq2lk")),
            "Only what this one did; of a key its name and its id."),
        .query(
            "action", .text(length: 1...64).shown(as: .string("check.updated")),
            "Only changes of this kind."),
        .query(
            "object", .text(length: 1...256).shown(as: .string("shop-login")),
            "Only changes of what has this name."),
        AskedMoment.parameter(
            "since", "Only changes from this moment on; a span is so long before now."),
    ]

    var all: [Endpoint] { [list] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/audit", "listAudit", tag: .installation, role: .read,
            summary: "List who changed what, newest first",
            description: "Every write has an entry, made in the same transaction: who, what, "
                + "before, after, why, and the id of the request. Entries are kept for as long as "
                + "`history.audit` says. Secrets are never shown.",
            parameters: Self.filters + Listing.parameters,
            answers: Listing.answers("AuditPage", "Changes.")
        ) { [backend] call in
            let filter = AuditFilter(
                actor: call.text("actor"), action: call.text("action"),
                object: call.text("object"),
                since: call.moment("since", now: try await backend.storage.now()))
            let found = try await backend.storage.audit(
                matching: filter, before: Listing.before(call, in: "audit"),
                limit: Listing.limit(call) + 1)
            return Listing.answer(
                call, "audit", found, position: \.id.description, node: Self.node)
        }
    }

    private static func node(of entry: AuditEntry) -> Node {
        .object([
            .init("id", .number(entry.id)), .init("at", .time(entry.at)),
            .init("actor", .text(entry.actor)), .init("action", .text(entry.action)),
            .init("object", .text(entry.object)), member("before", entry.before),
            member("after", entry.after),
            entry.message.map { .init("message", .text($0)) },
            entry.document.map { .init("document", .text($0)) },
            entry.requestID.map { .init("request_id", .text($0)) },
        ])
    }

    /// A stored text of JSON, as the value that it is.
    private static func member(_ key: String, _ json: String?) -> Node.Entry? {
        guard let json else { return nil }
        guard let node = try? Node.readJSON(json) else {
            // Written by ourselves; should it be damaged, it is shown as it is.
            return .init(key, .text(json))
        }
        return .init(key, node)
    }
}
