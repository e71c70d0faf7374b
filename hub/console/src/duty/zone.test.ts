import { expect, test } from "vitest";
import type { CaseSummary } from "../data/types";
import { type Line, linesOf } from "../logic/lines";
import { caseOf } from "../logic/sample";
import { NOTHING, type Row, show } from "./zone";

const FLOOD = "flood-1";
const p3 = (id: number, given: Partial<CaseSummary> = {}) => caseOf({ id, severity: "P3", ...given });
const filter = { severities: new Set<never>(), site: null };
const lines = (cases: readonly CaseSummary[]): Line[] => linesOf(cases, filter, () => false);
const keys = (rows: readonly Row[]) => rows.map((row) => row.key);
const ids = (cases: readonly CaseSummary[]) => cases.map((found) => found.id);

function zone() {
  let last = NOTHING;
  return (
    cases: readonly CaseSummary[],
    open: readonly string[],
    still: boolean,
    ended: CaseSummary[] = [],
  ) => {
    const find = (id: number) => [...cases, ...ended].find((found) => found.id === id);
    const given = { wanted: lines(cases), open: new Set(open), append: false, key: "" };
    const { rows, waiting, next } = show(given, last, still, find);
    last = next;
    return { rows, waiting };
  };
}

const members = [p3(2, { flood: 1 }), p3(3, { flood: 1 })];

test("opening a group puts its cases under it, and moves no line above it, even while the list is held", () => {
  const look = zone();
  expect(keys(look([p3(1), ...members, p3(9)], [], false).rows)).toEqual([1, FLOOD, 9]);
  expect(keys(look([p3(1), ...members, p3(9)], [FLOOD], true).rows)).toEqual([1, FLOOD, 2, 3, 9]);
  expect(keys(look([p3(1), ...members, p3(9)], [], true).rows)).toEqual([1, FLOOD, 9]);
});

test("while held, new cases wait: those of a closed group are in its count, those of an open one are not shown", () => {
  const look = zone();
  look([...members], [FLOOD], false);
  const more = [...members, p3(4, { flood: 1 }), p3(5)];
  const open = look(more, [FLOOD], true);
  expect([keys(open.rows), ids(open.waiting)]).toEqual([
    [FLOOD, 2, 3],
    [4, 5],
  ]);
  const closed = look(more, [], true);
  expect([keys(closed.rows), ids(closed.waiting)]).toEqual([[FLOOD], [5]]);
  expect(closed.rows[0]?.group?.cases.length).toBe(3);
  expect(keys(look(more, [FLOOD], false).rows)).toEqual([FLOOD, 2, 3, 4, 5]);
});

test("what ends while the list is held stays where it was, as ended", () => {
  const look = zone();
  look([p3(1), ...members], [FLOOD], false);
  const ended = [caseOf({ id: 1, state: "closed" }), caseOf({ id: 3, state: "closed", flood: 1 })];
  const { rows } = look([p3(2, { flood: 1 })], [FLOOD], true, ended);
  expect(keys(rows)).toEqual([1, FLOOD, 2, 3]);
  expect(rows.map((row) => row.found.state)).toEqual(["closed", "reported", "reported", "closed"]);
  expect(keys(look([p3(2, { flood: 1 })], [FLOOD], false, ended).rows)).toEqual([2]);
});

test("cases that become a group while the list is held stay lines of their own until it is let go", () => {
  const look = zone();
  look([p3(2), p3(3)], [], false);
  expect(keys(look(members, [], true).rows)).toEqual([2, 3]);
  expect(keys(look(members, [], false).rows)).toEqual([FLOOD]);
});
