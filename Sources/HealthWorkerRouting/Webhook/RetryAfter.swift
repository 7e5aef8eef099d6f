import HealthWorkerModel

/// What `Retry-After` asks for (RFC 9110 §10.2.3): so many seconds, or until a moment.
enum RetryAfter {
    /// Nil for what is neither; a moment that is over asks for no pause.
    static func pause(_ text: String, at now: Timestamp) -> Duration? {
        if let seconds = Int64(text) { return seconds >= 0 ? .seconds(min(seconds, 86_400)) : nil }
        // "Sun, 06 Nov 1994 08:49:37 GMT"; the two older forms are written by nobody.
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        guard let moment = Timestamp("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z") else {
            return nil
        }
        return max(.zero, moment - now)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
