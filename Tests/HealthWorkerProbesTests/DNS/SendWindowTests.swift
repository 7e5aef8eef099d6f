import HealthWorkerProbes
import NIOCore
import Testing

@Suite struct SendWindowTests {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func full() -> SendWindow {
        var window = SendWindow()
        for number in 0..<SendWindow.most {
            #expect(window.take(number, at: Self.start) == true)
        }
        return window
    }

    @Test func `so many may be on their way, and an answer makes room`() {
        var window = full()

        #expect(window.take(1000, at: Self.start) == false)
        window.end(50)
        #expect(window.take(1001, at: Self.start) == true)
        #expect(window.take(1002, at: Self.start) == false)
    }

    @Test func `what is not answered soon holds nobody up`() {
        var window = full()
        let soon = Self.start + SendWindow.soon

        #expect(window.take(1000, at: soon - .nanoseconds(1)) == false)
        #expect(window.nextRoom == soon)
        for number in 2000..<(2000 + SendWindow.most) {
            #expect(window.take(number, at: soon) == true)
        }
        #expect(window.take(3000, at: soon) == false)
        // Its answer comes late, and makes no room a second time.
        window.end(0)
        #expect(window.take(3001, at: soon) == false)
    }
}
