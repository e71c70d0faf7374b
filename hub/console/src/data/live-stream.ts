/**
 * The one stream of events from the hub: connects, resumes where it stopped, drops what it has already
 * given, and notices a line that is dead but not closed. Runs in the shared worker, or in the page where
 * there is none; touches no document. Survives nothing by itself: a page that starts anew loads its
 * lists, and `after` covers the time in between.
 */
import { SseParser } from "./sse";

/** Events that pages follow; what a newer hub sends beside them is passed over. */
const EVENTS = ["case", "gateway", "flood", "desk", "child"] as const;
export type LiveEvent = (typeof EVENTS)[number];

const known = (event: string): event is LiveEvent => (EVENTS as readonly string[]).includes(event);

/** What the stream tells. */
export type StreamMessage =
  | { type: "hello"; seq: number; hub_time: string }
  | { type: "event"; event: LiveEvent; data: string }
  /** Lists must be loaded again: events were skipped. */
  | { type: "resync" }
  /** Bytes came in: the line is alive. */
  | { type: "alive" }
  | { type: "lost" }
  | { type: "signed-out" };

/** The hub sends a ping every 10 s; two and a half missed means that the line is dead. */
const DEAD_AFTER_MS = 25_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Waiting times between tries; short, because an officer waits. */
const RETRY_MS = [250, 500, 1000, 2000, 3000, 5000];

interface Seen {
  seq: number;
}

/** What became of one event under the numbers seen so far. Pure apart from moving `seen` on. */
export function take(seen: Seen | null, seq: number): boolean {
  if (seen === null || !Number.isFinite(seq)) return false;
  if (seq <= seen.seq) return false;
  seen.seq = seq;
  return true;
}

export class LiveStream {
  private readonly tell: (message: StreamMessage) => void;
  private readonly open: typeof fetch;
  private running = false;
  /** Counts the starts, so that a loop that was stopped never goes on as a second one. */
  private starts = 0;
  private seen: Seen | null = null;
  private abort: AbortController | null = null;
  private wake: (() => void) | null = null;

  constructor(tell: (message: StreamMessage) => void, open: typeof fetch = (...given) => fetch(...given)) {
    this.tell = tell;
    this.open = open;
  }

  start(): void {
    if (this.running) {
      this.wake?.();
      return;
    }
    this.running = true;
    this.starts += 1;
    void this.run(this.starts);
  }

  stop(): void {
    this.running = false;
    this.seen = null;
    this.abort?.abort();
    this.wake?.();
  }

  private async run(start: number): Promise<void> {
    const current = () => this.running && this.starts === start;
    let tries = 0;
    while (current()) {
      const connected = await this.connectOnce(current);
      if (!current()) return;
      this.tell({ type: "lost" });
      tries = connected ? 0 : tries + 1;
      await this.pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 5000);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** One connection from its opening to its end; says whether the hub had answered. */
  private async connectOnce(current: () => boolean): Promise<boolean> {
    const abort = new AbortController();
    this.abort = abort;
    let watchdog = setTimeout(() => abort.abort(), CONNECT_TIMEOUT_MS);
    let answered = false;
    try {
      const after = this.seen === null ? "" : `?after=${this.seen.seq}`;
      const response = await this.open(`/api/v1/events${after}`, {
        headers: { Accept: "text/event-stream" },
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      if (response.status === 401 && current()) {
        this.running = false;
        this.tell({ type: "signed-out" });
        return false;
      }
      if (!response.ok || response.body === null) return false;
      answered = true;
      const parser = new SseParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => abort.abort(), DEAD_AFTER_MS);
        const { done, value } = await reader.read();
        if (done || !current()) break;
        this.tell({ type: "alive" });
        for (const message of parser.push(decoder.decode(value, { stream: true }))) {
          if (message.type === "event") this.handle(message.event, message.data);
        }
      }
    } catch {
      // The line broke or the watchdog cut it; the caller reports and tries again.
    } finally {
      clearTimeout(watchdog);
      if (this.abort === abort) this.abort = null;
    }
    return answered;
  }

  private handle(event: string, data: string): void {
    let parsed: { seq?: number; after?: number; hub_time?: string };
    try {
      parsed = JSON.parse(data);
    } catch {
      // An event that cannot be read may hide a change: load everything again.
      this.tell({ type: "resync" });
      return;
    }
    if (event === "hello") this.hello(parsed.seq ?? 0, parsed.hub_time ?? "");
    else if (event === "resync") {
      this.seen = { seq: parsed.after ?? 0 };
      this.tell({ type: "resync" });
    } else if (known(event) && take(this.seen, parsed.seq ?? Number.NaN)) {
      this.tell({ type: "event", event, data });
    }
  }

  private hello(head: number, hubTime: string): void {
    if (this.seen === null) this.seen = { seq: head };
    else if (head < this.seen.seq) {
      // The hub is behind what was seen: it was restored from a backup. Begin anew at its present.
      this.seen = { seq: head };
      this.tell({ type: "resync" });
    }
    this.tell({ type: "hello", seq: head, hub_time: hubTime });
  }
}
