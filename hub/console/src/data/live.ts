/**
 * The page's end of the live stream: hands events to the domains that asked for them and keeps the
 * state of the line as signals. One stream per browser through a shared worker; where the browser has
 * none, or it does not answer, the stream runs in the page.
 */
import { computed, signal } from "@preact/signals";
import { now, setHubTime } from "./clock";
import { type LiveEvent, LiveStream, type StreamMessage } from "./live-stream";
import type { FromWorker, ToWorker } from "./live-worker";
import type { CaseEvent, ChildEvent, FloodEvent, GatewayEvent } from "./types";

export type LinkState = "connecting" | "live" | "lost";

/** How the line to the hub is. */
export const link = signal<LinkState>("connecting");
/** Whether the stream is shared between the browser's pages. */
export const linkShared = signal(false);
const aliveAt = signal(Date.now());

/** Whole seconds since the last byte from the hub. */
export const secondsSinceAlive = computed(() => {
  // The hub's clock is read only to count again every second; the difference is this browser's own.
  now.value;
  return Math.max(0, Math.floor((Date.now() - aliveAt.value) / 1000));
});

/** No byte for this long is shown as a lost line, even while the connection looks open. */
const QUIET_IS_LOST_S = 22;
/** The line is not live: what the screen shows may be old. */
export const linkLost = computed(
  () => link.value === "lost" || (link.value === "live" && secondsSinceAlive.value > QUIET_IS_LOST_S),
);

const caseListeners = new Set<(event: CaseEvent) => void>();
const gatewayListeners = new Set<(event: GatewayEvent) => void>();
const floodListeners = new Set<(event: FloodEvent) => void>();
const deskListeners = new Set<() => void>();
const childListeners = new Set<(event: ChildEvent) => void>();
const reloadListeners = new Set<() => void>();
let onSignedOut: () => void = () => undefined;

export function onCaseEvent(listener: (event: CaseEvent) => void): () => void {
  caseListeners.add(listener);
  return () => caseListeners.delete(listener);
}

export function onGatewayEvent(listener: (event: GatewayEvent) => void): () => void {
  gatewayListeners.add(listener);
  return () => gatewayListeners.delete(listener);
}

export function onFloodEvent(listener: (event: FloodEvent) => void): () => void {
  floodListeners.add(listener);
  return () => floodListeners.delete(listener);
}

/** Calls when something at a desk has begun, ended or changed: ask for the duty again. */
export function onDeskEvent(listener: () => void): () => void {
  deskListeners.add(listener);
  return () => deskListeners.delete(listener);
}

/** Calls when something of a child hub has changed: ask for it again. */
export function onChildEvent(listener: (event: ChildEvent) => void): () => void {
  childListeners.add(listener);
  return () => childListeners.delete(listener);
}

/** Calls when lists must be loaded again: at the first connection, and when events were skipped. */
export function onReload(listener: () => void): () => void {
  reloadListeners.add(listener);
  return () => reloadListeners.delete(listener);
}

export function whenStreamRefused(then: () => void): void {
  onSignedOut = then;
}

/** What ends the present stream. */
let end: ((signedOut: boolean) => void) | null = null;
let first = true;

function reload(): void {
  for (const listener of reloadListeners) listener();
}

function greet(hubTime: string): void {
  setHubTime(hubTime);
  aliveAt.value = Date.now();
  link.value = "live";
  if (first) {
    first = false;
    reload();
  }
}

function pass(event: LiveEvent, data: unknown): void {
  const tell = <T>(listeners: Set<(event: T) => void>) => {
    for (const hear of listeners) hear(data as T);
  };
  if (event === "case") tell(caseListeners);
  else if (event === "flood") tell(floodListeners);
  else if (event === "child") tell(childListeners);
  else if (event === "desk") for (const hear of deskListeners) hear();
  else tell(gatewayListeners);
}

function receive(message: StreamMessage): void {
  switch (message.type) {
    case "hello":
      greet(message.hub_time);
      break;
    case "alive":
      aliveAt.value = Date.now();
      break;
    case "lost":
      link.value = "lost";
      break;
    case "resync":
      reload();
      break;
    case "signed-out":
      disconnect();
      onSignedOut();
      break;
    case "event":
      pass(message.event, JSON.parse(message.data));
      break;
  }
}

/** Without a stream by then the lists are loaded all the same; they are loaded again once it is there. */
const LOAD_ANYWAY_MS = 3000;

/** Begins to listen; harmless when already listening. Lists are loaded once the stream has begun. */
export function connect(): void {
  if (end !== null) return;
  first = true;
  link.value = "connecting";
  aliveAt.value = Date.now();
  setTimeout(() => {
    if (first && end !== null) reload();
  }, LOAD_ANYWAY_MS);
  try {
    if (typeof SharedWorker === "undefined") connectInPage();
    else connectShared();
  } catch {
    // Some browsers forbid shared workers by policy.
    connectInPage();
  }
}

/** Stops listening in this page. `signedOut` also ends the browser's stream for every page. */
export function disconnect(signedOut = false): void {
  end?.(signedOut);
  end = null;
  link.value = "connecting";
}

function connectInPage(): void {
  const stream = new LiveStream(receive);
  linkShared.value = false;
  stream.start();
  const again = () => stream.start();
  window.addEventListener("online", again);
  end = () => {
    window.removeEventListener("online", again);
    stream.stop();
  };
}

/** A worker that has not answered by then is not coming. */
const WORKER_ANSWER_MS = 3000;
const HERE_EVERY_MS = 20_000;

function connectShared(): void {
  const worker = new SharedWorker(new URL("./live-worker.ts", import.meta.url), {
    type: "module",
    name: "gridwatch-live",
  });
  const port = worker.port;
  const say = (message: ToWorker) => port.postMessage(message);
  const here = setInterval(() => say({ type: "here" }), HERE_EVERY_MS);
  const leave = () => say({ type: "bye" });
  const back = (event: PageTransitionEvent) => {
    // A page taken back from the browser's memory missed events.
    if (event.persisted) location.reload();
  };
  const again = () => say({ type: "attach" });
  const close = () => {
    clearInterval(here);
    clearTimeout(answer);
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", back);
    window.removeEventListener("online", again);
    port.onmessage = null;
  };
  const fallBack = () => {
    close();
    if (end === finish) connectInPage();
  };
  const answer = setTimeout(fallBack, WORKER_ANSWER_MS);
  worker.onerror = fallBack;
  port.onmessage = (event: MessageEvent<FromWorker>) => {
    const message = event.data;
    if (message.type !== "attached") {
      receive(message);
      return;
    }
    clearTimeout(answer);
    linkShared.value = true;
    if (message.connected) greet(message.hub_time);
    aliveAt.value = Date.now() - message.age_ms;
  };
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", back);
  window.addEventListener("online", again);
  const finish = (signedOut: boolean) => {
    close();
    say({ type: signedOut ? "stop" : "bye" });
  };
  end = finish;
  say({ type: "attach" });
}
