/**
 * Cases that belong together, as the hub tells it: opened in one flood, of one group of alerts (a fire in one
 * building), or related within 72 hours (split off, or raised again after closing). Pure.
 *
 * They become one line of the board. A group is never a place to hide in: its P1 cases stand in the zone of the
 * P1, each by itself, because ISA-18.2 wants the most urgent alarms to be annunciated one by one even while
 * others are held together; and the group's line carries their sign. There is no acknowledging of a whole group:
 * to acknowledge is to say that one has seen this one.
 */
import type { CaseSummary, Severity } from "../data/types";
import { waits } from "./loop";
import { byUrgency } from "./order";

export type Cause = "flood" | "group" | "related";

export interface Group {
  /** The same as long as its cause is the same, over reloads too. */
  key: string;
  cause: Cause;
  /** Number of the flood, where that is the cause. */
  flood: number | null;
  /** Its cases outside the zone of the P1, most urgent first; two at least. */
  cases: CaseSummary[];
  /** How many P1 cases belong to it. */
  p1: number;
  /** The most urgent severity of all of them. */
  worst: Severity;
  /** Of those that nobody has acknowledged: the one whose time is up first. */
  first: CaseSummary | null;
}

/** FNV-1a, 32 bits: keys of groups are kept in the browser, names of places are not. */
function hash(text: string): string {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return (sum >>> 0).toString(36);
}

/** Tokens that are one: each leads to one that stands for all. */
class Union {
  private readonly parents = new Map<string, string>();

  root(token: string): string {
    let root = token;
    for (let next = this.parents.get(root); next !== undefined; next = this.parents.get(root)) root = next;
    // Shortens the way for the next time.
    let at = token;
    while (at !== root) {
      const next = this.parents.get(at) ?? root;
      this.parents.set(at, root);
      at = next;
    }
    return root;
  }

  join(a: string, b: string): void {
    const [one, other] = [this.root(a), this.root(b)];
    if (one === other) return;
    // A flood stands for a group and both for a relation; the smallest of the same kind for its like.
    const [kept, left] =
      rank(one) < rank(other) || (rank(one) === rank(other) && lower(one, other))
        ? [one, other]
        : [other, one];
    this.parents.set(left, kept);
  }
}

const KINDS = ["flood-", "group-", "case-"] as const;
const rank = (token: string) => KINDS.findIndex((kind) => token.startsWith(kind));
const lower = (a: string, b: string) => a.length < b.length || (a.length === b.length && a < b);

const CAUSES: Record<number, Cause> = { 0: "flood", 1: "group", 2: "related" };

function linksOf(found: CaseSummary): string[] {
  const links = (found.related ?? []).map((id) => `case-${id}`);
  if (found.flood) links.push(`flood-${found.flood}`);
  if (found.group) links.push(`group-${hash(found.group)}`);
  return links;
}

function groupOf(key: string, all: readonly CaseSummary[]): Group | null {
  const cases = all.filter((found) => found.severity !== "P1").sort(byUrgency);
  const [worst] = all.map((found) => found.severity).sort();
  if (cases.length < 2 || worst === undefined) return null;
  const waiting = cases.filter(waits);
  const first = waiting.reduce<CaseSummary | null>(
    (least, found) => (least === null || found.ack_due_at < least.ack_due_at ? found : least),
    null,
  );
  const cause = CAUSES[rank(key)] ?? "related";
  return {
    key,
    cause,
    flood: cause === "flood" ? Number(key.slice(KINDS[0].length)) : null,
    cases,
    p1: all.length - cases.length,
    worst,
    first,
  };
}

/** The groups among these cases. What belongs to nothing, or to a single case beside P1, is in none. */
export function groupsOf(cases: readonly CaseSummary[]): Group[] {
  const union = new Union();
  const linked = new Set<number>();
  for (const found of cases) {
    const links = linksOf(found);
    for (const link of links) union.join(`case-${found.id}`, link);
    if (links.length > 0) linked.add(found.id);
    // Of two related cases sometimes only the later one names the other.
    for (const id of found.related ?? []) linked.add(id);
  }
  const members = new Map<string, CaseSummary[]>();
  for (const found of cases) {
    if (!linked.has(found.id)) continue;
    const root = union.root(`case-${found.id}`);
    const held = members.get(root);
    if (held === undefined) members.set(root, [found]);
    else held.push(found);
  }
  return [...members].flatMap(([key, all]) => groupOf(key, all) ?? []);
}
