package import HealthWorkerModel

/// Who has which name in the documents of one `apply`.
struct Names {
    private struct Owner {
        var policy: String?
        var position: Position?
    }

    private struct Rename {
        var old: String
        var position: Position?
        var path: Path
    }

    private struct Publisher {
        var policy: String
        var families: Set<RecordFamily>
        var position: Position?
    }

    private struct Place: Hashable {
        var sink: String
        var name: String
    }

    private var checks: [String: Owner] = [:]
    private var policies: [String: Owner] = [:]
    private var checkRenames: [Rename] = []
    private var policyRenames: [Rename] = []
    private var publishers: [Place: [Publisher]] = [:]

    mutating func takeCheck(_ node: Node, at path: Path, into findings: inout Findings) {
        Self.take(node, at: path, from: &checks, kind: "check", into: &findings)
        if let rename = Self.rename(node, at: path) { checkRenames.append(rename) }
    }

    mutating func takePolicy(_ node: Node, at path: Path, into findings: inout Findings) {
        Self.take(node, at: path, from: &policies, kind: "policy", into: &findings)
        if let rename = Self.rename(node, at: path) { policyRenames.append(rename) }
    }

    private static func take(
        _ node: Node, at path: Path, from owners: inout [String: Owner], kind: String,
        into findings: inout Findings
    ) {
        guard let name = node["name"], let text = name.text else { return }
        if let owner = owners[text] {
            findings.add(
                "the \(kind) \(text) is already written in "
                    + "\(owner.position.shown(beside: name.position)): give one of them another name",
                at: path.appending("name"), name)
        } else {
            owners[text] = Owner(policy: nil, position: name.position)
        }
    }

    private static func rename(_ node: Node, at path: Path) -> Rename? {
        guard let old = node["renamed_from"], let text = old.text,
            text != node["name"]?.text
        else { return nil }
        return Rename(old: text, position: old.position, path: path.appending("renamed_from"))
    }

    /// An old name that somebody else has now, or that two claim.
    func checkRenames(into findings: inout Findings) {
        for (renames, owners) in [(checkRenames, checks), (policyRenames, policies)] {
            var claims: [String: Position?] = [:]
            for rename in renames {
                if let owner = owners[rename.old] {
                    findings.add(
                        Problem(
                            "\(rename.old) is itself written in "
                                + "\(owner.position.shown(beside: rename.position)), so it was not "
                                + "renamed: remove this key, or that object",
                            at: rename.path, position: rename.position))
                }
                if let first = claims[rename.old] {
                    findings.add(
                        Problem(
                            "\(rename.old) was already renamed in "
                                + "\(first.shown(beside: rename.position)): only one can be it",
                            at: rename.path, position: rename.position))
                } else {
                    claims[rename.old] = .some(rename.position)
                }
            }
        }
    }

    mutating func takeMade(_ made: [CompiledCheck], into findings: inout Findings) {
        for check in made {
            let name = check.spec.name
            if let owner = checks[name] {
                let whose = owner.policy.map { "made by the policy \($0)" } ?? "written"
                findings.add(
                    Problem(
                        "`member_check` makes a check called \(name) for this member, and one is "
                            + "already \(whose) in \(owner.position.shown(beside: check.position)): "
                            + "rename either, or name the check at the member",
                        at: check.path, position: check.position))
            } else {
                checks[name] = Owner(policy: check.madeBy, position: check.position)
            }
        }
    }

    mutating func takePublications(of policy: CompiledPolicy, into findings: inout Findings) {
        let families = policy.spec.families
        for (index, publication) in policy.spec.publish.enumerated() {
            let place = Place(sink: publication.sink, name: publication.name)
            let publisher = Publisher(
                policy: policy.spec.name, families: families, position: policy.position)
            var isTaken = false
            for other in publishers[place] ?? [] where other.policy != publisher.policy {
                if let sentence = families.conflict(
                    with: other.families, at: publication, policy: other.policy,
                    place: other.position.shown(beside: policy.position))
                {
                    isTaken = true
                    findings.add(
                        Problem(
                            sentence, at: policy.path.appending("publish").appending(index),
                            position: policy.position))
                }
            }
            // Who lost the place is told so, and stands in nobody's way: else a name that is in the
            // defaults of a thousand policies would be a problem for each two of them.
            if !isTaken, publishers[place]?.last?.policy != publisher.policy {
                publishers[place, default: []].append(publisher)
            }
        }
    }
}

extension PolicySpec {
    /// The record types that it may publish.
    package var families: Set<RecordFamily> {
        Set(members.map(\.family) + fallback.map { RecordFamily(of: $0) })
    }
}

extension Set<RecordFamily> {
    /// Why two policies cannot both publish at one place; nil where they can.
    func conflict(
        with other: Self, at publication: Publication, policy: String, place: String?
    ) -> String? {
        let where_ = place.map { " (\($0))" } ?? ""
        if let shared = intersection(other).min() {
            return
                "\(publication.name) at the sink \(publication.sink) gets its \(shared.rawValue) "
                + "records from the policy \(policy)\(where_): one name and type has one policy"
        }
        if contains(.cname) || other.contains(.cname) {
            return "\(publication.name) at the sink \(publication.sink) is also published by the "
                + "policy \(policy)\(where_), and a CNAME cannot stand beside other records: use "
                + "another name"
        }
        return nil
    }
}
