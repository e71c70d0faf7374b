import { expect, test } from "vitest";
import { LiveStream, type StreamMessage, take } from "./live-stream";
import { SseParser } from "./sse";

test("events are read in whatever pieces they come", () => {
  const text = "event: hello\r\ndata: {\r\ndata: 1}\r\nid: 4\r\n\r\n: ping\n\nevent: case\ndata:x\n\n";
  const whole = new SseParser().push(text);
  const parser = new SseParser();
  const pieces = [...text].flatMap((letter) => parser.push(letter));
  expect(pieces).toEqual(whole);
  expect(whole).toEqual([
    { type: "event", event: "hello", data: "{\n1}", id: "4" },
    { type: "comment" },
    { type: "event", event: "case", data: "x", id: null },
  ]);
});

test("a number that was seen is dropped, a new one is taken", () => {
  const seen = { seq: 5 };
  expect(take(seen, 5)).toBe(false);
  expect(take(seen, 6)).toBe(true);
  expect(take(seen, 6)).toBe(false);
  expect(take(seen, Number.NaN)).toBe(false);
  expect(take(null, 9)).toBe(false);
});

const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** A stream over the given connections; each is what the hub says until the line breaks. */
async function listen(connections: string[]): Promise<{ asked: string[]; told: StreamMessage[] }> {
  const asked: string[] = [];
  const told: StreamMessage[] = [];
  await new Promise<void>((resolve) => {
    const stream = new LiveStream(
      (message) => told.push(message),
      async (input) => {
        asked.push(String(input));
        const said = connections[asked.length - 1];
        if (said !== undefined) return new Response(said);
        stream.stop();
        resolve();
        return new Response(null, { status: 503 });
      },
    );
    stream.start();
  });
  return { asked, told };
}

const numbers = (told: StreamMessage[]) =>
  told.flatMap((message) => (message.type === "event" ? [JSON.parse(message.data).seq as number] : []));

test("after a break the stream goes on where it stopped and drops what it had", async () => {
  const { asked, told } = await listen([
    event("hello", { seq: 10, hub_time: "" }) + event("case", { seq: 11 }) + event("case", { seq: 12 }),
    event("hello", { seq: 14, hub_time: "" }) + event("case", { seq: 12 }) + event("case", { seq: 13 }),
    event("hello", { seq: 14, hub_time: "" }) + event("case", { seq: 14 }),
  ]);
  expect(asked).toEqual(["/api/v1/events", ...[12, 13, 14].map((seq) => `/api/v1/events?after=${seq}`)]);
  expect(numbers(told)).toEqual([11, 12, 13, 14]);
});

test("a resync makes the lists load again and goes on from its number", async () => {
  const { asked, told } = await listen([
    event("hello", { seq: 10, hub_time: "" }) + event("resync", { after: 500 }) + event("case", { seq: 501 }),
  ]);
  expect(told.some((message) => message.type === "resync")).toBe(true);
  expect(numbers(told)).toEqual([501]);
  expect(asked[1]).toBe("/api/v1/events?after=501");
});

test("a hub that was set back makes the lists load again and does not silence the stream", async () => {
  const { told } = await listen([
    event("hello", { seq: 100, hub_time: "" }),
    event("hello", { seq: 3, hub_time: "" }) + event("case", { seq: 4 }),
  ]);
  expect(told.some((message) => message.type === "resync")).toBe(true);
  expect(numbers(told)).toEqual([4]);
});

test("an event that cannot be read makes the lists load again", async () => {
  const { told } = await listen([`${event("hello", { seq: 1, hub_time: "" })}event: case\ndata: {bad\n\n`]);
  expect(told.some((message) => message.type === "resync")).toBe(true);
});

test("a hub that knows nobody ends the stream", async () => {
  const told: StreamMessage[] = [];
  let asked = 0;
  await new Promise<void>((resolve) => {
    const stream = new LiveStream(
      (message) => {
        told.push(message);
        if (message.type === "signed-out") resolve();
      },
      async () => {
        asked += 1;
        return new Response(null, { status: 401 });
      },
    );
    stream.start();
  });
  expect(told).toEqual([{ type: "signed-out" }]);
  expect(asked).toBe(1);
});
