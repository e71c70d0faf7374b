import { expect, test } from "vitest";
import type { CaseSummary } from "../data/types";
import { caseOf } from "../logic/sample";
import { cardLines, listLines, P1_CARDS, p1Of } from "./cards";
import { NOTHING, type Row, show } from "./zone";

const filter = { severities: new Set<never>(), site: null };
/** Later numbers are later cases. */
const p1 = (id: number, given: Partial<CaseSummary> = {}) =>
  caseOf({ id, opened_at: new Date(Date.UTC(2026, 10, 22, 3, 0, id)).toISOString(), ...given });
const some = (count: number) => new Map(Array.from({ length: count }, (_, at) => [at + 1, p1(at + 1)]));
const acknowledged = { acknowledged_at: "2026-11-22T04:00:00.000Z" };

/** Both zones of the board as the page draws them; each may be held. */
function board() {
  let [cards, list] = [NOTHING, NOTHING];
  let rows: readonly Row[] = [];
  const ended = new Map<number, CaseSummary>();
  return (cases: ReadonlyMap<number, CaseSummary>, held: { cards?: boolean; list?: boolean } = {}) => {
    for (const [id, found] of cases) ended.set(id, found);
    const find = (id: number) => cases.get(id) ?? ended.get(id);
    const open = new Set<string>();
    const wanted = cardLines(p1Of(cases.values()), held.list ? rows : []);
    const above = show({ wanted, open, append: true, key: "p1" }, cards, held.cards === true, find);
    cards = above.next;
    const beside = listLines(cases.values(), filter, above.rows);
    const below = show({ wanted: beside, open, append: false, key: "" }, list, held.list === true, find);
    list = below.next;
    rows = below.rows;
    const ids = (of: readonly Row[]) => of.map((row) => row.found.id);
    return { cards: ids(above.rows), list: ids(below.rows), waiting: below.waiting.map((found) => found.id) };
  };
}

/** Every case that is open is seen, or waits to be; and none twice. */
function once(
  seen: { cards: number[]; list: number[]; waiting: number[] },
  cases: ReadonlyMap<number, CaseSummary>,
) {
  const all = [...seen.cards, ...seen.list, ...seen.waiting];
  expect(all.filter((id, at) => all.indexOf(id) !== at)).toEqual([]);
  expect([...cases.keys()].filter((id) => !all.includes(id))).toEqual([]);
}

test("a P1 that falls behind while the cards are held keeps its card and gets no row", () => {
  const draw = board();
  const cases = some(P1_CARDS + 10);
  once(draw(cases), cases);
  // Acknowledged, it comes after all that wait; one of those beyond the cards moves up.
  cases.set(1, p1(1, acknowledged));
  const seen = draw(cases, { cards: true });
  once(seen, cases);
  expect(seen.cards).toContain(1);
  expect(seen.cards).toHaveLength(P1_CARDS + 1);
  const after = draw(cases);
  once(after, cases);
  expect([after.cards.includes(1), after.list.includes(1)]).toEqual([false, true]);
});

test("a P1 that moves up while the list is held stays the row that it is, and gets its card afterwards", () => {
  const draw = board();
  const cases = some(P1_CARDS + 10);
  draw(cases);
  cases.delete(1);
  cases.delete(2);
  const seen = draw(cases, { list: true });
  once(seen, cases);
  expect(seen.list.slice(0, 2)).toEqual([P1_CARDS + 1, P1_CARDS + 2]);
  // A new one that nobody has seen yet is no row: it may have the free place.
  cases.set(200, p1(200));
  const next = draw(cases, { list: true });
  once(next, cases);
  expect(next.cards).toContain(200);
  const after = draw(cases);
  once(after, cases);
  expect(after.cards).toHaveLength(P1_CARDS);
  expect(after.cards).toContain(P1_CARDS + 1);
});

test("whatever comes, goes and is held in any order, each P1 is on the board once", () => {
  for (let seed = 1; seed <= 40; seed++) {
    let state = seed * 2_654_435_761;
    const random = (below: number) => {
      state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
      return state % below;
    };
    const draw = board();
    const cases = some(P1_CARDS - 5);
    let last = cases.size;
    for (let step = 0; step < 60; step++) {
      const ids = [...cases.keys()];
      const one = ids[random(ids.length)] ?? 1;
      const what = random(4);
      if (what === 0) cases.delete(one);
      else if (what === 1) cases.set(one, p1(one, acknowledged));
      else for (let n = 0; n < 3; n++) cases.set(++last, p1(last));
      const held = { cards: random(3) > 0, list: random(3) > 0 };
      const seen = draw(cases, held);
      const open = {
        ...seen,
        cards: seen.cards.filter((id) => cases.has(id)),
        list: seen.list.filter((id) => cases.has(id)),
      };
      try {
        once(open, cases);
      } catch (error) {
        throw new Error(`seed ${seed}, step ${step}, held ${JSON.stringify(held)}: ${String(error)}`);
      }
    }
  }
});
