/**
 * Which P1 has a card in the zone above the list, and which is a row of the list: each is in one of the two, however
 * long either is held still. A case under a group is there beside its card: the group stands for what belongs to it.
 * Pure.
 */
import type { CaseSummary } from "../data/types";
import { type Line, lineOf, linesOf } from "../logic/lines";
import { type Filter, unacknowledgedFirst } from "../logic/order";
import type { Row } from "./zone";

/** More P1 than anybody can look at: those beyond are the first rows of the list, each by itself. */
export const P1_CARDS = 50;

/** The cases that these rows show by themselves: not as a group, and not under one. */
export function alone(rows: readonly Row[]): Set<number> {
  return new Set(rows.filter((row) => row.group === null && row.within === null).map((row) => row.found.id));
}

/** The P1 among these cases, what nobody has acknowledged first. */
export const p1Of = (cases: Iterable<CaseSummary>): CaseSummary[] =>
  [...cases].filter((found) => found.severity === "P1").sort(unacknowledgedFirst);

/**
 * Those that get a card. `held` are the rows of a list that is held still now: a P1 among them stays where it is seen,
 * and gets its card when the list is let go.
 */
export function cardLines(p1: readonly CaseSummary[], held: readonly Row[]): Line[] {
  const there = alone(held);
  const free = p1.filter((found) => !there.has(found.id));
  return free.slice(0, P1_CARDS).map(lineOf);
}

/**
 * The list beside the cards that are drawn: those of a zone that is held stay there although others come before
 * them now.
 */
export function listLines(cases: Iterable<CaseSummary>, filter: Filter, cards: readonly Row[]): Line[] {
  const shown = alone(cards);
  return linesOf(cases, filter, (found) => shown.has(found.id));
}
