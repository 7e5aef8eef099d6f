import HealthWorkerModel
import Testing

@testable import HealthWorkerRouting

struct RetryAfterTests {
    @Test(arguments: [
        ("120", Duration.seconds(120)), ("0", .zero), ("-1", nil), ("soon", nil), ("", nil),
        ("99999999999", .seconds(86_400)), ("Fri, 15 Jan 2027 08:01:40 GMT", .seconds(100)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", .zero), ("Fri, 15 Foo 2027 08:01:40 GMT", nil),
        ("Fri, 15 Jan 2027 08:01:40 CET", nil),
    ])
    func `seconds and moments are read`(text: String, pause: Duration?) {
        #expect(RetryAfter.pause(text, at: Timestamp(seconds: 1_800_000_000)) == pause)
    }
}
