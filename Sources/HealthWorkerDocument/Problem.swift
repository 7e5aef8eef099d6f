/// Where in a file something was written, counted from 1.
package struct Position: Hashable, Sendable {
    package var file: String?
    package var line: Int
    package var column: Int

    package init(file: String? = nil, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// The way from the top of a document to one of its values.
package struct Path: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case key(String)
        /// An element of a list, with the name it has where it has one.
        case element(Int, name: String?)
    }

    package var steps: [Step]

    package init(_ steps: [Step] = []) {
        self.steps = steps
    }

    package static let root = Path()

    package func appending(_ key: String) -> Path {
        Path(steps + [.key(key)])
    }

    package func appending(_ index: Int, named name: String? = nil) -> Path {
        Path(steps + [.element(index, name: name)])
    }

    /// RFC 6901 §3.
    package var pointer: String {
        steps.map { step in
            switch step {
            case .key(let key):
                "/" + String(key.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) })
            case .element(let index, _):
                "/\(index)"
            }
        }.joined()
    }
}

extension Path: CustomStringConvertible {
    /// For people: `checks[shop-login].http.path`.
    package var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .element(let index, let name): text += "[\(name ?? String(index))]"
            }
        }
        return text
    }
}

/// One thing that is wrong with a document, said so that it can be mended.
///
/// The message never contains the value of a header or a body.
package struct Problem: Error, Hashable, Sendable {
    package var position: Position?
    package var path: Path
    package var message: String
    /// What was probably meant by something misspelt.
    package var suggestion: String?

    package init(
        _ message: String, at path: Path = .root, position: Position? = nil,
        suggestion: String? = nil
    ) {
        self.message = message
        self.path = path
        self.position = position
        self.suggestion = suggestion
    }

    package var file: String? { position?.file }
    package var line: Int? { position?.line }
    package var column: Int? { position?.column }
    package var pointer: String { path.pointer }

    /// The message together with the suggestion.
    package var sentence: String {
        suggestion.map { "\(message); did you mean \($0)?" } ?? message
    }
}

extension Problem: CustomStringConvertible {
    /// `file:line: path: sentence` for what was read from a file, else `pointer: sentence`.
    package var description: String {
        guard let position, let file = position.file else {
            return pointer.isEmpty ? sentence : "\(pointer): \(sentence)"
        }
        let place = path.steps.isEmpty ? "" : " \(path):"
        return "\(file):\(position.line):\(place) \(sentence)"
    }
}

/// All that is wrong, in the order of the documents; never empty.
package struct Problems: Error, Hashable, Sendable, CustomStringConvertible {
    package var list: [Problem]

    package init(_ list: [Problem]) {
        self.list = list
    }

    package init(_ problem: Problem) {
        self.list = [problem]
    }

    /// A line for each.
    package var description: String {
        list.map(\.description).joined(separator: "\n")
    }
}

/// Problems while they are being found; the same one is kept once.
struct Findings {
    private(set) var list: [Problem] = []
    private var known: Set<Problem> = []

    var isEmpty: Bool { list.isEmpty }

    mutating func add(_ problem: Problem) {
        if known.insert(problem).inserted { list.append(problem) }
    }

    mutating func add(_ problems: [Problem]) {
        for problem in problems { add(problem) }
    }

    mutating func add(
        _ message: String, at path: Path, _ node: Node?, suggestion: String? = nil
    ) {
        add(Problem(message, at: path, position: node?.position, suggestion: suggestion))
    }

    /// Sorted as a reader meets them: files in the given order, then by line.
    func sorted(files: [String?]) -> [Problem] {
        let order = Dictionary(
            zip(files, files.indices), uniquingKeysWith: { first, _ in first })
        return list.enumerated().sorted { left, right in
            let leftFile = order[left.element.file] ?? files.count
            let rightFile = order[right.element.file] ?? files.count
            if leftFile != rightFile { return leftFile < rightFile }
            let leftLine = left.element.line ?? 0
            let rightLine = right.element.line ?? 0
            return leftLine != rightLine ? leftLine < rightLine : left.offset < right.offset
        }.map(\.element)
    }
}
