extension SettingType where Value == String? {
    /// The path of a file; empty: none.
    static var pathOrNone: Self {
        Self(
            name: "path of a file, or empty",
            read: { (given) throws(Refusal) in
                let text = try given.text("the path of a file in quotes")
                guard text.isPrintable, text.utf8.count <= 4000 else {
                    throw Refusal("is no path of a file; write one in printable characters.")
                }
                return text.isEmpty ? nil : text
            },
            show: { $0 ?? "" }, toml: { ($0 ?? "").quoted })
    }
}
