// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import FakeProvider

@Suite struct ResourceTests {
    /// A multipart body of one text field and one file that holds every byte.
    private func form(_ field: (String, String), file: [UInt8]) -> [UInt8] {
        let head =
            "--b0und\r\nContent-Disposition: form-data; name=\"\(field.0)\"\r\n\r\n\(field.1)\r\n--b0und\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
        return Array(head.utf8) + file + Array("\r\n--b0und--\r\n".utf8)
    }

    private func send(_ path: String, _ body: [UInt8], port: Int, type: String = "multipart/form-data; boundary=b0und")
        async throws
        -> RawAnswer
    {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        return try await sendRaw(Array(head.utf8) + body, port: port)
    }

    private let everyByte = (0..<2_048).map { UInt8(truncatingIfNeeded: $0) }

    @Test func readsUploadsByTheirBoundary() async throws {
        try await withServer { _, port in
            let json = try await send("/v1/files", form(("purpose", "batch"), file: everyByte), port: port).json()
            #expect(json.int("bytes") == 2_048 && json.text("filename") == "a b.wav" && json.text("purpose") == "batch")
            let spoken = try await send("/v1/audio/transcriptions", form(("model", "whisper-1"), file: everyByte), port: port)
                .json()
            #expect(spoken.text("text")?.isEmpty == false && spoken.text("usage.type") == "duration")
        }
    }

    @Test(arguments: ["--b0und", "--b0und\r\n\r\n", "", "--b0und\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nx"])
    func refusesBrokenForms(body: String) async throws {
        try await withServer { _, port in
            let answer = try await send("/v1/files", Array(body.utf8), port: port)
            #expect(answer.status == 400)
        }
    }

