/**
 * The shared worker: holds the browser's only stream and passes its messages on to every open page.
 * HTTP/1.1 allows six connections per browser and host; one stream per page would use them up.
 */
import { LiveStream, type StreamMessage } from "./live-stream";

/** What a page says to the worker. */
export type ToWorker = { type: "attach" } | { type: "here" } | { type: "bye" } | { type: "stop" };
/** What the worker says to a page; `attached` comes first and tells how the line is. */
export type FromWorker =
  | StreamMessage
  | { type: "attached"; connected: boolean; seq: number; hub_time: string; age_ms: number };

/** Pages say that they are here every 20 s; browsers slow hidden pages down to once a minute. */
const GONE_AFTER_MS = 5 * 60_000;

interface SharedScope {
  onconnect: ((event: MessageEvent) => void) | null;
}

const pages = new Map<MessagePort, number>();
let hello: { seq: number; hub_time: string; at: number } | null = null;
let connected = false;
let aliveAt = 0;

function broadcast(message: FromWorker): void {
  for (const port of pages.keys()) port.postMessage(message);
}

const stream = new LiveStream((message) => {
  if (message.type === "hello") {
    hello = { seq: message.seq, hub_time: message.hub_time, at: Date.now() };
    connected = true;
  } else if (message.type === "alive") aliveAt = Date.now();
  else if (message.type === "lost") connected = false;
  else if (message.type === "signed-out") {
    connected = false;
    hello = null;
  }
  broadcast(message);
});

function attach(port: MessagePort): void {
  pages.set(port, Date.now());
  const hubNow =
    hello === null ? "" : new Date(Date.parse(hello.hub_time) + Date.now() - hello.at).toISOString();
  const message: FromWorker = {
    type: "attached",
    connected,
    seq: hello?.seq ?? 0,
    hub_time: hubNow,
    age_ms: aliveAt === 0 ? 0 : Date.now() - aliveAt,
  };
  port.postMessage(message);
  stream.start();
}

function drop(port: MessagePort): void {
  pages.delete(port);
  port.close();
  if (pages.size === 0) stop();
}

function stop(): void {
  connected = false;
  hello = null;
  aliveAt = 0;
  stream.stop();
}

(self as unknown as SharedScope).onconnect = (event) => {
  const port = event.ports[0];
  if (port === undefined) return;
  port.onmessage = (message: MessageEvent<ToWorker>) => {
    switch (message.data.type) {
      case "attach":
        attach(port);
        break;
      case "here":
        pages.set(port, Date.now());
        break;
      case "bye":
        drop(port);
        break;
      case "stop":
        stop();
        broadcast({ type: "signed-out" });
        break;
    }
  };
};

setInterval(() => {
  const before = Date.now() - GONE_AFTER_MS;
  for (const [port, seenAt] of pages) if (seenAt < before) drop(port);
}, 60_000);
