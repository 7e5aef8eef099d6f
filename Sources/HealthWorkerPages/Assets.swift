import CPages

/// The style and the script of the pages, out of the program itself.
package struct Assets: Sendable {
    package enum Asset: String, CaseIterable, Sendable {
        case style = "page.css"
        case script = "page.js"
        case icon = "icon.svg"

        package var bytes: [UInt8] {
            let file =
                switch self {
                case .style: hw_pages_style()
                case .script: hw_pages_script()
                case .icon: hw_pages_icon()
                }
            return Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
        }
    }

    /// The folder of all of them. A tag of their content is in it, so that browsers can keep them for
    /// ever.
    package let folder: String

    /// - Parameter tag: another one for each content.
    package init(tag: String) {
        folder = "/assets/\(tag)"
    }

    package func path(_ asset: Asset) -> String { "\(folder)/\(asset.rawValue)" }
}
