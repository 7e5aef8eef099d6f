import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

extension ObjectFilter {
    static let selectorParameter = Endpoint.Parameter.query(
        "selector", .selector,
        "Only objects whose labels fit: `env=prod,tier!=dev`, `site in (fra1,ams1)`, "
            + "`site notin (lon1)`, `customer` (there is such a label), `!customer`.")
    static let setParameter = Endpoint.Parameter.query(
        "set", .name, "Only objects of this set.")

    init(_ call: Call) throws {
        self.init(
            set: call.text("set"), type: call.text("type"),
            health: call.text("health").flatMap(Health.init(rawValue:)),
            selector: try call.selector ?? LabelSelector())
    }
}

extension Call {
    /// What `selector` asks for; the schema made sure that it can be read.
    var selector: LabelSelector? {
        get throws { try text("selector").map(LabelSelector.init) }
    }
}
