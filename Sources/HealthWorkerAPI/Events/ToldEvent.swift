import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

/// An event as it is told: with the names and labels of what it is about, read once for all who are
/// told of it.
struct ToldEvent: Sendable {
    var event: Event
    var kind: EventKind
    /// What selectors go by; nil for an event about nothing that has labels, or has them no more.
    var labels: [String: String]?
    var node: Node

    var position: EventPosition { event.position }

    /// The lines of a server-sent event (WHATWG HTML, §9.2).
    var lines: String {
        "id: \(position)\nevent: \(kind.rawValue)\ndata: \(JSONText.string(node))\n\n"
    }
}

/// Whom a listener or a listing wants to hear of.
struct EventFilter: Sendable {
    var query: EventQuery
    var selector: LabelSelector?

    func admits(_ told: ToldEvent) -> Bool {
        guard query.admits(told.event) else { return false }
        if let from = query.from, told.position.at < from { return false }
        if let until = query.until, told.position.at >= until { return false }
        guard let selector else { return true }
        return told.labels.map(selector.admits) ?? false
    }
}

extension ToldEvent {
    /// In a number of reads that does not depend on how many events there are.
    static func telling(
        of events: [Event], from storage: any Storage
    ) async throws(StorageError) -> [ToldEvent] {
        guard !events.isEmpty else { return [] }
        let cast = try await EventCast(of: events, from: storage)
        return events.compactMap { event in
            event.kind.map { kind in
                ToldEvent(
                    event: event, kind: kind, labels: cast.labels(of: event),
                    node: cast.node(of: event, kind))
            }
        }
    }
}

/// Everything that some events are about.
private struct EventCast {
    private var checks: [CheckID: Check]
    private var checksByName: [String: Check]
    private var policies: [PolicyID: Policy]
    private var policiesByName: [String: Policy]
    private var users: [CheckID: [String]]
    private var workers: WorkerNames

    init(of events: [Event], from storage: any Storage) async throws(StorageError) {
        var checkIDs: Set<CheckID> = []
        var policyIDs: Set<PolicyID> = []
        var checkNames: Set<String> = []
        var policyNames: Set<String> = []
        for event in events {
            switch event {
            case .turn(let change): checkIDs.insert(change.check)
            case .route(let policy, _): policyIDs.insert(policy)
            case .deed(let entry):
                guard let kind = event.kind else { continue }
                if kind.checkActions.contains(entry.action) { checkNames.insert(entry.object) }
                if kind.policyActions.contains(entry.action) { policyNames.insert(entry.object) }
            }
        }
        checks = Dictionary(
            uniqueKeysWithValues: checkIDs.isEmpty
                ? [] : try await storage.checks(ids: Array(checkIDs)).map { ($0.id, $0) })
        checksByName = Dictionary(
            uniqueKeysWithValues: checkNames.isEmpty
                ? [] : try await storage.checks(named: Array(checkNames)).map { ($0.spec.name, $0) }
        )
        policies = Dictionary(
            uniqueKeysWithValues: policyIDs.isEmpty
                ? [] : try await storage.policies(ids: Array(policyIDs)).map { ($0.id, $0) })
        policiesByName = Dictionary(
            uniqueKeysWithValues: policyNames.isEmpty
                ? []
                : try await storage.policies(named: Array(policyNames)).map { ($0.spec.name, $0) })
        users = checkIDs.isEmpty ? [:] : try await storage.policyNames(using: Array(checkIDs))
        workers = try await WorkerNames(from: storage)
    }

    func labels(of event: Event) -> [String: String]? {
        switch event {
        case .turn(let change): return checks[change.check]?.spec.labels
        case .route(let policy, _): return policies[policy]?.spec.labels
        case .deed(let entry):
            guard let kind = event.kind else { return nil }
            if kind.checkActions.contains(entry.action) {
                return checksByName[entry.object]?.spec.labels
            }
            guard let policy = policiesByName[entry.object],
                kind.policyActions.contains(entry.action)
            else { return nil }
            let named = kind == .override ? Self.member(of: entry) : nil
            let member = policy.spec.members.first { $0.name == named }
            return member.map(policy.spec.labels) ?? policy.spec.labels
        }
    }

    func node(of event: Event, _ kind: EventKind) -> Node {
        var entries: [Node.Entry?] = [
            .init("id", .text(event.position.description)),
            .init("at", .time(event.position.at)), .init("type", .text(kind.rawValue)),
        ]
        switch event {
        case .turn(let change):
            entries += [
                entry("check", (checks[change.check]?.spec.name).map(Node.text)),
                .init("policies", .names(users[change.check] ?? [])),
                .init("health_change", workers.node(of: change)),
            ]
        case .route(let policy, let route):
            entries += [
                entry("policy", (policies[policy]?.spec.name).map(Node.text)),
                .init("route_change", RouteAnswer.change(route)),
            ]
        case .deed(let audited):
            if kind.checkActions.contains(audited.action) {
                entries.append(.init("check", .text(audited.object)))
            } else if kind.policyActions.contains(audited.action) {
                entries.append(.init("policy", .text(audited.object)))
            }
            if kind == .override {
                entries.append(entry("member", Self.member(of: audited).map(Node.text)))
            }
            entries.append(.init("deed", Self.deed(audited, kind)))
        }
        return .object(entries)
    }

    /// Documents before and after an edit are for the audit log, which may ask for another role.
    private static func deed(_ audited: AuditEntry, _ kind: EventKind) -> Node {
        let isShort =
            switch kind {
            case .override, .freeze, .maintenance, .hold, .settings, .quarantine: true
            case .apply: audited.action == AuditEntry.documentApplied
            case .health, .route, .order, .edit: false
            }
        return .object([
            .init("action", .text(audited.action)), .init("actor", .text(audited.actor)),
            .init("object", .text(audited.object)),
            entry("before", isShort ? audited.before.flatMap(json) : nil),
            entry("after", isShort ? audited.after.flatMap(json) : nil),
            entry("message", audited.message.map(Node.text)),
            entry("document", audited.document.map(Node.text)),
            entry("request_id", audited.requestID.map(Node.text)),
        ])
    }

    private static func member(of audited: AuditEntry) -> String? {
        (audited.after ?? audited.before).flatMap(json)?["member"]?.text
    }

    private static func json(_ text: String) -> Node? {
        // Written by ourselves; what is damaged is left out.
        try? Node.readJSON(text)
    }
}
