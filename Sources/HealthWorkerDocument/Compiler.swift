package import HealthWorkerModel

/// Makes documents, and single objects of the API, into what is stored.
///
/// All problems are found at once: a document that is refused has been read to its end.
package struct Compiler: Sendable {
    private let isValidPattern: @Sendable (String) -> String?

    /// `isValidPattern` answers nil for a regular expression that the probers can run, else what is
    /// wrong with it, to follow "is no regular expression: ".
    package init(isValidPattern: @escaping @Sendable (String) -> String?) {
        self.isValidPattern = isValidPattern
    }

    /// The document that several files are together.
    package func compile(_ texts: [DocumentText]) throws(Problems) -> CompiledDocument {
        var compilation = Compilation(isValidPattern: isValidPattern)
        var nodes: [Node] = []
        for text in texts {
            do {
                nodes.append(try text.read())
            } catch {
                compilation.findings.add(error.list)
            }
        }
        let document = compilation.document(of: nodes)
        guard compilation.findings.isEmpty else {
            throw Problems(compilation.findings.sorted(files: texts.map(\.file)))
        }
        return document
    }

    package func compile(documents: [Node]) throws(Problems) -> CompiledDocument {
        var compilation = Compilation(isValidPattern: isValidPattern)
        let document = compilation.document(of: documents)
        guard compilation.findings.isEmpty else {
            throw Problems(compilation.findings.sorted(files: documents.map { $0.position?.file }))
        }
        return document
    }

    /// One check. With `name` the object may leave its own out, and may not have another one.
    package func compile(check: Node, named name: String? = nil) throws(Problems) -> CompiledCheck {
        var compilation = Compilation(isValidPattern: isValidPattern)
        let named = compilation.named(name, check)
        let compiled = compilation.check(named, at: .root, defaults: nil)
        guard compilation.findings.isEmpty, let compiled else {
            throw Problems(compilation.findings.list)
        }
        return compiled
    }

    /// One policy. With `name` the object may leave its own out, and may not have another one.
    package func compile(policy: Node, named name: String? = nil) throws(Problems) -> CompiledPolicy
    {
        var compilation = Compilation(isValidPattern: isValidPattern)
        let named = compilation.named(name, policy)
        let compiled = compilation.policy(named, at: .root, defaults: Defaults())
        guard compilation.findings.isEmpty, let compiled else {
            throw Problems(compilation.findings.list)
        }
        return compiled
    }
}

/// What a file lays under its objects.
struct Defaults {
    var checks: Node?
    var policies: Node?
}

/// One run of the compiler: what it found on its way.
struct Compilation {
    let isValidPattern: @Sendable (String) -> String?
    var findings = Findings()
    /// False while defaults are wrong: what they are laid under is looked at, and not decoded.
    private var isDecoding = true

    init(isValidPattern: @escaping @Sendable (String) -> String?) {
        self.isValidPattern = isValidPattern
    }

    mutating func named(_ name: String?, _ node: Node) -> Node {
        guard let name, node.entries != nil else { return node }
        if let own = node["name"] {
            if let text = own.text, text != name {
                findings.add(
                    "\(text.shown) is not the name in the path, which is \(name.shown): write the same, "
                        + "or use rename",
                    at: Path().appending("name"), own)
            }
            return node
        }
        var named = node
        named.set("name", to: Node(.string(name), position: node.position))
        return named
    }

    // MARK: One check

    mutating func check(_ node: Node, at path: Path, defaults: Node?) -> CompiledCheck? {
        let before = findings.list.count
        let own = expandingThreshold(node, at: path)
        var merged = own
        if let defaults { merged = own.merged(over: fitting(defaults, to: own)) }
        findings.add(Schema.check.problems(in: merged, at: path))
        CheckRules(isValidPattern: isValidPattern).apply(to: merged, at: path, into: &findings)
        let renamedFrom = renamed(merged, at: path)
        guard findings.list.count == before,
            let spec = checkSpec(merged, at: path)
        else { return nil }
        return CompiledCheck(
            spec: spec, renamedFrom: renamedFrom, references: dependencies(of: merged, at: path),
            path: path, position: node.position)
    }

