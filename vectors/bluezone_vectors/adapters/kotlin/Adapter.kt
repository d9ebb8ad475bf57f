// Not compiled here: a skeleton in Kotlin. The Java adapter beside it is the one that is tested.
//
// On a JVM the questions come by standard input; on a phone an activity or an instrumented test calls listen(port), and
// `adb forward tcp:4711 tcp:4711` brings the runner there. org.json is part of Android; on a JVM add its library.

import java.io.BufferedReader
import java.io.InputStream
import java.io.OutputStream
import java.net.InetAddress
import java.net.ServerSocket
import org.json.JSONArray
import org.json.JSONObject

/** A question is refused on purpose, with a code of the specification's annex B. */
class Refused(val code: String) : RuntimeException(code)

/** Put your own core behind this. */
interface Core {
    fun deriveIds(baseId: ByteArray, day: Long, max: Long, slots: List<Long>): List<ByteArray>
}

fun ByteArray.hex(): String = joinToString("") { "%02x".format(it) }

fun octets(hex: String): ByteArray = hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()

class Adapter(private val core: Core) {
    // One entry for each operation that your core has; OPERATIONS.md of the vectors says what goes in and out.
    private val ops: Map<String, (JSONObject) -> JSONObject> = mapOf(
        "derive_ids" to { q ->
            val slots = q.getJSONArray("slots").let { list -> List(list.length()) { list.getLong(it) } }
            // your core refuses what is no integer, as it refuses 7: do not let getLong make 96 of "96" or of 96.5
            val max = if (!q.has("max")) 96L else (q.get("max") as? Number)?.takeIf { it is Int || it is Long }?.toLong()
            val ids = core.deriveIds(octets(q.getString("base_id")), q.getLong("day"), max ?: throw Refused("BAD_MAX"), slots)
            JSONObject().put("ids", JSONArray(ids.map { it.hex() }))
        },
    )

    private fun hello(): JSONObject = JSONObject()
        .put("protocol", 1)
        .put("implementation", JSONObject().put("name", "mine").put("version", "1.0.0").put("language", "kotlin"))
        .put("ops", JSONArray(ops.keys.toList()))
        .put("profiles", JSONArray(listOf("v3")))

    private fun reply(op: String, q: JSONObject): Pair<String, JSONObject> {
        if (op == "hello") return "ok" to hello()
        val operation = ops[op] ?: return "unsupported" to JSONObject()
        return try {
            "ok" to operation(q)
        } catch (refused: Refused) {
            "reject" to JSONObject().put("code", refused.code)
        } catch (thrown: Exception) {
            "error" to JSONObject().put("message", thrown.toString())
        }
    }

    fun serve(input: InputStream, output: OutputStream) {
        val lines: BufferedReader = input.bufferedReader(Charsets.UTF_8)
        while (true) {
            val message = JSONObject(lines.readLine() ?: return)
            if (message.getString("op") == "bye") return
            val (kind, body) = reply(message.getString("op"), message.optJSONObject("in") ?: JSONObject())
            val answer = JSONObject().put("seq", message.getLong("seq")).put(kind, body)
            output.write((answer.toString() + "\n").toByteArray(Charsets.UTF_8))
            output.flush()
        }
    }

    fun listen(port: Int) {
        ServerSocket(port, 1, InetAddress.getLoopbackAddress()).use { server ->
            while (true) server.accept().use { serve(it.getInputStream(), it.getOutputStream()) }
        }
    }
}
