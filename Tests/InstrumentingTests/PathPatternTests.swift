// SPDX-License-Identifier: Apache-2.0
import Instrumenting
import Testing

@Suite struct PathPatternTests {
    @Test(arguments: [
        ("*.py", "a/b.py", true), ("*.py", "a/b.ts", false), ("tests", "a/tests", true), ("tests/", "tests", true),
        ("a/*.py", "a/b.py", true), ("a/*.py", "a/b/c.py", false), ("a/**", "a/b/c.py", true), ("**/c.py", "c.py", true),
        ("**/c.py", "a/b/c.py", true), ("**/c.py", "a/bc.py", false), ("a/**/c.py", "a/c.py", true), ("?.py", "b.py", true),
        ("/a/b.py", "a/b.py", true), ("a?b", "a/b", false), ("*", "x", true),
    ])
    func fits(pattern: String, path: String, isFit: Bool) {
        #expect(PathPattern(pattern).matches(path) == isFit)
    }
}
