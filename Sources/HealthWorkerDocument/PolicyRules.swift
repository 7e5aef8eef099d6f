import HealthWorkerModel

/// What must hold between the keys of a policy, beyond what each of them must be.
struct PolicyRules {
    func apply(to policy: Node, at path: Path, into findings: inout Findings) {
        members(policy, path, &findings)
        tiers(policy, path, &findings)
        enoughHealthy(policy, path, &findings)
        allUnhealthy(policy, path, &findings)
        families(policy, path, &findings)
        publications(policy, path, &findings)
    }

    private func members(_ policy: Node, _ path: Path, _ findings: inout Findings) {
        var names: [String: Position?] = [:]
        var values: [String: Position?] = [:]
        for (index, member) in policy.members.enumerated() {
            let place = path.appending("members").appending(index, named: member["name"]?.text)
            if let name = member["name"], let text = name.text {
                if let first = names[text] {
                    findings.add(
                        "the member \(text) is already written in "
                            + "\(first.shown(beside: name.position)): give one of them another name",
                        at: place.appending("name"), name)
                } else {
                    names[text] = .some(name.position)
                }
            }
            if let value = member["value"], let text = value.text {
                if let first = values[Self.canonical(text)] {
                    findings.add(
                        "\(text) is already a member, in \(first.shown(beside: value.position)): keep "
                            + "one of them",
                        at: place.appending("value"), value)
                } else {
                    values[Self.canonical(text)] = .some(value.position)
                }
            }
        }
    }

    /// One text for all spellings of an address or a name.
    private static func canonical(_ value: String) -> String {
        if let address = IPAddress(value) { return "\(address)" }
        let lower = value.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    private func tiers(_ policy: Node, _ path: Path, _ findings: inout Findings) {
        guard policy["type"]?.text == "failover" else { return }
        var isComplete = true
        for (index, member) in policy.members.enumerated()
        where member.entries != nil && member["priority"] == nil {
            isComplete = false
            findings.add(
                "has no `priority`, which failover needs of every member: add one, lower is preferred",
                at: path.appending("members").appending(index, named: member["name"]?.text), member)
        }
        let priorities = Set(policy.members.compactMap { $0["priority"]?.integer })
        if isComplete, priorities.count == 1, let members = policy["members"] {
            findings.add(
                "one tier only: use detach, or give at least two different priorities",
                at: path.appending("members"), members)
        }
    }

    // A number that no family can reach would leave the policy in `on_all_unhealthy` for ever.
    private func enoughHealthy(_ policy: Node, _ path: Path, _ findings: inout Findings) {
        guard let least = policy["min_healthy"], let number = least.integer, number >= 1 else {
            return
        }
        let members = policy.members
        let isFailover = policy["type"]?.text == "failover"
        var sizes: [String: Int64] = [:]
        for member in members {
            guard let value = member["value"]?.text else { return }
            var group = RecordFamily(of: value).rawValue
            if isFailover, let priority = member["priority"] {
                group += " \(priority.integer ?? 0)"
            }
            sizes[group, default: 0] += 1
        }
        guard let largest = sizes.values.max(), number > largest else { return }
        findings.add(
            isFailover && number <= Int64(members.count)
                ? "no tier has \(number) members of one record type: write at most \(largest)"
                : "\(number) of \(largest == 1 ? "1 member" : "\(largest) members") can never be "
                    + "healthy: write at most \(largest)",
            at: path.appending("min_healthy"), least)
    }

    private func allUnhealthy(_ policy: Node, _ path: Path, _ findings: inout Findings) {
        let choice = policy["on_all_unhealthy"]
        let fallback = policy["fallback"]
        let hasValues = fallback?.elements?.isEmpty == false
        if let choice, choice.text == "primary", let type = policy["type"]?.text, type != "failover"
        {
            findings.add(
                "only failover has a primary tier: write all, last, fallback or empty",
                at: path.appending("on_all_unhealthy"), choice)
        }
        if let choice, choice.text == "fallback", !hasValues {
            findings.add(
                "there is nothing to fall back to: add `fallback: [VALUE]`",
                at: path.appending("on_all_unhealthy"), choice)
        }
        if let fallback, hasValues, choice?.text != "fallback" {
            findings.add(
                "is used with `on_all_unhealthy: fallback` only: write that, or remove the values",
                at: path.appending("fallback"), fallback)
        }
    }

    private func families(_ policy: Node, _ path: Path, _ findings: inout Findings) {
        guard let publications = policy["publish"]?.elements, let first = publications.first else {
            return
        }
        var all: [(family: RecordFamily, node: Node, path: Path)] = []
        for (index, member) in policy.members.enumerated() {
            guard let value = member["value"], let text = value.text else { continue }
            let place = path.appending("members").appending(index, named: member["name"]?.text)
            all.append((RecordFamily(of: text), value, place.appending("value")))
        }
        for (index, value) in (policy["fallback"]?.elements ?? []).enumerated() {
            guard let text = value.text else { continue }
            all.append(
                (RecordFamily(of: text), value, path.appending("fallback").appending(index)))
        }
        guard all.contains(where: { $0.family != .cname }),
            let name = all.first(where: { $0.family == .cname }), let text = name.node.text
        else { return }
        let published = first["name"]?.text ?? "the published name"
        let others = all.contains { [.a, .aaaa].contains($0.family) } ? "addresses" : "texts"
        findings.add(
            "\(text) is a name, to be published as a CNAME, which cannot stand beside the \(others) of "
                + "\(published): write \(others) only, or names only",
            at: name.path, name.node)
    }

    private func publications(_ policy: Node, _ path: Path, _ findings: inout Findings) {
        var seen: [String: Position?] = [:]
        for (index, publication) in (policy["publish"]?.elements ?? []).enumerated() {
            guard let sink = publication["sink"]?.text, let name = publication["name"]?.text else {
                continue
            }
            let key = "\(sink) \(Publication(sink: sink, name: name).name)"
            if let first = seen[key] {
                findings.add(
                    "\(name) at the sink \(sink) is already written in "
                        + "\(first.shown(beside: publication.position)): keep one of them",
                    at: path.appending("publish").appending(index, named: name), publication)
            } else {
                seen[key] = .some(publication.position)
            }
        }
    }
}

extension Node {
    fileprivate var members: [Node] { self["members"]?.elements ?? [] }
}
