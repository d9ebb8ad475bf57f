// Not compiled here: a skeleton in Swift. On a Mac the questions come by standard input; in an app or a test on an
// iPhone, listen on a port with Network.framework, hand each line to `reply(to:)`, and let a USB tunnel carry the port.

import Foundation

/// A question is refused on purpose, with a code of the specification's annex B.
struct Refused: Error { let code: String }

/// Put your own core behind this.
protocol Core {
    func deriveIds(baseId: Data, day: Int, max: Int, slots: [Int]) throws -> [Data]
}

func hex(_ octets: Data) -> String { octets.map { String(format: "%02x", $0) }.joined() }

func octets(_ hex: String) throws -> Data {
    guard hex.count % 2 == 0 else { throw Refused(code: "BAD_BASE_ID") }
    var found = Data()
    var rest = Substring(hex)
    while !rest.isEmpty {
        guard let octet = UInt8(rest.prefix(2), radix: 16) else { throw Refused(code: "BAD_BASE_ID") }
        found.append(octet)
        rest = rest.dropFirst(2)
    }
    return found
}

/// An integer, and nothing that Foundation would turn into one: neither true nor 96.0.
func integer(_ value: Any?) -> Int? {
    guard let number = value as? NSNumber, CFGetTypeID(number) != CFBooleanGetTypeID(), !CFNumberIsFloatType(number)
    else { return nil }
    return number.intValue
}

struct Adapter {
    let core: Core

    // One case for each operation that your core has; OPERATIONS.md of the vectors says what goes in and out.
    let ops = ["derive_ids"]

    func answer(_ op: String, _ q: [String: Any]) throws -> [String: Any] {
        switch op {
        case "derive_ids":
            guard let max = q["max"] == nil ? 96 : integer(q["max"]) else { throw Refused(code: "BAD_MAX") }
            let slots = (q["slots"] as? [Int]) ?? []
            let baseId = try octets(q["base_id"] as? String ?? "")
            let ids = try core.deriveIds(baseId: baseId, day: integer(q["day"]) ?? 0, max: max, slots: slots)
            return ["ids": ids.map(hex)]
        default:
            return [:]
        }
    }

    /// The reply to one line, without its line feed; nothing where the line says bye.
    func reply(to line: String) throws -> String? {
        guard let message = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
              let op = message["op"] as? String, op != "bye" else { return nil }
        var reply: [String: Any] = ["seq": message["seq"] ?? 0]
        if op == "hello" {
            let about = ["name": "mine", "version": "1.0.0", "language": "swift"]
            reply["ok"] = ["protocol": 1, "implementation": about, "ops": ops, "profiles": ["v3"]] as [String: Any]
        } else if !ops.contains(op) {
            reply["unsupported"] = [String: Any]()
        } else {
            do {
                reply["ok"] = try answer(op, message["in"] as? [String: Any] ?? [:])
            } catch let refused as Refused {
                reply["reject"] = ["code": refused.code]
            } catch {
                reply["error"] = ["message": "\(error)"]
            }
        }
        return String(decoding: try JSONSerialization.data(withJSONObject: reply), as: UTF8.self)
    }

    func serveStandardInput() throws {
        while let line = readLine() {
            guard let text = try reply(to: line) else { return }
            print(text)
            fflush(stdout)
        }
    }
}
