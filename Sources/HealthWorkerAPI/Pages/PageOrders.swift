import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerPages
import HealthWorkerStorage
import HealthWorkerTelling

/// What can be done from the page: each order has a page that says what it does and asks whether it is
/// meant, and is carried out by the API's own operation.
struct PageOrders: Sendable {
    let questions: Questions

    /// One order to one object.
    struct Order: Sendable {
        var role: KeyRole
        /// Where it was given from.
        var back: String
        var title: String
        var consequences: [String]
        var fields: [OrderPage.Field] = []
        var word: String
        var isDangerous = false
        var carryOut: @Sendable (PageForm, Looker) async throws -> Done

        func page(_ visit: Visit) -> OrderPage {
            OrderPage(
                visit: visit, title: title, consequences: consequences, fields: fields,
                word: word, isDangerous: isDangerous, back: back)
        }

        /// Asks once more, with all that was written: who mends what was refused, and sends the rest as it
        /// stands there, must not give another order than the one that was meant.
        func page(_ visit: Visit, refused form: PageForm, _ problem: String) -> OrderPage {
            var page = page(visit)
            page.fields = fields.map { field in field.holding { form[$0] } }
            page.problem = problem
            return page
        }
    }

    private enum Kind: String, CaseIterable {
        case override = "/policies/{name}/override"
        case freeze = "/policies/{name}/freeze"
        case thaw = "/policies/{name}/thaw"
        case failback = "/policies/{name}/failback"
        case reattach = "/policies/{name}/reattach"
        case clear = "/overrides/{id}/clear"
        case probe = "/checks/{name}/probe"
        case pause = "/checks/{name}/pause"
        case enable = "/checks/{name}/enable"
    }

    static let paths = Kind.allCases.map(\.rawValue)

    /// - Parameter path: one of ``paths``; what it names is in the looker's request.
    /// - Throws: 403 where the looker's role does not allow it, 404 where there is no such object.
    func order(at path: String, _ looker: Looker) async throws -> Order {
        guard let kind = Kind(rawValue: path) else {
            preconditionFailure("\(path) is no order")
        }
        let order =
            switch kind {
            case .override: try await override(looker)
            case .freeze: try await freeze(looker)
            case .thaw: try await thaw(looker)
            case .failback: try await failback(looker)
            case .reattach: try await reattach(looker)
            case .clear: try await clear(looker)
            case .probe: try await probe(looker)
            case .pause: try await enable(false, looker)
            case .enable: try await enable(true, looker)
            }
        try looker.caller.need(order.role)
        return order
    }

    // MARK: - To policies

    private func override(_ looker: Looker) async throws -> Order {
        let name = looker.named
        let policy = try await questions.ask("getPolicy", ["name": name], by: looker)
        let members = (policy["members"]?.elements ?? []).compactMap { $0["name"]?.text }
        let chosen = looker.asked("member") ?? (members.count == 1 ? members[0] : "")
        let published = policy["observed"]?["route"].map(RouteText.values) ?? "nothing"
        return Order(
            role: .operate, back: Link.policy(name), title: "Override a member of \(name)",
            consequences: [
                "Published now: \(published).",
                "Your word counts for this member, whatever is measured, until it ends or somebody "
                    + "clears it. What is published follows at once. It replaces what was said of "
                    + "the same member before.",
            ],
            fields: [
                .selection(
                    "member", "Member", members.map { (value: $0, name: $0) }, chosen: chosen),
                .choice(
                    "word", "Word",
                    [
                        (value: "drain", name: "drain", hint: "not published any more"),
                        (value: "down", name: "down", hint: "unhealthy: out at once"),
                        (value: "up", name: "up", hint: "healthy, whatever is measured"),
                    ], chosen: "drain"),
                Self.end, Self.reason,
                .tick(
                    "break_glass", "Break glass:",
                    hint: "even if nothing healthy of its family is left"),
            ], word: "Set the override", isDangerous: true
        ) { [questions] form, looker in
            _ = try await questions.ask(
                "setOverride",
                body: .object(
                    [
                        .init("policy", .text(name)),
                        .init("member", .text(form["member"] ?? "")),
                        .init("word", .text(form["word"] ?? "")),
                        .init("reason", .text(form["reason"] ?? "")),
                        form["break_glass"].map { _ in .init("break_glass", .flag(true)) },
                        Self.ends(form),
                    ]), by: looker)
            return .override
        }
    }

