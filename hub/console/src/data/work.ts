/**
 * The browser's queue: the one on disk, sent by one page at a time, for the person who is signed in. A
 * domain file: pages add to it and show it.
 */
import { computed, effect } from "@preact/signals";
import type { OutboxItem, Sent } from "../logic/outbox";
import { isHeld, versionFor } from "../logic/outbox";
import { putEvidence, sha256Of } from "./evidence";
import { ApiError, request } from "./http";
import { linkLost } from "./live";
import { type NewWork, Outbox } from "./outbox";
import { diskStore } from "./outbox-store";
import { type Reported, sendReport } from "./report";
import { session } from "./session";
import type { Case } from "./types";

/** Answers that say nothing about the work itself: the same is sent again. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

function sentOf(error: unknown): Sent {
  if (!(error instanceof ApiError)) return { is: "later", after_s: null };
  const { status } = error.problem;
  if (status === 401) return { is: "signed-out" };
  const current = error.problem.current as Case | undefined;
  if (error.code === "version-conflict" && current !== undefined) return { is: "conflict", current };
  if (LATER.has(status)) return { is: "later", after_s: error.retryAfterS };
  return { is: "refused", code: error.code, detail: error.message };
}

async function sendWork(
  item: OutboxItem,
  all: readonly OutboxItem[],
): Promise<Pick<Case, "id" | "version"> | null> {
  const { work } = item;
  if (work.kind === "report") {
    const reported = await sendReport(work.body, item.id);
    for (const listener of reports) listener(item.id, reported);
    return reported.case ?? null;
  }
  if (item.case === null) throw new Error("the report before it has opened no case");
  if (work.kind === "evidence") {
    const bytes = await diskStore.bytes(work.sha256);
    if (bytes === null) throw new GoneError();
    await putEvidence(item.case, work.sha256, bytes, item.id);
    return null;
  }
  const version = versionFor(all, item);
  const body = {
    ...work.details,
    action: work.action,
    version,
    ...(work.reason === null ? {} : { reason: work.reason }),
  };
  return await request<Case>("POST", `/cases/${item.case}/actions`, body, { key: item.id });
}

/** The browser has thrown the bytes away; nothing can be sent. */
class GoneError extends Error {}

async function send(item: OutboxItem, all: readonly OutboxItem[]): Promise<Sent> {
  try {
    const found = await sendWork(item, all);
    for (const listener of listeners) listener(item);
    return { is: "done", case: found };
  } catch (error) {
    if (error instanceof GoneError) return { is: "refused", code: "bytes-gone", detail: "" };
    const sent = sentOf(error);
    if (sent.is !== "later") for (const listener of listeners) listener(item);
    return sent;
  }
}

const listeners = new Set<(item: OutboxItem) => void>();

/** Calls with everything that the hub has answered, whatever it said: the case may stand differently now. */
export function afterSent(listener: (item: OutboxItem) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const reports = new Set<(key: string, reported: Reported) => void>();

/** Calls with what the hub answers to a report of this page. */
export function afterReport(listener: (key: string, reported: Reported) => void): () => void {
  reports.add(listener);
  return () => reports.delete(listener);
}

const others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("gridwatch-outbox");
export const outbox = new Outbox(diskStore, send, () => others?.postMessage("changed"));
others?.addEventListener("message", () => {
  void outbox.read(false).then(() => outbox.poke());
});

const me = computed(() => (session.value.is === "signed-in" ? session.value.session.username : null));

/** What this person did that is not settled, oldest first. */
export const mine = computed(() => outbox.items.value.filter((each) => each.user === me.value));
export const unsent = computed(() => mine.value.filter((each) => each.state !== "done"));
export const needsMe = computed(() =>
  unsent.value.filter((each) => each.state === "refused" || each.state === "conflict"),
);
export const held = (item: OutboxItem) => isHeld(mine.value, item);

export function addWork(given: NewWork): Promise<OutboxItem> {
  if (me.value === null) throw new Error("nobody is signed in");
  return outbox.add(me.value, given);
}

/** Keeps a photo and its sending; gives its hash. */
export async function addPhoto(
  given: Pick<NewWork, "case" | "report" | "title">,
  file: File,
): Promise<{ sha256: string; name: string; at: string }> {
  // Read once and kept: a file that the system takes back later is no longer needed.
  const bytes = new Blob([await file.arrayBuffer()], { type: file.type });
  const sha256 = await sha256Of(bytes);
  await diskStore.putBytes(sha256, bytes);
  const name = file.name.slice(0, 60) || "photo";
  const work = { kind: "evidence" as const, sha256, type: file.type, name, bytes: bytes.size };
  await addWork({ ...given, work });
  return { sha256, name, at: new Date(file.lastModified || Date.now()).toISOString() };
}

export const photoBytes = (sha256: string) => diskStore.bytes(sha256);

/** Begins to read and to send; once per page. */
export function followOutbox(): void {
  const begin = async (user: string) => {
    // Asked for once there is something to lose: the browser must not throw it away when space is short.
    if (unsent.value.length > 0) void navigator.storage?.persist?.();
    if (navigator.locks === undefined) {
      await outbox.read(true);
      return outbox.run(user);
    }
    await outbox.read(false);
    // Whoever holds the lock sends; when that page goes, the next one takes over what it left.
    await navigator.locks.request("gridwatch-outbox", async () => {
      await outbox.read(true);
      if (me.peek() === user) await outbox.run(user);
    });
  };
  effect(() => {
    const user = me.value;
    if (user === null) outbox.stop();
    else void begin(user).catch(() => undefined);
  });
  effect(() => {
    if (!linkLost.value) outbox.poke();
  });
  window.addEventListener("online", () => outbox.poke());
}
