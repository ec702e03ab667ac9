// SPDX-License-Identifier: Apache-2.0

/// Prompts of the task `code-review`.
enum ReviewPrompts {
    static let instructions = """
        You are a careful code reviewer. Review the change and list what must be fixed before it is merged, then what could be improved. \
        Look for correctness first, then for concurrency, error handling, resource use, and naming. Quote the function you mean in \
        backticks. Do not comment on formatting. If the change is fine, say so in one sentence. Assume that the tests pass, and do not \
        ask for more context unless the change cannot be judged without it.
        """

    static let openings = [
        """
        Review this Swift function:\nfunc {verb}{type}s(from rows: [Row]) -> [{type}] {\n    var result: [{type}] = []\n  \
          for row in rows {\n        let item = {type}(id: row.id, {field}: row[\"{field}\"]!)\n        if \
        !result.contains(where: { $0.id == item.id }) { result.append(item) }\n    }\n    return result\n}
        """,
        """
        Please review this Python code:\ndef {verb}_{type}(path, limit={count}):\n    f = open(path)\n    data = \
        json.load(f)\n    out = []\n    for i in range(len(data)):\n        if data[i][\"{field}\"] > limit:\n            \
        out.append(data[i])\n    return out
        """,
        """
        Code review, Go:\nfunc (s *Store) {verb}{type}(id string) (*{type}, error) {\n\ts.mu.Lock()\n\titem, ok := \
        s.items[id]\n\tif !ok {\n\t\treturn nil, ErrNotFound\n\t}\n\titem.{field}++\n\ts.mu.Unlock()\n\treturn item, \
        nil\n}
        """,
        """
        Review this SQL migration:\nALTER TABLE {type}s ADD COLUMN {field} INTEGER NOT NULL DEFAULT {count};\nUPDATE \
        {type}s SET {field} = (SELECT count(*) FROM events WHERE events.owner = {type}s.id);\nCREATE INDEX {type}_{field} \
        ON {type}s({field});
        """,
        """
        Review the retry loop below (TypeScript):\nasync function {verb}{type}(id: string) {\n  for (let i = 0; i < \
        {count}; i++) {\n    try {\n      const res = await fetch(`/api/{type}/${id}`);\n      return await res.json();\n \
           } catch (e) {\n      console.log(e);\n    }\n  }\n}
        """,
        """
        Can you review my C code?\nint {verb}_{field}(const char *in, char *out) {\n    char buf[{count}];\n    \
        strcpy(buf, in);\n    for (int i = 0; i <= strlen(buf); i++) {\n        out[i] = toupper(buf[i]);\n    }\n    \
        return 0;\n}
        """,
        """
        Review this Rust snippet:\nfn {verb}_{field}(items: &Vec<{type}>) -> HashMap<String, u32> {\n    let mut map = \
        HashMap::new();\n    for item in items.clone() {\n        let n = map.get(&item.{field}).unwrap_or(&0) + 1;\n     \
           map.insert(item.{field}, n);\n    }\n    map\n}
        """,
        """
        Review, Java:\npublic List<{type}> {verb}All(Connection c, String {field}) throws SQLException {\n    Statement \
        st = c.createStatement();\n    ResultSet rs = st.executeQuery(\"SELECT * FROM {type} WHERE {field} = '\" + \
        {field} + \"' LIMIT {count}\");\n    List<{type}> list = new ArrayList<>();\n    while (rs.next()) \
        list.add(map{type}(rs));\n    return list;\n}
        """,
        """
        Please review this shell script before I run it on the servers:\n#!/bin/sh\ncd $BACKUP_DIR\nrm -rf {type}_*\nfor \
        f in `ls /var/{field}/*.log`; do\n  gzip $f\n  scp $f.gz backup@host{count}:/srv/{type}/\ndone\necho done
        """,
        """
        Review this Kotlin coroutine:\nsuspend fun {verb}{type}s(ids: List<String>): List<{type}> {\n    val result = \
        mutableListOf<{type}>()\n    ids.forEach { id ->\n        GlobalScope.launch {\n            \
        result.add(api.load{type}(id, timeout = {count}))\n        }\n    }\n    return result\n}
        """,
        """
        Review this cache in Swift:\nfinal class {type}Cache {\n    private var items: [String: {type}] = [:]\n    func \
        {verb}(_ key: String, make: () async throws -> {type}) async rethrows -> {type} {\n        if let hit = \
        items[key] { return hit }\n        let value = try await make()\n        items[key] = value\n        if \
        items.count > {count} { items.removeAll() }\n        return value\n    }\n}
        """,
    ]

    static let followUps = [
        "Which of these would you block the merge for?",
        "Can you show how the loop would look after the change?",
        "I have renamed the function and added a check. Anything else?",
        "What test would have caught the first problem?",
        "Is it still correct if two threads call it at the same time?",
        "We cannot change the signature. Does that alter your view?",
        "How would this behave with {count}00 thousand elements?",
    ]
}
