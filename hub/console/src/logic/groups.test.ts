import { expect, test } from "vitest";
import type { CaseSummary } from "../data/types";
import { groupsOf } from "./groups";
import { linesOf } from "./lines";
import { caseOf } from "./sample";

const p3 = (id: number, given: Partial<CaseSummary> = {}) => caseOf({ id, severity: "P3", ...given });
const ids = (cases: readonly CaseSummary[]) => cases.map((found) => found.id).sort((a, b) => a - b);
const noFilter = { severities: new Set<never>(), site: null };

test("cases of one flood, one group of alerts or one cause are a group; others stand alone", () => {
  const groups = groupsOf([
    p3(1, { flood: 7 }),
    p3(2, { flood: 7 }),
    p3(3, { group: "fire:a:1" }),
    p3(4, { group: "fire:a:1" }),
    p3(5, { group: "fire:a:2" }),
    p3(6),
    p3(8, { related: [9] }),
    p3(9),
  ]);
  expect(groups.map((group) => [group.cause, ids(group.cases)])).toEqual([
    ["flood", [1, 2]],
    ["group", [3, 4]],
    ["related", [8, 9]],
  ]);
});

test("what is tied by several causes is one group, and a flood names it", () => {
  const [group, ...others] = groupsOf([
    p3(3, { related: [2] }),
    p3(2, { group: "fire:a:1" }),
    p3(1, { group: "fire:a:1", flood: 4 }),
  ]);
  expect(others).toEqual([]);
  expect([group?.key, group?.flood, ids(group?.cases ?? [])]).toEqual(["flood-4", 4, [1, 2, 3]]);
});

test("two cases related to the same closed one belong together", () => {
  expect(groupsOf([p3(5, { related: [1] }), p3(6, { related: [1] })]).map((group) => group.key)).toEqual([
    "case-1",
  ]);
});

test("a group says its worst severity, its P1 and the clock that is up first, whatever came in which order", () => {
  const at = (minute: number) => `2026-11-22T03:0${minute}:00.000Z`;
  const cases = [
    p3(1, { flood: 1, ack_due_at: at(5) }),
    p3(2, { flood: 1, ack_due_at: at(1), acknowledged_at: at(0) }),
    caseOf({ id: 3, severity: "P2", flood: 1, ack_due_at: at(3) }),
    caseOf({ id: 4, severity: "P1", flood: 1, ack_due_at: at(0) }),
  ];
  for (const given of [cases, [...cases].reverse()]) {
    const [group] = groupsOf(given);
    expect([group?.worst, group?.p1, group?.first?.id]).toEqual(["P1", 1, 3]);
    expect(group?.cases[0]?.id).toBe(3);
  }
});

test("one case beside P1 is no group: nothing is gained by hiding it", () => {
  expect(groupsOf([p3(1, { flood: 1 }), caseOf({ id: 2, severity: "P1", flood: 1 })])).toEqual([]);
});

test("every case outside the P1 cards is on exactly one line, and P1 come first in spite of any filter", () => {
  const cases = [
    p3(1, { flood: 1 }),
    p3(2, { flood: 1 }),
    p3(3),
    caseOf({ id: 4, severity: "P1", flood: 1 }),
    caseOf({ id: 5, severity: "P1" }),
    caseOf({ id: 6, severity: "P2" }),
  ];
  const lines = linesOf(cases, noFilter, (found) => found.id === 4);
  expect(lines.map((line) => line.key)).toEqual([5, "flood-1", 6, 3]);
  const only = linesOf(cases, { severities: new Set(["P2" as const]), site: null }, () => false);
  expect(ids(only.map((line) => line.found))).toEqual([4, 5, 6]);
});
