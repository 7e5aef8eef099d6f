import HealthWorkerModel

extension Schema {
    /// A value that is valid by this schema, to be shown: its examples where it has them, and of an
    /// object what must be there and what has an example. Nil where none can be made up.
    ///
    /// - Parameter name: What stands for a text that has neither format nor example.
    package func specimen(
        in components: [String: Schema], named name: String = "text", inside: Set<String> = []
    ) -> Node? {
        if let told = example ?? standard { return Node(json: told) }
        switch shape {
        case .object(let properties):
            var entries: [Node.Entry] = []
            for property in properties {
                let isShown = property.schema.example != nil && !property.schema.isDeprecated
                guard property.isRequired || isShown else { continue }
                let value = property.schema.specimen(
                    in: components, named: property.name, inside: inside)
                if let value {
                    entries.append(Node.Entry(key: property.name, value: value))
                } else if property.isRequired {
                    return nil
                }
            }
            return Node(.object(entries))
        case .map: return Node(.object([]))
        case .list(let element, let count, _):
            let one = element.specimen(in: components, named: name, inside: inside)
            return Node(.array(count.contains(1) ? [one].compactMap(\.self) : []))
        case .text(let format, let length):
            let isFree = format == nil && length.contains(name.utf8.count)
            return isFree ? Node(.string(name)) : nil
        case .choice(let words): return words.first.map { Node(.string($0)) }
        case .integer(let range):
            return Node(.integer(range.contains(1) ? 1 : range.lowerBound))
        case .number(let range):
            return Node(.number(range.contains(0.25) ? 0.25 : range.lowerBound))
        case .boolean: return Node(.bool(false))
        case .constant(let value): return Node(json: value)
        case .anyOf(let schemas), .oneOf(let schemas):
            return schemas.lazy.compactMap {
                $0.specimen(in: components, named: name, inside: inside)
            }.first
        case .anything: return Node(.object([]))
        case .reference(let component):
            // What contains itself is shown once.
            guard !inside.contains(component) else { return nil }
            return components[component]?.specimen(
                in: components, named: name, inside: inside.union([component]))
        }
    }
}
