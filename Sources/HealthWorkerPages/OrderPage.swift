/// Asks whether an order is meant, tells what it does, and takes what it needs.
package struct OrderPage {
    package enum Field: Sendable {
        /// - Parameter choices: value, name and what it means.
        case choice(
            _ name: String, _ label: String, [(value: String, name: String, hint: String)],
            chosen: String)
        /// - Parameter chosen: where it is none of the choices, nothing is chosen, and something has to be.
        case selection(
            _ name: String, _ label: String, [(value: String, name: String)], chosen: String)
        case text(_ name: String, _ label: String, hint: String, isRequired: Bool, value: String)
        case tick(_ name: String, _ label: String, hint: String, isTicked: Bool = false)

        /// The same with what was written into it before: nil where that is nothing.
        package func holding(_ written: (_ name: String) -> String?) -> Field {
            switch self {
            case .choice(let name, let label, let choices, let chosen):
                .choice(name, label, choices, chosen: written(name) ?? chosen)
            case .selection(let name, let label, let choices, _):
                .selection(name, label, choices, chosen: written(name) ?? "")
            case .text(let name, let label, let hint, let isRequired, _):
                .text(name, label, hint: hint, isRequired: isRequired, value: written(name) ?? "")
            case .tick(let name, let label, let hint, _):
                .tick(name, label, hint: hint, isTicked: written(name) != nil)
            }
        }
    }

    package var visit: Visit
    package var title: String
    /// What happens then, one sentence after the other.
    package var consequences: [String]
    package var fields: [Field]
    /// What the button says.
    package var word: String
    package var isDangerous: Bool
    /// Where to go back to.
    package var back: String
    /// Why it was refused just now.
    package var problem: String?

    package init(
        visit: Visit, title: String, consequences: [String], fields: [Field], word: String,
        isDangerous: Bool = false, back: String, problem: String? = nil
    ) {
        self.visit = visit
        self.title = title
        self.consequences = consequences
        self.fields = fields
        self.word = word
        self.isDangerous = isDangerous
        self.back = back
        self.problem = problem
    }

    package var document: HTML {
        let refused: HTML? = problem.map { "<p class=\"said bad\" role=\"alert\">\($0)</p>" }
        let sentences = consequences.map { sentence -> HTML in "<p>\(sentence)</p>\n" }
        let inputs = fields.map(input)
        let kind: HTML = isDangerous ? "do danger" : "do"
        return Shell(
            visit: visit, title: title,
            body: """
                <div class="sheet">
                <h1>\(title)</h1>
                \(refused)\(sentences)
                <form method="post">
                \(inputs)
                <div class="ends"><button type="submit" class="\(kind)">\(word)</button>
                <a href="\(back)">Cancel</a></div>
                </form>
                </div>
                """, isLive: false
        ).document
    }

    private func input(_ field: Field) -> HTML {
        switch field {
        case .choice(let name, let label, let choices, let chosen):
            let options = choices.map { choice -> HTML in
                let mark: HTML? = choice.value == chosen ? " checked" : nil
                return """
                    <label class="choice"><input type="radio" name="\(name)" value="\(choice.value)" required\(mark)>
                    <span><strong>\(choice.name)</strong> \(choice.hint)</span></label>

                    """
            }
            return "<fieldset><legend>\(label)</legend>\n\(options)</fieldset>\n"
        case .selection(let name, let label, let choices, let chosen):
            let options = choices.map { choice -> HTML in
                let mark: HTML? = choice.value == chosen ? " selected" : nil
                return "<option value=\"\(choice.value)\"\(mark)>\(choice.name)</option>"
            }
            // A browser would choose the first one by itself.
            let isChosen = choices.contains { $0.value == chosen }
            let none: HTML? = isChosen ? nil : "<option value=\"\" selected>Choose one</option>"
            let required: HTML? = isChosen ? nil : " required"
            return """
                <div class="field"><label for="\(name)">\(label)</label>
                <select id="\(name)" name="\(name)"\(required)>\(none)\(options)</select></div>

                """
        case .text(let name, let label, let hint, let isRequired, let value):
            let required: HTML? = isRequired ? " required" : nil
            return """
                <div class="field"><label for="\(name)">\(label)</label>
                <input type="text" id="\(name)" name="\(name)" value="\(value)" maxlength="1024" aria-describedby="\(name)-hint"\(required)>
                <p class="hint" id="\(name)-hint">\(hint)</p></div>

                """
        case .tick(let name, let label, let hint, let isTicked):
            let mark: HTML? = isTicked ? " checked" : nil
            return """
                <label class="choice"><input type="checkbox" name="\(name)" value="yes"\(mark)>
                <span><strong>\(label)</strong> \(hint)</span></label>

                """
        }
    }
}
