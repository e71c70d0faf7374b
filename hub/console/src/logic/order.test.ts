import { describe, expect, test } from "vitest";
import { byUrgency, hold, neighbour, passes, unacknowledgedFirst } from "./order";
import { caseOf } from "./sample";

describe("the order of the board", () => {
  test("is by severity, then oldest first", () => {
    const cases = [
      caseOf({ id: 1, severity: "P3", opened_at: "2026-11-22T01:00:00.000Z" }),
      caseOf({ id: 2, severity: "P2", opened_at: "2026-11-22T03:00:00.000Z" }),
      caseOf({ id: 3, severity: "P2", opened_at: "2026-11-22T02:00:00.000Z" }),
      caseOf({ id: 4, severity: "P1", opened_at: "2026-11-22T04:00:00.000Z" }),
    ];
    expect(cases.sort(byUrgency).map((found) => found.id)).toEqual([4, 3, 2, 1]);
  });

  test("puts what nobody has acknowledged first, and real cases before drills", () => {
    const cases = [
      caseOf({ id: 1, acknowledged_at: "2026-11-22T03:00:30.000Z" }),
      caseOf({ id: 2, is_drill: true, opened_at: "2026-11-22T00:00:00.000Z" }),
      caseOf({ id: 3 }),
    ];
    expect(cases.sort(unacknowledgedFirst).map((found) => found.id)).toEqual([3, 2, 1]);
  });

  test("an empty filter lets everything pass, a set one only what it names", () => {
    const found = caseOf({ severity: "P2", site: { id: "a", name: { zh: "", en: "" }, known: true } });
    expect(passes({ severities: new Set(), site: null }, found)).toBe(true);
    expect(passes({ severities: new Set(["P3"]), site: null }, found)).toBe(false);
    expect(passes({ severities: new Set(["P2"]), site: "b" }, found)).toBe(false);
  });
});

describe("a list that is held", () => {
  test("keeps its rows where they are, the ended ones included, and lets new ones wait", () => {
    expect(hold([1, 2, 3], [9, 1, 3], true, false)).toEqual({ shown: [1, 2, 3], waiting: [9] });
  });

  test("adds new ones at the end where they must be seen at once", () => {
    expect(hold([1, 2], [9, 1, 2], true, true)).toEqual({ shown: [1, 2, 9], waiting: [] });
  });

  test("takes the present order when it is let go", () => {
    expect(hold([1, 2, 3], [9, 1, 3], false, false)).toEqual({ shown: [9, 1, 3], waiting: [] });
  });
});

test("the next row stops at the ends and starts at the nearer end", () => {
  expect(neighbour([4, 5, 6], 5, 1)).toBe(6);
  expect(neighbour([4, 5, 6], 6, 1)).toBe(6);
  expect(neighbour([4, 5, 6], null, 1)).toBe(4);
  expect(neighbour([4, 5, 6], null, -1)).toBe(6);
  expect(neighbour([], 5, 1)).toBe(null);
});
