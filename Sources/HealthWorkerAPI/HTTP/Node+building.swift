import HealthWorkerDocument
import HealthWorkerModel

// What answers are made of, in few words.

extension Node.Entry {
    init(_ key: String, _ value: Node.Value) {
        self.init(key: key, value: Node(value))
    }

    init(_ key: String, _ node: Node) {
        self.init(key: key, value: node)
    }
}

extension Node {
    static func object(_ entries: [Entry?]) -> Node {
        Node(.object(entries.compactMap(\.self)))
    }

    static func list(_ elements: [Node]) -> Node {
        Node(.array(elements))
    }

    static func text(_ text: String) -> Node {
        Node(.string(text))
    }

    static func time(_ moment: Timestamp) -> Node {
        Node(.string(moment.description))
    }

    static func number(_ number: some BinaryInteger) -> Node {
        Node(.integer(Int64(number)))
    }

    static func flag(_ flag: Bool) -> Node {
        Node(.bool(flag))
    }

    static func names(_ names: [String]) -> Node {
        Node(.array(names.map { Node(.string($0)) }))
    }

    /// What a value of the model encodes, members in the order in which it encodes them.
    static func encoding(_ value: some Encodable) -> Node {
        NodeEncoder.node(of: value)
    }

    func with(_ entries: [Entry?]) -> Node {
        Node(.object((self.entries ?? []) + entries.compactMap(\.self)))
    }
}

/// An entry that is left out where there is nothing to say.
func entry(_ key: String, _ node: Node?) -> Node.Entry? {
    node.map { Node.Entry(key, $0) }
}
