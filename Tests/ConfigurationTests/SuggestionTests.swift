// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import weir

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("listen", "listne", 1), ("same", "same", 0), ("a", "b", 1),
    ])
    func countsEdits(_ left: String, _ right: String, _ edits: Int) {
        #expect(Suggestion.distance(left, right) == edits)
        #expect(Suggestion.distance(right, left) == edits)
    }
}