    private func dependencies(of check: Node, at path: Path) -> [CheckReference] {
        (check["depends_on"]?.elements ?? []).enumerated().compactMap { index, node in
            node.text.map {
                CheckReference(
                    check: $0, path: path.appending("depends_on").appending(index),
                    position: node.position)
            }
        }
    }

    /// Decodes what the schema has found to be valid.
    private mutating func checkSpec(_ node: Node, at path: Path) -> CheckSpec? {
        let spec: CheckSpec? = decode(node, at: path)
        return spec?.normal
    }

    private mutating func decode<Value: Decodable>(_ node: Node, at path: Path) -> Value? {
        guard isDecoding else { return nil }
        do {
            return try node.json(withoutNulls: true).decode(as: Value.self)
        } catch {
            // The schema promises that this cannot happen; if it does, the object is refused.
            findings.add("cannot be read: \(error)", at: path, node)
            return nil
        }
    }

    /// `threshold: 3` is written for `fall: 3` and `rise: 3`.
    private mutating func expandingThreshold(_ node: Node, at path: Path) -> Node {
        guard let threshold = node["threshold"], let number = threshold.integer,
            (1...100).contains(number)
        else { return node }
        for key in ["fall", "rise"] where node[key] != nil {
            findings.add(
                "`threshold` sets `fall` and `rise`, and `\(key)` is written as well: write either",
                at: path.appending("threshold"), threshold)
        }
        var expanded = node
        expanded.set("fall", to: threshold)
        expanded.set("rise", to: threshold)
        expanded.remove(["threshold"])
        return expanded
    }

    /// `defaults` without what a check of this type does not have.
    private func fitting(_ defaults: Node, to check: Node) -> Node {
        var fitting = defaults
        var expect = defaults["expect"]
        let type = (check["type"] ?? defaults["type"])?.text
        guard let kind = CheckKind.all.first(where: { $0.type.rawValue == type }) else {
            return fitting
        }
        for part in CheckKind.Part.allCases where !kind.parts.contains(part) {
            fitting.remove([part.rawValue])
            expect?.remove(Set(part.expectations))
        }
        // A tcp check speaks TLS where it says so itself.
        if kind.type == .tcp, check["tls"] == nil { fitting.remove(["tls"]) }
        if let expect { fitting.set("expect", to: expect) }
        return fitting
    }

    private mutating func renamed(_ node: Node, at path: Path) -> String? {
        guard let renamedFrom = node["renamed_from"], let old = renamedFrom.text else { return nil }
        if old == node["name"]?.text {
            findings.add(
                "is the name that it has now: write the name of before, or remove the key",
                at: path.appending("renamed_from"), renamedFrom)
        }
        return old
    }

    // MARK: One policy

    mutating func policy(_ node: Node, at path: Path, defaults: Defaults) -> CompiledPolicy? {
        let before = findings.list.count
        var merged = node
        if let base = defaults.policies { merged = node.merged(over: base) }
        if var memberCheck = merged["member_check"], memberCheck.entries != nil {
            memberCheck = self.memberCheck(
                memberCheck, defaults: defaults.checks, at: path.appending("member_check"))
            merged.set("member_check", to: memberCheck)
        }
        findings.add(Schema.policy.problems(in: merged, at: path))
        PolicyRules().apply(to: merged, at: path, into: &findings)
        let renamedFrom = renamed(merged, at: path)
        let checks = madeChecks(of: merged, renamedFrom: renamedFrom, at: path, since: before)
        guard findings.list.count == before, let spec: PolicySpec = decode(merged, at: path) else {
            return nil
        }
        return CompiledPolicy(
            spec: spec, renamedFrom: renamedFrom, checks: checks,
            references: references(of: merged, isMaking: !checks.isEmpty, at: path), path: path,
            position: node.position)
    }