    private func freeze(_ looker: Looker) async throws -> Order {
        let name = looker.named
        let present = try await presentFreeze(looker)
        return Order(
            role: .operate, back: Link.policy(name), title: "Freeze \(name)",
            consequences: [
                "What is published stays, whatever is measured. Overrides, edits and a failback "
                    + "by hand go on to work.",
                present.map { "It takes the place of another: \($0)" },
            ].compactMap(\.self), fields: [Self.end, Self.reason], word: "Freeze", isDangerous: true
        ) { [questions] form, looker in
            _ = try await questions.ask(
                "freezePolicy", ["name": name],
                body: .object([.init("reason", .text(form["reason"] ?? "")), Self.ends(form)]),
                by: looker)
            return .frozen
        }
    }

    private func thaw(_ looker: Looker) async throws -> Order {
        let name = looker.named
        let present = try await presentFreeze(looker)
        return Order(
            role: .operate, back: Link.policy(name), title: "Thaw \(name)",
            consequences: [
                present ?? "It is not frozen: there is nothing to thaw.",
                "Measured health decides again, and at once.",
            ], fields: [Self.message], word: "Thaw"
        ) { [questions] form, looker in
            _ = try await questions.ask(
                "thawPolicy", ["name": name], query: [("message", form["message"])], by: looker)
            return .thawed
        }
    }

    /// Who froze the policy, until when and why; nil: nobody.
    private func presentFreeze(_ looker: Looker) async throws -> String? {
        let evaluation = try await questions.ask(
            "getEvaluation", ["name": looker.named], by: looker)
        return evaluation["freeze"].map { freeze in
            "Frozen by \(freeze["actor"]?.shown ?? "?") \(OverrideText.end(of: freeze)): "
                + (freeze["reason"]?.shown ?? "")
        }
    }

    private func failback(_ looker: Looker) async throws -> Order {
        let name = looker.named
        let policy = try await questions.ask("getPolicy", ["name": name], by: looker)
        let published = policy["observed"]?["route"].map(RouteText.values) ?? "nothing"
        return Order(
            role: .operate, back: Link.policy(name), title: "Fail \(name) back now",
            consequences: [
                "Published now: \(published).",
                "The best healthy tier is published at once, without waiting for failback_delay.",
            ], fields: [Self.message], word: "Fail back", isDangerous: true
        ) { [questions] form, looker in
            _ = try await questions.ask(
                "failBack", ["name": name], query: [("message", form["message"])], by: looker)
            return .failback
        }
    }

    private func reattach(_ looker: Looker) async throws -> Order {
        let name = looker.named
        let evaluation = try await questions.ask("getEvaluation", ["name": name], by: looker)
        let waiting = (evaluation["members"]?.elements ?? []).filter { member in
            let reason = member["reason"]?.text.flatMap(VerdictReason.init)
            return reason == .reattachDelay || reason == .reattachByHand
        }.compactMap { $0["name"]?.text }
        return Order(
            role: .operate, back: Link.policy(name), title: "Take members of \(name) back",
            consequences: [
                "Healthy members that wait for reattach_delay or for you are published now."
            ],
            fields: [
                .selection(
                    "member", "Member",
                    [(value: Self.every, name: "every member that waits")]
                        + waiting.map { (value: $0, name: $0) }, chosen: Self.every), Self.message,
            ], word: "Take back"
        ) { [questions] form, looker in
            // All of them are meant where that is said, and not where nothing is.
            let member = form["member"] ?? ""
            let body = Node.object([.init("members", .names([member]))])
            _ = try await questions.ask(
                "reattach", ["name": name], query: [("message", form["message"])],
                body: member == Self.every ? nil : body, by: looker)
            return .reattached
        }
    }

