/**
 * The queue of what a person did in a place without a line: what is sent next, and what an answer means
 * for it. Pure. Nothing is ever taken out of the queue except by an answer of the hub or by the person.
 */
import type { ActionName, Case, Details } from "../data/types";

/** What is waiting to be done at the hub. */
export type Work =
  | {
      kind: "action";
      action: ActionName;
      /** The version that the person saw. */
      version: number;
      reason: string | null;
      details: Details;
    }
  | { kind: "evidence"; sha256: string; type: string; name: string; bytes: number }
  | { kind: "report"; body: ReportBody };

export interface ReportBody {
  category: string;
  description: string;
  position?: { lat: number; lon: number; system: "wgs84" };
  site?: string;
  /** Code of the grid. */
  area?: string;
  place?: { building?: string; unit?: string; floor?: string; room?: string };
  photos: { sha256: string; name: string; at: string }[];
  reporter?: { name?: string; phone?: string };
}

export type OutboxState =
  | "waiting"
  | "sending"
  | "done"
  /** The hub said no; the person decides what becomes of it. */
  | "refused"
  /** The case had moved on; the person decides whether it is still to be done. */
  | "conflict";

/** Why it was not done. */
export interface Trouble {
  code: string;
  detail: string;
  /** For a conflict: the case's version now, and who did what last. */
  version?: number;
  by?: { who: string; action: string; at: string } | null;
}

export interface OutboxItem {
  /** Also the `Idempotency-Key`: however often it is sent, it is done once. */
  id: string;
  /** Its place in the order. */
  order: number;
  /** Whose it is; nobody else's session ever sends it. */
  user: string;
  made_at: string;
  /** The case, or null for a case that a report before it will open. */
  case: number | null;
  /** The report that opens the case, when `case` is not known yet. */
  report: string | null;
  /** What the case is called, for the list. */
  title: string;
  work: Work;
  state: OutboxState;
  tries: number;
  /** What the hub said last. */
  problem: Trouble | null;
  /** Version of the case after it was done. */
  version_after: number | null;
}

/** At most so many wait: a day of work of one person; beyond it something is wrong and is said. */
export const OUTBOX_MAX = 200;
/** So many that are done stay in the list, so that the person sees what became of them. */
export const DONE_KEPT = 20;

const settled = (item: OutboxItem) => item.state === "done";

/** Items of one lane are done one after the other; another lane does not wait for a refused one. */
function lane(item: OutboxItem): string {
  return item.report !== null ? `report:${item.report}` : `case:${item.case}`;
}

/** The lane of a report itself is the one of what follows from it. */
function laneOf(item: OutboxItem): string {
  return item.work.kind === "report" ? `report:${item.id}` : lane(item);
}

export function inOrder(items: Iterable<OutboxItem>): OutboxItem[] {
  return [...items].sort((a, b) => a.order - b.order);
}

/** The next one to send for this user, or null. Only one is sent at a time. */
export function nextToSend(items: Iterable<OutboxItem>, user: string): OutboxItem | null {
  const held = new Set<string>();
  for (const item of inOrder(items)) {
    if (item.user !== user || settled(item)) continue;
    const mine = laneOf(item);
    if (held.has(mine)) continue;
    if (item.state === "waiting" || item.state === "sending") return item;
    held.add(mine);
  }
  return null;
}

/** Whether something before it in its lane must be settled by the person first. */
export function isHeld(items: Iterable<OutboxItem>, item: OutboxItem): boolean {
  return inOrder(items).some(
    (other) =>
      other.order < item.order &&
      other.user === item.user &&
      laneOf(other) === laneOf(item) &&
      (other.state === "refused" || other.state === "conflict"),
  );
}

/**
 * The version under which an action is sent: the one that the last action of this queue on the case led
 * to, when the person did one on top of the other; else the one that the person saw.
 */
export function versionFor(items: Iterable<OutboxItem>, item: OutboxItem): number {
  if (item.work.kind !== "action") return 0;
  const before = inOrder(items).filter(
    (other) => other.order < item.order && laneOf(other) === laneOf(item) && other.work.kind === "action",
  );
  return Math.max(item.work.version, ...before.map((other) => other.version_after ?? 0));
}

/** What came of one sending. */
export type Sent =
  | { is: "done"; case: Pick<Case, "id" | "version"> | null }
  /** No answer, or an answer that asks for patience: the same again later, under the same key. */
  | { is: "later"; after_s: number | null }
  /** Nobody is signed in: nothing is sent until somebody is. */
  | { is: "signed-out" }
  | { is: "conflict"; current: Case }
  | { is: "refused"; code: string; detail: string };

/** The items that change by an answer. */
export function settle(items: Iterable<OutboxItem>, id: string, sent: Sent): OutboxItem[] {
  const all = [...items];
  const item = all.find((each) => each.id === id);
  if (item === undefined) return [];
  switch (sent.is) {
    case "done": {
      const done: OutboxItem = {
        ...item,
        state: "done",
        problem: null,
        case: sent.case?.id ?? item.case,
        version_after: sent.case?.version ?? null,
      };
      if (item.work.kind !== "report" || sent.case === null) return [done];
      const opened = sent.case.id;
      const waiting = all.filter((each) => each.report === id && each.case === null);
      return [done, ...waiting.map((each) => ({ ...each, case: opened }))];
    }
    case "later":
    case "signed-out":
      return [{ ...item, state: "waiting" }];
    case "conflict":
      return [{ ...item, state: "conflict", problem: conflictOf(sent.current) }];
    case "refused":
      return [{ ...item, state: "refused", problem: { code: sent.code, detail: sent.detail } }];
  }
}

/** Alerts that join or clear are nobody's decision; the last one that is, says who was first. */
function conflictOf(current: Case): Trouble {
  const last = current.transitions.filter((each) => each.action !== "join" && each.action !== "clear").at(-1);
  const by =
    last === undefined
      ? null
      : {
          who: last.actor === "system" ? "" : last.actor_name || last.actor,
          action: last.action,
          at: last.at,
        };
  return { code: "version-conflict", detail: "", version: current.version, by };
}

/** What a page that starts anew makes of what it finds: one that was being sent is sent again. */
export function afterCrash(items: Iterable<OutboxItem>): OutboxItem[] {
  return [...items].filter((each) => each.state === "sending").map((each) => ({ ...each, state: "waiting" }));
}

/** The person wants it all the same: a new key, because the old one has its answer. */
export function again(item: OutboxItem, id: string): OutboxItem {
  const version = item.problem?.version;
  const work = item.work.kind === "action" && version !== undefined ? { ...item.work, version } : item.work;
  return { ...item, id, work, state: "waiting", problem: null };
}

/** Done ones that are no longer shown. */
export function outlived(items: Iterable<OutboxItem>): OutboxItem[] {
  const done = inOrder(items).filter(settled);
  return done.slice(0, Math.max(0, done.length - DONE_KEPT));
}

/** How long to wait before the next try, in seconds: soon at first, a minute at most. */
export function pause(tries: number, after_s: number | null): number {
  return after_s ?? Math.min(60, 2 ** Math.min(tries, 6));
}
