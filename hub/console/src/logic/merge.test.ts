import { expect, test } from "vitest";
import { applyCase, applyList, ENDED_MAX, NO_CASES } from "./merge";
import { caseOf } from "./sample";

test("a newer version replaces an older one, and an older or equal one changes nothing", () => {
  const once = applyCase(NO_CASES, caseOf({ version: 2, acknowledged_at: "2026-11-22T03:00:30.000Z" }));
  expect(applyCase(once, caseOf({ version: 1 }))).toBe(once);
  expect(applyCase(once, caseOf({ version: 2 }))).toBe(once);
  expect(applyCase(once, caseOf({ version: 3, state: "filed" })).open.get(1)?.state).toBe("filed");
});

test("a closed case leaves the open ones and a late message does not bring it back", () => {
  const closed = applyCase(applyCase(NO_CASES, caseOf()), caseOf({ version: 5, state: "closed" }));
  expect(closed.open.size).toBe(0);
  expect(applyCase(closed, caseOf({ version: 4 })).open.size).toBe(0);
});

test("what happened while the list was loading is not lost, whichever is newer", () => {
  const listed = [
    caseOf({ id: 1, version: 3, acknowledged_at: "2026-11-22T03:00:30.000Z" }),
    caseOf({ id: 2 }),
  ];
  const meanwhile = [
    caseOf({ id: 1, version: 2 }),
    caseOf({ id: 2, version: 2, state: "rejected" }),
    caseOf({ id: 3 }),
  ];
  const merged = applyList(NO_CASES, listed, meanwhile);
  expect([...merged.open.keys()]).toEqual([1, 3]);
  expect(merged.open.get(1)?.version).toBe(3);
});

test("a case that is no longer listed is no longer open", () => {
  const before = applyCase(NO_CASES, caseOf({ id: 7 }));
  expect(applyList(before, [], []).open.size).toBe(0);
});

test("ended cases are remembered up to a limit", () => {
  let cases = NO_CASES;
  for (let id = 1; id <= ENDED_MAX + 5; id++) cases = applyCase(cases, caseOf({ id, state: "closed" }));
  expect(cases.ended.size).toBe(ENDED_MAX);
  expect(cases.ended.has(1)).toBe(false);
});