    private func clear(_ looker: Looker) async throws -> Order {
        let id = looker.parameter("id")
        var cursor: String?
        var found: JSONValue?
        repeat {
            let page = try await questions.ask(
                "listOverrides", query: [("limit", "500"), ("cursor", cursor)], by: looker)
            found = page["items"]?.elements.first { $0["id"]?.text == id }
            cursor = page["next_cursor"]?.text
        } while found == nil && cursor != nil
        guard let override = found else {
            throw ProblemDetails(.notFound, "This override holds no more.")
        }
        let policy = override["policy"]?.text ?? ""
        return Order(
            role: .operate, back: Link.policy(policy),
            title: "Clear the override of \(override["member"]?.shown ?? "?")",
            consequences: [
                "It says: \(OverrideText.line(of: override)).",
                "Measured health counts for the member again, and at once.",
            ], fields: [Self.message], word: "Clear it"
        ) { [questions] form, looker in
            _ = try await questions.ask(
                "clearOverride", ["id": id], query: [("message", form["message"])], by: looker)
            return .cleared
        }
    }

    // MARK: - To checks

    private func probe(_ looker: Looker) async throws -> Order {
        let name = looker.named
        _ = try await questions.ask("getCheck", ["name": name], by: looker)
        return Order(
            role: .operate, back: Link.check(name), title: "Probe \(name) now",
            consequences: ["A worker probes it at once, and the outcome counts as any other."],
            word: "Probe now"
        ) { [questions] _, looker in
            let answer = try await questions.ask(
                "probeCheck", ["name": name], query: [("wait", "10s")], by: looker)
            if answer["found"] != nil { return .probed }
            if answer["outcome"] != nil { return .unprobed }
            return answer["job"] == nil ? .unseen : .asked
        }
    }

    private func enable(_ isEnabled: Bool, _ looker: Looker) async throws -> Order {
        let name = looker.named
        let check = try await questions.ask("getCheck", ["name": name], by: looker)
        let users = check["observed"]?["policies"]?.words ?? []
        return Order(
            role: .write, back: Link.check(name),
            title: isEnabled ? "Enable \(name)" : "Pause \(name)",
            consequences: [
                isEnabled
                    ? "It is probed again, and at once."
                    : "Nothing is probed. Policies that use it keep its last health, and flag it.",
                "Used by: \(users.isEmpty ? "no policy" : users.joined(separator: ", ")).",
            ], fields: [Self.message], word: isEnabled ? "Enable" : "Pause",
            isDangerous: !isEnabled
        ) { [questions] form, looker in
            _ = try await questions.ask(
                "patchCheck", ["name": name], query: [("message", form["message"])],
                body: .object([.init("enabled", .flag(isEnabled))]), by: looker)
            return isEnabled ? .enabled : .paused
        }
    }

    // MARK: - What orders have in common

    private static let permanent = "permanent"
    /// No name of a member.
    private static let every = "*"

    private static let end = OrderPage.Field.selection(
        "end", "Ends",
        [
            (value: "15m", name: "in 15 minutes"), (value: "1h", name: "in 1 hour"),
            (value: "2h", name: "in 2 hours"), (value: "8h", name: "in 8 hours"),
            (value: "24h", name: "in a day"), (value: "168h", name: "in a week"),
            (value: permanent, name: "when somebody ends it"),
        ], chosen: "1h")

    private static func ends(_ form: PageForm) -> Node.Entry? {
        guard let end = form["end"] else { return nil }
        return end == permanent
            ? .init("permanent", .flag(true)) : .init("for", .text(end))
    }

    private static let reason = OrderPage.Field.text(
        "reason", "Reason", hint: "For everybody who wonders, and for the audit log.",
        isRequired: true, value: "")
    private static let message = OrderPage.Field.text(
        "message", "Why", hint: "For the audit log; may be left empty.", isRequired: false,
        value: "")
}
