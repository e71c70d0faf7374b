/** Which cases a supervisor must see, and the days of a period. Pure. */
import type { CaseSummary } from "../data/types";

/** Red before yellow, then what is longest over its limit. */
export function withCards(cases: Iterable<CaseSummary>): CaseSummary[] {
  const rank = (found: CaseSummary) => (found.card === "red" ? 0 : 1);
  return [...cases]
    .filter((found) => found.card === "red" || found.card === "yellow")
    .sort((a, b) => rank(a) - rank(b) || byDue(a, b));
}

function byDue(a: CaseSummary, b: CaseSummary): number {
  return (a.due_at ?? "9").localeCompare(b.due_at ?? "9") || a.id - b.id;
}

/** Open cases past their limit, the longest first. A suspended case's limit stands still. */
export function overdue(cases: Iterable<CaseSummary>, nowMs: number): CaseSummary[] {
  return [...cases]
    .filter((found) => found.due_at && found.state !== "suspended" && Date.parse(found.due_at) < nowMs)
    .sort(byDue);
}

const day = (at: Date) =>
  `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;

/** The last `count` local days up to and with today. */
export function lastDays(count: number, nowMs: number): { from: string; to: string } {
  const to = new Date(nowMs);
  const from = new Date(to.getFullYear(), to.getMonth(), to.getDate() - count + 1);
  return { from: day(from), to: day(to) };
}

/** This month up to today. */
export function thisMonth(nowMs: number): { from: string; to: string } {
  const to = new Date(nowMs);
  return { from: day(new Date(to.getFullYear(), to.getMonth(), 1)), to: day(to) };
}

/** The whole month before this one: what the assessment is made of. */
export function lastMonth(nowMs: number): { from: string; to: string } {
  const now = new Date(nowMs);
  return {
    from: day(new Date(now.getFullYear(), now.getMonth() - 1, 1)),
    to: day(new Date(now.getFullYear(), now.getMonth(), 0)),
  };
}
