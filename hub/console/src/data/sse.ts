/**
 * Reads server-sent events from the bytes of a response. `EventSource` is not used because it hides
 * three things that the console must know: the pings (comments), the status of a refused connection,
 * and a half-open line. Pure: text in, messages out.
 */

export type SseMessage =
  | { type: "event"; event: string; data: string; id: string | null }
  /** A comment: only a sign of life. */
  | { type: "comment" };

/** Feeds on chunks of text, in whatever pieces they come, and gives whole messages. */
export class SseParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;

  push(chunk: string): SseMessage[] {
    const messages: SseMessage[] = [];
    const text = this.rest + chunk;
    // A carriage return at the end may be the first half of CRLF: keep it for the next chunk.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = this.line(line);
      if (message !== null) messages.push(message);
    }
    return messages;
  }

  private line(line: string): SseMessage | null {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return { type: "comment" };
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatch(): SseMessage | null {
    const data = this.data.join("\n");
    const empty = this.data.length === 0;
    const message: SseMessage = { type: "event", event: this.event || "message", data, id: this.id };
    this.event = "";
    this.data = [];
    this.id = null;
    return empty ? null : message;
  }
}