    private mutating func memberCheck(_ written: Node, defaults: Node?, at path: Path) -> Node {
        var node = expandingThreshold(written, at: path)
        if let name = node["name"] {
            findings.add(
                "cannot be set: the check of a member is called POLICY.MEMBER; remove it",
                at: path.appending("name"), name)
        }
        if var target = node["target"], let host = target["host"] {
            findings.add(
                "cannot be set: what is probed is the value of the member; remove it, or name a check "
                    + "at the member",
                at: path.appending("target").appending("host"), host)
            target.remove(["host"])
            node.set("target", to: target)
        }
        node.remove(["name", "observed"])
        if var base = defaults.map({ fitting($0, to: node) }) {
            if var target = base["target"] {
                target.remove(["host"])
                base.set("target", to: target)
            }
            node = node.merged(over: base)
        }
        return node
    }

    private mutating func madeChecks(
        of policy: Node, renamedFrom: String?, at path: Path, since before: Int
    ) -> [CompiledCheck] {
        guard let memberCheck = policy["member_check"], memberCheck.entries != nil,
            let name = policy["name"]?.text, let members = policy["members"]?.elements
        else { return [] }
        let place = path.appending("member_check")
        var checks: [CompiledCheck] = []
        for (index, member) in members.enumerated() where member["check"] == nil {
            guard let memberName = member["name"]?.text, let value = member["value"]?.text else {
                continue
            }
            let checkName = "\(name).\(memberName)"
            if checkName.utf8.count > 128 {
                findings.add(
                    "its check would be called \(checkName.shown), which has more than 128 characters: "
                        + "write a shorter name",
                    at: path.appending("members").appending(index, named: memberName)
                        .appending("name"), member["name"])
            }
            var node = memberCheck
            node.set("name", to: Node(.string(checkName), position: member.position))
            var target = node["target"] ?? Node(.object([]), position: memberCheck.position)
            target.set("host", to: Node(.string(value), position: member["value"]?.position))
            node.set("target", to: target)
            let labels = [policy["labels"], member["labels"]].compactMap { $0 }
                .filter { $0.entries != nil }
            for base in labels.reversed() {
                node.set("labels", to: (node["labels"] ?? Node(.object([]))).merged(over: base))
            }
            CheckRules(isValidPattern: isValidPattern).apply(to: node, at: place, into: &findings)
            // What the policy's own schema says is not said again for each member.
            if findings.list.count == before {
                findings.add(Schema.check.problems(in: node, at: place))
            }
            guard findings.list.count == before, let spec = checkSpec(node, at: place) else {
                continue
            }
            checks.append(
                CompiledCheck(
                    spec: spec, renamedFrom: renamedFrom.map { "\($0).\(memberName)" },
                    madeBy: name,
                    path: path.appending("members").appending(index, named: memberName),
                    position: member.position))
        }
        return checks
    }

    private func references(
        of policy: Node, isMaking: Bool, at path: Path
    ) -> [CheckReference] {
        let made =
            isMaking
            ? policy["member_check"].map {
                dependencies(of: $0, at: path.appending("member_check"))
            } : nil
        let members: [CheckReference] = (policy["members"]?.elements ?? []).enumerated().compactMap
        {
            index, member in
            guard let check = member["check"], let checkName = check.text,
                let memberName = member["name"]?.text
            else { return nil }
            return CheckReference(
                check: checkName,
                path: path.appending("members").appending(index, named: memberName)
                    .appending("check"),
                position: check.position)
        }
        return members + (made ?? [])
    }

    // MARK: Whole documents

