internal import CPCRE2

/// A regular expression of Perl's kind (PCRE2) that cannot run away.
///
/// It is matched against bytes of any kind: what is UTF-8 is read as such, so that `.` is one
/// character and `[é]` works, and what is not can only be skipped, never matched. Each match has a
/// limit of steps, of depth and of memory; a pattern that needs more gives up.
///
/// A compiled pattern never changes, and each match has its own working memory, so one `Pattern`
/// may be used by many threads at once (pcre2api, "Multithreading").
package struct Pattern: Sendable {
    /// What was compiled.
    package let text: String
    private let program: Program

    /// The longest pattern that is compiled, in bytes.
    package static let longest = 4096

    /// Compiles `text`; throws where the expression is wrong, with the place.
    package init(_ text: String) throws(PatternError) {
        self.text = text
        program = try Program(text)
    }

    /// Whether the expression matches anywhere in `bytes`.
    package func matches(_ bytes: UnsafeRawBufferPointer) -> PatternMatch {
        program.match(bytes)
    }

    /// Whether the expression matches anywhere in `bytes`.
    package func matches(_ bytes: some Sequence<UInt8>) -> PatternMatch {
        let match = bytes.withContiguousStorageIfAvailable { storage in
            program.match(UnsafeRawBufferPointer(storage))
        }
        return match ?? Array(bytes).withUnsafeBytes { program.match($0) }
    }
}

package enum PatternMatch: Hashable, Sendable {
    case matched
    case notMatched
    /// The match needed more steps, depth or memory than one match may have: not known.
    case gaveUp
}

/// Why a text is no regular expression.
package struct PatternError: Error, Hashable, CustomStringConvertible {
    /// Where in the pattern it was found, in bytes from its beginning.
    package var offset: Int
    /// What is wrong there, in the words of PCRE2.
    package var sentence: String

    package var description: String {
        "at offset \(offset): \(sentence)"
    }
}

/// The compiled expression and the limits of a match, freed with their last owner.
///
/// `@unchecked` is safe: both pointers are set once, and PCRE2 only reads what they point to while
/// it matches.
private final class Program: @unchecked Sendable {
    private let code: OpaquePointer
    private let limits: OpaquePointer

    // Chosen so that the worst match takes tens of milliseconds and 8 MiB: a body may be 1 MiB, and
    // what a pattern needs for it in good faith is well below. PCRE2's own default of 10,000,000
    // steps is seconds.
    private static let steps: UInt32 = 500_000
    private static let depth: UInt32 = 50_000
    private static let kibibytes: UInt32 = 8192

    init(_ text: String) throws(PatternError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Pattern.longest else {
            throw PatternError(
                offset: Pattern.longest,
                sentence: "pattern is longer than \(Pattern.longest) bytes")
        }
        // \C would match a part of a character, after which "UTF-8" no longer holds.
        let options =
            UInt32(PCRE2_UTF) | UInt32(PCRE2_MATCH_INVALID_UTF) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        var status: CInt = 0
        var offset = 0
        guard let code = pcre2_compile_8(bytes, bytes.count, options, &status, &offset, nil) else {
            throw PatternError(offset: offset, sentence: Self.sentence(for: status))
        }
        guard let limits = pcre2_match_context_create_8(nil) else {
            pcre2_code_free_8(code)
            throw PatternError(offset: 0, sentence: "no memory")
        }
        pcre2_set_match_limit_8(limits, Self.steps)
        pcre2_set_depth_limit_8(limits, Self.depth)
        pcre2_set_heap_limit_8(limits, Self.kibibytes)
        self.code = code
        self.limits = limits
    }

    deinit {
        pcre2_match_context_free_8(limits)
        pcre2_code_free_8(code)
    }

    func match(_ bytes: UnsafeRawBufferPointer) -> PatternMatch {
        // One pair of offsets is enough, as nobody asks where it matched.
        guard let data = pcre2_match_data_create_8(1, nil) else { return .gaveUp }
        defer { pcre2_match_data_free_8(data) }
        // An empty buffer may have no address, and PCRE2 wants one.
        var nothing: UInt8 = 0
        let result = withUnsafePointer(to: &nothing) { none in
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? none
            return pcre2_match_8(code, start, bytes.count, 0, 0, data, limits)
        }
        // 0 is a match, too: more groups than the one pair of offsets can hold.
        if result >= 0 { return .matched }
        return result == PCRE2_ERROR_NOMATCH ? .notMatched : .gaveUp
    }

    private static func sentence(for status: CInt) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(status, &buffer, buffer.count)
        guard length > 0 else { return "not a regular expression" }
        return String(decoding: buffer.prefix(Int(length)), as: UTF8.self)
    }
}