    @Test func speaksInBytes() async throws {
        try await withServer { _, port in
            let answer = try await post("/v1/audio/speech", #"{"model":"tts-1","voice":"alloy","input":"Hello"}"#, port: port)
            #expect(answer.header("content-type") == "audio/mpeg" && answer.header("transfer-encoding") == "chunked")
            #expect(answer.body.count > 2_000 && Array(answer.body.prefix(2)) == [0xFF, 0xF3] && Set(answer.body).count == 256)
        }
    }

    @Test(arguments: [
        ("/v1/images/generations", #"{"model":"gpt-image-1","prompt":"a weir"}"#, "data.0.b64_json"),
        ("/v1/moderations", #"{"input":"hello"}"#, "results.0.categories"),
        ("/v1/batches", #"{"input_file_id":"file-1","endpoint":"/v1/responses","completion_window":"24h"}"#, "input_file_id"),
        ("/v1/messages/count_tokens", #"{"model":"c","messages":[{"role":"user","content":"Hi"}]}"#, "input_tokens"),
        ("/v1/messages/batches", #"{"requests":[{"custom_id":"one","params":{}}]}"#, "processing_status"),
    ]) func answersPosts(path: String, body: String, place: String) async throws {
        try await withServer { _, port in
            let answer = try await post(path, body, port: port)
            #expect(answer.status == 200)
            #expect(try answer.json().at(place) != nil)
            let refused = try await post(path, "{", port: port)
            #expect(refused.status == 400)
        }
    }

    @Test(arguments: [
        ("/v1/models/gpt-4.1", "id"), ("/v1/files", "data"), ("/v1/files/file-7", "filename"), ("/v1/batches/batch_7", "status"),
        ("/v1/messages/batches/msgbatch_7", "processing_status"), ("/v1beta/models", "models"),
        ("/v1beta/models/gemini-2.5-pro", "name"),
    ]) func answersGets(path: String, place: String) async throws {
        try await withServer { _, port in
            let answer = try await get(path, port: port)
            #expect(answer.status == 200)
            #expect(try answer.json().at(place) != nil)
        }
    }

    @Test func repeatsResourcesBySeed() async throws {
        func speech() async throws -> [UInt8] {
            try await withServer { _, port in
                try await post("/v1/audio/speech", #"{"model":"tts-1","voice":"alloy","input":"Hello"}"#, port: port).body
            }
        }
        let first = try await speech()
        let second = try await speech()
        #expect(first == second)
    }
}

@Suite struct CredentialTests {
    private let chat = #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#
    private let contents = #"{"contents":[{"parts":[{"text":"Hi"}]}]}"#

    @Test(arguments: [
        ("/v1/chat/completions", "Authorization: Bearer k-1", 200), ("/v1/chat/completions", "x-api-key: k-1", 401),
        ("/v1/chat/completions", "Authorization: Bearer k-2", 401), ("/v1/messages", "x-api-key: k-1", 200),
        ("/v1/messages", "Authorization: Bearer k-1", 200), ("/v1/messages", "Authorization: Bearer k-2", 401),
        ("/openai/deployments/d/chat/completions", "api-key: k-1", 200),
        ("/v1/chat/completions", "Authorization: Bearer k-1\r\nx-inference-provider: openai", 401),
        ("/v1/messages", "x-api-key: k-1\r\nAuthorization: Bearer project", 401),
        ("/v1beta/models/g:generateContent", "x-goog-api-key: k-1", 200),
        ("/v1beta/models/g:generateContent?key=k%2D1", "X-None: 1", 200),
        ("/v1beta/models/g:generateContent?key=k-2", "X-None: 1", 401),
        ("/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "Authorization: Bearer k-1", 200),
        ("/model/m/converse", "Authorization: Bearer k-1", 200), ("/model/m/converse", "X-None: 1", 401),
    ]) func demandsTheKeyAtItsPlace(path: String, header: String, status: Int) async throws {
        var script = FakeProviderScript.instant
        script.demandedKey = "k-1"
        try await withServer(script) { _, port in
            let body = path.contains("generateContent") ? contents : path.contains("converse") ? #"{"messages":[]}"# : chat
            let answer = try await post(path, body, port: port, headers: [header])
            #expect(answer.status == status, "\(answer.text)")
            if path.hasPrefix("/v1/messages"), status == 401 {
                #expect(try answer.json().text("error.type") == "authentication_error")
            }
            #expect(!answer.text.contains("k-1") && !answer.text.contains("k-2"))
        }
    }

    /// The worked example of the AWS General Reference (Signature Version 4, IAM ListUsers).
    @Test func agreesWithAmazonsExample() throws {
        let key = FakeAWSKey(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        func request(_ signature: String) -> SeenRequest {
            let authorization =
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=\(signature)"
            return SeenRequest(
                ordinal: 0, connection: 0, method: "GET", target: "/?Action=ListUsers&Version=2010-05-08",
                headers: [
                    SeenHeader(name: "Content-Type", value: "application/x-www-form-urlencoded; charset=utf-8"),
                    SeenHeader(name: "Host", value: "iam.amazonaws.com"),
                    SeenHeader(name: "X-Amz-Date", value: "20150830T123600Z"),
                    SeenHeader(name: "Authorization", value: authorization),
                ], body: [], bodyByteCount: 0, isWhole: true)
        }
        let right = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        try SignatureCheck(request: request(right), body: [], key: key).check()
        #expect(throws: SignatureCheck.Refusal.self) {
            try SignatureCheck(request: request(right), body: [1], key: key).check()
        }
        #expect(throws: SignatureCheck.Refusal.self) {
            try SignatureCheck(request: request("0" + right.dropFirst()), body: [], key: key).check()
        }
        #expect(throws: SignatureCheck.Refusal.unknownKey) {
            let other = FakeAWSKey(accessKeyID: "AKIDOTHER", secretAccessKey: key.secretAccessKey)
            try SignatureCheck(request: request(right), body: [], key: other).check()
        }
    }

    @Test func encodesThePathOnceMore() {
        #expect(SignatureCheck.canonicalPath("/model/a.b-v1%3A0/converse") == "/model/a.b-v1%253A0/converse")
        #expect(SignatureCheck.canonicalPath("/model/a.b-v1:0/converse") == "/model/a.b-v1%3A0/converse")
        #expect(SignatureCheck.canonicalPath("/a//b/./../c/") == "/a/c/" && SignatureCheck.canonicalPath("") == "/")
        #expect(SignatureCheck.canonicalQuery("b=2&a=1&a=0&c") == "a=0&a=1&b=2&c=")
    }

    @Test(arguments: [
        "Bearer k", "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/bedrock/aws4_request", "AWS4-HMAC-SHA256 ", "",
    ])
    func refusesBadSignaturesAsAmazonDoes(header: String) async throws {
        var script = FakeProviderScript.instant
        script.awsKey = FakeAWSKey(accessKeyID: "AKID", secretAccessKey: "secret")
        try await withServer(script) { _, port in
            let answer = try await post(
                "/model/m/converse", #"{"messages":[]}"#, port: port, headers: ["Authorization: \(header)"])
            #expect(answer.status == 403 && answer.header("x-amzn-errortype")?.hasSuffix("Exception") == true)
            #expect(try answer.json().text("message") != nil && !answer.text.contains("secret"))
        }
    }
}
