/**
 * Tells people who do not see the screen what has happened: P1 at once and interrupting, the rest
 * politely and gathered, so that a storm does not become a stream of speech.
 */
import { effect, signal } from "@preact/signals";
import { afterCaseEvent, listState, openCases } from "../data/cases";
import type { CaseSummary } from "../data/types";
import { headline, inPlace, said, t } from "../i18n";

export const assertive = signal("");
export const polite = signal("");

const GATHER_MS = 2500;
let gathered = 0;

function gather(): void {
  gathered += 1;
  if (gathered > 1) return;
  setTimeout(() => {
    polite.value = t.value.board.arrived(gathered);
    gathered = 0;
  }, GATHER_MS);
}

/** P1 cases that arrived in this page, with the time, so that they can take the eye for a while. */
export const arrivals = signal<ReadonlyMap<number, number>>(new Map());

function whereabouts(found: CaseSummary): string {
  return [said(found.site.name), inPlace(found.place)].filter((part) => part !== "").join(" ");
}

/** Begins to follow the cases; once per page. */
export function followArrivals(): void {
  let known: Set<number> | null = null;
  effect(() => {
    if (listState.value.is !== "loaded") return;
    const p1 = [...openCases.value.values()].filter((found) => found.severity === "P1");
    const before = known;
    known = new Set(p1.map((found) => found.id));
    if (before === null) return;
    const fresh = p1.filter((found) => !before.has(found.id));
    if (fresh.length === 0) return;
    const time = Date.now();
    arrivals.value = new Map([...arrivals.peek(), ...fresh.map((found) => [found.id, time] as const)]);
    assertive.value = fresh
      .map((found) => t.value.board.arrivedP1(headline(found), whereabouts(found)))
      .join(" ");
  });
  afterCaseEvent(({ change, case: found }) => {
    if (change === "opened" && found.severity !== "P1" && !found.is_drill) gather();
  });
}