    mutating func document(of nodes: [Node]) -> CompiledDocument {
        var names = Names()
        var document = CompiledDocument()
        var set: Node?
        for node in nodes {
            let before = findings.list.count
            frame(node)
            let defaults = self.defaults(of: node)
            isDecoding = findings.list.count == before
            if let own = node["set"], let text = own.text {
                if let first = set, first.text != text {
                    findings.add(
                        "the set is \(text.shown) here and \((first.text ?? "").shown) in "
                            + "\(first.position.shown(beside: own.position)): apply one set at a time",
                        at: Path().appending("set"), own)
                } else {
                    set = own
                }
            }
            for (index, check) in (node["checks"]?.elements ?? []).enumerated() {
                let path = Path().appending("checks").appending(index, named: check["name"]?.text)
                names.takeCheck(check, at: path, into: &findings)
                if let compiled = self.check(check, at: path, defaults: defaults.checks) {
                    document.checks.append(compiled)
                }
            }
            for (index, policy) in (node["policies"]?.elements ?? []).enumerated() {
                let path = Path().appending("policies").appending(
                    index, named: policy["name"]?.text)
                names.takePolicy(policy, at: path, into: &findings)
                if let compiled = self.policy(policy, at: path, defaults: defaults) {
                    document.policies.append(compiled)
                }
            }
        }
        document.set = set?.text
        names.checkRenames(into: &findings)
        for policy in document.policies {
            names.takeMade(policy.checks, into: &findings)
            names.takePublications(of: policy, into: &findings)
        }
        document.checks += document.policies.flatMap(\.checks)
        let known = Set(document.checks.map(\.spec.name))
        document.references =
            (document.checks.flatMap(\.references) + document.policies.flatMap(\.references))
            .filter { !known.contains($0.check) }
        refuseCircles(among: document.checks)
        return document
    }

    /// Circles that lead through stored checks are refused where those are known.
    private mutating func refuseCircles(among checks: [CompiledCheck]) {
        let dependent = checks.filter { !$0.spec.dependsOn.isEmpty }
        let byName = Dictionary(
            dependent.map { ($0.spec.name, $0) }, uniquingKeysWith: { first, _ in first })
        for circle in Dependencies.circles(in: byName.mapValues(\.spec.dependsOn))
        where circle.count > 1 {
            guard let check = byName[circle[0]] else { continue }
            let reference = check.references.first { $0.check == circle[1] }
            let list = (circle + [circle[0]]).joined(separator: " → ")
            findings.add(
                Problem(
                    "checks depend on each other in a circle, \(list): take one of these out of "
                        + "`depends_on`",
                    at: reference?.path ?? check.path,
                    position: reference?.position ?? check.position))
        }
    }

    /// The keys of the file itself; the objects in it are looked at once defaults are under them.
    private mutating func frame(_ node: Node) {
        guard node.entries != nil else {
            findings.add(
                "must be a map with `format: 1`, `checks` and `policies`, and is \(node.shown)",
                at: .root, node)
            return
        }
        var frame = Schema.document
            .with(Schema.Property("checks", .list(of: .anything, count: 0...1_000_000)))
            .with(Schema.Property("policies", .list(of: .anything, count: 0...1_000_000)))
        if let format = node["format"], let number = format.integer, number != 1 {
            findings.add(
                "format \(number) is unknown to this version, which knows 1: write `format: 1`, or use "
                    + "a newer health-worker",
                at: Path().appending("format"), format)
            frame = frame.with(Schema.Property("format", .anything))
        }
        findings.add(frame.problems(in: node))
    }

    private mutating func defaults(of node: Node) -> Defaults {
        guard let written = node["defaults"] else { return Defaults() }
        let path = Path().appending("defaults")
        var defaults = Defaults()
        if let checks = written["checks"], checks.entries != nil {
            defaults.checks = expandingThreshold(checks, at: path.appending("checks"))
                .markedAsDefault()
        }
        if var policies = written["policies"], policies.entries != nil {
            if let memberCheck = policies["member_check"] {
                policies.set(
                    "member_check",
                    to: expandingThreshold(
                        memberCheck, at: path.appending("policies").appending("member_check")))
            }
            // An unusable map was reported with the file's own keys.
            defaults.policies = policies.markedAsDefault()
        }
        return defaults
    }
}

extension Position? {
    /// `line 4`, or `other.yaml:4` where the reader looks at another file.
    func shown(beside other: Position?) -> String {
        guard let self else { return "another place" }
        guard let file = self.file, file != other?.file else { return "line \(self.line)" }
        return "\(file):\(self.line)"
    }
}

extension CheckSpec {
    /// The one form of equal checks: an empty block says what no block says.
    package var normal: CheckSpec {
        var normal = self
        if http == HTTPRequest() { normal.http = nil }
        if tcp == TCPExchange() { normal.tcp = nil }
        // A tcp check speaks TLS because the block is there.
        if type == .https, tls == TLSOptions() { normal.tls = nil }
        return normal
    }
}
